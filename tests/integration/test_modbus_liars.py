"""Slaves that lie (reliability.md M12, M13, R19): no wrong value is ever accepted as good, and nobody else waits.

The frames come from hostile_inputs.yaml in the folder of CARETAKER_CASES, or in ../shared/cases beside the repository.
They answer transaction 7, unit 1, function 3, address 100, count 4; the server moves their transaction ids to the live one.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from pymodbus import FramerType, ModbusException
from pymodbus.client import AsyncModbusTcpClient

from caretaker.domain.assets import Estate
from caretaker.domain.equipment import ModbusSpec, Table
from caretaker.domain.readings import Quality
from gateway.collectors.modbus import ModbusCollector
from gateway.collectors.modbus.status import DeviceState
from tests.servers.slaves import (
    Accepted,
    Answer,
    Question,
    Slave,
    WallClock,
    estate_of,
    honest,
    registers,
    reset,
    until,
)

FOLDER = Path(os.environ.get("CARETAKER_CASES") or Path(__file__).parents[2].parent / "shared" / "cases")
FILE = FOLDER / "hostile_inputs.yaml"
HOSTILE: list[dict[str, Any]] = yaml.safe_load(FILE.read_text("utf-8")) if FILE.exists() else []
REPLIES = [case for case in HOSTILE if case["surface"] == "modbus.reply" and case["expected"] == "rejected"]
BLOCK = registers(100, 101, 102, 103)
FLOATS = (ModbusSpec(Table.HOLDING, 100, "float32"), ModbusSpec(Table.HOLDING, 102, "float32"))

need_replies = pytest.mark.skipif(
    not REPLIES, reason=f"hostile_inputs.yaml (0 modbus.reply cases run) is not in {FOLDER}; set CARETAKER_CASES"
)


def bytes_of(case: dict[str, Any]) -> bytes:
    text = case["input"] * case.get("repeat", 1)
    return base64.b64decode(text) if case["enc"] == "base64" else text.encode()


def live(frames: bytes, transaction: int) -> bytes:
    """The frames with their transaction ids 6, 7, 8 moved to the live one; 0 and garbage stay."""
    out, at = bytearray(frames), 0
    while at + 6 <= len(out):
        tid, _, length = struct.unpack_from(">HHH", out, at)
        if tid not in (6, 7, 8):
            break
        struct.pack_into(">H", out, at, (tid - 7 + transaction) & 0xFFFF)
        if not length:
            break
        at += 6 + length
    return bytes(out)


def telling(case: dict[str, Any]) -> Answer:
    frames, hangs_up = bytes_of(case), "connection closed" in case["why"]

    async def lie(question: Question) -> None:
        question.writer.write(live(frames, question.transaction))
        if hangs_up:
            question.writer.close()

    return lie


@asynccontextmanager
async def collecting(estate: Estate) -> AsyncIterator[tuple[ModbusCollector, Accepted]]:
    accepted = Accepted(estate)
    collector = ModbusCollector(estate, accepted, WallClock())
    task = asyncio.create_task(collector.run())
    try:
        yield collector, accepted
    finally:
        task.cancel()
        await asyncio.wait([task])


def assert_on_time(times: list[float], every_s: float, late_s: float) -> None:
    """A neighbour that is waited for would be in every round's gap; one pause in five rounds may be this machine's own."""
    gaps = sorted(b - a for a, b in pairwise(times))
    forgiven = 1 + len(gaps) // 5
    assert len(gaps) > forgiven
    assert gaps[-1 - forgiven] <= every_s + late_s, f"gaps {[round(gap, 3) for gap in gaps]}"


@need_replies
@pytest.mark.serial
async def test_no_hostile_reply_is_ever_a_good_value() -> None:
    """All modbus.reply cases at once, at least 3 rounds each, beside an honest slave that keeps its period."""
    slaves = {case["id"]: Slave(telling(case)) for case in REPLIES} | {"honest": Slave()}
    for slave in slaves.values():
        await slave.start()
    specs = dict.fromkeys(slaves, BLOCK)
    specs.update({case["id"]: FLOATS for case in REPLIES if "float32" in case["why"]})
    estate = estate_of({name: slave.port for name, slave in slaves.items()}, specs)

    async with collecting(estate) as (collector, accepted):
        await until(lambda: all(slave.questions >= 3 for slave in slaves.values()), 20)
        await asyncio.sleep(0.3)
        status = collector.status()
    for slave in slaves.values():
        await slave.stop()

    believed = {name: accepted.good(name) for name in slaves if name != "honest" and accepted.good(name)}
    assert believed == {}
    for case in REPLIES:
        assert accepted.bad(case["id"]) >= 1, case["id"]
        if "float32" not in case["why"]:
            assert status[case["id"]].state in (DeviceState.DOWN, DeviceState.PARTIAL), case["id"]
            assert sum(status[case["id"]].faults.values()) >= 3, (case["id"], status[case["id"]])
    assert {value - address for address, value in accepted.good("honest")} == {0}
    assert accepted.bad("honest") == 0
    assert_on_time(accepted.times("honest", 100), 0.2, 0.15)
    print(f"{len(REPLIES)} cases, lies told {sum(slave.questions for slave in slaves.values())}")


@need_replies
async def test_pymodbus_alone_believes_lies() -> None:
    """The deliberately wrong variant: without the check layer the same lies are good values."""
    believed = []
    for case in REPLIES:
        if "float32" in case["why"]:
            continue
        async with Slave(telling(case)) as slave:
            client = AsyncModbusTcpClient("127.0.0.1", port=slave.port, timeout=0.1, retries=0, reconnect_delay=0)
            await client.connect()
            try:
                reply = await client.read_holding_registers(100, count=4, device_id=1)
                if not reply.isError() and reply.registers != [100, 101, 102, 103]:
                    believed.append(case["id"])
            except ModbusException:
                pass
            client.close()
            assert slave.questions == 1

    print(f"pymodbus believed {believed}")
    assert len(believed) >= 3


@pytest.mark.serial
@pytest.mark.parametrize("pause_s", [0.0, 0.002])
async def test_forged_frame_before_the_true_one_is_not_believed(pause_s: float) -> None:
    """Together in one segment the extra bytes show; apart, the second frame shows while the first is still held."""

    async def forge(question: Question) -> None:
        if question.number > 3:
            return  # whoever stops between a forged frame and its twin cannot know
        question.writer.write(question.honest(first=3333))
        await asyncio.sleep(pause_s)
        question.writer.write(question.honest())

    async with Slave(forge) as slave, collecting(estate_of({"lying": slave.port}, BLOCK)) as (collector, accepted):
        await until(lambda: slave.questions >= 3, 5)
        await asyncio.sleep(0.3)
        status = collector.status()["lying"]

    assert accepted.good("lying") == []
    assert accepted.bad("lying") >= 4
    assert sum(status.faults.values()) >= 2
    assert status.state is not DeviceState.OK


@pytest.mark.serial
async def test_a_machine_that_was_busy_looks_before_it_believes() -> None:
    """Both are due when it wakes, the end of the hold and the twin on the socket: the twin is heard first."""

    async def forge(question: Question) -> None:
        if question.number > 3:
            return  # whoever stops between a forged frame and its twin cannot know
        question.writer.write(question.honest(first=3333))
        asyncio.get_running_loop().call_later(0.005, time.sleep, 0.05)  # the whole process stands still
        await asyncio.sleep(0.010)
        question.writer.write(question.honest())

    async with Slave(forge) as slave, collecting(estate_of({"lying": slave.port}, BLOCK)) as (_, accepted):
        await until(lambda: slave.questions >= 3, 5)
        await asyncio.sleep(0.3)

    assert accepted.good("lying") == []
    assert accepted.bad("lying") >= 4


WHOLE = [
    pytest.param(lambda q: q.frame(bytes([4, 8]) + bytes(8)), "wrong_function", id="another read function"),
    pytest.param(lambda q: q.frame(bytes([3, 6]) + bytes(6)), "wrong_length", id="too few registers"),
    pytest.param(lambda q: q.frame(bytes([3, 10]) + bytes(10)), "wrong_length", id="too many registers"),
    pytest.param(lambda q: q.honest(first=1, transaction=0), "wrong_transaction", id="transaction 0"),
    pytest.param(lambda q: q.refusal(4), "slave_failure", id="exception 4"),
    pytest.param(lambda q: q.refusal(6), "busy", id="busy for ever"),
    pytest.param(lambda q: q.refusal(10), "gateway_path", id="gateway has no path"),
    pytest.param(lambda q: q.refusal(11), "gateway_target", id="gateway hears nothing"),
    pytest.param(lambda q: q.frame(bytes([0x84, 2])), "wrong_function", id="exception of another function"),
]


@pytest.mark.parametrize(("answer", "fault"), WHOLE)
async def test_fault_is_named_by_its_layer(answer: Callable[[Question], bytes], fault: str) -> None:
    async def lie(question: Question) -> None:
        question.writer.write(answer(question))

    async with Slave(lie) as slave, collecting(estate_of({"lying": slave.port}, BLOCK)) as (collector, accepted):
        await until(lambda: fault in collector.status()["lying"].faults, 3)
        status = collector.status()["lying"]

    assert accepted.good("lying") == []
    assert status.fault == fault
    assert status.detail


# ---- behaviours -------------------------------------------------------------------------------------------------------


def late(first_s: float, then_s: float, *, transaction: int | None) -> Answer:
    """Answers in order, each late: the first after its timeout, the others in time but late."""

    async def answer(question: Question) -> None:
        await asyncio.sleep(first_s if question.number == 1 else then_s)
        question.writer.write(question.honest(transaction=transaction))

    return answer


APART = registers(0, 200, 400, 600)
"""Four reads, so that an answer credited to the next question shows as a wrong value."""


@pytest.mark.serial
async def test_late_tcp_slave_without_transactions_gives_no_values() -> None:
    """mv-001: refused for its transaction id 0; no register is ever credited with its neighbour's value."""
    async with Slave(late(0.5, 0.25, transaction=0)) as slave, Slave() as sound:
        estate = estate_of({"late": slave.port, "sound": sound.port}, APART, every_s=0.5, timeout_s=0.4)
        async with collecting(estate) as (collector, accepted):
            await until(lambda: slave.questions >= 3, 15)
            await asyncio.sleep(0.5)
            status = collector.status()

    assert accepted.good("late") == []
    assert status["late"].faults["timeout"] >= 1
    assert status["late"].faults["wrong_transaction"] >= 1
    assert_on_time(accepted.times("sound", 0), 0.5, 0.4)


