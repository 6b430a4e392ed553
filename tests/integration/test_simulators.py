"""The simulated estate over real wires: mosquitto and a pymodbus client, decoded here with struct, by hand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import aiomqtt
import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusIOException

from caretaker.catalog import read_kinds, read_site
from caretaker.domain.equipment import Priority, Table, ValueType
from simulators import COMMANDS, Broker, Simulation, read_truth
from simulators.scenario import Expectation
from tests.servers import Mosquitto

ROOT = Path(__file__).resolve().parents[2]
KINDS = read_kinds(ROOT / "equipment")
SITE = read_site(ROOT / "sites" / "demo", KINDS)


@contextlib.asynccontextmanager
async def _connect(estate: Simulation, connection: str, timeout: float = 1.0) -> AsyncIterator[AsyncModbusTcpClient]:
    host, port = estate.ports[connection].split(":")
    client = AsyncModbusTcpClient(host, port=int(port), timeout=timeout, retries=0)
    await client.connect()
    yield client
    client.close()


async def _table(client: AsyncModbusTcpClient, table: Table, count: int, unit: int) -> list[int]:
    read = {
        Table.COIL: client.read_coils,
        Table.DISCRETE: client.read_discrete_inputs,
        Table.INPUT: client.read_input_registers,
        Table.HOLDING: client.read_holding_registers,
    }[table]
    answer = await read(0, count=count, device_id=unit)
    assert not answer.isError(), answer
    return (
        [int(bit) for bit in answer.bits[:count]] if table in {Table.COIL, Table.DISCRETE} else list(answer.registers)
    )


_FORMS = {"int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "float32": ">f"}


@pytest.mark.parametrize(
    ("asset", "connection", "unit"),
    [("lift-3", "lifts-bus", 3), ("pump-2", "pumps-bus", 2), ("light-07", "lights-bus", 7), ("gate-2", "gates-bus", 2)],
)
async def test_registers_hold_what_the_model_says(asset: str, connection: str, unit: int) -> None:
    """Every register of a kind, read back by a foreign client and decoded with struct, is the model's value."""
    async with Simulation(SITE, KINDS, broker=None) as estate, _connect(estate, connection) as client:
        machine, compared = estate.machines[asset], 0
        tables: dict[Table, list[int]] = {}
        shown: Mapping[str, object] = {}
        for _ in range(5):
            shown = machine.shown
            for table in Table:
                specs = [p.modbus for p in machine.kind.points if p.modbus is not None and p.modbus.table is table]
                ends = [spec.address + 1 + _more(spec.type, spec.words) for spec in specs]
                if ends:
                    tables[table] = await _table(client, table, max(ends), unit)
            if machine.shown is shown:  # no step came between the reads
                break
        for point in machine.kind.points:
            spec = point.modbus
            if spec is None:
                continue
            cells, expected = tables[spec.table][spec.address :], shown[point.id]
            if spec.table in {Table.COIL, Table.DISCRETE}:
                assert cells[0] == int(bool(expected)), point.id
            elif point.type is ValueType.TEXT:
                raw = struct.pack(f">{spec.words}H", *cells[: spec.words])
                assert raw.rstrip(b"\0").decode() == expected, point.id
            else:
                form = _FORMS[spec.type]
                raw = struct.pack(">HH", *[*cells, 0][:2])[: struct.calcsize(form)]
                value = struct.unpack(form, raw)[0] * spec.scale + spec.offset
                assert value == pytest.approx(float(str(expected)), abs=0.51 * spec.scale, rel=1e-6), point.id
            compared += 1

        assert compared == sum(point.modbus is not None for point in machine.kind.points)


def _more(kind: str, words: int | None) -> int:
    return (words or 1) - 1 if kind == "string" else 1 if "32" in kind else 0


async def test_a_silent_device_is_silent_and_its_neighbour_is_not() -> None:
    async with Simulation(SITE, KINDS, broker=None) as estate, _connect(estate, "lifts-bus", 0.4) as client:
        estate.faults.begin("lift-3", "silent")
        began = time.monotonic()
        with pytest.raises(ModbusIOException):
            await client.read_input_registers(0, count=5, device_id=3)
        waited = time.monotonic() - began
        async with _connect(estate, "lifts-bus") as other:
            neighbour = await other.read_input_registers(0, count=5, device_id=4)
            estate.faults.end("lift-3", "silent")
            again = await other.read_input_registers(0, count=5, device_id=3)

    assert waited >= 0.4
    assert not neighbour.isError()
    assert not again.isError()


