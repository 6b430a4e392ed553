"""What is to be told, and the ways to tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from caretaker.domain.notices import Notice


class Outbox(Protocol):
    """Notices committed but not yet sent."""

    def add(self, key: str, event: str, at_ns: int, facts: Mapping[str, object]) -> None:
        """Once per key; a second add of the same key does nothing."""
        ...

    def due(self, now_ns: int, limit: int = 50) -> Sequence[Notice]:
        """Unsent notices whose next try has come: calls for help and incidents first, then the oldest."""
        ...

    def sent(self, notice_id: int, at_ns: int) -> None:
        """Remember that it was told."""
        ...

    def failed(self, notice_id: int, next_ns: int, error: str) -> None:
        """Count the try."""
        ...

    def since(self, after_id: int, limit: int = 500) -> Sequence[Notice]:
        """All notices (sent or not) with a larger id, ascending: the live page's event log (Last-Event-ID)."""
        ...

    def last_id(self) -> int:
        """The newest id, 0 when empty."""
        ...


class Notifier(Protocol):
    """A way to tell people."""

    name: str

    def send(self, notice: Notice) -> None:
        """Send once. Raises Unavailable to be tried again, Refused to give up."""
        ...