@pytest.mark.serial
async def test_late_rtu_slave_is_right_again_after_a_new_connection() -> None:
    """mv-002: RTU over TCP has no transaction id, so only the dropped connection keeps answers and questions together."""
    async with Slave(late(0.5, 0.25, transaction=None), rtu=True) as slave:
        estate = estate_of({"late": slave.port}, APART, every_s=0.5, timeout_s=0.4, transport="rtuovertcp")
        async with collecting(estate) as (collector, accepted):
            await until(lambda: len(accepted.good("late")) >= 12, 15)
            status = collector.status()["late"]

    assert {value - address for address, value in accepted.good("late")} == {0}
    assert status.faults["timeout"] == 1
    assert status.connects == slave.connects == 2


@pytest.mark.serial
async def test_keeping_the_connection_after_a_timeout_shifts_every_value() -> None:
    """The deliberately wrong variant of mv-002: pymodbus alone credits every answer to the next question, for ever."""
    wrong = []
    async with Slave(late(0.5, 0.25, transaction=None), rtu=True) as slave:
        client = AsyncModbusTcpClient(
            "127.0.0.1", port=slave.port, framer=FramerType.RTU, timeout=0.4, retries=0, reconnect_delay=0
        )
        await client.connect()
        for address in (0, 200, 400, 600, 800):
            try:
                reply = await client.read_holding_registers(address, count=1, device_id=1)
            except ModbusException:
                continue
            wrong.append(reply.registers[0] != address)
        client.close()

    assert wrong == [True] * 4


