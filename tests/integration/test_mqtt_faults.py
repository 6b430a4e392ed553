"""A broker that misbehaves: the link drops the connection, waits longer each time, and never dies."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import mqtt5
import pytest
import structlog

from caretaker.adapters.memory.clock import SystemClock
from caretaker.adapters.mqtt import BrokerAddress, Link, codec
from caretaker.domain.errors import ConfigurationError
from caretaker.ports import Publishes
from tests.integration.test_mqtt_way_in import until

HOST = "127.0.0.1"
CONNACK = mqtt5.ConnAckPacket().write()
SUBACK = mqtt5.SubAckPacket(1, [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE]).write()


def publish(payload: bytes, packet_id: int) -> bytes:
    return mqtt5.PublishPacket("t", payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=packet_id).write()


class LyingBroker:
    """Answers each packet of the client with what `script` gives: (connection number, packet) -> bytes or None = close."""

    def __init__(self, script: Callable[[int, mqtt5.Packet], bytes | None]) -> None:
        self.script = script
        self.connected: list[float] = []
        self.packets: list[tuple[int, mqtt5.Packet]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected.append(time.monotonic())
        number = len(self.connected)
        data = b""
        try:
            while came := await reader.read(65536):
                data += came
                while data:
                    try:
                        packet, used = mqtt5.read(memoryview(data))
                    except IndexError:  # the rest has not come yet
                        break
                    data = data[used:]
                    self.packets.append((number, packet))
                    answer = self.script(number, packet)
                    if answer is None:
                        return
                    writer.write(answer)
        except ConnectionError:
            pass  # the link went away, as it may
        finally:
            writer.close()

    def of(self, kind: type) -> list[int]:
        return [number for number, packet in self.packets if isinstance(packet, kind)]


@asynccontextmanager
async def broken_by(
    script: Callable[[int, mqtt5.Packet], bytes | None], **options: float
) -> AsyncIterator[tuple[LyingBroker, Link, list[Publishes]]]:
    broker = LyingBroker(script)
    server = await asyncio.start_server(broker.serve, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    came: list[Publishes] = []
    settings = {"first_gap_s": 0.01, "handshake_s": 0.2, **options}
    link = Link(BrokerAddress(HOST, port), "c", SystemClock(), **settings)  # type: ignore[arg-type]
    task = asyncio.create_task(link.run(["t"], came.append))
    try:
        yield broker, link, came
    finally:
        assert not task.done(), "the link never ends by itself"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.02)  # so that the broker sees the end
        server.close()


def honest(number: int, packet: mqtt5.Packet) -> bytes | None:
    match packet:
        case mqtt5.ConnectPacket():
            return CONNACK
        case mqtt5.SubscribePacket():
            return SUBACK
        case mqtt5.PingReqPacket():
            return mqtt5.PingRespPacket().write()
        case _:
            return b""


async def test_connect_asks_for_a_lasting_session_and_at_most_qos_1() -> None:
    async with broken_by(honest) as (broker, link, _):
        await until(lambda: link.status().connected_ns is not None)

    connect, subscribe = broker.packets[0][1], broker.packets[1][1]
    assert isinstance(connect, mqtt5.ConnectPacket)
    assert isinstance(subscribe, mqtt5.SubscribePacket)
    assert (connect.client_id, connect.clean_start, connect.session_expiry_interval) == ("c", False, 0xFFFFFFFF)
    assert connect.keep_alive > 0
    assert connect.max_packet_size == codec.MAX_PACKET
    assert subscribe.topic_filters[0].max_qos is mqtt5.QoS.AT_LEAST_ONCE
    assert broker.of(mqtt5.DisconnectPacket), "it says goodbye when it is stopped"


@pytest.mark.serial
async def test_gaps_between_tries_grow_and_differ() -> None:
    async with broken_by(lambda number, packet: None, first_gap_s=0.05) as (broker, _, _):
        await until(lambda: len(broker.connected) >= 6)
    gaps = [after - before for before, after in pairwise(broker.connected)]

    assert all(later > earlier for earlier, later in pairwise(gaps)), gaps
    assert all(0.75 * 0.05 * 2**i <= gap <= 0.05 * 2**i + 0.15 for i, gap in enumerate(gaps)), gaps


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (b"", "no answer in time"),
        (mqtt5.ConnAckPacket(reason_code=mqtt5.ConnAckReasonCode.NOT_AUTHORIZED).write(), "not_authorized"),
        (CONNACK + mqtt5.SubAckPacket(1, [mqtt5.SubAckReasonCode.NOT_AUTHORIZED]).write(), "check its ACL"),
        (CONNACK + mqtt5.SubAckPacket(1, [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_MOST_ONCE]).write(), "at_most_once"),
        (CONNACK + mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SERVER_BUSY).write(), "server_busy"),
        (base64.b64decode("IAIABQ=="), "malformed"),
        (b"\x00\x00", "malformed"),
        (b"\xf0\x00" * 2, "unexpected|malformed"),
        (b"\x32\xff\xff\xff\xff\x7f", "malformed"),
        (b"\x32\xff\xff\xff\x7f", "malformed"),
    ],
)
async def test_a_refusal_or_nonsense_is_named_and_tried_again(answers: bytes, words: str) -> None:
    def script(number: int, packet: mqtt5.Packet) -> bytes | None:
        return answers if isinstance(packet, mqtt5.ConnectPacket) and number < 3 else honest(number, packet)

    with structlog.testing.capture_logs() as logs:
        async with broken_by(script) as (_, link, _):
            await until(lambda: link.status().connected_ns is not None)

    lost = [entry for entry in logs if entry["event"] == "mqtt_lost"]
    assert len(lost) == 1, "once when it breaks"
    assert any(word in lost[0]["reason"] for word in words.split("|")), lost
    assert [entry["event"] for entry in logs].count("mqtt_back") == 1, "once when it is back"
    assert link.status().counters["lost"] == 2


async def test_good_messages_before_a_malformed_packet_count_and_can_still_be_acknowledged_only_on_their_connection() -> (
    None
):
    def script(number: int, packet: mqtt5.Packet) -> bytes | None:
        if isinstance(packet, mqtt5.SubscribePacket):
            return SUBACK + publish(b"%d" % number, number) + (b"\x36\x00" if number == 1 else b"")
        return honest(number, packet)

    async with broken_by(script) as (broker, link, came):
        await until(lambda: len(came) == 2)
        link.acknowledge(came[0].connection, came[0].acks)
        link.acknowledge(came[1].connection, came[1].acks)
        await until(lambda: bool(broker.of(mqtt5.PubAckPacket)))
        counters = link.status().counters

    assert [chunk.payloads for chunk in came] == [[b"1"], [b"2"]]
    assert broker.of(mqtt5.PubAckPacket) == [2], "a PUBACK never goes to another connection"
    assert counters["stale_acks"] == 1
    assert counters["malformed"] == 1


async def test_messages_before_the_suback_can_be_acknowledged() -> None:
    """A kept session sends at once; an acknowledgement lost here would block the broker's window for ever."""

    def script(number: int, packet: mqtt5.Packet) -> bytes | None:
        if isinstance(packet, mqtt5.ConnectPacket):
            return CONNACK + publish(b"x", 9)
        return (
            SUBACK
            if isinstance(packet, mqtt5.PubAckPacket)
            else honest(number, packet)
            if not isinstance(packet, mqtt5.SubscribePacket)
            else b""
        )

    async with broken_by(script, handshake_s=2.0) as (_, link, came):
        await until(lambda: len(came) == 1)
        link.acknowledge(came[0].connection, came[0].acks)
        await until(lambda: link.status().connected_ns is not None)


