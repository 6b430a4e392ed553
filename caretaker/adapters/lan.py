"""The addresses of this machine on its own networks. Nothing is sent."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import Final

_SIOCGIFADDR: Final = 0x8915
_ELSEWHERE: Final = ("192.0.2.1", 9)
"""An address of nobody (RFC 5737): asking for the way there names the interface that leads out."""
_NOT_FOR_PHONES: Final = ("docker", "br-", "veth", "virbr", "lo")


def addresses() -> Sequence[str]:
    """IPv4 addresses that other machines may reach, the one of the usual way out first."""
    found = [*_way_out(), *_interfaces()]
    good = (text for text in found if not ipaddress.ip_address(text).is_loopback)
    return tuple(dict.fromkeys(good))


def _way_out() -> Iterator[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
        except OSError:  # no network at all
            return
        yield probe.getsockname()[0]


def _interfaces() -> Iterator[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            if name.startswith(_NOT_FOR_PHONES):
                continue
            try:
                answer = fcntl.ioctl(probe, _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
            except OSError:  # an interface without an IPv4 address
                continue
            yield socket.inet_ntoa(answer[20:24])
