"""Archived reports as files `<folder>/<ab>/<sha256>.pdf`, for reading only. What they say is proven by the audit trail."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path
from typing import Final

from caretaker.adapters.durable import make_folder, sync_folder
from caretaker.domain.errors import NotFound, Unavailable

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_KIND: Final = re.compile(r"[a-z]{1,8}")


class ReportFolder:
    """`ports.reports.ReportFiles`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, sha256: str, kind: str, data: bytes) -> None:
        """Beside it first, then renamed: a name never stands for half a file."""
        path = self._path(sha256, kind)
        if path.exists():
            return
        beside = path.with_suffix(f".{threading.get_ident()}.new")
        try:
            make_folder(path.parent, 0o700)
            beside.unlink(missing_ok=True)
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            sync_folder(path.parent)
        except OSError as wrong:
            raise Unavailable(f"the report cannot be written: {wrong.strerror}") from wrong

    def read(self, sha256: str, kind: str) -> bytes:
        """The file."""
        try:
            return self._path(sha256, kind).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"there is no file of the report {sha256[:12]}", report=sha256) from None

    def _path(self, sha256: str, kind: str) -> Path:
        if not _DIGEST.fullmatch(sha256) or not _KIND.fullmatch(kind):
            raise NotFound("a report is named by 64 hex digits")
        return self._folder / sha256[:2] / f"{sha256}.{kind}"
