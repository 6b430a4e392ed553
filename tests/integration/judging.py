"""A judge over real files, run as a process of its own so that it can be killed: `python -m tests.integration.judging DIR`."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from caretaker.adapters.journal_lmdb import LmdbJournal
from caretaker.adapters.memory.clock import SystemClock
from caretaker.adapters.notify import LogNotifier
from caretaker.adapters.sql import SqlTransactions
from caretaker.domain.assets import Estate
from rules.main import run
from tests.unit.rules.small import above, rule, small_estate


def estate() -> Estate:
    """Twenty machines with one delayed limit each."""
    return small_estate(rule("hot", above(), on_delay_s=2, off_delay_s=1), points=("p",), assets=20)


def main(folder: Path) -> None:
    """Judge until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    journal = LmdbJournal(folder / "journal", writer=False)
    transactions = SqlTransactions(f"sqlite:///{folder / 'house.db'}")
    run(journal, transactions, estate(), LogNotifier(), SystemClock(), stop)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
