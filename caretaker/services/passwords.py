"""Argon2id. Pure computation, so it needs no port; slow on purpose, so it runs in the caller's worker thread, never on
the event loop, and at most two at a time: eight people signing in must not take both cores from the collectors."""

from __future__ import annotations

import secrets
import threading
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""The OWASP minimum for Argon2id (reliability S4)."""
_SLOTS: Final = threading.BoundedSemaphore(2)


def hash_of(secret: str) -> str:
    """The text that is kept: algorithm, costs, salt and hash."""
    with _SLOTS:
        return _HASHER.hash(secret)


def matches(kept: str | None, secret: str) -> bool:
    """Is it the one? `None` (no such account, no password) takes as long and is never."""
    with _SLOTS:
        try:
            _HASHER.verify(kept or _nobody(), secret)
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None


def outdated(kept: str) -> bool:
    """Was it made with other costs than today's?"""
    return _HASHER.check_needs_rehash(kept)


@cache
def _nobody() -> str:
    return _HASHER.hash(secrets.token_urlsafe(32))
