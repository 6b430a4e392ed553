"""The shipped broker configuration, on a real mosquitto: only the paths are the test's own."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import mqtt5
import pytest

from tests.servers import Server, need

DEPLOY = Path(__file__).parents[2] / "deploy" / "mosquitto"
USERS = ("caretaker-gateway", "d1", "d2")
TELE = "caretaker/v1/s1/{}/tele"


class ShippedMosquitto(Server):
    """deploy/mosquitto/mosquitto.conf with the container's paths and port replaced."""

    passwords: dict[str, str]

    def command(self) -> Sequence[str]:
        auth = self.folder / "auth"
        if not auth.exists():
            made = subprocess.run([DEPLOY / "users.sh", auth, *USERS], check=True, capture_output=True, text=True)
            self.passwords = dict(line.split() for line in made.stdout.splitlines())
            for name in ("passwords", "acl"):
                (auth / name).chmod(0o644)
        (self.folder / "data").mkdir(exist_ok=True)
        text = (DEPLOY / "mosquitto.conf").read_text("utf-8")
        for ours, theirs in (
            ("listener 1883", f"listener {self.port} {self.host}"),
            ("/mosquitto/auth", str(auth)),
            ("/mosquitto/data", str(self.folder / "data")),
        ):
            assert ours in text, f"{ours} is in the shipped file"
            text = text.replace(ours, theirs)
        path = self.folder / "mosquitto.conf"
        path.write_text(text + "user root\n", "utf-8")
        return [need("mosquitto"), "-c", str(path)]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[ShippedMosquitto]:
    if not shutil.which("mosquitto_passwd"):
        pytest.skip("mosquitto_passwd is not installed (apt-get install mosquitto)")
    with ShippedMosquitto(tmp_path / "mosquitto") as server:
        yield server


class Client:
    """A plain MQTT 5 client."""

    def __init__(
        self, broker: ShippedMosquitto, user: str | None, client_id: str = "", password: str | None = None
    ) -> None:
        self._port = broker.port
        self._packet_id = 0
        secret = password or broker.passwords.get(user or "", "")
        self._connect = mqtt5.ConnectPacket(
            client_id,
            username=user,
            password=secret.encode() if user else None,
            clean_start=user != "caretaker-gateway",
            keep_alive=60,
            session_expiry_interval=3600 if user == "caretaker-gateway" else 0,
        )

    async def open(self) -> mqtt5.ConnAckPacket | None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)
        packet = await self.ask(self._connect.write())
        return packet if isinstance(packet, mqtt5.ConnAckPacket) else None

    async def ask(self, data: bytes, seconds: float = 2.0) -> mqtt5.Packet | None:
        """The next packet that comes; None when the broker closes or says nothing."""
        self.writer.write(data)
        try:
            async with asyncio.timeout(seconds):
                head = await self.reader.readexactly(2)
                return mqtt5.read(memoryview(head + await self.reader.readexactly(head[1])))[0]
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            return None
        except ValueError:  # mosquitto's PUBACK for a message that is too large has a code that MQTT 5 does not know
            return None

    async def publish(self, topic: str, payload: bytes) -> mqtt5.Packet | None:
        self._packet_id += 1
        packet = mqtt5.PublishPacket(topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=self._packet_id)
        return await self.ask(packet.write())

    async def subscribe(self, pattern: str) -> None:
        await self.ask(mqtt5.SubscribePacket(1, [mqtt5.TopicFilter(pattern, max_qos=mqtt5.QoS.AT_LEAST_ONCE)]).write())

    def close(self) -> None:
        self.writer.transport.abort()


async def test_nobody_gets_in_without_a_name_or_with_a_wrong_password(broker: ShippedMosquitto) -> None:
    for client in (Client(broker, None), Client(broker, "d1", password="wrong")):
        answer = await client.open()
        client.close()

        assert answer is None or answer.reason_code is not mqtt5.ConnAckReasonCode.SUCCESS


async def test_a_device_speaks_for_itself_only_and_hears_nobody(broker: ShippedMosquitto) -> None:
    gateway, forger = Client(broker, "caretaker-gateway"), Client(broker, "d1")
    one, two = Client(broker, "d1"), Client(broker, "d2")
    for client in (gateway, forger, two):
        await client.open()
    await gateway.subscribe("caretaker/v1/s1/+/tele")
    await two.subscribe("#")

    await forger.publish(TELE.format("d2"), b"forged")
    await one.open()  # a connection of its own: after a forbidden publish mosquitto 2.0.11 hears this one no more
    await one.publish(TELE.format("d1"), b"own")
    first = await gateway.ask(b"")
    overheard = await two.ask(b"", seconds=0.3)
    for client in (gateway, forger, one, two):
        client.close()

    assert isinstance(first, mqtt5.PublishPacket)
    assert (first.topic, first.payload) == (TELE.format("d1"), b"own")
    assert overheard is None


async def test_a_device_with_the_gateways_client_id_does_not_wipe_the_gateways_queue(broker: ShippedMosquitto) -> None:
    gateway = Client(broker, "caretaker-gateway", "caretaker-gateway")
    await gateway.open()
    await gateway.subscribe("caretaker/v1/s1/+/tele")
    gateway.close()
    one = Client(broker, "d1")
    await one.open()
    await one.publish(TELE.format("d1"), b"waiting")
    thief = Client(broker, "d2", "caretaker-gateway")
    await thief.open()
    thief.close()

    back = Client(broker, "caretaker-gateway", "caretaker-gateway")
    answer = await back.open()
    first = await back.ask(b"")
    for client in (one, back):
        client.close()

    assert answer is not None
    assert answer.session_present
    assert isinstance(first, mqtt5.PublishPacket)
    assert first.payload == b"waiting"


async def test_a_message_over_the_size_limit_is_refused_by_the_broker(broker: ShippedMosquitto) -> None:
    gateway, one = Client(broker, "caretaker-gateway"), Client(broker, "d1")
    await gateway.open()
    await gateway.subscribe("caretaker/v1/s1/+/tele")
    await one.open()

    await one.publish(TELE.format("d1"), b"x" * 300_000)
    one.close()
    await one.open()
    await one.publish(TELE.format("d1"), b"small")
    first = await gateway.ask(b"")
    for client in (gateway, one):
        client.close()

    assert isinstance(first, mqtt5.PublishPacket)
    assert first.payload == b"small"


async def test_three_thousand_messages_wait_for_the_gateway_and_survive_kill_9(broker: ShippedMosquitto) -> None:
    """The default would have dropped 2,000 of them while waiting and lost the rest at the kill (reliability M1, M5)."""
    gateway = Client(broker, "caretaker-gateway")
    await gateway.open()
    await gateway.subscribe("caretaker/v1/s1/+/tele")
    gateway.close()
    one = Client(broker, "d1")
    await one.open()
    for number in range(3000):
        await one.publish(TELE.format("d1"), b"%d" % number)
    one.close()

    broker.kill9()
    broker.start()
    again = Client(broker, "caretaker-gateway")
    await again.open()
    came = 0
    while (packet := await again.ask(b"", seconds=1.0)) is not None:
        if isinstance(packet, mqtt5.PublishPacket):
            came += 1
            again.writer.write(mqtt5.PubAckPacket(packet.packet_id or 0).write())
    again.close()

    assert came >= 2900, "at most one autosave interval (100 changes) is lost"
