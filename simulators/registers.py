"""Values INTO registers. Written from the Modbus words of the kinds alone; never shares a line with our decoders."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from caretaker.domain.equipment import ModbusSpec, PointSpec, Table
from caretaker.domain.errors import ConfigurationError
from simulators.models.physics import Value

_INTEGERS: Final[Mapping[str, tuple[int, bool]]] = {
    "int16": (1, True),
    "uint16": (1, False),
    "int32": (2, True),
    "uint32": (2, False),
    "int64": (4, True),
    "uint64": (4, False),
}
_FLOATS: Final = {"float16": ">e", "float32": ">f", "float64": ">d"}
_BYTES: Final[Mapping[str, tuple[int, bool]]] = {
    "int8l": (0, True),
    "int8h": (8, True),
    "uint8l": (0, False),
    "uint8h": (8, False),
}
_BCD: Final = {"bcd16": 1, "bcd32": 2}
BITS: Final = frozenset({Table.COIL, Table.DISCRETE})


@dataclass(slots=True)
class Image:
    """The four tables of one unit id: address -> bit or 16-bit word. What a client reads is a copy of this."""

    tables: dict[Table, dict[int, int]] = field(default_factory=lambda: {table: {} for table in Table})

    def size(self, table: Table) -> int:
        """How many addresses from 0 on answer; at least one."""
        return max(self.tables[table], default=0) + 1

    def rows(self, table: Table) -> list[int]:
        """The table from address 0 on, gaps as 0; the two bit tables packed 16 to a word, lowest address first."""
        cells, size = self.tables[table], self.size(table)
        if table not in BITS:
            return [cells.get(address, 0) for address in range(size)]
        words = [0] * ((size + 15) // 16)
        for address, bit in cells.items():
            words[address // 16] |= (bit & 1) << (address % 16)
        return words


def words_of(spec: ModbusSpec, value: Value) -> list[int]:
    """One value as the 16-bit words (or the one bit) that lie in the table, in address order.

    Integers are rounded and saturate at their type's ends, as a controller's do. NaN ("no sensor") becomes the first
    `invalid` code, else the NaN of a float, else the type's end that means "nothing there" in most manuals.
    Raises ConfigurationError for a type it does not know.
    """
    if spec.type == "string":
        return _text(spec, str(value))
    number = float(value)
    if spec.table in BITS or spec.type == "bool":
        return [0 if math.isnan(number) else int(bool(number))]
    raw = (number - spec.offset) / spec.scale
    if spec.bit is not None:
        raw = float((0 if math.isnan(raw) else round(raw)) << spec.bit)
    if spec.type in _FLOATS:
        packed = struct.pack(_FLOATS[spec.type], raw)
    elif spec.type in _INTEGERS:
        count, signed = _INTEGERS[spec.type]
        packed = _saturated(raw, count * 16, signed, spec.invalid).to_bytes(count * 2, "big")
    elif spec.type in _BYTES:
        shift, signed = _BYTES[spec.type]
        packed = (_saturated(raw, 8, signed, spec.invalid) << shift).to_bytes(2, "big")
    elif spec.type in _BCD:
        count = _BCD[spec.type]
        digits = 0 if math.isnan(raw) else min(max(round(raw), 0), 10 ** (4 * count) - 1)
        packed = int(str(digits), 16).to_bytes(count * 2, "big")
    else:
        raise ConfigurationError(f"Modbus type {spec.type!r} is not known to the simulators; use e.g. int16, float32")
    return _ordered([*struct.unpack(f">{len(packed) // 2}H", packed)], spec.order)


def _saturated(raw: float, bits: int, signed: bool, invalid: tuple[int, ...]) -> int:
    """The integer as its unsigned bit pattern."""
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    if math.isnan(raw):
        whole = invalid[0] if invalid else (low if signed else high)
    else:
        whole = round(min(max(raw, low), high))
    return whole & ((1 << bits) - 1)


def _ordered(words: list[int], order: str) -> list[int]:
    """ABCD as is, CDAB words reversed, BADC bytes swapped in each word, DCBA both."""
    if order in {"CDAB", "DCBA"}:
        words.reverse()
    if order in {"BADC", "DCBA"}:
        words = [(word & 0xFF) << 8 | word >> 8 for word in words]
    return words


def _text(spec: ModbusSpec, text: str) -> list[int]:
    count = spec.words or 1
    if spec.chars == "both":
        raw = text.encode(spec.encoding, "replace")[: spec.length or count * 2].ljust(count * 2, b"\0")[: count * 2]
        words = [*struct.unpack(f">{count}H", raw)]
    else:
        shift = 8 if spec.chars == "upper" else 0
        raw = text.encode(spec.encoding, "replace")[:count].ljust(count, b"\0")
        words = [letter << shift for letter in raw]
    return _ordered(words, spec.order if spec.order in {"ABCD", "BADC"} else "ABCD")


class Encoder:
    """Writes the values of one asset into its unit's image, shifted by the device's offset for this asset."""

    def __init__(self, points: Iterable[PointSpec], offset: int, image: Image) -> None:
        self._targets = [(p.id, p.modbus, image.tables[p.modbus.table]) for p in points if p.modbus is not None]
        self._offset = offset
        for _, spec, cells in self._targets:
            for row in range(len(words_of(spec, "" if spec.type == "string" else 0.0))):
                cells.setdefault(spec.address + offset + row, 0)

    def write(self, values: Mapping[str, Value]) -> None:
        """Put the values in; a bit that shares its register leaves the others alone."""
        for key, spec, cells in self._targets:
            at = spec.address + self._offset
            words = words_of(spec, values[key])
            if spec.bit is None or spec.table in BITS:
                for row, word in enumerate(words):
                    cells[at + row] = word
                continue
            mask = words_of(_plain(spec), float((1 << spec.width) - 1))
            for row, (word, bits) in enumerate(zip(words, mask, strict=True)):
                cells[at + row] = (cells[at + row] & ~bits) | (word & bits)


def _plain(spec: ModbusSpec) -> ModbusSpec:
    """The same bits, without scale and offset: their place in the register."""
    return ModbusSpec(spec.table, spec.address, spec.type, spec.order, bit=spec.bit, width=spec.width)
