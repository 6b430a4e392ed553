"""The ingest process: a writer per partition, and a heartbeat that does not wait for the store."""

from __future__ import annotations

import threading
from typing import Any, Final

import structlog

from caretaker.domain.errors import CaretakerError, Fenced
from caretaker.ports import Clock, Journal, ReadingStore, Transactions
from ingest.writer import Writer

_log: Any = structlog.get_logger(__name__)

PART: Final = "ingest"
BEAT_S: Final = 3.0
_AGAIN_S: Final = 1.0


def run(
    journal: Journal,
    store: ReadingStore,
    transactions: Transactions,
    clock: Clock,
    stop: threading.Event,
    retention_days: float = 365.0,
) -> None:
    """Write until `stop`; blocks. Leaves everything flushed within 5 s. Raises Fenced when another process took over."""
    writers = [
        Writer(journal, store, transactions, clock, partition=partition, retention_days=retention_days)
        for partition in journal.partitions()
    ]
    fenced: list[Fenced] = []
    threads = [
        threading.Thread(target=_keep_up, args=(writer, stop, fenced), name=f"ingest-{number}")
        for number, writer in enumerate(writers)
    ]
    threads.append(
        threading.Thread(target=_beat_for_ever, args=(writers, transactions, clock, stop), name="ingest-beat")
    )
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if fenced:
        raise fenced[0]


def _keep_up(writer: Writer, stop: threading.Event, fenced: list[Fenced]) -> None:
    """The outermost loop of a thread: a fault is told with its trace, then writing begins anew from its saved place."""
    while True:
        try:
            writer.run(stop)
        except Fenced as taken:
            _log.error("fenced", part=PART, reason=taken.message, next="this process stops writing")
            fenced.append(taken)
            stop.set()
        except Exception:  # noqa: BLE001 the outermost loop
            _log.exception("fell", part=PART)
            stop.wait(_AGAIN_S)
        if stop.is_set():
            return


def _beat_for_ever(writers: list[Writer], transactions: Transactions, clock: Clock, stop: threading.Event) -> None:
    told = False
    while True:
        try:
            with transactions.begin() as unit:
                for writer in writers:
                    unit.parts.beat(PART, clock.now_ns(), writer.facts())
            told = False
        except CaretakerError as away:
            if not told:
                _log.warning("no heartbeat", part=PART, reason=away.message)
            told = True
        if stop.wait(BEAT_S):
            return
