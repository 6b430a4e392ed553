"""Clocks: the system's, and one that a test moves by hand."""

from __future__ import annotations

import threading
import time


class SystemClock:
    """Wall time that never goes back within this process: when the system's clock jumps back, it waits for it."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def now_ns(self) -> int:
        """See `Clock.now_ns`."""
        with self._lock:
            self._last = max(self._last, time.time_ns())
            return self._last


class HandClock:
    """Stands still until it is moved."""

    def __init__(self, now_ns: int = 1_790_000_000_000_000_000) -> None:
        self._now = now_ns

    def now_ns(self) -> int:
        """See `Clock.now_ns`."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass. Raises ValueError for a negative span."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self._now += int(seconds * 1e9)
