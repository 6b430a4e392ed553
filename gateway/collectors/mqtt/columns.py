"""Growing columns: what the decoder writes into, turned into a ReadingBatch once per flush."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import numpy as np

from caretaker.domain.readings import ReadingBatch
from caretaker.ports import Quarantined


class Columns:
    """Readings of many messages. Time is kept once per message and repeated at the end."""

    __slots__ = ("_counts", "_points", "_quality", "_stamps", "_texts", "_values", "refused")

    def __init__(self) -> None:
        self._points = array("I")
        self._values = array("d")
        self._stamps: list[int] = []
        self._counts: list[int] = []
        self._quality: dict[int, int] = {}
        self._texts: dict[int, str] = {}
        self.refused: list[Quarantined] = []

    def __len__(self) -> int:
        return len(self._points)

    def add_message(self, points: array[int], values: Iterable[float], at_ns: int) -> None:
        """All good values of one message; as many as there are points."""
        self._points.extend(points)
        self._values.extend(values)
        self._stamps.append(at_ns)
        self._counts.append(len(points))

    def add(self, point: int, value: float, quality: int, at_ns: int, text: str | None = None) -> None:
        """One reading of any sort."""
        row = len(self._points)
        self._points.append(point)
        self._values.append(value)
        self._stamps.append(at_ns)
        self._counts.append(1)
        if quality:
            self._quality[row] = quality
        if text is not None:
            self._texts[row] = text

    def batch(self) -> ReadingBatch:
        """Everything so far, in order of arrival."""
        quality = np.zeros(len(self._points), np.uint8)
        if self._quality:
            quality[list(self._quality)] = list(self._quality.values())
        stamps = np.array(self._stamps, np.int64)
        times = stamps if len(stamps) == len(self._points) else np.repeat(stamps, _int64(self._counts))
        return ReadingBatch(
            np.array(self._points, np.uint32), times, np.array(self._values, np.float64), quality, self._texts
        )


def _int64(values: Sequence[int]) -> np.ndarray:
    return np.array(values, np.int64)
