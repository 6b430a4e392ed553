"""One TCP connection to a Modbus slave or gateway: one question at a time, every answer checked, dropped after any doubt.

After a timeout the next answer may belong to the last question, and over RTU or with a slave that answers transaction 0
every later value would be its neighbour's, for ever. So a connection that was once late or wrong is closed and opened
anew; only a well-formed exception leaves it open.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Final

from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from caretaker.domain.equipment import Table
from gateway.collectors.modbus.check import EXCEPTIONS, LONGEST, Ask, Fault, ModbusFault, check_rtu, check_tcp

_READS: Final = {
    Table.COIL: AsyncModbusTcpClient.read_coils,
    Table.DISCRETE: AsyncModbusTcpClient.read_discrete_inputs,
    Table.HOLDING: AsyncModbusTcpClient.read_holding_registers,
    Table.INPUT: AsyncModbusTcpClient.read_input_registers,
}
_UNREACHABLE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})


class Link:
    """A connection that opens when it is needed. `rtu`: RTU frames over TCP. Use within one event loop.

    doubts    counts what makes answers already given doubtful: bytes that nobody asked for
    connects  counts opened connections
    """

    def __init__(self, host: str, port: int, *, rtu: bool = False) -> None:
        self.address = f"{host}:{port}"
        self.doubts = 0
        self.connects = 0
        self._host, self._port, self._rtu = host, port, rtu
        self._client: AsyncModbusTcpClient | None = None
        self._turn = asyncio.Lock()
        self._ask: Ask | None = None
        self._transaction = 0
        self._data: bytes | None = None
        self._answered = b""

    async def read(self, ask: Ask, timeout_s: float) -> bytes:
        """The data bytes of the answer, exactly as many as asked for. Raises ModbusFault, within about 2 x timeout_s.

        Any fault but a slave's exception closes the connection. Waits for its turn on a shared connection first.
        """
        async with self._turn:
            try:
                client = self._client or await self._open(timeout_s)
                return await self._exchange(client, ask, timeout_s)
            except ModbusFault as fault:
                if fault.fault not in EXCEPTIONS:
                    self.drop()
                raise
            except asyncio.CancelledError:
                self.drop()
                raise

    def drop(self) -> None:
        """Close at once, without waiting for what is still to be sent. Harmless when closed."""
        client, self._client = self._client, None
        if client is None:
            return
        transport = client.ctx.transport
        client.close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()

    async def _open(self, timeout_s: float) -> AsyncModbusTcpClient:
        client = AsyncModbusTcpClient(
            self._host,
            port=self._port,
            framer=FramerType.RTU if self._rtu else FramerType.SOCKET,
            reconnect_delay=0,  # we decide when
            retries=0,
            timeout=10 * timeout_s + 60,  # ours rules; theirs would log on every timeout
            trace_packet=self._packet,
            trace_connect=self._connected,
        )
        client.ctx.max_buffer_size = 1 << 20  # theirs would throw longer input away unseen
        try:
            async with asyncio.timeout(timeout_s):
                # not client.connect(): that turns every reason into False
                await client.ctx.call_create()
        except TimeoutError:
            raise ModbusFault(
                Fault.CONNECT_TIMEOUT, f"no connection to {self.address} within {timeout_s:g} s"
            ) from None
        except socket.gaierror as exc:
            raise ModbusFault(Fault.NO_NAME, f"the name in {self.address} is unknown: {exc.strerror}") from None
        except ConnectionRefusedError:
            raise ModbusFault(Fault.REFUSED, f"nothing listens on {self.address}") from None
        except OSError as exc:
            fault = Fault.NO_ROUTE if exc.errno in _UNREACHABLE else Fault.CLOSED
            raise ModbusFault(fault, f"no connection to {self.address}: {exc.strerror or exc}") from None
        self.connects += 1
        self._client = client
        return client

    async def _exchange(self, client: AsyncModbusTcpClient, ask: Ask, timeout_s: float) -> bytes:
        self._begin(ask)
        doubts = self.doubts
        try:
            async with asyncio.timeout(timeout_s):
                await _READS[ask.table](client, ask.address, count=ask.count, device_id=ask.unit)
        except TimeoutError:
            raise ModbusFault(
                Fault.TIMEOUT, f"{self.address} unit {ask.unit} gave no answer in {timeout_s:g} s"
            ) from None
        except ModbusException as exc:
            raise ModbusFault(Fault.CLOSED, f"{self.address}: {exc.string}") from None
        finally:
            self._ask = None
        if self._data is None or self.doubts != doubts:
            raise ModbusFault(Fault.UNSOLICITED, f"{self.address} unit {ask.unit}: more came than was asked for")
        return self._data

    def _begin(self, ask: Ask) -> None:
        self._ask, self._data = ask, None

    def _packet(self, sending: bool, packet: bytes) -> bytes:
        """pymodbus's hook on the raw bytes: `packet` is all that has come since the question. b"" makes it wait."""
        if sending:
            self._transaction = int.from_bytes(packet[:2], "big")
            return packet
        ask = self._ask
        if ask is None or self._data is not None:
            self.doubts += 1
            self.drop()
            return b""
        try:
            data = check_rtu(packet, ask) if self._rtu else check_tcp(packet, ask, self._transaction)
        except ModbusFault as fault:
            if (
                not self._rtu and packet[:2] == self._answered
            ):  # a twin of the answer before, too late for its own question
                self.doubts += 1
            self._fail(fault)
            return b""
        if data is None:
            if len(packet) > LONGEST:
                self._fail(ModbusFault(Fault.EXTRA_BYTES, f"{len(packet)} bytes and no answer"))
            return b""
        self._data = data
        self._answered = packet[:2]
        return packet

    def _connected(self, connected: bool) -> None:
        """pymodbus's hook: it would let a question wait for its timeout when the slave hangs up.

        Between questions that is no fault: many slaves close idle connections.
        """
        if connected:
            return
        if self._ask is None:
            self.drop()
        else:
            self._fail(ModbusFault(Fault.CLOSED, f"{self.address} closed the connection"))

    def _fail(self, fault: ModbusFault) -> None:
        """Wake the waiting question with this fault."""
        waiting = self._client.ctx.response_future if self._client is not None else None
        if waiting is not None and not waiting.done():
            waiting.set_exception(fault)
