"""Real mosquitto -> link -> decoder -> gate -> journal -> PUBACK, over MQTT 5 and over MQTT 3.1.1."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import mqtt5
import numpy as np
import pytest

from caretaker import wire
from caretaker.adapters.memory.clock import SystemClock
from caretaker.adapters.memory.journal import MemoryJournal
from caretaker.adapters.mqtt import BrokerAddress, open_link
from caretaker.domain.errors import JournalFull
from caretaker.domain.readings import EMPTY, HISTORICAL, QUALITY_BITS, Quality, ReadingBatch
from caretaker.ports import Position
from caretaker.services.gate import Gate
from caretaker.services.readings import Acceptor
from gateway.collectors.mqtt.collector import MqttCollector
from tests.servers import Mosquitto
from tests.small_estate import estate_of

TELE = "caretaker/v1/s1/d1/tele"
STATE = "caretaker/v1/s1/d1/state"

both = pytest.mark.parametrize("version", [5, 3])


class Journal(MemoryJournal):
    """A journal that can be stopped, so that a test can look at what is acknowledged meanwhile."""

    stopped = False

    def append(self, key: str, batch_id: str, payload: bytes, accepted_ns: int) -> Position:
        if self.stopped:
            raise JournalFull("stopped by the test")
        return super().append(key, batch_id, payload, accepted_ns)

    def readings(self) -> ReadingBatch:
        batches = [wire.decode_batch(record.payload) for record in self.read(0, 0, 100_000)]
        if not batches:
            return EMPTY
        return ReadingBatch.of(
            np.concatenate([batch.points for batch in batches]),
            np.concatenate([batch.times for batch in batches]),
            np.concatenate([batch.values for batch in batches]),
            np.concatenate([batch.quality for batch in batches]),
        )

    def values(self) -> list[float]:
        return [float(value) for value in self.readings().values]


class Way:
    """One run of the way in; end it with `kill` to forget everything that is not in the journal or the broker."""

    def __init__(self, port: int, journal: Journal, version: int, client_id: str = "gateway") -> None:
        estate = estate_of({"d1": ["a1"], "d2": ["a2"]})
        clock = SystemClock()
        self.journal = journal
        self.acceptor = Acceptor(journal, Gate(estate.points.values(), 10**18), clock, "test")
        self.acceptor.warm()
        address = BrokerAddress.parse(f"mqtt://127.0.0.1:{port}?version={version}")
        self.link = open_link(address, client_id, clock)
        self.collector = MqttCollector(estate, self.link, self.acceptor, clock)

    async def start(self) -> None:
        self.acceptor.start()
        self.task = asyncio.create_task(self.collector.run())
        await until(lambda: self.link.status().connected_ns is not None)

    async def kill(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await asyncio.to_thread(self.acceptor.stop)


async def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds} s"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(port: int, journal: Journal, version: int) -> AsyncIterator[Way]:
    way = Way(port, journal, version)
    await way.start()
    try:
        yield way
    finally:
        await way.kill()


class Device:
    """A device on a plain socket."""

    def __init__(self, port: int, will: mqtt5.Will | None = None) -> None:
        self._port, self._will = port, will

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(mqtt5.ConnectPacket("device", clean_start=True, keep_alive=60, will=self._will).write())
        await self._reader.read(1000)
        self._packet_id = self._at_ms = 0
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.transport.abort()

    async def send(self, payload: bytes, topic: str = TELE, *, retain: bool = False) -> None:
        """Publish at QoS 1; return when the broker has it."""
        self._packet_id += 1
        packet = mqtt5.PublishPacket(
            topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=self._packet_id, retain=retain
        )
        self._writer.write(packet.write())
        await self._reader.read(1000)

    async def value(self, value: float) -> None:
        """A reading with a time of its own."""
        self._at_ms = max(self._at_ms + 1, time.time_ns() // 1_000_000)
        await self.send(b'{"ts":%d,"v":{"free":%g}}' % (self._at_ms, value))


@both
async def test_a_message_is_acknowledged_only_after_the_journal_has_it(mosquitto: Mosquitto, version: int) -> None:
    journal = Journal()
    async with running(mosquitto.port, journal, version) as way, Device(mosquitto.port) as device:
        journal.stopped = True
        await device.value(1)
        await until(lambda: way.acceptor.status().counters["retries"] > 0)
        before = (way.link.status().counters["messages"], way.link.status().counters["acknowledged"])

        journal.stopped = False
        await until(lambda: way.link.status().counters["acknowledged"] == 1)

    assert before == (1, 0)
    assert journal.values() == [1.0]


@both
async def test_what_was_not_acknowledged_comes_again_after_a_restart(mosquitto: Mosquitto, version: int) -> None:
    journal = Journal()
    async with Device(mosquitto.port) as device:
        async with running(mosquitto.port, journal, version) as way:
            journal.stopped = True
            for number in range(50):
                await device.value(number)
            await until(lambda: way.link.status().counters["messages"] == 50)
        assert journal.values() == [], "nothing was accepted before the restart"
        journal.stopped = False

        async with running(mosquitto.port, journal, version) as way:
            await until(lambda: way.link.status().counters["acknowledged"] == 50)

    assert journal.values() == [float(number) for number in range(50)]


@both
async def test_what_was_journaled_but_not_acknowledged_is_recognised_when_it_comes_again(
    mosquitto: Mosquitto, version: int
) -> None:
    """The window between sync and PUBACK: here the PUBACKs of the first run are thrown away."""
    journal = Journal()
    async with Device(mosquitto.port) as device:
        way = Way(mosquitto.port, journal, version)
        way.link.acknowledge = lambda connection, acks: None  # type: ignore[method-assign]
        await way.start()
        for number in range(20):
            await device.value(number)
        await until(lambda: len(journal.values()) == 20)
        await way.kill()

        async with running(mosquitto.port, journal, version) as way:
            await until(lambda: way.link.status().counters["acknowledged"] == 20)
            duplicates = way.acceptor.status().counters["duplicates"]

    assert duplicates == 20, "the broker did send them again"
    assert journal.values() == [float(number) for number in range(20)]


@both
async def test_messages_sent_while_nobody_listens_wait_in_the_session(mosquitto: Mosquitto, version: int) -> None:
    journal = Journal()
    async with running(mosquitto.port, journal, version):
        pass
    async with Device(mosquitto.port) as device:
        for number in range(200):
            await device.value(number)

    async with running(mosquitto.port, journal, version):
        await until(lambda: len(journal.values()) == 200)

    assert journal.values() == [float(number) for number in range(200)]


@both
async def test_a_broker_that_dies_and_returns_is_used_again(tmp_path: Path, version: int) -> None:
    journal = Journal()
    with Mosquitto(tmp_path, durable=True) as broker:
        async with running(broker.port, journal, version) as way:
            broker.kill9()
            await until(lambda: way.link.status().error is not None)
            broker.start()
            await until(lambda: way.link.status().connected_ns is not None)
            async with Device(broker.port) as device:
                await device.value(7)
                await until(lambda: journal.values() == [7.0])
            counters = way.link.status().counters

    assert counters["lost"] >= 1
    assert counters["connects"] >= 2


@both
async def test_poison_between_two_good_messages_is_kept_aside_acknowledged_and_not_sent_again(
    mosquitto: Mosquitto, version: int
) -> None:
    journal = Journal()
    poison = [
        (TELE, b"{"),
        (TELE, b"\xff"),
        (TELE, b"[" * 70_000),
        ("caretaker/v1/s1/nobody/tele", b"{}"),
        (STATE, b"?"),
    ]
    async with Device(mosquitto.port) as device:
        async with running(mosquitto.port, journal, version) as way:
            await device.value(1)
            for topic, payload in poison:
                await device.send(payload, topic)
            await device.value(2)
            await until(lambda: way.link.status().counters["acknowledged"] == 7)
            refused = dict(way.acceptor.status().refused)
        async with running(mosquitto.port, journal, version) as again:
            await device.value(3)
            await until(lambda: again.link.status().counters["acknowledged"] == 1)

    assert refused == {"bad_json": 1, "not_utf8": 1, "too_large": 1, "unknown_device": 1, "unknown_state": 1}
    assert len(journal.quarantined()) == 5
    assert journal.values() == [1.0, 2.0, 3.0]


@both
async def test_a_retained_reading_is_historical_and_a_replay_of_it_is_not_taken_twice(
    mosquitto: Mosquitto, version: int
) -> None:
    journal = Journal()
    async with Device(mosquitto.port) as device:
        await device.send(b'{"ts":%d,"v":{"free":5}}' % (time.time_ns() // 10**6 - 7_200_000), retain=True)

    for run in range(3):
        async with running(mosquitto.port, journal, version) as way:
            await until(lambda: way.link.status().counters["acknowledged"] == 1)
            assert way.acceptor.status().counters["duplicates"] == (run > 0)

    assert journal.values() == [5.0]
    assert journal.readings().quality[0] & HISTORICAL


@both
async def test_the_last_will_of_a_device_turns_its_points_bad(mosquitto: Mosquitto, version: int) -> None:
    journal = Journal()
    async with running(mosquitto.port, journal, version) as way:
        async with Device(mosquitto.port, will=mqtt5.Will(STATE, payload=b"offline")) as device:
            await device.value(1)
            await until(lambda: len(journal.values()) == 1)
        await until(lambda: len(journal.values()) == 6)
        devices = way.collector.facts(time.time_ns())["devices"]

    assert ((journal.readings().quality & QUALITY_BITS) == Quality.BAD).tolist() == [False] + [True] * 5
    assert isinstance(devices, dict)
    assert devices["d1"]["online"] is False


@both
async def test_draining_acknowledges_what_was_read(mosquitto: Mosquitto, version: int) -> None:
    journal = Journal()
    async with Device(mosquitto.port) as device, running(mosquitto.port, journal, version) as way:
        for number in range(30):
            await device.value(number)
        await way.collector.drain()
        status = way.link.status().counters

    assert status["acknowledged"] == status["messages"]
    assert len(journal.values()) == status["messages"] > 0
