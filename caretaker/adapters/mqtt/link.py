"""The MQTT 5 link: a plain asyncio protocol that reads whole chunks and writes its PUBACKs together.

Reading pauses for a few milliseconds after each chunk: the broker writes every message on its own, and coalescing
lets the next read find many (0.15 instead of 0.39 CPU-s per 100,000 messages).
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import mqtt5
import structlog

from caretaker.adapters.mqtt import codec
from caretaker.adapters.mqtt.address import BrokerAddress
from caretaker.domain.retry import gap_s
from caretaker.ports import Clock, LinkStatus, Publishes

log = structlog.get_logger(__name__)

T = TypeVar("T")

COALESCE_S: Final = 0.005
READ: Final = 1 << 18
"""Bytes taken at once."""
BUSY: Final = 100
"""So many messages in one chunk mean that more are coming …"""
BUSY_S: Final = 0.012
"""… and reading rests longer: each wake-up costs as much as a dozen messages. 12 ms are a tenth of what the broker may
send unacknowledged at 40,000 messages a second."""
KEEP_ALIVE_S: Final = 30
"""Never 0: rumqttd refuses it, and a dead peer would go unnoticed."""
HANDSHAKE_S: Final = 10.0
SESSION_EXPIRY_S: Final = 0xFFFFFFFF
"""The broker keeps our queue until we come back, however long that takes."""
RECEIVE_MAX: Final = 5000
STEADY_S: Final = 30.0
"""A connection that held this long makes the next loss start again at the shortest gap."""


class LinkLost(Exception):
    """The connection ended; the message says why."""


class Link:
    """One lasting MQTT 5 session (port `BrokerLink`)."""

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        clock: Clock,
        *,
        coalesce_s: float = COALESCE_S,
        keep_alive_s: int = KEEP_ALIVE_S,
        first_gap_s: float = 0.5,
        handshake_s: float = HANDSHAKE_S,
    ) -> None:
        self.address = address
        self.client_id = client_id
        self.clock = clock
        self.coalesce_s = coalesce_s
        self.keep_alive_s = keep_alive_s
        self._first_gap_s = first_gap_s
        self._handshake_s = handshake_s
        self._connection: _Connection | None = None
        self._number = 0
        self._held = False
        self._connected_ns: int | None = None
        self._error: str | None = "not connected yet"
        self.received_ns: int | None = None
        self.counters = dict.fromkeys(
            ("messages", "bytes", "connects", "lost", "malformed", "acknowledged", "stale_acks"), 0
        )

    async def run(self, filters: Sequence[str], deliver: Callable[[Publishes], None]) -> None:
        """Connect, subscribe, deliver, reconnect for ever; ends by cancellation with a clean DISCONNECT."""
        attempt = 0
        told = False
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._session(filters, deliver, told)
            except (OSError, LinkLost, TimeoutError) as lost:
                steady = self._connected_ns is not None and loop.time() - began >= STEADY_S
                if self._connected_ns is not None or not told:
                    log.warning("mqtt_lost", broker=str(self.address), reason=_words(lost), next="retry with back-off")
                    told = True
                self.counters["lost"] += 1
                self._error = _words(lost)
                self._connected_ns = None
                attempt = 0 if steady else attempt
            wait = gap_s(attempt, random.random(), self._first_gap_s)  # noqa: S311 - jitter, not a secret
            attempt += 1
            await asyncio.sleep(wait)

    def acknowledge(self, connection: int, acks: Sequence[int]) -> None:
        """All PUBACKs in one write; ids of an earlier connection are dropped, its messages will come again."""
        live = self._connection
        if live is None or connection != self._number or live.transport.is_closing():
            self.counters["stale_acks"] += len(acks)
            return
        if acks:
            live.transport.write(codec.pubacks(acks))
            self.counters["acknowledged"] += len(acks)

    def hold(self) -> None:
        """Stop reading."""
        self._held = True
        if self._connection is not None:
            self._connection.pause()

    def release(self) -> None:
        """Read again."""
        self._held = False
        if self._connection is not None:
            self._connection.resume()

    @property
    def held(self) -> bool:
        """Whether reading is stopped by `hold`."""
        return self._held

    def status(self) -> LinkStatus:
        """For health."""
        return LinkStatus(self._connected_ns, self.received_ns, self._error, dict(self.counters))

    async def _session(self, filters: Sequence[str], deliver: Callable[[Publishes], None], told: bool) -> None:
        loop = asyncio.get_running_loop()
        self._number += 1
        live = _Connection(self, self._number, deliver)
        context = ssl.create_default_context() if self.address.tls else None
        self.counters["connects"] += 1
        async with asyncio.timeout(self._handshake_s):
            await loop.create_connection(lambda: live, self.address.host, self.address.port, ssl=context)
        self._connection = live  # at once: a kept session may send before the SUBACK, and its acks must go out
        try:
            async with asyncio.timeout(self._handshake_s):
                session_present = await live.open(filters)
            self._connected_ns = self.clock.now_ns()
            self._error = None
            if self._held:
                live.pause()
            (log.warning if told else log.info)(
                "mqtt_back" if told else "mqtt_connected", broker=str(self.address), session_present=session_present
            )
            await live.serve()
        finally:
            self._connection = None
            live.close()


class _Connection(asyncio.BufferedProtocol):
    """One TCP connection. Every error ends in `lost`, which `open` and `serve` raise.

    Buffered, because for `data_received` asyncio would map and unmap 256 kB at every read.
    """

    transport: asyncio.Transport

    def __init__(self, link: Link, number: int, deliver: Callable[[Publishes], None]) -> None:
        self._link = link
        self._number = number
        self._deliver = deliver
        self._left = b""
        self._buffer = memoryview(bytearray(READ))
        self._loop = asyncio.get_running_loop()
        self._connack: asyncio.Future[mqtt5.ConnAckPacket] = self._loop.create_future()
        self._suback: asyncio.Future[mqtt5.SubAckPacket] = self._loop.create_future()
        self._lost: asyncio.Future[None] = self._loop.create_future()
        self._keep_alive_s = float(link.keep_alive_s)
        self._heard = self._loop.time()
        self._resting: asyncio.TimerHandle | None = None

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - create_connection makes no other
        self.transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(self._buffer[:nbytes])
        link = self._link
        self._heard = self._loop.time()
        link.received_ns = link.clock.now_ns()
        link.counters["bytes"] += len(data)
        frames = codec.split(self._left + data if self._left else data)
        self._left = frames.rest
        for packet in frames.others:
            self._take(packet)
        if frames.topics:
            link.counters["messages"] += len(frames.topics)
            self._deliver(
                Publishes(frames.topics, frames.payloads, frozenset(frames.retained), frames.acks, self._number)
            )
        if frames.error is not None:
            link.counters["malformed"] += 1
            self._fail(f"malformed packet: {frames.error}", mqtt5.DisconnectReasonCode.MALFORMED_PACKET)
        elif link.coalesce_s and self._resting is None and not self._lost.done():
            self.transport.pause_reading()
            rest = link.coalesce_s if len(frames.topics) < BUSY else max(link.coalesce_s, BUSY_S)
            self._resting = self._loop.call_later(rest, self._rested)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(f"connection closed: {exc}" if exc else "the broker closed the connection")

    # ---- for Link

    async def open(self, filters: Sequence[str]) -> bool:
        """CONNECT and SUBSCRIBE; True when the broker still had our session. Raises LinkLost, TimeoutError."""
        address = self._link.address
        self.transport.write(
            mqtt5.ConnectPacket(
                client_id=self._link.client_id,
                username=address.username,
                password=address.password.encode() if address.password is not None else None,
                clean_start=False,
                keep_alive=self._link.keep_alive_s,
                session_expiry_interval=SESSION_EXPIRY_S,
                receive_max=RECEIVE_MAX,
                max_packet_size=codec.MAX_PACKET,
            ).write()
        )
        answer = await self._first(self._connack)
        if answer.reason_code is not mqtt5.ConnAckReasonCode.SUCCESS:
            word = answer.reason_code.name.lower()
            raise LinkLost(f"the broker refuses us: {word}; check user, password and client id")
        if answer.server_keep_alive:
            self._keep_alive_s = float(answer.server_keep_alive)
        wanted = [mqtt5.TopicFilter(pattern, max_qos=mqtt5.QoS.AT_LEAST_ONCE) for pattern in filters]
        self.transport.write(mqtt5.SubscribePacket(1, wanted).write())
        granted = await self._first(self._suback)
        for pattern, code in zip(filters, granted.reason_codes, strict=True):
            if code is not mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE:
                raise LinkLost(f"the broker answers {code.name.lower()} to the subscription {pattern}; check its ACL")
        return answer.session_present

    async def serve(self) -> None:
        """Keep the connection alive until it is lost. Raises LinkLost."""
        while not self._lost.done():
            await asyncio.wait([self._lost], timeout=self._keep_alive_s / 2)
            if self._lost.done():
                break
            if not self._link.held and self._loop.time() - self._heard > 1.5 * self._keep_alive_s:
                self._fail(f"nothing heard for {1.5 * self._keep_alive_s:.0f} s", None)
            else:
                self.transport.write(mqtt5.PingReqPacket().write())
        self._lost.result()

    def pause(self) -> None:
        self.transport.pause_reading()

    def resume(self) -> None:
        if self._resting is None:
            self._heard = self._loop.time()
            self.transport.resume_reading()

    def close(self) -> None:
        """DISCONNECT (the session stays) and close; also after a failure."""
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        if not self.transport.is_closing():
            self.transport.write(mqtt5.DisconnectPacket().write())
            self.transport.close()
        for future in (self._lost, self._connack, self._suback):
            if future.done() and not future.cancelled():
                future.exception()  # read it, so that asyncio does not complain that nobody did
            future.cancel()

    # ---- inside

    def _rested(self) -> None:
        self._resting = None
        if not self._link.held and not self.transport.is_closing():
            self.transport.resume_reading()

    async def _first(self, wanted: asyncio.Future[T]) -> T:
        both: set[asyncio.Future[Any]] = {wanted, self._lost}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not wanted.done():
            self._lost.result()
        return wanted.result()

    def _take(self, packet: mqtt5.Packet) -> None:
        match packet:
            case mqtt5.ConnAckPacket() if not self._connack.done():
                self._connack.set_result(packet)
            case mqtt5.SubAckPacket() if not self._suback.done():
                self._suback.set_result(packet)
            case mqtt5.PingRespPacket():
                pass
            case mqtt5.DisconnectPacket():
                words = packet.reason_str or packet.reason_code.name.lower()
                self._fail(f"the broker disconnects us: {words}", None)
            case _:
                self._link.counters["malformed"] += 1
                self._fail(f"unexpected {type(packet).__name__}", mqtt5.DisconnectReasonCode.PROTOCOL_ERROR)

    def _fail(self, reason: str, code: mqtt5.DisconnectReasonCode | None) -> None:
        if code is not None and not self.transport.is_closing():
            self.transport.write(mqtt5.DisconnectPacket(reason_code=code).write())
        self._end(reason)
        self.transport.close() if code is not None else self.transport.abort()

    def _end(self, reason: str) -> None:
        if not self._lost.done():
            self._lost.set_exception(LinkLost(reason))


def _words(wrong: Exception) -> str:
    return str(wrong) or ("no answer in time" if isinstance(wrong, TimeoutError) else type(wrong).__name__)
