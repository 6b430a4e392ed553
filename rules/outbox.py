"""The sender: tells people what was committed. A failed notice never undoes an alarm."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from typing import Any

import structlog

from caretaker.domain.errors import Refused, Unavailable
from caretaker.domain.notices import Notice
from caretaker.domain.retry import gap_s
from caretaker.ports import Clock, Notifier, Transactions
from caretaker.services import incidents
from caretaker.services.alarms import RESET_REQUESTED
from caretaker.services.rounds import ROUTINE
from rules.trouble import Trouble

SECOND = 1_000_000_000
DEAD_NS = (1 << 63) - 1
"""`next_ns` of a notice that is not tried any more; it stays in the outbox, unsent, for people to see."""
SILENT = frozenset({RESET_REQUESTED, *ROUTINE, *incidents.ROUTINE})
"""Events between processes, or for the live page alone: nobody is told of them."""

_log: Any = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: how often to look, the first and the longest wait of a failed notice, and when to give it up.

    urgent_s   the longest wait of a call for help or an incident: a person waits, not a list
    in_a_row   after so many failures one after another the receiver is taken for away until the next look
    """

    look_s: float = 0.25
    first_s: float = 1.0
    most_s: float = 600.0
    urgent_s: float = 10.0
    give_up_s: float = 3 * 86_400.0
    in_a_row: int = 3
    beat_s: float = 3.0


class Sender:
    """Sends due notices. Repeats carry the same key; notices about one alarm (or order) keep their order."""

    def __init__(
        self, transactions: Transactions, notifier: Notifier, clock: Clock, *, patience: Patience | None = None
    ) -> None:
        self._transactions, self._notifier, self._clock = transactions, notifier, clock
        self._patience = patience or Patience()
        self._sql = Trouble("database of the outbox")
        self._receiver = Trouble(f"notices by {notifier.name}")
        self._beat_ns = 0
        self.sent = 0
        self.dead = 0
        self.waiting = 0

    def run(self, stop: threading.Event) -> None:
        """Send until `stop`."""
        while not stop.is_set():
            try:
                self.round(stop)
                self._beat()
            except Unavailable as away:
                self._sql.failed(away.message)
                self._sql.pause(stop)
                continue
            self._sql.well()
            stop.wait(self._patience.look_s)

    def round(self, stop: threading.Event | None = None) -> int:
        """Send what is due now; returns how many went out. Raises Unavailable when the database is away."""
        now_ns = self._clock.now_ns()
        with self._transactions.begin(write=False) as unit:
            notices = unit.outbox.due(DEAD_NS - 1, limit=500)
        self.waiting = len(notices)
        held: set[str] = set()
        sent = failures = 0
        for notice in notices:
            subject = _subject(notice)
            if subject in held:
                continue
            if notice.next_ns > now_ns:
                held.add(subject)
                continue
            if failures >= self._patience.in_a_row or (stop is not None and stop.is_set()):
                break
            if self._send(notice):
                sent, failures = sent + 1, 0
            else:
                held.add(subject)
                failures += 1
        self.sent += sent
        self.waiting -= sent
        return sent

    def _send(self, notice: Notice) -> bool:
        """Tell, and remember it; True when the notice needs no further try."""
        now_ns = self._clock.now_ns()
        if notice.event not in SILENT:
            try:
                self._notifier.send(notice)
            except Unavailable as away:
                self._receiver.failed(away.message)
                age_s = (now_ns - notice.at_ns) / SECOND
                if age_s < self._patience.give_up_s:
                    self._later(notice, now_ns, away.message)
                    return False
                self._bury(notice, f"given up after {age_s / 86_400:.1f} days: {away.message}")
                return True
            except Refused as refused:
                self._bury(notice, refused.message)
                return True
            self._receiver.well()
        with self._transactions.begin() as unit:
            unit.outbox.sent(notice.id, self._clock.now_ns())
        return True

    def _later(self, notice: Notice, now_ns: int, why: str) -> None:
        chance = secrets.randbelow(1000) / 1000
        most_s = self._patience.urgent_s if "incident" in notice.facts else self._patience.most_s
        gap = gap_s(notice.tries, chance, self._patience.first_s, most_s)
        with self._transactions.begin() as unit:
            unit.outbox.failed(notice.id, now_ns + int(gap * SECOND), why)

    def _bury(self, notice: Notice, why: str) -> None:
        self.dead += 1
        _log.error(
            "notice_not_delivered", key=notice.key, notice_event=notice.event, tries=notice.tries + 1, reason=why
        )
        with self._transactions.begin() as unit:
            unit.outbox.failed(notice.id, DEAD_NS, why)

    def _beat(self) -> None:
        now_ns = self._clock.now_ns()
        if now_ns < self._beat_ns:
            return
        self._beat_ns = now_ns + int(self._patience.beat_s * SECOND)
        reasons = [f"{self.dead} notices could not be delivered"] if self.dead else []
        if self._receiver.reason is not None:
            reasons.append(f"{self._notifier.name}: {self._receiver.reason}")
        facts = {
            "status": "degraded" if reasons else "ok",
            "reason": "; ".join(reasons) or None,
            "notifier": self._notifier.name,
            "sent": self.sent,
            "waiting": self.waiting,
            "dead": self.dead,
        }
        with self._transactions.begin() as unit:
            unit.parts.beat("notices", now_ns, facts)


def _subject(notice: Notice) -> str:
    """What a notice is about: its incident, else its alarm, else its work order, else itself."""
    for name in ("incident", "alarm", "work_order"):
        value = notice.facts.get(name)
        if value is not None:
            return f"{name}:{value}"
    return notice.key
