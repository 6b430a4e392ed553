"""The ReadingStore port on SQLite blocks.

The journal is this store's write-ahead log: recent readings live in memory, and a flush writes them as blocks together
with the journal position they reach, in one transaction. What a crash takes is read from the journal again.

One process: readings still in memory are seen only by the threads of the process that writes.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from caretaker.adapters.one_writer import claim
from caretaker.adapters.store_blocks import codec, query
from caretaker.adapters.store_blocks.codec import HOUR_NS, Block, Columns
from caretaker.adapters.store_blocks.database import Database
from caretaker.adapters.store_blocks.memory import Recent
from caretaker.domain.errors import StoreUnavailable
from caretaker.domain.readings import ReadingBatch
from caretaker.ports import Buckets, Latest, Position, Series

_SMALL_ROWS: Final = 64
"""A piece below this joins the newest block of its point and hour, so that slow points do not make crumbs …"""
_JOINED_ROWS: Final = 512
"""… but never a block above this: joining again and again would cost the square."""
_JOINED_ONCE: Final = 50_000
"""Readings taken out of old blocks by one flush, at most: a flush stays short and small in memory."""
_UPTO: Final = "upto"


class BlockStore:
    """See `caretaker.ports.ReadingStore`. Safe from many threads of one process.

    memory_readings  a flush happens when so many readings are in memory (each takes 21 bytes, a flush three times that)
    flush_s          … or this long after the last one
    """

    keeps_position: Final = True

    def __init__(self, folder: Path, *, memory_readings: int = 500_000, flush_s: float = 600.0) -> None:
        self._limit, self._flush_s = memory_readings, flush_s
        self._lock, self._flush_lock = threading.Lock(), threading.Lock()
        self._owner = claim(folder / "readings.pid", "reading store")
        try:
            self._database = Database(folder / "readings.db")
            with self._database.reading() as connection:
                found = connection.execute("SELECT value FROM fact WHERE name=?", (_UPTO,)).fetchone()
                rows = connection.execute("SELECT point, at_ns, value, quality, text FROM latest").fetchall()
        except BaseException:
            os.close(self._owner)
            raise
        self._written = self._durable = int(found[0]) if found else 0
        self._latest = {row[0]: Latest(*row) for row in rows}
        self._recent, self._noted = Recent(), 0
        self._flushing: Recent | None = None
        self._flushed_at = time.monotonic()
        self._closed = False

    # ------------------------------------------------------------------ write

    def write(self, batch: ReadingBatch, upto: Position) -> None:
        """See `ReadingStore.write`. Takes nothing (StoreUnavailable) while memory is full and the disk refuses."""
        self._usable()
        if len(self._recent) + len(batch) > self._limit or time.monotonic() - self._flushed_at > self._flush_s:
            self.flush()
        with self._lock:
            self._recent.append(batch)
            self._written = upto

    def durable_upto(self) -> Position:
        """See `ReadingStore.durable_upto`."""
        return self._durable

    def flush(self) -> None:
        """See `ReadingStore.flush`. When it fails the readings stay in memory and the position does not move."""
        self._usable()
        with self._flush_lock:
            with self._lock:
                taken, upto, noted = self._recent, self._written, self._noted
                if not len(taken) and upto == self._durable:
                    return
                self._flushing, self._recent, self._noted = taken, Recent(), 0
            raw = taken.columns()
            columns = codec.ordered(raw.points, raw.times, raw.values, raw.quality, raw.texts)
            try:
                self._store(columns, upto)
            except StoreUnavailable:
                with self._lock:
                    taken.append(self._recent.columns())
                    self._recent, self._noted, self._flushing = taken, noted, None
                raise
            with self._lock:
                self._note(columns)
                self._flushing, self._durable = None, upto
                self._flushed_at = time.monotonic()

    def _store(self, columns: Columns, upto: Position) -> None:
        with self._database.writing("write blocks") as connection:
            parts: dict[tuple[int, int], int] = {}
            old: list[Columns] = []
            room = _JOINED_ONCE
            for point, hour, rows in query.groups(columns):
                found = connection.execute(
                    "SELECT part, rows FROM block WHERE point=? AND hour=? ORDER BY part DESC LIMIT 1", (point, hour)
                ).fetchone()
                if found is None:
                    continue
                part, before = found
                parts[point, hour] = part + 1
                if rows < _SMALL_ROWS and before <= min(room, _JOINED_ROWS - rows):
                    data = connection.execute(
                        "SELECT data FROM block WHERE point=? AND hour=? AND part=?", (point, hour, part)
                    ).fetchone()[0]
                    with contextlib.suppress(ValueError):  # a damaged block is left alone; whoever reads it is told
                        old.append(codec.decode(point, hour, data))
                        parts[point, hour] = part
                        room -= before
            joined = query.joined([*old, columns]) if old else columns
            connection.executemany(
                "INSERT OR REPLACE INTO block VALUES(?,?,?,?,?,?,?,?,?,?,?)",
                (_row(block, parts.get((block.point, block.hour), 0)) for block in codec.blocks(joined)),
            )
            connection.executemany(
                "INSERT INTO latest VALUES(?,?,?,?,?) ON CONFLICT(point) DO UPDATE SET at_ns=excluded.at_ns, "
                "value=excluded.value, quality=excluded.quality, text=excluded.text WHERE excluded.at_ns>=latest.at_ns",
                ((one.point, one.at_ns, one.value, one.quality, one.text) for one in query.newest(columns)),
            )
            connection.execute("INSERT OR REPLACE INTO fact VALUES(?,?)", (_UPTO, upto))

    # ------------------------------------------------------------------ read

    def latest(self, points: Sequence[int]) -> Sequence[Latest]:
        """See `ReadingStore.latest`."""
        self._usable()
        with self._lock:
            if self._noted < len(self._recent):
                raw = self._recent.columns(self._noted)
                self._note(codec.ordered(raw.points, raw.times, raw.values, raw.quality, raw.texts))
                self._noted = len(self._recent)
            if self._flushing is not None:
                raw = self._flushing.columns()
                self._note(codec.ordered(raw.points, raw.times, raw.values, raw.quality, raw.texts), newer=False)
            return [self._latest[point] for point in points if point in self._latest]

    def _note(self, columns: Columns, *, newer: bool = True) -> None:
        for one in query.newest(columns):
            known = self._latest.get(one.point)
            if known is None or one.at_ns > known.at_ns or (newer and one.at_ns == known.at_ns):
                self._latest[one.point] = one

    def _memory(self, point: int, start_ns: int, end_ns: int) -> list[Columns]:
        with self._lock:
            held = [recent.columns() for recent in (self._flushing, self._recent) if recent is not None]
        return [part for columns in held if len(part := query.chosen(columns, point, start_ns, end_ns))]

    def read(self, point: int, start_ns: int, end_ns: int, limit: int = 100_000) -> Series:
        """See `ReadingStore.read`."""
        self._usable()
        memory = self._memory(point, start_ns, end_ns)
        with self._database.reading() as connection:
            columns = query.raw(connection, point, start_ns, end_ns, limit, memory)
        return Series(columns.times, columns.values, columns.quality, columns.texts)

    def downsample(self, point: int, start_ns: int, end_ns: int, every_ns: int) -> Buckets:
        """See `ReadingStore.downsample`. Raises ValueError when `every_ns` is not positive."""
        if every_ns <= 0:
            raise ValueError("a bucket is at least one nanosecond wide")
        self._usable()
        memory = self._memory(point, start_ns, end_ns)
        with self._database.reading() as connection:
            return query.downsampled(connection, point, start_ns, end_ns, every_ns, memory)

    # ------------------------------------------------------------------ care

    def forget(self, before_ns: int) -> int:
        """See `ReadingStore.forget`. Whole hours go; one point at a time, so that writing is never held up for long."""
        self._usable()
        hour, forgotten = before_ns // HOUR_NS, 0
        with self._database.reading() as connection:
            points = [row[0] for row in connection.execute("SELECT point FROM latest")]
        for point in points:
            with self._database.reading() as connection:
                rows = connection.execute(
                    "SELECT total(rows) FROM block WHERE point=? AND hour<?", (point, hour)
                ).fetchone()[0]
            if rows:
                with self._database.writing("forget old readings") as connection:
                    connection.execute("DELETE FROM block WHERE point=? AND hour<?", (point, hour))
                forgotten += int(rows)
        return forgotten

    def ping(self) -> str:
        """See `ReadingStore.ping`."""
        self._usable()
        with self._database.reading() as connection:
            connection.execute("SELECT 1 FROM fact").fetchone()
        return f"blocks {self._database.size() / 1e6:.1f} MB"

    def close(self) -> None:
        """See `ReadingStore.close`. Releases the file also when the last flush fails."""
        if self._closed:
            return
        try:
            self.flush()
        finally:
            self._closed = True
            self._database.close()
            os.close(self._owner)

    def _usable(self) -> None:
        if self._closed:
            raise StoreUnavailable("the reading store is closed")


def _row(block: Block, part: int) -> tuple[int | float | bytes, ...]:
    return (
        block.point,
        block.hour,
        part,
        block.rows,
        block.first_ns,
        block.last_ns,
        block.judged,
        block.min if math.isfinite(block.min) else 0.0,
        block.max if math.isfinite(block.max) else 0.0,
        block.sum,
        block.data,
    )
