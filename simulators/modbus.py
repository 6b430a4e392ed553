"""Modbus TCP servers: one per connection of the site, several unit ids behind each. Registers are encoded when read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from caretaker.domain.equipment import Table
from caretaker.domain.errors import ConfigurationError
from simulators.registers import BITS, Image
from simulators.troubles import SLOW_S

_TABLES: Final = (Table.COIL, Table.DISCRETE, Table.HOLDING, Table.INPUT)  # the order pymodbus wants
_READS: Final = {1: Table.COIL, 2: Table.DISCRETE, 3: Table.HOLDING, 4: Table.INPUT}
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # it logs every silent answer; the collector's side is ours


@dataclass(slots=True)
class Unit:
    """One station on a connection.

    refresh  brings the image up to date; called before an answer is given
    answered told (table, first address, count) of every answer that goes out
    trouble  names of LINE_FAULTS that act now
    """

    unit_id: int
    image: Image
    refresh: Callable[[], None]
    answered: Callable[[Table, int, int], None]
    trouble: set[str] = field(default_factory=set)


class Server:
    """One TCP endpoint. `port` 0 takes a free one; `address` tells which."""

    def __init__(self, connection: str, host: str, port: int, units: Sequence[Unit]) -> None:
        self.connection = connection
        self._host = host
        self._port = port
        self._units: Mapping[int, Unit] = {unit.unit_id: unit for unit in units}
        self._server: ModbusTcpServer | None = None

    async def start(self) -> None:
        """Listen. Raises ConfigurationError when the port cannot be had."""
        devices = [self._device(unit) for unit in self._units.values()]
        server = ModbusTcpServer(
            devices, address=(self._host, self._port), ignore_missing_devices=True, trace_packet=self._on_packet
        )
        try:
            await server.serve_forever(background=True)
        except RuntimeError as wrong:
            raise ConfigurationError(
                f"connection {self.connection}: cannot listen on {self._host}:{self._port}; "
                "another program has the port? use --modbus-port 0 for free ones"
            ) from wrong
        self._server = server

    @property
    def address(self) -> str:
        """`host:port` as it listens."""
        if self._server is None or not isinstance(self._server.transport, asyncio.Server):
            raise RuntimeError(f"connection {self.connection} does not listen")
        host, port = self._server.transport.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None

    def _device(self, unit: Unit) -> SimDevice:
        blocks: list[list[SimData]] = []
        for table in _TABLES:
            size = unit.image.size(table)
            if table in BITS:
                blocks.append([SimData(0, values=[False] * size, datatype=DataType.BITS)])
            else:
                blocks.append([SimData(0, values=[0] * size, datatype=DataType.REGISTERS)])
        coils, discretes, holdings, inputs = blocks
        return SimDevice(unit.unit_id, simdata=(coils, discretes, holdings, inputs), action=partial(_answer, unit))

    def _on_packet(self, sending: bool, data: bytes) -> bytes:
        """Cuts the answers of a unit in trouble: one register (or one byte of bits) less than asked, counts agreeing."""
        if not sending or len(data) < 10 or data[7] not in _READS:
            return data
        unit = self._units.get(data[6])
        if unit is None or "short_answer" not in unit.trouble:
            return data
        less = 2 if data[7] in {3, 4} else 1
        length = int.from_bytes(data[4:6], "big") - less
        return data[:4] + length.to_bytes(2, "big") + data[6:8] + bytes([data[8] - less]) + data[9:-less]


async def _answer(
    unit: Unit,
    function: int,
    _start: int,
    address: int,
    count: int,
    registers: list[int],
    written: list[int] | list[bool] | None,
) -> ExcCodes | None:
    """Called by pymodbus for every request: brings its registers up to date, or misbehaves as ordered."""
    if "silent" in unit.trouble:
        raise NoSuchIdException  # with ignore_missing_devices: no answer at all, the connection stays open
    if "slow" in unit.trouble:
        await asyncio.sleep(SLOW_S)
    if written is not None or function not in _READS:
        return ExcCodes.ILLEGAL_FUNCTION  # nobody writes to this estate
    unit.refresh()
    table = _READS[function]
    rows = unit.image.rows(table)
    registers[: len(rows)] = rows
    unit.answered(table, address, count * 16 if table in BITS else count)
    return None
