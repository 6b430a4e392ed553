"""Secrets that sign stickers and times, and the check of a phone's signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from caretaker.domain.rounds.codes import SiteKey


class SiteKeys(Protocol):
    """The signing keys of a site; they lie outside the database."""

    def keys(self, site: str) -> Sequence[SiteKey]:
        """The one in use first, then retired ones. Makes the first key when there is none."""
        ...

    def rotate(self, site: str, now_ns: int, grace_s: float) -> SiteKey:
        """Retire the key in use (its stickers count for `grace_s` more) and make a new one."""
        ...


class Signatures(Protocol):
    """Checks what a phone signed."""

    def __call__(self, jwk: Mapping[str, str], text: str, signature: str) -> bool:
        """ECDSA P-256 over SHA-256; `signature` is base64url of r and s, 32 bytes each."""
        ...
