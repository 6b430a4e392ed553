"""The recent readings, in memory: columns that only grow, so that a reader's view of them stays true."""

from __future__ import annotations

import numpy as np

from caretaker.adapters.store_blocks.codec import Columns
from caretaker.domain.readings import ReadingBatch

_FIRST_ROWS = 1 << 14


class Recent:
    """Append-only columns. One writer at a time; `columns()` may be called by anyone under the owner's lock."""

    def __init__(self) -> None:
        self._rows = 0
        self._allocate(_FIRST_ROWS)
        self._texts: dict[int, str] = {}

    def __len__(self) -> int:
        return self._rows

    def _allocate(self, room: int) -> None:
        self._points = np.empty(room, np.uint32)
        self._times = np.empty(room, np.int64)
        self._values = np.empty(room, np.float64)
        self._quality = np.empty(room, np.uint8)

    def append(self, batch: ReadingBatch | Columns) -> None:
        """Copy the rows behind the others."""
        a, b = self._rows, self._rows + len(batch)
        if b > len(self._points):
            old = self.columns()
            self._allocate(max(b, 2 * len(self._points)))
            self._points[:a], self._times[:a] = old.points, old.times
            self._values[:a], self._quality[:a] = old.values, old.quality
        self._points[a:b], self._times[a:b] = batch.points, batch.times
        self._values[a:b], self._quality[a:b] = batch.values, batch.quality
        if batch.texts:
            self._texts.update((a + row, text) for row, text in batch.texts.items())
        self._rows = b

    def columns(self, start: int = 0) -> Columns:
        """The rows from `start` in order of arrival: views, not copies (unsorted, unlike a block's)."""
        n = self._rows
        texts = {row - start: text for row, text in self._texts.items() if row >= start}
        return Columns(
            self._points[start:n], self._times[start:n], self._values[start:n], self._quality[start:n], texts
        )
