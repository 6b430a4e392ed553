"""Files of archived reports."""

from __future__ import annotations

from typing import Protocol


class ReportFiles(Protocol):
    """Files under their own hash, written once."""

    def write(self, sha256: str, kind: str, data: bytes) -> None:
        """Durable on return; the same again changes nothing. Raises Unavailable."""
        ...

    def read(self, sha256: str, kind: str) -> bytes:
        """The file, unproven. Raises NotFound."""
        ...
