"""Where readings are kept as time series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from caretaker.domain.readings import F64, I64, ReadingBatch
from caretaker.ports.journal import Position


class Aggregate(StrEnum):
    """How down-sampled readings are made; a bucket is [start, start + every)."""

    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Series:
    """Raw readings of one point, ascending by time, one per time."""

    times: I64
    values: F64
    quality: np.ndarray
    texts: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Buckets:
    """Down-sampled readings: only buckets with at least one good or uncertain, finite value. Columns of equal length."""

    starts: I64
    mean: F64
    min: F64
    max: F64
    count: I64


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest reading of a point."""

    point: int
    at_ns: int
    value: float | None
    quality: int
    text: str | None = None


class ReadingStore(Protocol):
    """What the points said, for long. Writes are idempotent by (point, time): the last write of a time wins."""

    @property
    def keeps_position(self) -> bool:
        """Does `durable_upto()` survive a restart of ours? Else who writes keeps its cursor in SQL."""
        ...

    def write(self, batch: ReadingBatch, upto: Position) -> None:
        """Take a batch whose journal position is `upto`. Durable only when `durable_upto()` has reached it.

        Raises StoreUnavailable (resend the same batch later) or BadReading (never resend these rows; the others are in).
        """
        ...

    def durable_upto(self) -> Position:
        """Everything up to this journal position survives a crash of this process and of the store."""
        ...

    def flush(self) -> None:
        """Make everything written durable now. Raises StoreUnavailable."""
        ...

    def latest(self, points: Sequence[int]) -> Sequence[Latest]:
        """The newest reading of each point that has one."""
        ...

    def read(self, point: int, start_ns: int, end_ns: int, limit: int = 100_000) -> Series:
        """Raw readings in [start, end)."""
        ...

    def downsample(self, point: int, start_ns: int, end_ns: int, every_ns: int) -> Buckets:
        """Buckets aligned to multiples of `every_ns` since 1970."""
        ...

    def forget(self, before_ns: int) -> int:
        """Drop readings older than this; returns how many (an estimate where the store cannot tell)."""
        ...

    def ping(self) -> str:
        """A word about the store for health (`blocks 12 MB`, `InfluxDB 1.6.7`). Raises StoreUnavailable."""
        ...

    def close(self) -> None:
        """Flush and release."""
        ...
