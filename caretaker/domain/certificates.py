"""What is decided about the certificate of the building's own https, and what can be wrong with one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from caretaker.domain.errors import ConfigurationError

DAY_NS: Final = 86_400 * 1_000_000_000
CA_DAYS: Final = 3650
LEAF_DAYS: Final = 397
"""Phones refuse server certificates that are valid for longer than 398 days."""
RENEW_DAYS: Final = 30


class BadCertificate(ConfigurationError):
    """A certificate, key or host that cannot be used; `code` says why."""

    def __init__(self, code: str, message: str, **facts: object) -> None:
        super().__init__(message, **facts)
        self.code = f"tls_{code}"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the https door shows.

    hosts        names and addresses it is good for
    fingerprint  SHA-256 of the CA that phones must trust; None when it is one's own and phones know its issuer
    """

    hosts: tuple[str, ...]
    not_before_ns: int
    not_after_ns: int
    fingerprint: str | None

    @property
    def local(self) -> bool:
        """Signed by the CA made here?"""
        return self.fingerprint is not None

    def covers(self, host: str) -> bool:
        """Does a browser accept it for this host?"""
        _, _, parent = host.lower().partition(".")
        return host.lower() in self.hosts or f"*.{parent}" in self.hosts

    def days_left(self, now_ns: int) -> int:
        """Whole days; negative when it has expired."""
        return (self.not_after_ns - now_ns) // DAY_NS

    def due(self, now_ns: int, here: tuple[str, ...]) -> bool:
        """Should it be made anew: soon to expire, or the machine has an address that it does not name?"""
        return self.days_left(now_ns) < RENEW_DAYS or not set(here) <= set(self.hosts)