async def test_a_peer_that_falls_silent_is_left() -> None:
    def script(number: int, packet: mqtt5.Packet) -> bytes | None:
        return b"" if isinstance(packet, mqtt5.PingReqPacket) and number == 1 else honest(number, packet)

    async with broken_by(script, keep_alive_s=1) as (broker, link, _):
        await until(lambda: len(broker.connected) == 2)
        await until(lambda: link.status().connected_ns is not None)

    assert 1 in broker.of(mqtt5.PingReqPacket)


async def test_an_answered_ping_keeps_the_connection() -> None:
    async with broken_by(honest, keep_alive_s=1) as (broker, _, _):
        await until(lambda: len(broker.of(mqtt5.PingReqPacket)) >= 4)

    assert len(broker.connected) == 1


async def test_held_reading_stops_and_resumes_without_losing_the_connection() -> None:
    def script(number: int, packet: mqtt5.Packet) -> bytes | None:
        return publish(b"x", 1) if isinstance(packet, mqtt5.PingReqPacket) else honest(number, packet)

    async with broken_by(script, keep_alive_s=1) as (broker, link, came):
        await until(lambda: link.status().connected_ns is not None)
        link.hold()
        await until(lambda: len(broker.of(mqtt5.PingReqPacket)) >= 4)
        while_held = len(came)
        link.release()
        await until(lambda: len(came) > 0)

    assert while_held == 0
    assert len(broker.connected) == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost",
        "http://h",
        "mqtt://",
        "mqtt://h:x",
        "mqtt://h:70000",
        "mqtt://h?version=4",
        "mqtt://u:secret@h?x=1",
    ],
)
def test_a_wrong_broker_address_says_what_is_expected_and_not_the_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Expected mqtt://\[user:password@\]host:port") as wrong:
        BrokerAddress.parse(url)

    assert "secret" not in str(wrong.value)


def test_a_broker_address_never_shows_its_password() -> None:
    address = BrokerAddress.parse("mqtts://user:p%40ss@broker.example?version=3")

    assert (address.host, address.port, address.username, address.password) == ("broker.example", 8883, "user", "p@ss")
    assert (address.version, address.tls) == (3, True)
    assert "p@ss" not in f"{address} {address!r}"
