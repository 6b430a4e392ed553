"""The journal: what is in it is acknowledged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

Position = int
"""Where a record lies in its partition: 1, 2, 3 … ; 0 is before the first."""


@dataclass(frozen=True, slots=True)
class Record:
    """One journal record."""

    partition: int
    position: Position
    key: str
    batch_id: str
    accepted_ns: int
    payload: bytes


class Journal(Protocol):
    """The synced, append-only log of accepted readings. What is in it is acknowledged."""

    def append(self, key: str, batch_id: str, payload: bytes, accepted_ns: int) -> Position:
        """Durable on return (synced). A repeated (key, batch_id) returns the first position and writes nothing.

        Raises JournalFull, RecordTooLarge, JournalUnavailable, in bounded time.
        """
        ...

    def read(self, partition: int, after: Position, limit: int = 64) -> Sequence[Record]:
        """Records after a position, in order, never skipping. Raises PositionLost when the next one is gone."""
        ...

    def last(self, partition: int) -> Position:
        """The newest position, 0 when empty."""
        ...

    def first(self, partition: int) -> Position:
        """The oldest position still kept (last + 1 when empty)."""
        ...

    def wait(self, partition: int, after: Position, timeout_s: float) -> bool:
        """Block until something newer than `after` is there; False after the timeout."""
        ...

    def partitions(self) -> Sequence[int]:
        """All partitions; LMDB has one, 0."""
        ...

    def release(self, consumer: str, partition: int, position: Position) -> None:
        """A reader says: I never need anything up to here again. Trimming respects the slowest reader."""
        ...

    def quarantine(self, items: Sequence[Quarantined]) -> None:
        """Keep refused input aside (bounded; the oldest go first, counted)."""
        ...

    def quarantined(self, limit: int = 100) -> Sequence[Quarantined]:
        """The newest first."""
        ...

    def depth(self) -> JournalDepth:
        """For health: records and bytes kept, the declared limits, the slowest reader."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Refused input. `reason` is a stable word (unknown_point, not_finite, …); `excerpt` at most 200 bytes of what came."""

    at_ns: int
    source: str
    reason: str
    detail: str
    excerpt: bytes


@dataclass(frozen=True, slots=True)
class JournalDepth:
    """How full the journal is."""

    first: Position
    last: Position
    bytes: int
    limit_bytes: int
    readers: Mapping[str, Position]
    dropped: int
