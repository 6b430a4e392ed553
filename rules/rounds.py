"""The keeper of rounds: makes them ahead, and lets time pass over them so that nothing is missed unnoticed."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import structlog

from caretaker.domain.assets import Site
from caretaker.domain.errors import NotFound, Refused, Unavailable
from caretaker.ports import Clock, Transactions
from caretaker.services.handovers import tell_unsigned
from caretaker.services.rounds import Patience, alert_silent, make_ahead, pass_time
from caretaker.services.work_requests import forget_contacts
from rules.trouble import Trouble

SECOND = 1_000_000_000
_log: Any = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds: how often time passes, how often rounds are made ahead, how often the keeper says that it lives."""

    pass_s: float = 2.0
    make_s: float = 60.0
    beat_s: float = 3.0


class RoundKeeper:
    """One per site. Two at once do no harm: a round's id follows from its plan and start, a notice has one key."""

    def __init__(
        self,
        transactions: Transactions,
        site: Site,
        clock: Clock,
        *,
        patience: Patience | None = None,
        rhythm: Rhythm | None = None,
    ) -> None:
        self._transactions, self._site, self._clock = transactions, site, clock
        self._patience, self._rhythm = patience or Patience(), rhythm or Rhythm()
        self._sql = Trouble("database of the rounds")
        self._plan = Trouble("plan of rounds")
        self._make_ns = self._beat_ns = 0
        self._unsigned: set[str] = set()
        self._silent: set[str] = set()
        self.made = self.touched = 0

    def run(self, stop: threading.Event) -> None:
        """Keep until `stop`."""
        while not stop.is_set():
            try:
                self.keep()
            except Unavailable as away:
                self._sql.failed(away.message)
                self._sql.pause(stop)
                continue
            self._sql.well()
            stop.wait(self._rhythm.pass_s)

    def keep(self) -> None:
        """Once: make (and forget what was kept long enough), pass, beat. Raises Unavailable when the database is away."""
        now_ns = self._clock.now_ns()
        if now_ns >= self._make_ns:
            try:
                self.made += make_ahead(self._transactions, self._site.id, self._site.zone, now_ns)
                self._plan.well()
            except (Refused, NotFound) as wrong:  # one unusable plan must not hold up the time of all rounds
                self._plan.failed(wrong.message)
            forget_contacts(self._transactions, now_ns)
            self._silent.clear()
            tell_unsigned(self._transactions, self._site.id, self._site.zone, now_ns, self._unsigned)
            self._make_ns = now_ns + round(self._rhythm.make_s * SECOND)
        self.touched += pass_time(self._transactions, self._site.id, now_ns, self._patience)
        alert_silent(self._transactions, self._site.id, now_ns, self._silent)
        if now_ns >= self._beat_ns:
            self._beat_ns = now_ns + round(self._rhythm.beat_s * SECOND)
            facts = {
                "status": "ok" if self._plan.reason is None else "degraded",
                "reason": self._plan.reason,
                "made": self.made,
                "touched": self.touched,
            }
            with self._transactions.begin() as unit:
                unit.parts.beat("rounds", now_ns, facts)
