"""Is this the answer to what was asked? Pure: raw bytes and the question in, the data bytes or a named fault out.

pymodbus 3.16.1 believes an answer with transaction id 0, another function code, too few or too many registers, an odd or
small byte count, or a frame that nobody asked for (tests/integration/test_modbus_liars.py shows it). So every byte of the
frame that can be known beforehand is compared here, before pymodbus sees it. What cannot be known is a frame that is
right in every byte and yet not the slave's: Modbus has no authentication.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pymodbus.framer import FramerRTU

from caretaker.domain.equipment import Table
from caretaker.domain.errors import DeviceUnavailable

FUNCTIONS: Final = {Table.COIL: 1, Table.DISCRETE: 2, Table.HOLDING: 3, Table.INPUT: 4}
LONGEST: Final = 260
"""Bytes of the longest legal frame (Modbus Messaging on TCP/IP, 4.1)."""


class Fault(StrEnum):
    """What went wrong, named by its layer: the network, the connection, the frame, the slave's own refusal."""

    NO_NAME = "no_name"
    NO_ROUTE = "no_route"
    REFUSED = "refused"
    CONNECT_TIMEOUT = "connect_timeout"
    CLOSED = "closed"
    TIMEOUT = "timeout"
    UNSOLICITED = "unsolicited"
    WRONG_TRANSACTION = "wrong_transaction"
    WRONG_PROTOCOL = "wrong_protocol"
    WRONG_LENGTH = "wrong_length"
    WRONG_UNIT = "wrong_unit"
    WRONG_FUNCTION = "wrong_function"
    WRONG_COUNT = "wrong_count"
    WRONG_CRC = "wrong_crc"
    EXTRA_BYTES = "extra_bytes"
    ILLEGAL_FUNCTION = "illegal_function"
    ILLEGAL_ADDRESS = "illegal_address"
    ILLEGAL_VALUE = "illegal_value"
    SLAVE_FAILURE = "slave_failure"
    ACKNOWLEDGE = "acknowledge"
    BUSY = "busy"
    GATEWAY_PATH = "gateway_path"
    GATEWAY_TARGET = "gateway_target"
    EXCEPTION = "exception"


_EXCEPTIONS: Final = {
    1: Fault.ILLEGAL_FUNCTION, 2: Fault.ILLEGAL_ADDRESS, 3: Fault.ILLEGAL_VALUE, 4: Fault.SLAVE_FAILURE,
    5: Fault.ACKNOWLEDGE, 6: Fault.BUSY, 10: Fault.GATEWAY_PATH, 11: Fault.GATEWAY_TARGET,
}  # fmt: skip
EXCEPTIONS: Final = frozenset({*_EXCEPTIONS.values(), Fault.EXCEPTION})
"""Well-formed refusals: the slave lives and the connection is sound."""
MISCONFIGURED: Final = frozenset({Fault.ILLEGAL_FUNCTION, Fault.ILLEGAL_ADDRESS, Fault.ILLEGAL_VALUE})
"""Refusals that asking again will not change: the register map or the unit's wiring is wrong."""
SILENT: Final = frozenset({Fault.GATEWAY_PATH, Fault.GATEWAY_TARGET})
"""A gateway answers in place of a unit that does not."""


class ModbusFault(DeviceUnavailable):
    """An answer that is none. `fault` names the layer; `message` says what was found and what was expected."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message, fault=fault)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Ask:
    """One read: `count` registers (or bits) from a zero-based `address` of a unit's table."""

    unit: int
    table: Table
    address: int
    count: int

    @property
    def function(self) -> int:
        """Function code 1 to 4."""
        return FUNCTIONS[self.table]

    @property
    def size(self) -> int:
        """Data bytes of a right answer."""
        bits = self.table in (Table.COIL, Table.DISCRETE)
        return (self.count + 7) // 8 if bits else 2 * self.count


def check_tcp(frame: bytes, ask: Ask, transaction: int) -> bytes | None:
    """The data bytes of a whole, right Modbus TCP answer; None while it is right so far but not whole.

    Raises ModbusFault at the first byte that is wrong, also before the frame is whole.
    """
    _expect(frame, 0, 2, transaction, Fault.WRONG_TRANSACTION, "transaction id")
    _expect(frame, 2, 2, 0, Fault.WRONG_PROTOCOL, "protocol id")
    if len(frame) >= 6 and (length := int.from_bytes(frame[4:6], "big")) not in (3, 3 + ask.size):
        raise ModbusFault(Fault.WRONG_LENGTH, f"length {length}, expected {3 + ask.size} (3 for an exception)")
    _expect(frame, 6, 1, ask.unit, Fault.WRONG_UNIT, "unit id")
    whole = _check_pdu(frame[7:], ask)
    if whole is None:
        return None
    if int.from_bytes(frame[4:6], "big") != 1 + whole:
        raise ModbusFault(Fault.WRONG_LENGTH, f"length {int.from_bytes(frame[4:6], 'big')}, expected {1 + whole}")
    return _take(frame, 7, whole, 0)


def check_rtu(frame: bytes, ask: Ask) -> bytes | None:
    """As `check_tcp` for RTU over TCP, which has no transaction id but a checksum."""
    _expect(frame, 0, 1, ask.unit, Fault.WRONG_UNIT, "unit id")
    whole = _check_pdu(frame[1:], ask)
    if whole is None or len(frame) < 1 + whole + 2:
        return None
    crc = int.from_bytes(frame[1 + whole : 3 + whole], "big")
    if crc != FramerRTU.compute_CRC(frame[: 1 + whole]):
        raise ModbusFault(Fault.WRONG_CRC, f"checksum {crc:#06x} does not fit the frame")
    return _take(frame, 1, whole, 2)


def _expect(frame: bytes, at: int, width: int, expected: int, fault: Fault, name: str) -> None:
    if len(frame) >= at + width and (found := int.from_bytes(frame[at : at + width], "big")) != expected:
        raise ModbusFault(fault, f"{name} {found}, expected {expected}")


def _check_pdu(pdu: bytes, ask: Ask) -> int | None:
    """How long the right PDU is, None while bytes are missing."""
    if not pdu:
        return None
    if pdu[0] not in (ask.function, ask.function | 0x80):
        raise ModbusFault(Fault.WRONG_FUNCTION, f"function code {pdu[0]}, expected {ask.function}")
    if pdu[0] & 0x80:
        return 2 if len(pdu) >= 2 else None
    if len(pdu) < 2:
        return None
    if pdu[1] != ask.size:
        raise ModbusFault(Fault.WRONG_COUNT, f"byte count {pdu[1]}, expected {ask.size} for {ask.count} values")
    return 2 + ask.size if len(pdu) >= 2 + ask.size else None


def _take(frame: bytes, start: int, whole: int, tail: int) -> bytes:
    """The data of a whole frame. Raises for bytes behind it and for the slave's own refusal."""
    if len(frame) > start + whole + tail:
        # a duplicate, or a forged frame before the true one: nobody can tell which of the two is the answer
        raise ModbusFault(Fault.EXTRA_BYTES, f"{len(frame) - start - whole - tail} bytes behind the answer")
    if frame[start] & 0x80:
        code = frame[start + 1]
        fault = _EXCEPTIONS.get(code, Fault.EXCEPTION)
        raise ModbusFault(fault, f"the slave answers exception {code} ({fault.replace('_', ' ')})")
    return bytes(frame[start + 2 : start + whole])
