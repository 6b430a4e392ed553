"""Registers to values. Pure: words as the wire has them and a `ModbusSpec` in, a number or a text out.

A block of points is compiled once into at most four `struct` formats, so that one answer costs a few C calls however
many points it holds. The same compiled layout decodes a single value, so there is one meaning of every type.

How byte and word order become plain big and little endian: W is the wire, S is W with the two bytes of every word
swapped. ABCD is big endian on W, DCBA little endian on W, BADC big endian on S, CDAB little endian on S; this holds for
16, 32 and 64 bits alike.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from caretaker.domain.equipment import ModbusSpec, Table
from caretaker.domain.errors import ConfigurationError
from caretaker.domain.readings import F64, U8, Quality

_CODES: Final = {
    "bool": "H", "int8l": "b", "int8h": "b", "uint8l": "B", "uint8h": "B", "int16": "h", "uint16": "H", "bcd16": "H",
    "int32": "i", "uint32": "I", "bcd32": "I", "int64": "q", "uint64": "Q", "float16": "e", "float32": "f", "float64": "d",
}  # fmt: skip
_ORDERS: Final = {"ABCD": (">", False), "DCBA": ("<", False), "BADC": (">", True), "CDAB": ("<", True)}
TYPES: Final = frozenset({*_CODES, "string"})
"""Every `ModbusSpec.type` there is."""


def words_of(spec: ModbusSpec) -> int:
    """How many registers (or bits, in the bit tables) a value takes. Raises ConfigurationError for an impossible spec."""
    if spec.table in (Table.COIL, Table.DISCRETE):
        return 1
    if spec.type == "string":
        if not spec.words or spec.words < 1:
            raise ConfigurationError("a string needs `words`: how many registers it takes", address=spec.address)
        return spec.words
    if spec.type not in _CODES:
        raise ConfigurationError(f"unknown Modbus type {spec.type!r}; known: {', '.join(sorted(TYPES))}")
    return max(1, struct.calcsize(_CODES[spec.type]) // 2)


@dataclass(frozen=True, slots=True)
class Decoded:
    """The values of one answer in the order of the layout's points: NaN and BAD where there is no reading."""

    values: F64
    quality: U8
    texts: dict[int, str]


class Layout:
    """Compiled decoding of several values that lie in one answer.

    `items` are (offset, spec): the offset in words (bits, for coils and discrete inputs) from the start of the answer.
    Raises ConfigurationError for an unknown type or order, or a bit that the type does not have.
    """

    def __init__(self, items: Sequence[tuple[int, ModbusSpec]]) -> None:
        self._items = tuple(items)
        self._runs: list[tuple[struct.Struct, bool, tuple[tuple[int, ...], ...]]] = []
        self._strings: list[tuple[int, int, ModbusSpec]] = []
        self._bits: list[tuple[int, int]] = []
        self._special: list[tuple[int, ModbusSpec]] = []
        fields: dict[tuple[str, bool], dict[tuple[int, str], list[int]]] = {}
        for row, (offset, spec) in enumerate(items):
            if spec.table in (Table.COIL, Table.DISCRETE):
                self._bits.append((row, offset))
                continue
            words_of(spec)
            if spec.order not in _ORDERS:
                raise ConfigurationError(f"unknown order {spec.order!r}; known: {', '.join(_ORDERS)}")
            endian, swapped = _ORDERS[spec.order]
            if spec.type == "string":
                self._strings.append((row, offset, spec))
                continue
            code, start = _CODES[spec.type], offset * 2
            if code in "bB":
                # a letter of 8 bits has no endianness of its own: the swap of its word decides which byte it is
                swapped = spec.order in {"BADC", "DCBA"}
                endian = ">"
                start += 1 if spec.type.endswith("l") else 0
            fields.setdefault((endian, swapped), {}).setdefault((start, code), []).append(row)
            if spec.bit is not None and (code in "efd" or spec.bit + spec.width > 8 * struct.calcsize("=" + code)):
                raise ConfigurationError(f"a {spec.type} has no bit {spec.bit} with width {spec.width}")
            if _is_special(spec):
                self._special.append((row, spec))
        for (endian, swapped), group in fields.items():
            self._compile(endian, swapped, group)
        self._factors()

    def _compile(self, endian: str, swapped: bool, group: dict[tuple[int, str], list[int]]) -> None:
        """Neighbours in one struct; values that overlap (a register read as a number and as bits) in a further one."""
        rest = sorted(group.items())
        while rest:
            text, end, rows, later = endian, 0, [], []
            for (start, code), takers in rest:
                if start < end:
                    later.append(((start, code), takers))
                    continue
                text += f"{start - end}x{code}"
                end = start + struct.calcsize(endian + code)
                rows.append(tuple(takers))
            self._runs.append((struct.Struct(text), swapped, tuple(rows)))
            rest = later

    def _factors(self) -> None:
        self._times = np.ones(len(self._items))
        self._over = np.ones(len(self._items))
        self._plus = np.zeros(len(self._items))
        for row, (_, spec) in enumerate(self._items):
            self._times[row], self._over[row] = _fraction(spec.scale)
            self._plus[row] = spec.offset

    def raw(self, data: bytes) -> list[int | float | None]:
        """The numbers before scale and offset, None for texts; `data` is the answer's bytes as on the wire."""
        out: list[int | float | None] = [None] * len(self._items)
        turned: bytes | None = None
        for fields, swapped, rows in self._runs:
            if swapped and turned is None:
                turned = swap(data)
            source = turned if swapped and turned is not None else data
            for takers, value in zip(rows, fields.unpack_from(source), strict=True):
                for row in takers:
                    out[row] = value
        for row, offset in self._bits:
            out[row] = data[offset >> 3] >> (offset & 7) & 1
        for row, spec in self._special:
            out[row] = _refine(out[row], spec)
        return out

    def texts(self, data: bytes) -> dict[int, str]:
        """row -> text for the string points that are readable."""
        found = ((row, _text(data[2 * at : 2 * (at + words_of(spec))], spec)) for row, at, spec in self._strings)
        return {row: text for row, text in found if text is not None}

    def decode(self, data: bytes) -> Decoded:
        """One answer to columns. `data` has all the bytes that the items need (the check layer has counted them)."""
        values = np.array(self.raw(data), np.float64)  # None becomes NaN
        values = values * self._times / self._over + self._plus
        for row, spec in self._special:
            values[row] = _limit(float(values[row]), spec)
        wrong = ~np.isfinite(values)
        values[wrong] = math.nan
        quality = np.where(wrong, np.uint8(Quality.BAD), np.uint8(Quality.GOOD))
        texts = self.texts(data) if self._strings else {}
        for row in texts:
            quality[row] = Quality.GOOD
        return Decoded(values, quality, texts)