async def trickle(question: Question) -> None:
    """One byte at a time, slower than the timeout."""
    for byte in question.honest():
        question.writer.write(bytes([byte]))
        await asyncio.sleep(0.03)


async def hang(_question: Question) -> None:
    """Take the question and say nothing."""


async def hang_up(question: Question) -> None:
    question.writer.close()


async def garbage(question: Question) -> None:
    question.writer.write(os.urandom(500))


@pytest.mark.serial
async def test_slaves_that_behave_badly_turn_bad_and_delay_nobody() -> None:
    """mv-005 and its kin: silent, trickling, hanging up, resetting, babbling; the honest one keeps its period."""
    slaves = {
        "silent": Slave(hang),
        "trickling": Slave(trickle),
        "hanging-up": Slave(hang_up),
        "garbage": Slave(garbage),
        "resetting": Slave(on_connect=reset),
        "honest": Slave(),
    }
    for slave in slaves.values():
        await slave.start()
    ports = {name: slave.port for name, slave in slaves.items()} | {"refusing": 1}
    estate = estate_of(ports, BLOCK)

    async with collecting(estate) as (collector, accepted):
        await until(lambda: all(slave.connects >= 3 for name, slave in slaves.items() if name != "honest"), 20)
        status = collector.status()
    for slave in slaves.values():
        await slave.stop()

    expected = {
        "silent": "timeout", "trickling": "timeout", "hanging-up": "closed", "resetting": "closed", "refusing": "refused",
    }  # fmt: skip
    for name in ports:
        if name == "honest":
            continue
        assert accepted.good(name) == [], name
        assert accepted.bad(name) >= len(BLOCK), name
        assert status[name].state is DeviceState.DOWN, name
        assert expected.get(name, "") in status[name].faults or name == "garbage", (name, status[name])
    assert slaves["resetting"].faults >= 3
    assert_on_time(accepted.times("honest", 100), 0.2, 0.15)


