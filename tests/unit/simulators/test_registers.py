"""Values become registers as the kind says, by figures worked out by hand."""

from __future__ import annotations

import math
import struct

import pytest

from caretaker.domain.equipment import ModbusSpec, PointSpec, Table, Text
from caretaker.domain.errors import ConfigurationError
from simulators.registers import Encoder, Image, words_of

_T = Text("", "")


def _spec(kind: str, order: str = "ABCD", **more: object) -> ModbusSpec:
    return ModbusSpec(Table.INPUT, 0, kind, order, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spec", "value", "words"),
    [
        (_spec("int16", scale=0.1), -5.0, [0xFFCE]),
        (_spec("uint16", scale=0.001), 0.42, [420]),
        (_spec("uint16", offset=-40.0), 2.0, [42]),
        (_spec("uint32"), 123456.0, [0x0001, 0xE240]),
        (_spec("uint32", "CDAB"), 123456.0, [0xE240, 0x0001]),
        (_spec("uint32", "BADC"), 123456.0, [0x0100, 0x40E2]),
        (_spec("uint32", "DCBA"), 123456.0, [0x40E2, 0x0100]),
        (_spec("uint64", "CDAB"), 0x0001000200030004, [4, 3, 2, 1]),
        (_spec("float32"), 23.5, [0x41BC, 0x0000]),
        (_spec("float16"), 1.0, [0x3C00]),
        (_spec("bcd16"), 1234.0, [0x1234]),
        (_spec("int8h"), -2.0, [0xFE00]),
        (_spec("uint8l"), 7.0, [7]),
        (_spec("string", words=3), "浙A1", [0xE6B5, 0x9941, 0x3100]),
        (_spec("uint16"), 70000.0, [0xFFFF]),
        (_spec("uint16"), -3.0, [0]),
        (_spec("int16"), 40000.0, [0x7FFF]),
        (_spec("int16", invalid=(-32768, 32767)), math.nan, [0x8000]),
        (_spec("uint16", invalid=(65535,)), math.nan, [0xFFFF]),
        (_spec("uint16", bit=3), True, [8]),
    ],
)
def test_a_value_becomes_these_words(spec: ModbusSpec, value: float | str, words: list[int]) -> None:
    assert words_of(spec, value) == words


def test_a_broken_float_sensor_says_nan() -> None:
    words = words_of(_spec("float32"), math.nan)

    assert math.isnan(struct.unpack(">f", struct.pack(">2H", *words))[0])


def test_an_unknown_type_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="int24"):
        words_of(_spec("int24"), 1.0)


def test_bits_of_one_register_leave_each_other_alone() -> None:
    image = Image()
    points = [
        PointSpec("a", _T, modbus=ModbusSpec(Table.HOLDING, 2, bit=0)),
        PointSpec("b", _T, modbus=ModbusSpec(Table.HOLDING, 2, bit=5)),
        PointSpec("c", _T, modbus=ModbusSpec(Table.HOLDING, 2, bit=8, width=4)),
    ]
    encoder = Encoder(points, 100, image)

    encoder.write({"a": True, "b": True, "c": 9.0})
    encoder.write({"a": False, "b": True, "c": 6.0})

    assert image.tables[Table.HOLDING] == {102: 0x0620}


def test_a_coil_lies_at_its_own_bit_and_a_device_offset_shifts_everything() -> None:
    image = Image()
    points = [
        PointSpec("on", _T, modbus=ModbusSpec(Table.COIL, 1)),
        PointSpec("level", _T, modbus=ModbusSpec(Table.INPUT, 4, "uint32")),
    ]

    Encoder(points, 20, image).write({"on": True, "level": 65536.0})

    assert image.rows(Table.COIL) == [0, 1 << 5]
    assert image.rows(Table.INPUT)[20:] == [0, 0, 0, 0, 1, 0]
