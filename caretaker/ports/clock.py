"""The present."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """The only source of the present."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC; never goes back within a process."""
        ...
