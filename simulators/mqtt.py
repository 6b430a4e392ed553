"""MQTT devices: a connection each with a last will, QoS 1, a bounded queue while the broker is away."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import aiomqtt
import structlog

QUEUE: Final = 300
"""Messages kept while the broker is away (five minutes at one a second); then the oldest go, counted."""
_BACK_OFF_S: Final = (0.5, 15.0)
_log = structlog.get_logger("simulators.mqtt")


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker listens."""

    host: str
    port: int


class Speaker:
    """One device on the broker. `say` never blocks; `run` sends for ever; sent messages are told to `sent`."""

    def __init__(self, broker: Broker, client_id: str, state_topic: str, rng: random.Random) -> None:
        self.dropped = 0
        self.published = 0
        self.connected = False
        self._broker = broker
        self._client_id = client_id
        self._state = state_topic
        self._rng = rng
        self._queue: deque[tuple[str, bytes, Callable[[], None]]] = deque()
        self._wake = asyncio.Event()

    def say(self, topic: str, payload: bytes, on_sent: Callable[[], None]) -> None:
        """Queue one message; `on_sent` is called just before it is given to the socket."""
        if len(self._queue) >= QUEUE:
            self._queue.popleft()
            self.dropped += 1
        self._queue.append((topic, payload, on_sent))
        self._wake.set()

    async def run(self) -> None:
        """Connect, send, connect again; ends by cancellation only."""
        wait, broken = _BACK_OFF_S[0], False
        while True:
            try:
                async with aiomqtt.Client(
                    self._broker.host,
                    self._broker.port,
                    identifier=self._client_id,
                    will=aiomqtt.Will(self._state, b"offline", 1, retain=True),
                    keepalive=30,
                    timeout=2.0,
                ) as client:
                    await client.publish(self._state, b"online", 1, retain=True)
                    _end_if_told()
                    if broken:
                        _log.info("broker is back", device=self._client_id, dropped=self.dropped)
                    wait, broken, self.connected = _BACK_OFF_S[0], False, True
                    try:
                        await self._send(client)
                    except asyncio.CancelledError:
                        await client.publish(self._state, b"offline", 1, retain=True, timeout=0.5)
                        raise
            except aiomqtt.MqttError as wrong:
                _end_if_told()
                if not broken:
                    _log.warning(
                        "broker is away",
                        device=self._client_id,
                        broker=self._broker.host,
                        port=self._broker.port,
                        why=str(wrong),
                    )
                broken = True
            finally:
                self.connected = False
            await asyncio.sleep(wait * self._rng.uniform(0.5, 1.0))
            wait = min(wait * 2.0, _BACK_OFF_S[1])

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            while self._queue:
                topic, payload, on_sent = self._queue[0]
                on_sent()
                await client.publish(topic, payload, 1, timeout=10.0)
                _end_if_told()
                self.published += 1
                if self._queue and self._queue[0][1] is payload:
                    self._queue.popleft()
            self._wake.clear()
            await self._wake.wait()


class Listener:
    """Takes orders from one topic: each message goes to `order`, what it returns goes to the topic's `/answer`."""

    def __init__(self, broker: Broker, client_id: str, topic: str, order: Callable[[bytes], bytes]) -> None:
        self._broker = broker
        self._client_id = client_id
        self._topic = topic
        self._order = order

    async def run(self) -> None:
        """Listen for ever; ends by cancellation only."""
        wait = _BACK_OFF_S[0]
        while True:
            try:
                async with aiomqtt.Client(
                    self._broker.host, self._broker.port, identifier=self._client_id, keepalive=30, timeout=2.0
                ) as client:
                    await client.subscribe(self._topic, 1)
                    wait = _BACK_OFF_S[0]
                    async for message in client.messages:
                        await client.publish(f"{self._topic}/answer", self._order(message.payload), 1)
                        _end_if_told()
            except aiomqtt.MqttError:
                _end_if_told()
                wait = min(wait * 2.0, _BACK_OFF_S[1])  # the devices' speakers already say that the broker is away
            await asyncio.sleep(wait)


def _end_if_told() -> None:
    """What swallows a cancellation must not: a broker's error on the way out (a farewell that cannot be sent), and
    Python 3.11's wait_for, inside aiomqtt, when the answer comes in the very moment of the cancellation."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
