"""Points become few reads, and the reads become columns."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from caretaker.domain.equipment import ModbusSpec, Table
from caretaker.domain.errors import ConfigurationError
from gateway.collectors.modbus.decode import words_of
from gateway.collectors.modbus.plan import Block, Item, items_of, plan, split
from tests.servers.slaves import estate_of

FOLDER = Path(os.environ.get("CARETAKER_CASES") or Path(__file__).parents[3].parent / "shared" / "cases")
MAPS = FOLDER / "modbus_maps.yaml"
DEVICES: list[dict[str, Any]] = yaml.safe_load(MAPS.read_text("utf-8"))["devices"] if MAPS.exists() else []


def holding(*addresses: int, kind: str = "uint16") -> list[Item]:
    return [Item(number, at, ModbusSpec(Table.HOLDING, at, kind)) for number, at in enumerate(addresses, 1)]


def asked(blocks: tuple[Block, ...]) -> list[tuple[str, int, int]]:
    return [(block.ask.table.value, block.ask.address, block.ask.count) for block in blocks]


def test_neighbours_and_small_gaps_are_one_read() -> None:
    assert asked(plan(holding(100, 101, 110), 1, bridge=16)) == [("holding", 100, 11)]


def test_gap_beyond_the_bridge_makes_two_reads() -> None:
    assert asked(plan(holding(100, 117), 1, bridge=16)) == [("holding", 100, 18)]
    assert asked(plan(holding(100, 118), 1, bridge=16)) == [("holding", 100, 1), ("holding", 118, 1)]


def test_tables_are_never_mixed() -> None:
    items = [Item(number, 5, ModbusSpec(table, 5)) for number, table in enumerate(Table, 1)]

    assert sorted(asked(plan(items, 1))) == [("coil", 5, 1), ("discrete", 5, 1), ("holding", 5, 1), ("input", 5, 1)]


def test_read_is_as_long_as_the_protocol_allows_and_not_one_longer() -> None:
    assert asked(plan(holding(*range(126)), 1)) == [("holding", 0, 125), ("holding", 125, 1)]
    coils = [Item(at, at, ModbusSpec(Table.COIL, at)) for at in range(2001)]
    assert asked(plan(coils, 1)) == [("coil", 0, 2000), ("coil", 2000, 1)]


def test_small_buffer_of_a_device_limits_its_reads_and_cuts_no_value() -> None:
    blocks = plan(holding(0, 2, 4, 6, kind="float32"), 1, max_words=5)

    assert asked(blocks) == [("holding", 0, 4), ("holding", 4, 4)]


def test_value_longer_than_the_largest_read_is_a_wrong_configuration() -> None:
    text = Item(1, 0, ModbusSpec(Table.HOLDING, 0, "string", words=30))

    with pytest.raises(ConfigurationError, match="raise max_words"):
        plan([text], 1, max_words=20)


def test_register_read_as_number_and_as_bits_is_read_once() -> None:
    word = ModbusSpec(Table.HOLDING, 7)
    low, high = ModbusSpec(Table.HOLDING, 7, bit=0), ModbusSpec(Table.HOLDING, 7, bit=8, width=8)
    (block,) = plan([Item(1, 7, word), Item(2, 7, low), Item(3, 7, high)], 1)

    assert block.ask.count == 1
    assert block.decode(b"\x12\x35").values.tolist() == [0x1235, 1, 0x12]


def test_address_outside_the_table_names_device_and_point() -> None:
    estate = estate_of({"meter": 1}, (ModbusSpec(Table.HOLDING, 65535, "float32"),))

    with pytest.raises(ConfigurationError, match=r"meter.*p0.*65535"):
        items_of(estate, estate.devices["meter"])


def test_refused_block_is_split_at_gaps_first_then_by_halves() -> None:
    (block,) = plan(holding(100, 101, 110), 1)

    gaps = split(block)
    assert asked(gaps) == [("holding", 100, 2), ("holding", 110, 1)]
    assert asked(split(gaps[0])) == [("holding", 100, 1), ("holding", 101, 1)]
    assert split(gaps[1]) == (gaps[1],)


@given(st.lists(st.tuples(st.integers(0, 900), st.sampled_from(["uint16", "int32", "float64"])), max_size=60))
def test_every_point_lies_in_exactly_one_read_that_holds_it(points: list[tuple[int, str]]) -> None:
    items = [Item(number, at, ModbusSpec(Table.INPUT, at, kind)) for number, (at, kind) in enumerate(points)]

    blocks = plan(items, 1, max_words=60)

    assert sorted(item.point for block in blocks for item in block.items) == [item.point for item in items]
    for block in blocks:
        assert 1 <= block.ask.count <= 60
        assert block.points.tolist() == [item.point for item in block.items]
        for item in block.items:
            assert block.ask.address <= item.address
            assert item.address + words_of(item.spec) <= block.ask.address + block.ask.count


@pytest.mark.skipif(not DEVICES, reason=f"modbus_maps.yaml (0 devices run) is not in {FOLDER}; set CARETAKER_CASES")
@pytest.mark.parametrize("device", DEVICES, ids=[device["id"] for device in DEVICES])
def test_register_map_of_a_real_device_becomes_few_reads(device: dict[str, Any]) -> None:
    """Every point is read and decoded; reads are never more than points."""
    orders = {
        ("big", "big"): "ABCD",
        ("big", "little"): "CDAB",
        ("little", "big"): "BADC",
        ("little", "little"): "DCBA",
    }
    items = []
    for number, point in enumerate(device["points"]):
        kind = "uint16" if point["data_type"] == "bits" else point["data_type"]
        sentinel = point.get("error_value", point.get("unsupported_value"))
        spec = ModbusSpec(
            Table(point["register_type"]),
            point["address"],
            kind,
            orders[point.get("byte_order", "big"), point.get("word_order", "big")],
            point.get("scale", 1),
            point.get("offset", 0),
            bit=point.get("bit"),
            width=point.get("bit_width", 1),
            words=(point.get("length_bytes", 2) + 1) // 2 if kind == "string" else None,
            invalid=() if sentinel is None else (int(sentinel),),
        )
        items.append(Item(number, point["address"], spec))

    blocks = plan(items, 1)

    assert sum(len(block.items) for block in blocks) == len(items)
    assert len(blocks) <= len(items)
    for block in blocks:
        columns = block.decode(bytes(block.ask.size))
        assert len(columns.values) == len(block.items)
