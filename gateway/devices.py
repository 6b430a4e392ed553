"""What each device did lately: the gateway's memory for health and for the page. Not the readings themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

EXCERPT: Final = 200


class DeviceStatus:
    """One device. Written by the collector's thread, read by the heartbeat.

    last_ns      when it last said anything; None = not since this process began
    newest_ns    the newest time any of its readings carries
    online       what its state topic (last will) says; None = it has not said
    payload      the last message as it came
    gaps         messages missing by their sequence numbers
    """

    __slots__ = (
        "error",
        "error_ns",
        "gaps",
        "id",
        "last_ns",
        "messages",
        "newest_ns",
        "online",
        "payload",
        "refused",
        "seq",
    )

    def __init__(self, device: str) -> None:
        self.id = device
        self.messages = 0
        self.refused = 0
        self.gaps = 0
        self.seq: int | None = None
        self.last_ns: int | None = None
        self.newest_ns = 0
        self.online: bool | None = None
        self.error: str | None = None
        self.error_ns: int | None = None
        self.payload = b""

    def count_seq(self, seq: int) -> None:
        """A message with this sequence number came."""
        if self.seq is not None and seq > self.seq + 1:
            self.gaps += seq - self.seq - 1
        self.seq = seq

    def refuse(self, detail: str, at_ns: int) -> None:
        """Something it said was refused."""
        self.refused += 1
        self.error = detail
        self.error_ns = at_ns

    def facts(self, now_ns: int) -> Mapping[str, object]:
        """For the heartbeat: plain JSON."""
        return {
            "age_s": None if self.last_ns is None else round(max(0, now_ns - self.last_ns) / 1e9, 1),
            "messages": self.messages,
            "refused": self.refused,
            "gaps": self.gaps,
            "online": self.online,
            "error": self.error,
            "error_age_s": None if self.error_ns is None else round(max(0, now_ns - self.error_ns) / 1e9, 1),
            "last": self.payload[:EXCERPT].decode("utf-8", "replace"),
        }
