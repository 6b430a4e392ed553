"""What was accepted lately: which readings (point, time) have been seen, and with what value.

Built for the common case, a reading newer than all before: that costs one comparison on columns. Only readings that are
not newer are looked up, in sorted arrays.
"""

from __future__ import annotations

from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from caretaker.domain.readings import F64, I64, ReadingBatch

Rows = npt.NDArray[np.int64]

KEEP: Final = 400_000
"""Readings remembered (28 bytes each): far more than a broker may hold unacknowledged (5,000 messages), and 60 s of a
busy site. A repeat that comes later than that is stored over itself and flagged historical, so it does no harm."""
_YOUNG: Final = 16_384


class Seen:
    """Readings by (slot, time); a slot is the row of a point in the gate's columns."""

    def __init__(self, points: int, keep: int = KEEP) -> None:
        self.newest: I64 = np.full(points, np.iinfo(np.int64).min, np.int64)
        self._keep = keep
        self._waiting: list[tuple[Rows, I64, F64]] = []
        self._waiting_rows = 0
        self._runs = [_Run.empty(), _Run.empty(), _Run.empty()]  # young, current, previous

    def add(self, slots: Rows, times: I64, values: F64) -> None:
        """Remember accepted readings."""
        np.maximum.at(self.newest, slots, times)
        self._waiting.append((slots, times, values))
        self._waiting_rows += len(slots)
        if self._waiting_rows >= self._keep // 2:
            self._settle()

    def find(self, slots: Rows, times: I64) -> tuple[npt.NDArray[np.bool_], F64]:
        """For each (slot, time): was it seen, and with what value (NaN where not)."""
        self._settle()
        found = np.zeros(len(slots), np.bool_)
        values = np.full(len(slots), np.nan)
        for run in self._runs:
            run.find(slots, times, found, values)
        return found, values

    def _settle(self) -> None:
        """Waiting rows into the young run; a full young run into the current; a full current becomes the previous."""
        if not self._waiting:
            return
        young, current, previous = self._runs
        columns = [np.concatenate([part[i] for part in self._waiting]) for i in range(3)]
        self._waiting, self._waiting_rows = [], 0
        young = young.merged(_Run.of(columns[0], columns[1], columns[2]))
        if len(young.times) >= _YOUNG:
            current, young = current.merged(young), _Run.empty()
            if len(current.times) >= self._keep // 2:
                previous, current = current, _Run.empty()
        self._runs = [young, current, previous]


class _Run:
    """Readings sorted by time, then slot."""

    __slots__ = ("slots", "times", "values")

    def __init__(self, slots: Rows, times: I64, values: F64) -> None:
        self.slots, self.times, self.values = slots, times, values

    @classmethod
    def empty(cls) -> _Run:
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))

    @classmethod
    def of(cls, slots: Rows, times: I64, values: F64) -> _Run:
        order = np.argsort(_key(slots, times), kind="stable")
        return cls(slots[order], times[order], values[order])

    def merged(self, other: _Run) -> _Run:
        if not len(self.times):
            return other
        return _Run.of(
            np.concatenate([self.slots, other.slots]),
            np.concatenate([self.times, other.times]),
            np.concatenate([self.values, other.values]),
        )

    def find(self, slots: Rows, times: I64, found: npt.NDArray[np.bool_], values: F64) -> None:
        """Set `found` and `values` where this run knows the reading."""
        if not len(self.times):
            return
        keys = _key(self.slots, self.times)
        wanted = _key(slots, times)
        at = np.searchsorted(keys, wanted)
        # different readings may share a key: look on while the key is the same
        while True:
            inside = np.minimum(at, len(keys) - 1)
            same_key = (at < len(keys)) & (keys[inside] == wanted)
            hit = same_key & (self.slots[inside] == slots) & (self.times[inside] == times)
            found |= hit
            values[hit] = self.values[inside[hit]]
            more = same_key & ~hit
            if not more.any():
                return
            at = np.where(more, at + 1, len(keys))


def _key(slots: Rows, times: I64) -> npt.NDArray[np.uint64]:
    """One sortable number of both (Fibonacci hashing of the slot spreads points that report at the same time)."""
    with np.errstate(over="ignore"):
        return times.astype(np.uint64) ^ (slots.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))


def fingerprints(batch: ReadingBatch) -> F64:
    """The values to compare: a text counts by its checksum."""
    if not batch.texts:
        return batch.values
    values = batch.values.copy()
    for row, text in batch.texts.items():
        values[row] = crc32(text.encode())
    return values
