"""How often people who are not signed in may look and report: buckets by address and by place, of bounded memory."""

from __future__ import annotations

import asyncio
import ipaddress
import threading
from typing import Final

from api.errors import Problem

MOST_KEYS: Final = 10_000


class Buckets:
    """A bucket for each key: `burst` at once, then one every `every_s`.

    At most `most` keys are remembered; when all of them are busy, the one nearest to being forgotten anyway goes first.
    """

    def __init__(self, burst: int, every_s: float, code: str, most: int = MOST_KEYS) -> None:
        self._burst, self._every_ns, self._code, self._most = burst, round(every_s * 1e9), code, most
        self._full_at: dict[str, int] = {}
        self._lock = threading.Lock()

    def take(self, key: str, now_ns: int) -> None:
        """Count one. Raises Problem 429 with `retry_after_s`."""
        with self._lock:
            full_at = max(self._full_at.get(key, 0), now_ns)
            over_ns = full_at - now_ns - (self._burst - 1) * self._every_ns
            if over_ns > 0:
                raise Problem(429, self._code, retry_after_s=max(1, -(-over_ns // 1_000_000_000)))
            if key not in self._full_at and len(self._full_at) >= self._most:
                self._make_room(now_ns)
            self._full_at[key] = full_at + self._every_ns

    def give_back(self, key: str) -> None:
        """It was not one after all."""
        with self._lock:
            if key in self._full_at:
                self._full_at[key] -= self._every_ns

    def _make_room(self, now_ns: int) -> None:
        self._full_at = {key: at for key, at in self._full_at.items() if at > now_ns}
        while len(self._full_at) >= self._most:
            del self._full_at[min(self._full_at, key=self._full_at.__getitem__)]

    def __len__(self) -> int:
        return len(self._full_at)


class PublicLimits:
    """The limits of the public door. A place takes more than an address: many people stand before one broken lift, and
    a whole office may come from one address."""

    def __init__(self) -> None:
        self.decoding = asyncio.Semaphore(1)
        """Of strangers' pictures one at a time: 3 MB can unpack to 50 million pixels."""
        self.looks = Buckets(120, 0.5, "too_many")
        self.displays = Buckets(30, 2.0, "too_many")
        """Wrong secrets of display links; what is right is given back."""
        self._by_address = Buckets(6, 60.0, "too_many_reports")
        self._by_place = Buckets(20, 30.0, "too_many_reports")

    def report(self, address: str, place: str, now_ns: int) -> None:
        """Count a report. The address first: one sender must not use up what a place takes from all others."""
        self._by_address.take(address, now_ns)
        try:
            self._by_place.take(place, now_ns)
        except Problem:
            self._by_address.give_back(address)
            raise


def sender(address: str) -> str:
    """Who counts as one sender: an IPv4 address, or the 64 bits of IPv6 that a household is given."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
