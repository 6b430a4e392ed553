"""Only one process may write a file: a lock that ends with the process, and a message that names its owner."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from pathlib import Path

from caretaker.domain.errors import ConfigurationError


def claim(file: Path, what: str) -> int:
    """Become the one writer of `what`; closing the returned descriptor (or dying) gives it back.

    Raises ConfigurationError: another process has it (its number is in the message), or the folder cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as wrong:
        raise cannot_write(file.parent, what, wrong) from wrong
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as wrong:
        owner = os.pread(descriptor, 32, 0).decode("ascii", errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise ConfigurationError(
            f"{file.parent}: process {owner} already writes this {what}; stop it, or choose another folder with --data",
            folder=str(file.parent),
            pid=owner,
        ) from wrong
    with contextlib.suppress(OSError):  # the number is only for the message above; the lock holds without it
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def cannot_write(folder: Path, what: str, wrong: OSError) -> ConfigurationError:
    """The message for a data folder that is read-only, missing, full or not a folder."""
    step = (
        "free some space"
        if wrong.errno == errno.ENOSPC
        else "choose a folder Caretaker may write (CARETAKER_DATA, --data)"
    )
    return ConfigurationError(f"{folder}: the {what} cannot be written ({wrong.strerror}); {step}", folder=str(folder))