@pytest.mark.serial
async def test_device_comes_back_within_its_pause_and_without_restart() -> None:
    """mv-008: the port refuses for a while; afterwards values are good again, said bad in between, and never 0."""
    slave = Slave()
    estate = estate_of({"away": slave.port}, BLOCK)
    async with collecting(estate) as (collector, accepted):
        await until(lambda: collector.status()["away"].faults.get("refused", 0) >= 3, 10)
        pause = collector.status()["away"].retry_in_s
        assert accepted.good("away") == []
        assert accepted.bad("away") == len(BLOCK), "said once, not at every try"
        await slave.start()
        await until(lambda: len(accepted.good("away")) >= 12, pause + 2)
        assert collector.status()["away"].state is DeviceState.OK
        await slave.stop()
        await until(lambda: collector.status()["away"].state is DeviceState.DOWN, 1)
        await asyncio.sleep(0.1)

    assert {value - address for address, value in accepted.good("away")} == {0}
    assert accepted.bad("away") == 2 * len(BLOCK)
    last = {spec.address: quality for spec, _, _, quality in accepted.of("away")}
    assert set(last.values()) == {Quality.BAD}


async def test_one_refused_address_does_not_blind_its_neighbours() -> None:
    """Exception 2 for a read that touches register 102: the block is split until only 102 is bad."""

    async def without_102(question: Question) -> None:
        touches = question.address <= 102 < question.address + question.count
        question.writer.write(question.refusal(2) if touches else question.honest())

    async with Slave(without_102) as slave, collecting(estate_of({"map": slave.port}, BLOCK)) as (collector, accepted):
        await until(lambda: len(accepted.times("map", 103)) >= 4, 5)
        status = collector.status()["map"]
        questions, asked = slave.questions, list(slave.asked)

    assert {address for address, _ in accepted.good("map")} == {100, 101, 103}
    assert status.state is DeviceState.PARTIAL
    assert status.fault == "illegal_address"
    assert (status.points, status.bad_points) == (4, 1)
    assert status.connects == 1, "a refusal is no reason to reconnect"
    assert asked.count((3, 102, 1)) == 1, "the refused register is asked rarely"
    assert questions < 25


