"""The keeper of the call ladder: while nobody takes an urgent incident, the next people are called."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from caretaker.domain.assets import Estate
from caretaker.domain.errors import Unavailable
from caretaker.domain.ladder import Patience
from caretaker.ports import Clock, Transactions
from caretaker.services.incidents import call_on, forget_people
from rules.trouble import Trouble

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds: how often time passes, how often the keeper says that it lives, how often it forgets who was involved."""

    pass_s: float = 1.0
    beat_s: float = 3.0
    forget_s: float = 3600.0


class LadderKeeper:
    """One per site; what it knows lies in the incidents, so a restart goes on where it was. Two at once do no harm: the
    count of calls decides whose call it is."""

    def __init__(
        self,
        transactions: Transactions,
        estate: Estate,
        clock: Clock,
        *,
        patience: Patience | None = None,
        rhythm: Rhythm | None = None,
    ) -> None:
        self._transactions, self._estate, self._clock = transactions, estate, clock
        self._patience, self._rhythm = patience or Patience(), rhythm or Rhythm()
        self._sql = Trouble("database of the call ladder")
        self._beat_ns = self._forget_ns = 0
        self.called = 0

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
        """Once: call who is due, forget whose time is over, beat. Raises Unavailable when the database is away."""
        now_ns = self._clock.now_ns()
        self.called += call_on(self._transactions, self._estate, now_ns, self._patience)
        if now_ns >= self._forget_ns:
            self._forget_ns = now_ns + round(self._rhythm.forget_s * SECOND)
            forget_people(self._transactions, now_ns)
        if now_ns >= self._beat_ns:
            self._beat_ns = now_ns + round(self._rhythm.beat_s * SECOND)
            with self._transactions.begin() as unit:
                unit.parts.beat("ladder", now_ns, {"status": "ok", "called": self.called})
