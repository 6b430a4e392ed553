"""Readings as columns: what was said, when, how sure.

The hot path never makes a Python object per reading; it moves a `ReadingBatch`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
U8 = npt.NDArray[np.uint8]


class Quality(IntEnum):
    """May this value be judged? (OPC's three words.) Lowest two bits of the quality column."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2


QUALITY_BITS: Final = 0b11
HISTORICAL: Final = 0b100
"""Flag: read earlier, delivered late; stored and shown, never judged as new (Sparkplug's `historical`)."""
MANUAL: Final = 0b1000
"""Flag: a person read the gauge."""


@dataclass(frozen=True, slots=True)
class ReadingBatch:
    """Many readings as four parallel columns of equal length n, in order of arrival.

    points   uint32   [n]  point id (`domain.assets.Point.id`)
    times    int64    [n]  nanoseconds since 1970-01-01 UTC, the device's own time where it has one
    values   float64  [n]  in the point's declared unit; bool as 0/1, enum as its code, text and *bad* as NaN
    quality  uint8    [n]  `Quality` in the lowest two bits, then the flags HISTORICAL and MANUAL
    texts    row -> text, only for the rows of text points
    """

    points: U32
    times: I64
    values: F64
    quality: U8
    texts: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.points)

    @classmethod
    def of(
        cls,
        points: Iterable[int],
        times: Iterable[int],
        values: Iterable[float],
        quality: Iterable[int],
        texts: Mapping[int, str] | None = None,
    ) -> ReadingBatch:
        """Build from four equally long sequences. Raises ValueError when lengths differ."""
        batch = cls(
            np.asarray(points, np.uint32),
            np.asarray(times, np.int64),
            np.asarray(values, np.float64),
            np.asarray(quality, np.uint8),
            texts or {},
        )
        if not len(batch.points) == len(batch.times) == len(batch.values) == len(batch.quality):
            raise ValueError("the columns of a ReadingBatch must have equal lengths")
        return batch

    def take(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> ReadingBatch:
        """The chosen rows (mask or indices), texts renumbered."""
        texts: dict[int, str] = {}
        if self.texts:
            kept = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
            texts = {new: self.texts[int(old)] for new, old in enumerate(kept) if int(old) in self.texts}
        return ReadingBatch(self.points[rows], self.times[rows], self.values[rows], self.quality[rows], texts)


EMPTY: Final = ReadingBatch.of([], [], [], [])