@pytest.mark.serial
async def test_address_that_is_answered_with_silence_does_not_blind_the_others() -> None:
    """Some devices do not refuse an unknown address, they say nothing: only its points are bad."""

    async def silent_about_0(question: Question) -> None:
        if question.address != 0:
            await honest(question)

    async with (
        Slave(silent_about_0) as slave,
        collecting(estate_of({"mute": slave.port}, APART, every_s=0.3)) as (collector, accepted),
    ):
        await asyncio.sleep(3.2)
        status = collector.status()["mute"]
        silences = sum(address == 0 for _, address, _ in slave.asked)

    assert {address for address, _ in accepted.good("mute")} == {200, 400, 600}
    assert_on_time(accepted.times("mute", 600), 0.3, 0.15 + 0.05)
    assert (status.state, status.fault, status.bad_points) == (DeviceState.PARTIAL, "timeout", 1)
    assert 2 <= silences <= 5, "asked with growing pauses"


@pytest.mark.serial
async def test_busy_slave_is_asked_again_at_once() -> None:
    async def busy_twice(question: Question) -> None:
        question.writer.write(question.refusal(6) if question.number <= 2 else question.honest())

    async with (
        Slave(busy_twice) as slave,
        collecting(estate_of({"busy": slave.port}, BLOCK, every_s=1.0)) as (_, accepted),
    ):
        await until(lambda: len(accepted.good("busy")) == 4, 0.9)

    assert accepted.bad("busy") == 0


async def test_idle_connection_that_the_slave_closes_is_no_fault() -> None:
    async def answer_and_close(question: Question) -> None:
        await honest(question)
        question.writer.close()

    async with (
        Slave(answer_and_close) as slave,
        collecting(estate_of({"brief": slave.port}, BLOCK)) as (collector, accepted),
    ):
        await until(lambda: len(accepted.good("brief")) >= 12, 3)
        status = collector.status()["brief"]

    assert slave.connects >= 3
    assert accepted.bad("brief") == 0
    assert status.faults == {}


@pytest.mark.serial
async def test_dead_unit_behind_a_shared_gateway_delays_the_others_rarely() -> None:
    """One connection for three units; the dead one is asked less and less, the living ones keep their values."""

    async def unit_3_is_dead(question: Question) -> None:
        if question.unit != 3:
            await honest(question)

    async with Slave(unit_3_is_dead, rtu=True) as slave:
        names = {"unit-1": slave.port, "unit-2": slave.port, "unit-3": slave.port}
        estate = estate_of(
            names,
            BLOCK,
            transport="rtuovertcp",
            units={"unit-1": 1, "unit-2": 2, "unit-3": 3},
            shared=dict.fromkeys(names, "gateway"),
        )
        async with collecting(estate) as (collector, accepted):
            await asyncio.sleep(4)
            status = collector.status()

    assert status["unit-3"].state is DeviceState.DOWN
    assert status["unit-3"].polls <= 7
    for name in ("unit-1", "unit-2"):
        assert {value - address for address, value in accepted.good(name)} == {0}
        assert accepted.bad(name) == 0
        assert len(accepted.times(name, 100)) >= 12
