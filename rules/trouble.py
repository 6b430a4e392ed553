"""Say once when it breaks and once when it is back; count in between."""

from __future__ import annotations

import secrets
import threading
from typing import Any

import structlog

from caretaker.domain.retry import gap_s

_log: Any = structlog.get_logger(__name__)


class Trouble:
    """One thing that may be away. `reason` is None while it is well."""

    def __init__(self, what: str, *, first_s: float = 0.2, most_s: float = 10.0) -> None:
        self._what = what
        self._first_s, self._most_s = first_s, most_s
        self.tries = 0
        self.reason: str | None = None

    def failed(self, why: str) -> None:
        """It broke, or is still broken."""
        self.tries += 1
        if self.reason is None:
            _log.warning("broken", what=self._what, reason=why)
        self.reason = why

    def well(self) -> None:
        """It works."""
        if self.reason is not None:
            _log.info("back", what=self._what, tries=self.tries)
        self.reason, self.tries = None, 0

    def pause(self, stop: threading.Event) -> bool:
        """Wait before the next try; False when there is none because we stop."""
        chance = secrets.randbelow(1000) / 1000
        return not stop.wait(gap_s(max(self.tries - 1, 0), chance, self._first_s, self._most_s))
