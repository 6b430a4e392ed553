"""The block codec: whatever goes in comes out, and the arithmetic over many blocks equals that over one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caretaker.adapters.store_blocks import codec
from caretaker.adapters.store_blocks.codec import HOUR_NS

T0 = 497_222 * HOUR_NS
VALUES = st.one_of(
    st.floats(allow_infinity=False),
    st.integers(-(10**7), 10**7).map(float),
    st.integers(-(10**7), 10**7).map(lambda n: n / 100),
)
ROWS = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.one_of(st.integers(0, 3 * HOUR_NS), st.integers(0, 3 * 3_600_000).map(lambda ms: ms * 1_000_000)),
        VALUES,
        st.integers(0, 15),
        st.one_of(st.none(), st.none(), st.text(max_size=5)),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(ROWS)
def test_blocks_give_back_every_reading(rows: list[tuple[int, int, float, int, str | None]]) -> None:
    columns = codec.ordered(
        np.array([row[0] for row in rows], np.uint32),
        np.array([T0 + row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.float64),
        np.array([row[3] for row in rows], np.uint8),
        {n: row[4] for n, row in enumerate(rows) if row[4] is not None},
    )
    expected = {(row[0], T0 + row[1]): (None if row[2] != row[2] else row[2], *row[3:]) for row in rows}

    found = {}
    for block in codec.blocks(columns):
        part = codec.decode(block.point, block.hour, block.data)
        assert len(part) == block.rows
        for n, value in enumerate(part.values.tolist()):
            key = block.point, int(part.times[n])
            found[key] = (None if value != value else value, int(part.quality[n]), part.texts.get(n))

    assert found == expected


def test_a_damaged_block_is_an_error() -> None:
    with pytest.raises(ValueError, match="damaged"):
        codec.decode(1, 2, b"\x00\x00\x01\x00\x00\x00nonsense")


def test_a_steady_hour_takes_little_room() -> None:
    n = 360
    times = T0 + np.arange(n, dtype=np.int64) * 10_000_000_000
    values = np.round(20 + 5 * np.sin(np.arange(n) / 60) + np.random.default_rng(1).standard_normal(n) * 0.1, 2)
    columns = codec.ordered(np.full(n, 7, np.uint32), times, values, np.zeros(n, np.uint8), {})

    (block,) = codec.blocks(columns)

    assert len(block.data) < 3 * n