async def test_a_short_answer_is_short_and_a_slow_one_is_late() -> None:
    async with Simulation(SITE, KINDS, broker=None) as estate:
        host, port = estate.ports["pumps-bus"].split(":")
        estate.faults.begin("pump-2", "short_answer")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(bytes.fromhex("0001 0000 0006 02 04 0000 0004"))
        short = await asyncio.wait_for(reader.read(100), 2)
        estate.faults.end("pump-2", "short_answer")
        estate.faults.begin("pump-2", "slow")
        began = time.monotonic()
        writer.write(bytes.fromhex("0002 0000 0006 02 04 0000 0004"))
        late = await asyncio.wait_for(reader.read(100), 5)
        writer.close()

    assert short[4:6] == bytes([0, 9])
    assert (short[7], short[8], len(short)) == (4, 6, 15)  # three registers where four were asked
    assert (late[8], len(late)) == (8, 17)
    assert time.monotonic() - began > 2.5


async def test_nobody_writes_to_the_estate() -> None:
    async with Simulation(SITE, KINDS, broker=None) as estate, _connect(estate, "pumps-bus") as client:
        answer = await client.write_register(0, 999, device_id=2)

    assert answer.isError()


async def test_devices_speak_mqtt_in_their_own_shapes_and_leave_a_will(mosquitto: Mosquitto) -> None:
    """Canonical and vendor messages of all eleven devices; values are the models'; a dead device's will is `offline`."""
    heard: dict[str, list[tuple[dict[str, object], float]]] = {}
    states: dict[str, bytes] = {}
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
        await client.subscribe("#", 1)
        async with Simulation(SITE, KINDS, broker=Broker("127.0.0.1", mosquitto.port)) as estate:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(3.5):
                    async for message in client.messages:
                        topic = str(message.topic)
                        assert isinstance(message.payload, bytes)
                        if topic.endswith("/state"):
                            states[topic] = message.payload
                        else:
                            heard.setdefault(topic, []).append((json.loads(message.payload), time.time()))
            lift = estate.machines["lift-1"].model.values()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                async for message in client.messages:
                    if str(message.topic).endswith("/state"):
                        assert isinstance(message.payload, bytes)
                        states[str(message.topic)] = message.payload

    tele = [body for body, _ in heard["caretaker/v1/demo/lift-1-box/tele"]]
    first = tele[0]["v"]
    assert isinstance(first, dict)
    assert set(first) == {point.id for point in KINDS["elevator"].points}
    assert first["energy"] == pytest.approx(float(lift["energy"]), abs=0.5)
    assert [body["seq"] for body in tele] == list(range(1, len(tele) + 1))
    stamp = tele[-1]["ts"]
    assert isinstance(stamp, int)
    assert abs(stamp / 1000.0 - heard["caretaker/v1/demo/lift-1-box/tele"][-1][1]) < 1.0
    skylink = heard["skylink/lift-2-box/up"][0][0]["car"]
    assert isinstance(skylink, dict)
    assert skylink["mode"] == "AUTO"
    assert "hydrocloud/v2/pump-1-plc/report" in heard
    assert len(heard) == 11
    assert len(states) == 11
    assert set(states.values()) == {b"offline"}


async def test_speakers_come_back_after_the_broker_was_away_and_keep_what_was_said(mosquitto: Mosquitto) -> None:
    async with Simulation(SITE, KINDS, broker=Broker("127.0.0.1", mosquitto.port)) as estate:
        speaker = estate.speakers["lift-1-box"]
        await _until(lambda: speaker.published >= 1)
        mosquitto.kill9()
        await _until(lambda: not speaker.connected)
        before = speaker.published
        await asyncio.sleep(2.2)
        assert speaker.published == before
        mosquitto.start()
        await _until(lambda: speaker.published >= before + 3, 20.0)

    assert speaker.dropped == 0


