"""How far readers have come, what they remember, and that they live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from caretaker.ports.journal import Position


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a named reader has come, and which owner may move it."""

    consumer: str
    partition: int
    epoch: int
    position: Position


class Cursors(Protocol):
    """Positions with epochs (architecture 4b)."""

    def claim(self, consumer: str, partition: int) -> Cursor:
        """Become the owner: epoch + 1; creates the row at position 0."""
        ...

    def advance(self, cursor: Cursor, to: Position) -> Cursor:
        """Move in this transaction. Raises Fenced when another owner has claimed it."""
        ...


class Snapshots(Protocol):
    """The rule engine's state at a position."""

    def save(self, consumer: str, partition: int, position: Position, state: bytes) -> None:
        """Replace the reader's snapshot."""
        ...

    def load(self, consumer: str, partition: int) -> tuple[Position, bytes] | None:
        """The newest snapshot or None."""
        ...


class Parts(Protocol):
    """Heartbeats of the parts (gateway, ingest, rules, api …), so that health works over many processes."""

    def beat(self, part: str, at_ns: int, facts: Mapping[str, object]) -> None:
        """Replace this part's heartbeat. `facts['status']` is ok | degraded | down, with `facts['reason']`."""
        ...

    def all(self) -> Mapping[str, tuple[int, Mapping[str, object]]]:
        """part -> (at_ns, facts)"""
        ...
