"""The rules process: judges, the sender and the keeper of rounds, each on a thread that is started again when it falls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from caretaker.domain.assets import Estate
from caretaker.domain.errors import Fenced
from caretaker.domain.ladder import Patience
from caretaker.domain.rules.types import Transition
from caretaker.ports import Clock, Cursor, Journal, Notifier, Position, Transactions
from caretaker.services.alarms import respond
from rules.judge import Judge
from rules.ladder import LadderKeeper
from rules.outbox import Sender
from rules.rounds import RoundKeeper
from rules.trouble import Trouble

_log: Any = structlog.get_logger(__name__)


def run(
    journal: Journal,
    transactions: Transactions,
    estate: Estate,
    notifier: Notifier,
    clock: Clock,
    stop: threading.Event,
    patience: Patience | None = None,
) -> None:
    """Judge and tell until `stop`; blocks. Raises Fenced when another process has taken the cursor.

    `patience`: how long a call for help is given before the next people are called.

    Start it before the collectors: what they accept in this run is then judged as new, not as backlog.
    """

    def answer(transitions: Sequence[Transition], cursor: Cursor, to: Position) -> Cursor:
        return respond(transactions, estate, transitions, cursor, to, clock.now_ns())

    def judging(partition: int) -> Callable[[], None]:
        return lambda: Judge(journal, transactions, estate, clock, answer, partition=partition).run(stop)

    fenced: list[Fenced] = []
    works = {f"judge-{partition}": judging(partition) for partition in journal.partitions()}
    works["rounds"] = lambda: RoundKeeper(transactions, estate.site, clock).run(stop)
    works["ladder"] = lambda: LadderKeeper(transactions, estate, clock, patience=patience).run(stop)
    works["sender"] = lambda: Sender(transactions, notifier, clock).run(stop)
    threads = [
        threading.Thread(target=_keep_up, args=(name, work, stop, fenced), name=name) for name, work in works.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if fenced:
        raise fenced[0]


def _keep_up(name: str, work: Callable[[], None], stop: threading.Event, fenced: list[Fenced]) -> None:
    """The outermost loop of a thread: a fault is told with its trace, then the work begins anew from its saved place."""
    trouble = Trouble(name, first_s=1.0, most_s=30.0)
    while not stop.is_set():
        try:
            work()
        except Fenced as taken:
            _log.error("fenced", work=name, reason=taken.message, next="this process stops judging")
            fenced.append(taken)
            stop.set()
        except Exception as fault:  # noqa: BLE001 the outermost loop
            _log.exception("fell", work=name)
            trouble.failed(f"{type(fault).__name__}: {fault}")
            trouble.pause(stop)
