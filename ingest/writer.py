"""Journal -> store: one thread that writes batch after batch and never loses its place.

Its place is what the store has made durable: kept by the store itself where it can, else in SQL under an epoch.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import structlog

from caretaker.domain.errors import BadReading, CaretakerError, JournalFull, PositionLost, Unavailable
from caretaker.domain.readings import EMPTY, ReadingBatch
from caretaker.domain.retry import gap_s
from caretaker.ports import Clock, Cursor, Journal, Position, Quarantined, ReadingStore, Record, Transactions
from caretaker.wire import decode_batch

_log: Any = structlog.get_logger(__name__)

CONSUMER: Final = "ingest"
ROWS: Final = 5000
LINGER_S: Final = 0.25
_SETTLE_S: Final = 1.0
_DRAIN_S: Final = 3.0
_FORGET_S: Final = 3600.0
_FORGET_FIRST_S: Final = 60.0
_DAY_NS: Final = 86_400_000_000_000


class Writer:
    """Writes one partition. `run` belongs to one thread; `facts` may be called from any."""

    def __init__(
        self,
        journal: Journal,
        store: ReadingStore,
        transactions: Transactions,
        clock: Clock,
        *,
        partition: int = 0,
        retention_days: float = 365.0,
        linger_s: float = LINGER_S,
    ) -> None:
        self._journal, self._store, self._transactions, self._clock = journal, store, transactions, clock
        self._partition, self._retention_ns, self._linger = partition, int(retention_days * _DAY_NS), linger_s
        self._cursor: Cursor | None = None
        self._position: Position = 0
        self._trouble: str | None = None
        self._tries = 0
        self._settled_at = 0.0
        self._accepted_ns = 0
        self.stored = self.refused = self.lost = 0

    # ------------------------------------------------------------------ the loop

    def run(self, stop: threading.Event) -> None:
        """Write until `stop`, then what is left for up to 3 s, and flush. Raises Fenced."""
        forget_at = time.monotonic() + _FORGET_FIRST_S
        self._until_done(self._begin, stop)
        while not stop.is_set():
            self._attempt(lambda: self._step(stop, 0.5), stop)
            if time.monotonic() >= forget_at:
                forget_at = time.monotonic() + _FORGET_S
                self._attempt(self._forget, stop)
        self._end()

    def _begin(self) -> None:
        if self._store.keeps_position:
            self._position = self._store.durable_upto()
        else:
            with self._transactions.begin() as unit:
                self._cursor = unit.cursors.claim(CONSUMER, self._partition)
            self._position = self._cursor.position
        if self._position <= self._journal.last(self._partition):
            self._journal.release(CONSUMER, self._partition, self._position)

    def _end(self) -> None:
        until = time.monotonic() + _DRAIN_S
        done = threading.Event()
        done.set()  # nobody waits any more: neither for company nor for the store to come back
        try:
            while time.monotonic() < until and self._position != self._journal.last(self._partition):
                self._step(done, 0.0)
            self._store.flush()
            self._settle(at_once=True)
        except Unavailable as away:
            _log.warning(
                "not all stored at the end", reason=away.message, next="the journal keeps it for the next start"
            )

    def _until_done(self, work: Callable[[], None], stop: threading.Event) -> None:
        while not stop.is_set() and not self._attempt(work, stop):
            pass

    def _attempt(self, work: Callable[[], None], stop: threading.Event) -> bool:
        """Do it; when something is away, say so once and wait, longer each time."""
        try:
            work()
        except (Unavailable, JournalFull) as away:
            self._tries += 1
            if self._trouble is None:
                _log.warning("store away", reason=away.message, position=self._position)
            self._trouble = away.message
            stop.wait(gap_s(self._tries - 1, secrets.randbelow(1000) / 1000, 0.1, 5.0))
            return False
        if self._trouble is not None:
            _log.info("store back", tries=self._tries, position=self._position)
        self._trouble, self._tries = None, 0
        return True

    def _step(self, stop: threading.Event, patience_s: float) -> None:
        if not self._journal.wait(self._partition, self._position, patience_s):
            self._settle()
            return
        records = self._records()
        if sum(len(record.payload) for record in records) < 21 * ROWS and not stop.is_set():
            stop.wait(self._linger)  # a little company: one write for many small records
            records = self._records()
        for some in _grouped(records):
            batch = self._decoded(some)
            upto = some[-1].position
            self._write(batch, upto)
            self._position, self._accepted_ns = upto, some[-1].accepted_ns
            self.stored += len(batch)
        self._settle()

    def _records(self) -> Sequence[Record]:
        try:
            return self._journal.read(self._partition, self._position)
        except PositionLost as gone:
            first = self._journal.first(self._partition)
            lost = max(0, first - 1 - self._position)
            self.lost += lost
            _log.error("journal records lost", reason=gone.message, lost=lost, next=f"going on at {first}")
            self._set_aside("position_lost", gone.message, b"")
            self._position = first - 1
            return []

    def _decoded(self, records: Sequence[Record]) -> ReadingBatch:
        batches: list[ReadingBatch] = []
        for record in records:
            try:
                batches.append(decode_batch(record.payload))
            except ValueError as wrong:
                self._set_aside("unreadable_record", f"record {record.position}: {wrong}", record.payload[:200])
        return _joined(batches)

    # ------------------------------------------------------------------ write

    def _write(self, batch: ReadingBatch, upto: Position) -> None:
        """Write; rows that the store refuses for good are set aside, and the rest goes on. Raises StoreUnavailable."""
        try:
            self._store.write(batch, upto)
        except BadReading as bad:
            rows = bad.facts.get("rows")
            if isinstance(rows, list) and rows:
                self._refuse(batch.take(np.array(rows, np.int64)), bad)
            elif len(batch) <= 1:
                self._refuse(batch, bad)
            else:
                half = np.arange(len(batch)) < len(batch) // 2
                self._write(batch.take(half), self._position)
                self._write(batch.take(~half), upto)

    def _refuse(self, rows: ReadingBatch, bad: BadReading) -> None:
        why = str(bad.facts.get("reason", bad.message))
        now = self._clock.now_ns()
        columns = zip(rows.points.tolist(), rows.times.tolist(), rows.values.tolist(), strict=True)
        self._journal.quarantine(
            [
                Quarantined(now, "store", "store_refused", f"{why} (point {point})", f"{point} {at} {value!r}".encode())
                for point, at, value in columns
            ]
        )
        self.refused += len(rows)
        _log.warning("store refused readings", count=len(rows), reason=why)

    def _set_aside(self, reason: str, detail: str, excerpt: bytes) -> None:
        self._journal.quarantine([Quarantined(self._clock.now_ns(), "journal", reason, detail, excerpt)])

    def _settle(self, *, at_once: bool = False) -> None:
        """Move our place to what is durable, and let the journal trim. In SQL about once a second. Raises Fenced."""
        durable = self._store.durable_upto()
        if durable > self._position:
            return  # the store knows an older journal; what it has of this one is not known before the next flush
        if self._cursor is not None:
            now = time.monotonic()
            if durable in {0, self._cursor.position} or (now - self._settled_at < _SETTLE_S and not at_once):
                return
            with self._transactions.begin() as unit:
                moved = unit.cursors.advance(self._cursor, durable)
            self._cursor, self._settled_at = moved, now
        self._journal.release(CONSUMER, self._partition, durable)

    def _forget(self) -> None:
        before = self._clock.now_ns() - self._retention_ns
        forgotten = self._store.forget(before)
        if forgotten:
            _log.info("old readings forgotten", count=forgotten, before_ns=before)

    # ------------------------------------------------------------------ health

    def facts(self) -> Mapping[str, object]:
        """For the heartbeat. `behind` in records, `behind_s` since the last stored one was accepted."""
        try:
            depth = self._journal.depth()
            behind = max(0, depth.last - self._position)
            journal: Mapping[str, object] = {
                "journal_bytes": depth.bytes,
                "journal_limit_bytes": depth.limit_bytes,
                "journal_dropped": depth.dropped,
            }
        except CaretakerError as away:
            return {"status": "down", "reason": away.message}
        late = (self._clock.now_ns() - self._accepted_ns) / 1e9 if behind and self._accepted_ns else 0.0
        return {
            "status": "degraded" if self._trouble or self.lost else "ok",
            "reason": self._trouble or (f"{self.lost} journal records were lost" if self.lost else None),
            "position": self._position,
            "durable": self._store.durable_upto(),
            "behind": behind,
            "behind_s": round(late, 1),
            "stored": self.stored,
            "refused": self.refused,
            "lost": self.lost,
            **journal,
        }


def _grouped(records: Sequence[Record]) -> list[list[Record]]:
    """Records -> groups of about ROWS readings."""
    groups: list[list[Record]] = []
    size = 21 * ROWS
    for record in records:
        if size >= 21 * ROWS:
            groups.append([])
            size = 0
        groups[-1].append(record)
        size += len(record.payload)
    return groups


def _joined(batches: Sequence[ReadingBatch]) -> ReadingBatch:
    if len(batches) == 1:
        return batches[0]
    if not batches:
        return EMPTY
    texts: dict[int, str] = {}
    at = 0
    for batch in batches:
        if batch.texts:
            texts.update((at + row, text) for row, text in batch.texts.items())
        at += len(batch)
    return ReadingBatch(
        np.concatenate([batch.points for batch in batches]),
        np.concatenate([batch.times for batch in batches]),
        np.concatenate([batch.values for batch in batches]),
        np.concatenate([batch.quality for batch in batches]),
        texts,
    )
