"""A lasting connection to an MQTT broker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Publishes:
    """The messages of one read from a broker, in order of arrival.

    topics, payloads   parallel, as the bytes that came; a topic may be anything, also not UTF-8
    retained           rows that the broker replayed from its memory
    acks               packet ids that wait for `BrokerLink.acknowledge`, in order (QoS 1 only)
    connection         the connection they came on; packet ids mean nothing on another one
    """

    topics: Sequence[bytes]
    payloads: Sequence[bytes]
    retained: frozenset[int]
    acks: Sequence[int]
    connection: int


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """A broker connection for health. Trust the ages, not `connected` (reliability M32).

    connected_ns, received_ns   since when connected; when the last byte came; None = never or not now
    error                       why it is not connected, None when it is
    counters                    messages, bytes, connects, lost, malformed, acknowledged, stale_acks
    """

    connected_ns: int | None
    received_ns: int | None
    error: str | None
    counters: Mapping[str, int]


class BrokerLink(Protocol):
    """A lasting MQTT session that subscribes at QoS 1 and acknowledges only what it is told to."""

    async def run(self, filters: Sequence[str], deliver: Callable[[Publishes], None]) -> None:
        """Connect, subscribe, deliver in the event loop's thread, reconnect for ever; ends by cancellation."""
        ...

    def acknowledge(self, connection: int, acks: Sequence[int]) -> None:
        """Send all PUBACKs in one write; nothing when that connection is gone (the broker will redeliver)."""
        ...

    def hold(self) -> None:
        """Stop reading from the broker (the journal cannot take more); keep the connection."""
        ...

    def release(self) -> None:
        """Read again."""
        ...

    def status(self) -> LinkStatus:
        """For health."""
        ...
