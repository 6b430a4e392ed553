"""What protects the audit trail and lies outside the database: the key, and the newest row we remember."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import structlog

from caretaker.domain.audit import Head
from caretaker.domain.errors import ConfigurationError

_log = structlog.get_logger(__name__)


class Seal(Protocol):
    """Key and head."""

    def key(self) -> bytes:
        """32 bytes."""
        ...

    def head(self) -> Head | None:
        """The newest row remembered; None when none was."""
        ...

    def remember(self, head: Head) -> None:
        """Move the head forward, never back."""
        ...


class MemorySeal:
    """Lives as long as this object: for databases that nobody will look at later."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._head: Head | None = None
        self._lock = threading.Lock()

    def key(self) -> bytes:
        """The key."""
        return self._key

    def head(self) -> Head | None:
        """The head."""
        return self._head

    def remember(self, head: Head) -> None:
        """Forward only."""
        with self._lock:
            if self._head is None or head.id > self._head.id:
                self._head = head


class FileSeal:
    """`audit.key` and `audit.head` in a folder (0700, files 0600). Made at first use; every process of a house uses the
    same folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key: bytes | None = None
        self._complained = False

    def key(self) -> bytes:
        """The key, made when there is none. Raises ConfigurationError."""
        if self._key is None:
            try:
                self._key = self._read_key() or self._make_key()
            except OSError as wrong:
                raise ConfigurationError(f"the audit key in {self._folder}: {wrong.strerror}") from wrong
        return self._key

    def _read_key(self) -> bytes | None:
        path = self._folder / "audit.key"
        try:
            text = path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as wrong:
            raise ConfigurationError(f"{path} holds no key: expected 64 hexadecimal digits") from wrong
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) != 32:
            raise ConfigurationError(f"{path} holds no key: expected 64 hexadecimal digits; restore it from the backup")
        return key

    def _make_key(self) -> bytes:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / "audit.key"
        draft = self._write_draft("audit.key", secrets.token_hex(32))
        # a second process may have been faster: its key wins, ours is thrown away
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
        _sync(self._folder)
        return self._read_key() or b""

    def head(self) -> Head | None:
        """What the head file says. Raises ConfigurationError when it is no head."""
        path = self._folder / "audit.head"
        try:
            number, _, mac = path.read_text(encoding="ascii").strip().partition(" ")
            return Head(int(number), mac)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as wrong:
            raise ConfigurationError(f"{path} cannot be read as an audit head ({wrong})") from wrong

    def remember(self, head: Head) -> None:
        """Replace the head file unless it is newer. A full disk is told once: the row itself is safe in the database."""
        try:
            with self._alone():
                old = self.head()
                if old is None or head.id > old.id:
                    draft = self._write_draft("audit.head", f"{head.id} {head.mac}")
                    draft.replace(self._folder / "audit.head")
                    _sync(self._folder)
        except OSError as wrong:
            if not self._complained:
                _log.error("audit_head_not_written", folder=str(self._folder), reason=wrong.strerror)
            self._complained = True
        else:
            if self._complained:
                _log.info("audit_head_written_again")
            self._complained = False

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        lock = os.open(self._folder / "audit.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write_draft(self, name: str, text: str) -> Path:
        draft = self._folder / f".{name}.{os.getpid()}.{threading.get_ident()}"
        draft.unlink(missing_ok=True)
        file = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, f"{text}\n".encode())
            os.fsync(file)
        finally:
            os.close(file)
        return draft


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
