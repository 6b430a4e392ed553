"""One of several workers that answer the same breach at the same moment: `python -m tests.reliability.racer URL NAME`.

Reads one line a round (its own `at_ns`), answers by the real service (when NAME begins with `careless`: only after it looked
whether somebody did already), writes `done` or the error.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable

from sqlalchemy.exc import MultipleResultsFound

from caretaker.adapters.sql import SqlTransactions
from caretaker.domain.assets import Estate
from caretaker.domain.errors import CaretakerError, DatabaseUnavailable
from caretaker.domain.rules.types import Change, Evidence, RuleRef, Transition
from caretaker.services.alarms import respond
from tests.unit.rules.small import above, rule, small_estate

ROUNDS = 200
MS = 1_000_000
T0 = 1_790_000_000_000 * MS


def estate() -> Estate:
    """One machine a round."""
    return small_estate(rule("hot", above()), points=("p",), assets=ROUNDS)


def breach(round_: int, at_ns: int) -> Transition:
    """The limit was passed on the round's machine."""
    evidence = Evidence(round_ + 1, "p", at_ns, 90.0, 0, 80.0)
    return Transition(RuleRef(f"a{round_ + 1}", "hot"), Change.RAISED, at_ns, at_ns, at_ns, (evidence,))


class Worker:
    """Has a database connection and a cursor of its own, so that only the tables' constraints bring order."""

    def __init__(self, url: str, name: str) -> None:
        self.transactions = SqlTransactions(url, owner=name.endswith("0"))
        self._estate = estate()
        with self.transactions.begin() as unit:
            self._cursor = unit.cursors.claim(name, 0)
        self.answer: Callable[[int, int], None] = self.careless if name.startswith("careless") else self.careful

    def careful(self, round_: int, at_ns: int) -> None:
        """As the rules process does, and as patiently."""
        end = time.monotonic() + 20
        while True:
            try:
                self._cursor = respond(
                    self.transactions,
                    self._estate,
                    [breach(round_, at_ns)],
                    self._cursor,
                    self._cursor.position + 1,
                    at_ns,
                )
            except DatabaseUnavailable:
                if time.monotonic() > end:
                    raise
            else:
                return

    def careless(self, round_: int, at_ns: int) -> None:
        """Wrong on purpose: look first, and act if nothing is there. Only harmful where no index stands behind it."""
        with self.transactions.begin(write=False) as unit:
            known = unit.alarms.list(active=True, asset=f"a{round_ + 1}")
        if known:
            return
        # the third to act finds two unfinished orders where the product relies on one: the harm is done
        with contextlib.suppress(MultipleResultsFound):
            self.careful(round_, at_ns)


def main(url: str, name: str) -> None:
    """Answer round after round."""
    worker = Worker(url, name)
    print("ready", flush=True)
    for round_, line in enumerate(sys.stdin):
        try:
            worker.answer(round_, int(line))
        except CaretakerError as wrong:
            print(f"{type(wrong).__name__}: {wrong}".replace("\n", " "), flush=True)
        else:
            print("done", flush=True)
    worker.transactions.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
