"""What the golden cases do not say about decoding: no reading is never 0, and impossible specs are refused."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.domain.equipment import ModbusSpec, Table
from caretaker.domain.errors import ConfigurationError
from caretaker.domain.readings import Quality
from gateway.collectors.modbus.decode import Layout, decode


def spec(kind: str, **more: object) -> ModbusSpec:
    return ModbusSpec(Table.HOLDING, 0, kind, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "of"),
    [
        ([0x7FC0, 0], spec("float32")),
        ([0x7F80, 0], spec("float32")),
        ([0xFF80, 0], spec("float32")),
        ([0x7E00], spec("float16")),
        ([0x8000], spec("int16", invalid=(0x8000,))),
        ([0x8000], spec("int16", invalid=(-32768,))),
        ([0xFFFF, 0xFFFF], spec("uint32", invalid=(-1,))),
        ([0x7F7F, 0xFFFF], spec("float32", invalid=(0x7F7FFFFF,))),
        ([0x12FA], spec("bcd16")),
        ([0xFF41], spec("string", words=1)),
        ([], spec("uint16")),
        ([1, 2], spec("uint16")),
        ([1], spec("uint32")),
    ],
)
def test_no_reading_is_none_and_never_zero(words: list[int], of: ModbusSpec) -> None:
    assert decode(words, of) is None


def test_no_reading_in_a_block_is_bad_and_its_neighbours_are_good() -> None:
    layout = Layout([(0, spec("float32")), (2, spec("int16", scale=0.1)), (3, spec("int16", invalid=(-1,)))])

    columns = layout.decode(struct.pack(">fhh", math.nan, -42, -1))

    assert columns.quality.tolist() == [Quality.BAD, Quality.GOOD, Quality.BAD]
    assert columns.values[1] == -4.2
    assert math.isnan(columns.values[0])
    assert math.isnan(columns.values[2])


def test_text_is_good_without_a_number() -> None:
    columns = Layout([(0, spec("string", words=3, encoding="gbk"))]).decode("电梯".encode("gbk") + b"\0\0")

    assert columns.texts == {0: "电梯"}
    assert columns.quality.tolist() == [Quality.GOOD]


@pytest.mark.parametrize(
    ("words", "of", "value"),
    [
        ([0x1234], spec("bcd16"), 1234),
        ([0x0012, 0x3456], spec("bcd32"), 123456),
        ([0x0012, 0x3456], spec("bcd32", order="CDAB"), 34560012),
        ([0b1010_0000], spec("uint16", bit=5), 1),
        ([0b1010_0000], spec("uint16", bit=6), 0),
        ([0x0817], spec("uint16", bit=8, width=8), 8),
        ([0, 1 << 3], spec("uint32", bit=3), 1),
        ([0x8002], spec("bool"), 1),
        ([3], spec("uint16", scale=0.1), 0.3),
        ([0xFF01], spec("int8h"), -1),
        ([0xFF01], spec("int8h", order="BADC"), 1),
        ([5], spec("uint16", offset=-40.0), -35),
    ],
)
def test_value_of_a_type(words: list[int], of: ModbusSpec, value: float) -> None:
    assert decode(words, of) == value


@pytest.mark.parametrize(
    "wrong",
    [spec("uint24"), spec("uint16", order="DABC"), spec("string"), spec("float32", bit=1), spec("uint16", bit=16)],
)
def test_impossible_spec_is_a_configuration_error(wrong: ModbusSpec) -> None:
    with pytest.raises(ConfigurationError):
        Layout([(0, wrong)])


def test_coils_are_counted_from_the_lowest_bit_of_the_first_byte() -> None:
    coil = ModbusSpec(Table.COIL, 0)

    columns = Layout([(0, coil), (3, coil), (9, coil)]).decode(bytes([0b0000_1000, 0b0000_0010]))

    assert columns.values.tolist() == [0, 1, 1]


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.sampled_from(["ABCD", "CDAB", "BADC", "DCBA"]))
def test_float_in_any_order_comes_back_exactly(value: float, order: str) -> None:
    a, b, c, d = struct.pack(">f", value)
    letters = dict(zip("ABCD", (a, b, c, d), strict=True))
    wire = bytes(letters[letter] for letter in order)

    assert decode(list(struct.unpack(">2H", wire)), spec("float32", order=order)) == value
