"""The same link for brokers that speak only MQTT 3.1.1: paho-mqtt with manual acknowledgement on a thread of its own.

paho's own loop dies when a callback raises and goes on saying "connected" (reliability M32); so we turn its loop
ourselves, and its callbacks only collect.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import select
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from caretaker.adapters.mqtt.address import BrokerAddress
from caretaker.domain.retry import gap_s
from caretaker.ports import Clock, LinkStatus, Publishes

log = structlog.get_logger(__name__)

KEEP_ALIVE_S: Final = 30
TURN_S: Final = 0.2
HANDSHAKE_S: Final = 10.0
CHUNK: Final = 500
STEADY_S: Final = 30.0


class Link311:
    """One lasting MQTT 3.1.1 session (port `BrokerLink`)."""

    def __init__(self, address: BrokerAddress, client_id: str, clock: Clock, *, first_gap_s: float = 0.5) -> None:
        self.address = address
        self.client_id = client_id
        self.clock = clock
        self._first_gap_s = first_gap_s
        self._number = 0
        self._client: paho.Client | None = None
        self._sending = threading.Lock()
        self._stop = threading.Event()
        self._held = threading.Event()
        self._waiting: list[paho.MQTTMessage] = []
        self._subscribed = False
        self._refused: str | None = None
        self._connected_ns: int | None = None
        self._received_ns: int | None = None
        self._error: str | None = "not connected yet"
        self._counters = dict.fromkeys(
            ("messages", "bytes", "connects", "lost", "malformed", "acknowledged", "stale_acks"), 0
        )

    async def run(self, filters: Sequence[str], deliver: Callable[[Publishes], None]) -> None:
        """As `BrokerLink.run`."""
        loop = asyncio.get_running_loop()
        self._stop.clear()
        turning = loop.run_in_executor(None, self._turn_for_ever, list(filters), loop, deliver)
        try:
            await asyncio.shield(turning)
        finally:
            self._stop.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([turning])

    def acknowledge(self, connection: int, acks: Sequence[int]) -> None:
        """PUBACK each, only for the connection they came on."""
        with self._sending:
            if connection != self._number or self._client is None:
                self._counters["stale_acks"] += len(acks)
                return
            for packet_id in acks:
                self._client.ack(packet_id, 1)
            self._counters["acknowledged"] += len(acks)

    def hold(self) -> None:
        """Stop reading."""
        self._held.set()

    def release(self) -> None:
        """Read again."""
        self._held.clear()

    def status(self) -> LinkStatus:
        """For health."""
        return LinkStatus(self._connected_ns, self._received_ns, self._error, dict(self._counters))

    # ---- on the thread

    def _turn_for_ever(
        self, filters: list[str], loop: asyncio.AbstractEventLoop, deliver: Callable[[Publishes], None]
    ) -> None:
        attempt = 0
        told = False
        while not self._stop.is_set():
            began = self.clock.now_ns()
            try:
                reason = self._session(filters, loop, deliver, told)
            except (OSError, ValueError) as wrong:
                reason = str(wrong) or type(wrong).__name__
            was_connected = self._connected_ns is not None
            with self._sending:
                self._connected_ns = None
                self._client = None
            if self._stop.is_set():
                return
            if was_connected or not told:
                log.warning("mqtt_lost", broker=str(self.address), reason=reason, next="retrying with back-off")
                told = True
            self._counters["lost"] += 1
            self._error = reason
            steady = was_connected and self.clock.now_ns() - began >= STEADY_S * 1e9
            attempt = 0 if steady else attempt
            wait = gap_s(attempt, random.random(), self._first_gap_s)  # noqa: S311 - jitter, not a secret
            attempt += 1
            self._stop.wait(wait)

    def _session(
        self, filters: list[str], loop: asyncio.AbstractEventLoop, deliver: Callable[[Publishes], None], told: bool
    ) -> str:
        """One connection until it ends; the words why."""
        client = self._new_client(filters)
        self._waiting, self._subscribed, self._refused = [], False, None
        with self._sending:
            self._number += 1
            self._client = client
        number = self._number
        self._counters["connects"] += 1
        client.connect(self.address.host, self.address.port, keepalive=KEEP_ALIVE_S)
        began = self.clock.now_ns()
        while not self._stop.is_set():
            if self._held.is_set():
                code = client.loop_misc()
                if client.want_write():
                    code = client.loop_write() or code
                self._stop.wait(TURN_S / 4)
            else:
                code = client.loop(TURN_S)
                for _ in range(CHUNK):  # what is already in the socket, as one chunk
                    if code != MQTTErrorCode.MQTT_ERR_SUCCESS or not self._waiting or not _readable(client):
                        break
                    code = client.loop_read()
            self._hand_over(number, loop, deliver)
            if refused := self._refusal():
                return refused
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return paho.error_string(code)
            if self._subscribed and self._connected_ns is None:
                self._connected_ns, self._error = self.clock.now_ns(), None
                (log.warning if told else log.info)("mqtt_back" if told else "mqtt_connected", broker=str(self.address))
            if not self._subscribed and self.clock.now_ns() - began > HANDSHAKE_S * 1e9:
                return "no answer to CONNECT or SUBSCRIBE in time"
        client.disconnect()
        client.loop_write()
        return "stopped"

    def _refusal(self) -> str | None:
        return self._refused

    def _new_client(self, filters: list[str]) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.client_id,
            clean_session=False,
            protocol=paho.MQTTv311,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        if self.address.username is not None:
            client.username_pw_set(self.address.username, self.address.password)
        if self.address.tls:
            client.tls_set()

        def connected(_client: paho.Client, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
            if code.is_failure:
                self._refused = f"the broker refuses us: {code}; check user, password and client id"
            else:
                client.subscribe([(pattern, 1) for pattern in filters])

        def subscribed(_client: paho.Client, _data: Any, _mid: int, codes: Any, _properties: Any) -> None:
            for pattern, code in zip(filters, codes, strict=False):
                if code.is_failure:
                    self._refused = f"the broker answers {code} to the subscription {pattern}; check its ACL"
            self._subscribed = True

        def came(_client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
            self._waiting.append(message)

        client.on_connect = connected
        client.on_subscribe = subscribed
        client.on_message = came
        return client

    def _hand_over(self, number: int, loop: asyncio.AbstractEventLoop, deliver: Callable[[Publishes], None]) -> None:
        if not self._waiting:
            return
        came, self._waiting = self._waiting, []
        chunk = Publishes(
            topics=[_topic(message) for message in came],
            payloads=[bytes(message.payload) for message in came],
            retained=frozenset(row for row, message in enumerate(came) if message.retain),
            acks=[message.mid for message in came if message.qos],
            connection=number,
        )
        self._received_ns = self.clock.now_ns()
        self._counters["messages"] += len(came)
        self._counters["bytes"] += sum(map(len, chunk.payloads))
        loop.call_soon_threadsafe(deliver, chunk)


def _readable(client: paho.Client) -> bool:
    sock = client.socket()
    return sock is not None and bool(select.select([sock], [], [], 0)[0])


def _topic(message: paho.MQTTMessage) -> bytes:
    try:
        return message.topic.encode()
    except UnicodeDecodeError:
        return bytes(message._topic)  # noqa: SLF001 - the property raises where the bytes are not UTF-8
