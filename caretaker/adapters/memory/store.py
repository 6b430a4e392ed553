"""The ReadingStore port in memory, in the plainest way: for tests, and to hold the others to."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Final

import numpy as np

from caretaker.domain.errors import StoreUnavailable
from caretaker.domain.readings import QUALITY_BITS, Quality, ReadingBatch
from caretaker.ports import Buckets, Latest, Position, Series

_Reading = tuple[float, int, str | None]


class MemoryStore:
    """See `caretaker.ports.ReadingStore`. Everything written is at once as durable as it will ever be."""

    keeps_position: Final = False

    def __init__(self) -> None:
        self._points: dict[int, dict[int, _Reading]] = {}
        self._upto = 0
        self._lock = threading.Lock()
        self._closed = False

    def write(self, batch: ReadingBatch, upto: Position) -> None:
        """See `ReadingStore.write`."""
        self._usable()
        columns = (batch.points.tolist(), batch.times.tolist(), batch.values.tolist(), batch.quality.tolist())
        with self._lock:
            for row, (point, at, value, quality) in enumerate(zip(*columns, strict=True)):
                self._points.setdefault(point, {})[at] = (value, quality, batch.texts.get(row))
            self._upto = upto

    def durable_upto(self) -> Position:
        """See `ReadingStore.durable_upto`."""
        return self._upto

    def flush(self) -> None:
        """Nothing waits."""
        self._usable()

    def latest(self, points: Sequence[int]) -> Sequence[Latest]:
        """See `ReadingStore.latest`."""
        self._usable()
        with self._lock:
            found: list[Latest] = []
            for point in points:
                if readings := self._points.get(point):
                    at = max(readings)
                    value, quality, text = readings[at]
                    found.append(Latest(point, at, None if math.isnan(value) else value, quality, text))
            return found

    def _range(self, point: int, start_ns: int, end_ns: int) -> list[tuple[int, _Reading]]:
        with self._lock:
            return sorted((at, one) for at, one in self._points.get(point, {}).items() if start_ns <= at < end_ns)

    def read(self, point: int, start_ns: int, end_ns: int, limit: int = 100_000) -> Series:
        """See `ReadingStore.read`."""
        self._usable()
        found = self._range(point, start_ns, end_ns)[:limit]
        return Series(
            np.array([at for at, _ in found], np.int64),
            np.array([value for _, (value, _, _) in found], np.float64),
            np.array([quality for _, (_, quality, _) in found], np.uint8),
            {row: text for row, (_, (_, _, text)) in enumerate(found) if text is not None},
        )

    def downsample(self, point: int, start_ns: int, end_ns: int, every_ns: int) -> Buckets:
        """See `ReadingStore.downsample`. Raises ValueError when `every_ns` is not positive."""
        if every_ns <= 0:
            raise ValueError("a bucket is at least one nanosecond wide")
        self._usable()
        buckets: dict[int, list[float]] = {}
        for at, (value, quality, _) in self._range(point, start_ns, end_ns):
            if math.isfinite(value) and quality & QUALITY_BITS != Quality.BAD:
                buckets.setdefault(at // every_ns * every_ns, []).append(value)
        starts = sorted(buckets)
        return Buckets(
            np.array(starts, np.int64),
            np.array([sum(buckets[start]) / len(buckets[start]) for start in starts], np.float64),
            np.array([min(buckets[start]) for start in starts], np.float64),
            np.array([max(buckets[start]) for start in starts], np.float64),
            np.array([len(buckets[start]) for start in starts], np.int64),
        )

    def forget(self, before_ns: int) -> int:
        """See `ReadingStore.forget`."""
        self._usable()
        forgotten = 0
        with self._lock:
            for readings in self._points.values():
                old = [at for at in readings if at < before_ns]
                for at in old:
                    del readings[at]
                forgotten += len(old)
        return forgotten

    def ping(self) -> str:
        """See `ReadingStore.ping`."""
        self._usable()
        return f"memory {sum(map(len, self._points.values()))} readings"

    def close(self) -> None:
        """See `ReadingStore.close`."""
        self._closed = True

    def _usable(self) -> None:
        if self._closed:
            raise StoreUnavailable("the reading store is closed")