async def _until(true: Callable[[], bool], timeout: float = 8.0) -> None:
    async with asyncio.timeout(timeout):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_orders_over_mqtt_begin_and_end_faults_and_wrong_ones_are_answered(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    truth = tmp_path / "truth.jsonl"
    async with (
        Simulation(SITE, KINDS, broker=Broker("127.0.0.1", mosquitto.port), truth=truth) as estate,
        aiomqtt.Client("127.0.0.1", mosquitto.port) as client,
    ):
        await client.subscribe(f"{COMMANDS}/answer")
        await _until(lambda: estate.speakers["lift-1-box"].published >= 1)
        await asyncio.sleep(0.3)
        answers = []
        for order in (
            b'{"asset": "pump-1", "fault": "flood", "for_s": 1.5}',
            b'{"asset": "pump-1", "fault": "flod"}',
            b"not json",
            b'{"asset": "pump-1", "fault": "frozen"}',
            b'{"asset": "gate-1", "fault": "tamper", "for_s": -1}',
        ):
            await client.publish(COMMANDS, order, 1)
            answers.append(json.loads(bytes((await asyncio.wait_for(anext(client.messages), 5)).payload)))
        await _until(lambda: read_truth(truth)[-1].end_ms is not None, 4.0)

    assert answers[0] == {"ok": True, "id": 1}
    assert all("expected" in str(answer["error"]) or "take a point" in str(answer["error"]) for answer in answers[1:])
    (flood,) = read_truth(truth)
    assert flood.end_ms is not None
    assert 1.4 <= (flood.end_ms - flood.start_ms) / 1000.0 <= 2.5


async def test_the_truth_says_when_the_condition_went_out(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Over MQTT: the message that carries it. Over Modbus: not before somebody reads it."""
    truth = tmp_path / "truth.jsonl"
    async with Simulation(SITE, KINDS, broker=Broker("127.0.0.1", mosquitto.port), truth=truth) as estate:
        await _until(lambda: estate.speakers["gate-1-ctl"].published >= 1)
        estate.faults.begin("gate-1", "tamper", expect=Expectation("tampered", Priority.HIGH))
        estate.faults.begin("gate-1", "tamper", expect=Expectation("tampered", Priority.HIGH))
        estate.faults.begin("gate-2", "tamper", expect=Expectation("tampered", Priority.HIGH))
        await asyncio.sleep(2.2)
        assert [fault.sent_ms is None for fault in read_truth(truth)] == [False, True]
        async with _connect(estate, "gates-bus") as client:
            asked = time.time() * 1000.0
            answer = await client.read_discrete_inputs(0, count=9, device_id=2)
        sent = read_truth(truth)[1].sent_ms

    assert answer.bits[2] is True
    assert sent is not None
    assert abs(sent - asked) < 500.0


async def test_a_broken_sensor_shows_over_both_protocols(mosquitto: Mosquitto) -> None:
    async with (
        Simulation(SITE, KINDS, broker=Broker("127.0.0.1", mosquitto.port)) as estate,
        aiomqtt.Client("127.0.0.1", mosquitto.port) as client,
        _connect(estate, "pumps-bus") as modbus,
    ):
        estate.faults.begin("lift-1", "nan", point="machine_room_temp")
        estate.faults.begin("pump-2", "nan", point="p_out")
        estate.faults.begin("pump-2", "nan", point="flow")
        await asyncio.sleep(1.2)
        await client.subscribe("caretaker/v1/demo/lift-1-box/tele")
        raw = bytes((await asyncio.wait_for(anext(client.messages), 5)).payload)
        registers = (await modbus.read_input_registers(6, count=4, device_id=2)).registers

    assert b'"machine_room_temp":NaN' in raw
    assert registers[0] == 65535
    assert math.isnan(struct.unpack(">f", struct.pack(">HH", *registers[2:4]))[0])


def _start(*more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "simulators", "--site", "sites/demo", "--equipment", "equipment", *more]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.serial
def test_the_process_is_ready_tells_its_ports_and_stops_in_three_seconds(mosquitto: Mosquitto, tmp_path: Path) -> None:
    ports = tmp_path / "ports.json"
    process = _start("--mqtt", f"127.0.0.1:{mosquitto.port}", "--modbus-port", "0", "--ports-file", str(ports))
    assert process.stdout is not None
    ready = process.stdout.readline()
    known = json.loads(ports.read_text())
    time.sleep(1.0)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        out, err = process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise

    assert ready.startswith("simulators ready assets=22 mqtt=11 modbus=4")
    assert set(known) == {"lifts-bus", "pumps-bus", "lights-bus", "gates-bus"}
    assert time.monotonic() - began < 3.0
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in err


@pytest.mark.faults
def test_the_process_stops_when_its_parent_is_killed(tmp_path: Path) -> None:
    """The parent is a shell-like Python that starts the simulators, tells their pid, and is killed without a chance."""
    code = (
        "import subprocess,sys;"
        "p=subprocess.Popen([sys.executable,'-m','simulators','--site','sites/demo','--equipment','equipment','--modbus-port','0']);"
        "print(p.pid,flush=True);p.wait()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    lines = [parent.stdout.readline(), parent.stdout.readline()]
    child = int(next(line for line in lines if line.strip().isdigit()))
    assert any("ready" in line for line in lines)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    end = time.monotonic() + 10.0
    while time.monotonic() < end and Path(f"/proc/{child}").exists() and _state(child) != "Z":
        time.sleep(0.05)

    gone = not Path(f"/proc/{child}").exists() or _state(child) == "Z"
    if not gone:
        os.kill(child, signal.SIGKILL)
    assert gone


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


def test_a_wrong_scenario_or_a_taken_port_gives_one_clear_sentence(tmp_path: Path) -> None:
    wrong = tmp_path / "s.yaml"
    wrong.write_text("steps:\n  - {at: 1s, asset: lift-2, fault: nope}\n")
    process = _start("--modbus-port", "0", "--scenario", str(wrong))
    _, said = process.communicate(timeout=20)

    assert process.returncode == 2
    assert "s.yaml:2: " in said
    assert "no such fault of lift-2 'nope'" in said
    assert "Traceback" not in said