def decode(words: Sequence[int], spec: ModbusSpec) -> float | str | None:
    """One value from its registers (or its one bit, for coils and discrete inputs).

    Whole numbers without scale come back as exact `int`. None is no reading: too few or too many words for the type, a
    "no sensor" code, NaN or infinity, a digit that is none, a text that is not in its encoding. It is never 0.
    """
    if len(words) != words_of(spec):
        return None
    if spec.table in (Table.COIL, Table.DISCRETE):
        return int(bool(words[0]))
    data = struct.pack(f">{len(words)}H", *words)
    layout = Layout([(0, spec)])
    if spec.type == "string":
        return layout.texts(data).get(0)
    raw = layout.raw(data)[0]
    if raw is None or not math.isfinite(raw):
        return None
    times, over = _fraction(spec.scale)
    value = raw if (times, over, spec.offset) == (1.0, 1.0, 0.0) else raw * times / over + spec.offset
    value = _limit(value, spec)
    return value if math.isfinite(value) else None


def decode_many(words: Sequence[int], spec: ModbusSpec, count: int) -> list[float | str | None]:
    """`count` values of the same sort that lie one after another; an uneven number of words gives no readings at all."""
    width = words_of(spec)
    if len(words) != width * count:
        return [None] * count
    return [decode(words[at : at + width], spec) for at in range(0, len(words), width)]


def decode_bits(words: Sequence[int], order: str = "ABCD") -> list[bool]:
    """All bits of some registers, byte by byte as on the wire, the least significant bit of each byte first."""
    data = struct.pack(f">{len(words)}H", *words)
    if _ORDERS[order][0] == "<" or order == "BADC":
        data = swap(data) if order != "CDAB" else data
    return [bool(byte >> bit & 1) for byte in data for bit in range(8)]


def as_text(value: float, decimals: int = 0) -> str:
    """A number as it is shown: that many decimals, whole numbers exactly."""
    if isinstance(value, int):
        return f"{value}.{'0' * decimals}" if decimals else str(value)
    return f"{value:.{decimals}f}"


def swap(data: bytes) -> bytes:
    """The two bytes of every word exchanged."""
    return np.frombuffer(data, ">u2").byteswap().tobytes()


def _is_special(spec: ModbusSpec) -> bool:
    return (
        spec.bit is not None
        or bool(spec.invalid)
        or spec.type in {"bool", "bcd16", "bcd32"}
        or spec.minimum is not None
        or spec.maximum is not None
        or spec.zero_suppress > 0
    )


def _refine(raw: int | float | None, spec: ModbusSpec) -> int | float | None:  # noqa: PYI041 - they differ here
    """From the machine's number to ours: "no sensor" codes, bits, decimal digits, truth."""
    if raw is None:
        return None
    if spec.invalid and _is_invalid(raw, spec):
        return None
    if isinstance(raw, float):
        return raw
    if spec.bit is not None:
        return raw >> spec.bit & (1 << spec.width) - 1
    if spec.type == "bool":
        return int(raw != 0)
    if spec.type in {"bcd16", "bcd32"}:
        digits = f"{raw:x}"
        return int(digits) if digits.isdecimal() else None
    return raw


def _is_invalid(raw: float, spec: ModbusSpec) -> bool:
    """A "no sensor" code is compared as the bits on the wire, so signed and unsigned notation both match."""
    code = _CODES[spec.type]
    bits = 1 << 8 * struct.calcsize("=" + code)
    whole = int.from_bytes(struct.pack(">" + code, raw), "big")
    return any(whole == known % bits or raw == known for known in spec.invalid)


def _limit(value: float, spec: ModbusSpec) -> float:
    if abs(value) <= spec.zero_suppress:
        return 0
    if spec.minimum is not None and value < spec.minimum:
        return spec.minimum
    if spec.maximum is not None and value > spec.maximum:
        return spec.maximum
    return value


def _fraction(scale: float) -> tuple[float, float]:
    """(times, over): 0.1 is "over 10", which gives 0.3 for 3 where "times 0.1" gives 0.30000000000000004."""
    if 0 < abs(scale) < 1:
        over = round(1 / scale)
        if 1 / over == scale:
            return 1.0, float(over)
    return float(scale), 1.0


def _text(data: bytes, spec: ModbusSpec) -> str | None:
    if spec.order in {"BADC", "DCBA"}:
        data = swap(data)
    if spec.chars != "both":
        data = data[1::2] if spec.chars == "lower" else data[::2]
    data = data[: spec.length].split(b"\0", 1)[0]
    try:
        return data.decode(spec.encoding)
    except UnicodeDecodeError:
        return None
