"""Where points lie in Modbus tables, and that they do not lie on one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from caretaker.catalog.rule import Say
from caretaker.catalog.yaml_file import Path_
from caretaker.domain.equipment import ModbusSpec, PointSpec, Table, ValueType

WORDS: Final[Mapping[str, int]] = {
    **dict.fromkeys("bool int8l int8h uint8l uint8h int16 uint16 float16 bcd16".split(), 1),
    **dict.fromkeys("int32 uint32 float32 bcd32".split(), 2),
    **dict.fromkeys("int64 uint64 float64".split(), 4),
}
"""Registers a value takes; a string says so itself."""

_BIT_TABLES: Final = frozenset({Table.COIL, Table.DISCRETE})
_HALF: Final[Mapping[str, range]] = {
    "int8l": range(8),
    "uint8l": range(8),
    "int8h": range(8, 16),
    "uint8h": range(8, 16),
}
Cell = tuple[Table, int, int]
"""(table, address, bit 0..15); coils and discrete inputs use bit 0."""


def words(spec: ModbusSpec) -> int:
    """How many registers (or bits, in a bit table) a point takes."""
    return spec.words if spec.words is not None else WORDS.get(spec.type, 1)


def cells(spec: ModbusSpec, offset: int = 0) -> Iterator[Cell]:
    """Every bit a point occupies, shifted by a device's offset."""
    first = spec.address + offset
    if spec.table in _BIT_TABLES:
        yield spec.table, first, 0
        return
    if spec.bit is not None:
        size = words(spec)
        for bit in range(spec.bit, spec.bit + spec.width):
            word = bit // 16 if spec.order in ("CDAB", "DCBA") else size - 1 - bit // 16
            yield spec.table, first + word, bit % 16
        return
    for address in range(first, first + words(spec)):
        for bit in _HALF.get(spec.type, range(16)):
            yield spec.table, address, bit


def modbus_of(node: Mapping[str, Any], sort: ValueType, path: Path_, say: Say) -> ModbusSpec:
    """One `modbus:` block; what cannot be is told to `say`."""
    table = Table(node["table"])
    default = "bool" if table in _BIT_TABLES else "string" if sort is ValueType.TEXT else "uint16"
    spec = ModbusSpec(
        table=table,
        address=node["address"],
        type=node.get("type", default),
        order=node.get("order", "ABCD"),
        scale=float(node.get("scale", 1.0)),
        offset=float(node.get("offset", 0.0)),
        bit=node.get("bit"),
        words=node.get("words"),
        invalid=tuple(node.get("invalid", ())),
        width=node.get("width", 1),
        minimum=node.get("minimum"),
        maximum=node.get("maximum"),
        zero_suppress=float(node.get("zero_suppress", 0.0)),
        encoding=node.get("encoding", "utf-8"),
        length=node.get("length"),
        chars=node.get("chars", "both"),
    )
    if spec.scale == 0:
        say((*path, "scale"), "found 0; expected another number, or every value would be the same")
    if table in _BIT_TABLES:
        for key in sorted(set(node) - {"table", "address", "type"}):
            if key in node:
                say((*path, key), f"has no meaning in the {table} table, whose cells are single bits; remove it")
        if spec.type != "bool":
            say((*path, "type"), f"found {spec.type!r}; the {table} table holds single bits: expected bool")
        if sort is not ValueType.BOOL:
            say((*path, "table"), f"a {sort} point in the {table} table of single bits; expected input or holding")
    else:
        _check_words(node, spec, sort, path, say)
    if spec.address + words(spec) > 65536:
        say((*path, "address"), f"{spec.address} plus {words(spec)} registers goes beyond 65535")
    return spec


def _check_words(node: Mapping[str, Any], spec: ModbusSpec, sort: ValueType, path: Path_, say: Say) -> None:
    if (spec.type == "string") != (sort is ValueType.TEXT):
        say((*path, "type"), f"{spec.type!r} for a {sort} point; text points and only they are of type string")
    if (spec.type == "string") != (spec.words is not None):
        say(path, "words goes with type string and only with it: the number of registers of the text")
    _check_bits(spec, path, say)
    if spec.type != "string":
        for key in sorted({"encoding", "length", "chars"} & set(node)):
            say((*path, key), f"has no meaning for {spec.type!r}; it belongs to type string")
    if words(spec) == 1 and spec.order in ("CDAB", "DCBA") and spec.type != "string":
        say((*path, "order"), f"{spec.order!r} swaps words, but {spec.type!r} is one word; expected ABCD or BADC")


def _check_bits(spec: ModbusSpec, path: Path_, say: Say) -> None:
    if spec.bit is None:
        if spec.width != 1:
            say((*path, "width"), "width without bit; expected bit: the lowest of the bits that make the number")
        return
    if spec.type not in ("uint16", "int16", "uint32", "int32", "bool"):
        say((*path, "bit"), f"a bit of {spec.type!r}; expected type uint16 or uint32")
    elif spec.bit + spec.width > 16 * words(spec):
        say((*path, "bit"), f"bits {spec.bit} to {spec.bit + spec.width - 1} do not lie in {spec.type!r}")


def check_registers(points: Sequence[PointSpec], say: Say) -> None:
    """No two points of a kind may share a register, except by different bits or bytes of it."""
    owner: dict[Cell, str] = {}
    for row, point in enumerate(points):
        if point.modbus is None:
            continue
        for cell in cells(point.modbus):
            other = owner.setdefault(cell, point.id)
            if other != point.id:
                say(
                    ("points", row, "modbus", "address"),
                    f"{cell[0]} {cell[1]} is already taken by {other!r}; expected a free address",
                )
                break
