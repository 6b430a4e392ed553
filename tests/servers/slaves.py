"""Modbus slaves for tests, honest and not: raw sockets, so that they can say what no library would.

An honest answer gives every register its own address as value, so any other value is a lie that was believed.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from caretaker.domain.assets import Asset, Connection, Device, DeviceAsset, Estate, Point, Protocol, Site
from caretaker.domain.equipment import ModbusSpec, PointSpec, Table, Text
from caretaker.domain.readings import QUALITY_BITS, Quality
from caretaker.services.readings import Submission
from tests.servers.base import free_port


@dataclass
class Question:
    """One read request as it came, and the ways to answer it. `number` counts from 1 over all connections."""

    number: int
    transaction: int
    unit: int
    function: int
    address: int
    count: int
    writer: asyncio.StreamWriter
    rtu: bool = False

    def honest(self, *, transaction: int | None = None, first: int | None = None) -> bytes:
        """The right frame; `first` shifts the values, `transaction` replaces the id."""
        start = self.address if first is None else first
        if self.function <= 2:
            bits = [(start + at) % 2 for at in range(self.count)]
            body = bytes(np.packbits(bits, bitorder="little"))
        else:
            body = b"".join(struct.pack(">H", (start + at) & 0xFFFF) for at in range(self.count))
        return self.frame(bytes([self.function, len(body)]) + body, transaction=transaction)

    def refusal(self, code: int) -> bytes:
        """An exception answer."""
        return self.frame(bytes([self.function | 0x80, code]))

    def frame(self, pdu: bytes, *, transaction: int | None = None) -> bytes:
        """A PDU in this connection's framing."""
        if self.rtu:
            body = bytes([self.unit]) + pdu
            return body + struct.pack("<H", crc16(body))
        tid = self.transaction if transaction is None else transaction
        return struct.pack(">HHHB", tid, 0, len(pdu) + 1, self.unit) + pdu


def crc16(body: bytes) -> int:
    """CRC-16/MODBUS, written out so that the test does not trust the library it tests."""
    crc = 0xFFFF
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


Answer = Callable[[Question], Awaitable[None]]


async def honest(question: Question) -> None:
    """What a sound slave does."""
    question.writer.write(question.honest())


@dataclass
class Slave:
    """A listening slave. `questions` and `connects` count what came: the proof that a fault took effect."""

    answer: Answer = honest
    rtu: bool = False
    on_connect: Callable[[asyncio.StreamWriter], bool] = lambda _writer: True
    port: int = field(default_factory=free_port)
    questions: int = 0
    connects: int = 0
    faults: int = 0
    asked: list[tuple[int, int, int]] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        # the tasks of the connections end in the next turns of the loop
        for _ in range(3):
            await asyncio.sleep(0)
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connects += 1
        self._writers.add(writer)
        try:
            if not self.on_connect(writer):
                self.faults += 1
                return
            while True:
                await self._one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            with contextlib.suppress(OSError):
                writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.rtu:
            unit, function, address, count, _ = struct.unpack(">BBHHH", await reader.readexactly(8))
            transaction = 0
        else:
            transaction, _, _, unit, function, address, count = struct.unpack(">HHHBBHH", await reader.readexactly(12))
        self.questions += 1
        self.asked.append((function, address, count))
        question = Question(self.questions, transaction, unit, function, address, count, writer, self.rtu)
        await self.answer(question)


def reset(writer: asyncio.StreamWriter) -> bool:
    """Hang up with RST instead of FIN."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    return False


def estate_of(
    slaves: Mapping[str, int],
    specs: Mapping[str, tuple[ModbusSpec, ...]] | tuple[ModbusSpec, ...],
    *,
    every_s: float = 0.2,
    timeout_s: float = 0.15,
    transport: str = "tcp",
    max_words: int = 120,
    units: Mapping[str, int] | None = None,
    shared: Mapping[str, str] | None = None,
    host: str = "127.0.0.1",
) -> Estate:
    """One device per slave (name -> port), its points p0, p1 … with ids 1000 x n + k. `shared`: device -> connection id."""
    devices, connections, points, assets = {}, {}, {}, {}
    for number, (name, port) in enumerate(slaves.items()):
        connection = (shared or {}).get(name, f"{name}-tcp")
        connections[connection] = Connection(connection, host, port, transport, share=connection != f"{name}-tcp")
        devices[name] = Device(
            name,
            Protocol.MODBUS,
            (DeviceAsset(f"{name}-asset"),),
            connection=connection,
            unit_id=(units or {}).get(name, 1),
            every_s=every_s,
            timeout_s=timeout_s,
            max_words=max_words,
        )
        assets[f"{name}-asset"] = Asset(f"{name}-asset", "tested", Text(name, name), "here")
        for at, spec in enumerate(specs[name] if isinstance(specs, Mapping) else specs):
            point_id = 1000 * (number + 1) + at
            key = f"p{at}"
            points[point_id] = Point(point_id, f"{name}-asset", key, name, PointSpec(key, Text(key, key), modbus=spec))
    by_key = {(point.asset, point.key): point for point in points.values()}
    return Estate(Site("test", Text("", "")), {}, {}, assets, devices, connections, points, by_key)


def registers(*addresses: int, table: Table = Table.HOLDING, kind: str = "uint16") -> tuple[ModbusSpec, ...]:
    """Points at these addresses."""
    return tuple(ModbusSpec(table, address, kind) for address in addresses)


@dataclass
class Accepted:
    """What a collector handed over, instead of a journal. `rows` are (point, time ns, value, quality)."""

    estate: Estate
    rows: list[tuple[int, int, float, int]] = field(default_factory=list)
    batches: int = 0
    texts: dict[int, str] = field(default_factory=dict)

    def __call__(self, submission: Submission) -> None:
        batch = submission.batch
        self.batches += 1
        quality = (batch.quality & QUALITY_BITS).tolist()
        self.rows.extend(zip(batch.points.tolist(), batch.times.tolist(), batch.values.tolist(), quality, strict=True))
        self.texts.update({int(batch.points[row]): text for row, text in batch.texts.items()})

    def of(self, device: str) -> list[tuple[ModbusSpec, int, float, int]]:
        """(spec, time, value, quality) of a device's points."""
        mine = {point.id: point.spec.modbus for point in self.estate.points.values() if point.device == device}
        return [(spec, at, value, q) for point, at, value, q in self.rows if (spec := mine.get(point)) is not None]

    def good(self, device: str) -> list[tuple[int, float]]:
        """(address, value) of what was accepted as good."""
        return [(spec.address, value) for spec, _, value, q in self.of(device) if q == Quality.GOOD]

    def bad(self, device: str) -> int:
        """How many bad readings."""
        return sum(q == Quality.BAD for *_, q in self.of(device))

    def times(self, device: str, address: int) -> list[float]:
        """Seconds at which a point had a good value."""
        return [at / 1e9 for spec, at, _, q in self.of(device) if spec.address == address and q == Quality.GOOD]


class WallClock:
    """The port's clock for tests."""

    def __init__(self) -> None:
        self._last = 0

    def now_ns(self) -> int:
        self._last = max(self._last + 1, time.time_ns())
        return self._last


async def until(true: Callable[[], bool], seconds: float) -> None:
    """Wait for it; after `seconds` it is a failure."""
    end = asyncio.get_running_loop().time() + seconds
    while not true():
        assert asyncio.get_running_loop().time() < end, "did not happen in time"
        await asyncio.sleep(0.02)
