"""Only an answer that is right in every byte passes, and every wrong one is named."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.domain.equipment import Table
from gateway.collectors.modbus.check import Ask, Fault, ModbusFault, check_rtu, check_tcp
from tests.servers.slaves import crc16

ASK = Ask(1, Table.HOLDING, 100, 4)
RIGHT = bytes.fromhex("0007 0000 000b 01 03 08 0064 0065 0066 0067")


def rtu(body: bytes) -> bytes:
    return body + crc16(body).to_bytes(2, "little")


RIGHT_RTU = rtu(RIGHT[6:])


def test_right_answer_gives_its_data_bytes() -> None:
    assert check_tcp(RIGHT, ASK, 7) == RIGHT[9:]
    assert check_rtu(RIGHT_RTU, ASK) == RIGHT[9:]


@pytest.mark.parametrize("length", range(len(RIGHT)))
def test_beginning_of_a_right_answer_waits_for_the_rest(length: int) -> None:
    assert check_tcp(RIGHT[:length], ASK, 7) is None


@pytest.mark.parametrize("length", range(len(RIGHT_RTU)))
def test_beginning_of_a_right_rtu_answer_waits_for_the_rest(length: int) -> None:
    assert check_rtu(RIGHT_RTU[:length], ASK) is None


WRONG = [
    ("0000 0000 000b 01 03 08 0064 0065 0066 0067", Fault.WRONG_TRANSACTION),
    ("0007 0001 000b 01 03 08 0064 0065 0066 0067", Fault.WRONG_PROTOCOL),
    ("0007 0000 0000 01 03 08 0064 0065 0066 0067", Fault.WRONG_LENGTH),
    ("0007 0000 ffff 01 03 08", Fault.WRONG_LENGTH),
    ("0007 0000 000b 02 03 08 0064 0065 0066 0067", Fault.WRONG_UNIT),
    ("0007 0000 000b 01 04 08 0064 0065 0066 0067", Fault.WRONG_FUNCTION),
    ("0007 0000 0003 01 03 00", Fault.WRONG_COUNT),
    ("0007 0000 000b 01 03 02 0064 0065 0066 0067", Fault.WRONG_COUNT),
    ("0007 0000 000b 01 83 02 0064 0065 0066 0067", Fault.WRONG_LENGTH),
    ("0007 0000 000b 01 03 08 0064 0065 0066 0067 00", Fault.EXTRA_BYTES),
    ("0007 0000 0003 01 83 01", Fault.ILLEGAL_FUNCTION),
    ("0007 0000 0003 01 83 02", Fault.ILLEGAL_ADDRESS),
    ("0007 0000 0003 01 83 05", Fault.ACKNOWLEDGE),
    ("0007 0000 0003 01 83 ee", Fault.EXCEPTION),
]


@pytest.mark.parametrize(("frame", "fault"), WRONG)
def test_wrong_answer_is_refused_and_named(frame: str, fault: Fault) -> None:
    with pytest.raises(ModbusFault) as caught:
        check_tcp(bytes.fromhex(frame), ASK, 7)

    assert caught.value.fault is fault


@pytest.mark.parametrize("at", range(len(RIGHT)))
def test_every_changed_header_byte_is_noticed(at: int) -> None:
    """All but the eight value bytes are known beforehand; over RTU the checksum knows those as well."""
    changed = bytearray(RIGHT)
    changed[at] ^= 0x41
    if at < 9:
        with pytest.raises(ModbusFault):
            check_tcp(bytes(changed), ASK, 7)
    else:
        assert check_tcp(bytes(changed), ASK, 7) == bytes(changed[9:])


@pytest.mark.parametrize("at", range(len(RIGHT_RTU)))
def test_every_changed_rtu_byte_is_noticed(at: int) -> None:
    changed = bytearray(RIGHT_RTU)
    changed[at] ^= 0x41

    with pytest.raises(ModbusFault):
        check_rtu(bytes(changed), ASK)


@given(st.binary(max_size=300))
def test_any_bytes_pass_wait_or_are_refused_and_nothing_else(data: bytes) -> None:
    """S17: no other exception ever; what passes has exactly the asked size."""
    for checked in (partial(check_tcp, data, ASK, 7), partial(check_rtu, data, ASK)):
        try:
            passed = checked()
        except ModbusFault:
            continue
        assert passed is None or len(passed) == ASK.size


@given(st.integers(1, 2000), st.data())
def test_bit_answers_are_as_long_as_their_bits(count: int, data: st.DataObject) -> None:
    ask = Ask(9, Table.COIL, 0, count)
    body = data.draw(st.binary(min_size=ask.size, max_size=ask.size))
    frame = b"\0\1\0\0" + (3 + ask.size).to_bytes(2, "big") + bytes([9, 1, ask.size]) + body

    assert check_tcp(frame, ask, 1) == body
