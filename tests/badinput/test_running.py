"""Wrong input to a running Caretaker, by MQTT, Modbus and HTTP: refused by name and counted, and everything else goes on."""

from __future__ import annotations

import asyncio
import json
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import pytest

from caretaker.domain.people import Role
from caretaker.wire import tele_topic
from tests.badinput.house import SITE, Up, write_site
from tests.servers.slaves import Question, Slave, honest

pytestmark = pytest.mark.faults


async def short(question: Question) -> None:
    """Half of the answer's registers, in a frame that says so."""
    question.writer.write(question.frame(bytes([question.function, 0])))


async def wrong(question: Question) -> None:
    """The answer to another function."""
    question.writer.write(question.frame(struct.pack(">BBH", 4, 2, 4711)))


async def late(question: Question) -> None:
    """The right answer, after the asker has stopped waiting."""
    await asyncio.sleep(0.4)
    question.writer.write(question.honest())


LIARS = {"short": short, "wrong": wrong, "late": late, "sound": honest}


@dataclass
class Place:
    up: Up
    guard: httpx.Client
    device: httpx.Client
    slaves: dict[str, Slave]

    def health(self) -> Any:
        return self.guard.get("/health").json()

    def gateway(self) -> Any:
        return self.health()["parts"]["gateway"]["facts"]

    def meter(self, name: str) -> Any:
        """What the gateway says of a meter's device."""
        return self.gateway()["modbus"]["devices"][f"{name}-dev"]

    def value(self, asset: str) -> Any:
        """What its only point says."""
        return self.guard.get(f"/assets/{asset}").json()["points"][0]

    def publish(self, *messages: tuple[str, bytes]) -> None:
        """Each message over a connection of its own: what the broker itself throws out must not take others along."""

        async def send() -> None:
            for topic, payload in messages:
                try:
                    async with aiomqtt.Client("127.0.0.1", self.up.mqtt, timeout=3) as client:
                        await client.publish(topic, payload, qos=1, timeout=3)
                except aiomqtt.MqttError:
                    assert len(payload) > 200_000, "the broker refuses only what is too large for it"

        asyncio.run(send())


def soon(condition: Callable[[], object], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("running")
    slaves = {name: Slave(answer) for name, answer in LIARS.items()}
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        for slave in slaves.values():
            asyncio.run_coroutine_threadsafe(slave.start(), loop).result(5)
        site = write_site(folder / "files", 2, {name: slave.port for name, slave in slaves.items()})
        with (
            Up(folder / "up", site, folder / "data") as up,
            up.client(Role.GUARD) as guard,
            up.client(Role.DEVICE) as device,
        ):
            yield Place(up, guard, device, slaves)
    finally:
        for slave in slaves.values():
            asyncio.run_coroutine_threadsafe(slave.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def tele(value: object, **more: object) -> bytes:
    return json.dumps({"ts": time.time_ns() // 1_000_000, "v": {"temp": value}, **more}).encode()


def test_wrong_messages_are_refused_counted_and_shown_and_the_next_good_one_arrives(place: Place) -> None:
    mine = tele_topic(SITE, "d1")
    place.publish(
        (tele_topic(SITE, "nobody"), tele(20)),
        (tele_topic("elsewhere", "d1"), tele(20)),
        ("caretaker/v1/nonsense", tele(20)),
        (mine, b"{not json"),
        (mine, b"\xff\xfe\x00"),
        (mine, b'{"ts": %d, "v": {"temp": NaN}}' % (time.time_ns() // 1_000_000)),
        (mine, b'{"ts": %d, "v": {"temp": 1e999}}' % (time.time_ns() // 1_000_000)),
        (mine, tele(1.7e308)),
        (mine, tele(10**400)),
        (mine, tele("warm")),
        (mine, b'{"ts": 99999999999999999999, "v": {"temp": 1}}'),
        (mine, b"[" * 50_000),
        (mine, b" " * 250_000),
        (mine, b'{"x": "' + b"y" * 1_000_000 + b'"}'),
        (mine, tele(21.5)),
        (tele_topic(SITE, "d2"), tele(22.5)),
    )
    soon(lambda: place.value("b1")["value"] == 21.5 and place.value("b2")["value"] == 22.5)
    kept = place.guard.get("/quarantine?limit=1000").json()
    soon(lambda: sum(place.gateway()["refused"].values()) >= 9)
    reasons = place.gateway()["refused"]
    told = json.dumps(kept, ensure_ascii=False)
    assert {"unknown_device", "implausible"} <= reasons.keys(), reasons
    assert "nobody" in told
    assert all(item["reason"] and item["source"] and item["detail"] for item in kept["items"]), "each says what and why"
    assert {"d1", "nobody"} <= {word for item in kept["items"] for word in ("d1", "nobody") if word in json.dumps(item)}
    assert place.up.running
    assert "Traceback" not in place.up.log()


def test_a_wrong_modbus_answer_is_named_and_never_believed_and_a_sound_meter_goes_on(place: Place) -> None:
    liars = ("short", "wrong", "late")
    soon(lambda: all(place.meter(name)["status"] == "down" for name in liars))
    for name in liars:
        assert place.slaves[name].questions > 0, "the fault took effect: it was asked"
        assert place.meter(name)["last_error"], name
        point = place.value(name)
        assert (point["value"], point["quality"]) == (None, "bad"), (name, point)
        (asset,) = place.guard.get(f"/assets/{name}").json()["devices"]
        assert (asset["status"], bool(asset["last_error"])) == ("down", True)
        assert len(place.up.told("modbus_device_broken")) <= 4, "once for each that breaks, not once for each try"
    sound = place.value("sound")
    assert (sound["value"], sound["quality"], sound["stale"]) == (100.0, "good", False)
    health = place.health()
    assert health["parts"]["gateway"]["status"] == "degraded"
    assert any(f"{name}-dev" in health["parts"]["gateway"]["reason"] for name in liars)
    before = place.value("sound")["at_ms"]
    soon(lambda: place.value("sound")["at_ms"] > before)

    for name in liars:
        place.slaves[name].answer = honest
    soon(lambda: all(place.value(name)["value"] == 100.0 for name in liars), 40)
    soon(lambda: place.health()["parts"]["gateway"]["status"] == "ok")
    assert "Traceback" not in place.up.log()


def test_ingest_over_http_becomes_an_alarm_and_an_order(place: Place) -> None:
    answer = place.device.post(
        "/ingest",
        json={"device": "d2", "readings": [{"point": "temp", "value": 95.0}]},
        headers={"Idempotency-Key": "hot"},
    )
    assert answer.json() == {"accepted": 1, "duplicates": 0, "refused": []}
    soon(lambda: place.guard.get("/alarms?asset=b2&active=true").json()["items"])
    (alarm,) = place.guard.get("/alarms?asset=b2&active=true").json()["items"]
    order = place.guard.get(f"/work-orders/{alarm['work_order']}").json()
    assert (alarm["rule"], alarm["evidence"][0]["value"], order["state"]) == ("hot", 95.0, "open")


def test_it_stops_cleanly_after_all_that(place: Place, tmp_path: Path) -> None:
    place.up.stop()
    assert "stopped, nothing lost" in place.up.log()
    assert "Traceback" not in place.up.log()
