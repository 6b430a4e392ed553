"""Points to reads. Pure: the points of a device in, few blocks out, each compiled to columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from caretaker.domain.assets import Device, Estate
from caretaker.domain.equipment import ModbusSpec, Table
from caretaker.domain.errors import ConfigurationError
from caretaker.domain.readings import U32
from gateway.collectors.modbus.check import Ask
from gateway.collectors.modbus.decode import Decoded, Layout, words_of

MOST_WORDS: Final = 125
MOST_BITS: Final = 2000
"""What one answer of 253 bytes can hold (Modbus Application Protocol 1.1b3, 6.1 and 6.3)."""
BRIDGE: Final = 16
"""Unused words read along rather than asking twice: 32 bytes cost less than a round trip (bits: 16 times as many)."""


@dataclass(frozen=True, slots=True)
class Item:
    """One point where it lies on the wire: `address` has the device's offset in it."""

    point: int
    address: int
    spec: ModbusSpec

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.address + words_of(self.spec)


@dataclass(frozen=True, slots=True)
class Block:
    """One read and what comes out of it. `points` has the columns' point ids (uint32)."""

    ask: Ask
    items: tuple[Item, ...]
    points: U32
    layout: Layout

    def decode(self, data: bytes) -> Decoded:
        """Columns in the order of `points`."""
        return self.layout.decode(data)


def items_of(estate: Estate, device: Device) -> tuple[Item, ...]:
    """The points that a device speaks for. Raises ConfigurationError for an address outside 0 to 65535."""
    offsets = {watch.asset: watch.offset for watch in device.watches}
    items = []
    for point in estate.points.values():
        spec = point.spec.modbus
        if point.device != device.id or spec is None:
            continue
        item = Item(point.id, spec.address + offsets.get(point.asset, 0), spec)
        if item.address < 0 or item.end > 0x10000:
            raise ConfigurationError(
                f"device {device.id}: point {point.key} of {point.asset} lies at {item.address}, outside 0 to 65535"
            )
        items.append(item)
    return tuple(items)


def plan(items: Sequence[Item], unit: int, *, max_words: int = MOST_WORDS, bridge: int = BRIDGE) -> tuple[Block, ...]:
    """Group points into few reads: never over two tables, never more than the device's buffer, gaps bridged up to `bridge`.

    Raises ConfigurationError when one value alone is longer than the device's largest read.
    """
    blocks = []
    for table in Table:
        bits = table in (Table.COIL, Table.DISCRETE)
        limit = min(max_words * 16, MOST_BITS) if bits else min(max_words, MOST_WORDS)
        gap = bridge * 16 if bits else bridge
        run: list[Item] = []
        end = 0
        for item in sorted((it for it in items if it.spec.table is table), key=lambda it: (it.address, it.end)):
            if item.end - item.address > limit:
                raise ConfigurationError(
                    f"the value at {table} {item.address} takes {item.end - item.address} words, "
                    f"more than one read of this device ({limit}): raise max_words"
                )
            if run and (item.address > end + gap or max(end, item.end) - run[0].address > limit):
                blocks.append(block(run, unit))
                run = []
            end = max(end, item.end) if run else item.end
            run.append(item)
        if run:
            blocks.append(block(run, unit))
    return tuple(blocks)


def block(items: Sequence[Item], unit: int) -> Block:
    """One read over all of these (same table) items."""
    first = min(item.address for item in items)
    ask = Ask(unit, items[0].spec.table, first, max(item.end for item in items) - first)
    layout = Layout([(item.address - first, item.spec) for item in items])
    return Block(ask, tuple(items), np.array([item.point for item in items], np.uint32), layout)


def split(refused: Block) -> tuple[Block, ...]:
    """A block that the slave refuses, in smaller pieces: first without the bridged gaps, then by halves.

    One address that does not exist must not blind its neighbours. A block of one address stays as it is.
    """
    pieces = plan(refused.items, refused.ask.unit, bridge=0)
    if len(pieces) > 1:
        return pieces
    starts = sorted({item.address for item in refused.items})
    if len(starts) == 1:
        return (refused,)
    middle = starts[len(starts) // 2]
    halves = (
        [item for item in refused.items if item.address < middle],
        [item for item in refused.items if item.address >= middle],
    )
    return tuple(block(half, refused.ask.unit) for half in halves)
