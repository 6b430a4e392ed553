"""The ReadingStore port's contract: memory, blocks on SQLite and a real InfluxDB 1.x pass one suite."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from caretaker.adapters.memory.store import MemoryStore
from caretaker.adapters.store_blocks import BlockStore
from caretaker.adapters.store_influx import InfluxStore, SeriesName
from caretaker.domain.errors import StoreUnavailable
from caretaker.domain.readings import HISTORICAL, Quality, ReadingBatch
from caretaker.ports import ReadingStore
from tests.servers import InfluxDB

ROOT = Path(__file__).resolve().parents[2]
HOUR = 3_600_000_000_000
SECOND = 1_000_000_000
T0 = 1_790_000_000_000_000_000 // HOUR * HOUR
NAMES = {point: SeriesName("demo", f"dev-{point % 3}", f"asset-{point}.value") for point in range(1, 60)}


@pytest.fixture(
    params=["memory", "blocks", "blocks flushed at each write", pytest.param("influx", marks=pytest.mark.servers)]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReadingStore]:
    opened: ReadingStore
    match request.param:
        case "memory":
            opened = MemoryStore()
        case "blocks":
            opened = BlockStore(tmp_path)
        case "influx":
            server: InfluxDB = request.getfixturevalue("influxdb")
            database = request.getfixturevalue("influx_database")
            opened = InfluxStore.connect(f"influx1+{server.url}/{database}", NAMES)
        case _:
            opened = BlockStore(tmp_path, memory_readings=0)
    yield opened
    opened.close()


def readings(*rows: tuple[int, float, float] | tuple[int, float, float, int]) -> ReadingBatch:
    """(point, seconds after T0, value[, quality]) …"""
    return ReadingBatch.of(
        [row[0] for row in rows],
        [T0 + round(row[1] * SECOND) for row in rows],
        [row[2] for row in rows],
        [row[3] if len(row) > 3 else 0 for row in rows],
    )


def test_what_is_written_comes_back_in_the_order_of_its_times(store: ReadingStore) -> None:
    store.write(readings((1, 3, 3.5), (2, 1, 20), (1, 1, 1.5)), 1)
    store.write(readings((1, 2, 2.5)), 2)
    store.flush()

    series = store.read(1, T0, T0 + HOUR)

    assert series.times.tolist() == [T0 + SECOND, T0 + 2 * SECOND, T0 + 3 * SECOND]
    assert series.values.tolist() == [1.5, 2.5, 3.5]
    assert series.quality.tolist() == [0, 0, 0]


def test_readings_are_there_to_read_before_they_are_flushed_or_soon_after(store: ReadingStore) -> None:
    store.write(readings((1, 1, 1.5)), 7)
    store.flush()

    assert store.durable_upto() == 7
    assert [one.value for one in store.latest([1])] == [1.5]


def test_a_range_has_its_start_and_not_its_end_and_a_limit(store: ReadingStore) -> None:
    store.write(readings(*((1, second, second) for second in range(10))), 1)
    store.flush()

    assert store.read(1, T0 + 2 * SECOND, T0 + 5 * SECOND).values.tolist() == [2, 3, 4]
    assert store.read(1, T0, T0 + HOUR, limit=4).values.tolist() == [0, 1, 2, 3]
    assert store.read(9, T0, T0 + HOUR).times.tolist() == []


def test_sending_again_changes_nothing(store: ReadingStore) -> None:
    batch = readings(*((1, second, second / 4) for second in range(50)))
    for upto in (1, 1, 2):
        store.write(batch, upto)
        store.flush()

    assert store.read(1, T0, T0 + HOUR).values.tolist() == [second / 4 for second in range(50)]
    assert store.downsample(1, T0, T0 + HOUR, HOUR).count.tolist() == [50]


def test_the_last_write_of_a_time_wins(store: ReadingStore) -> None:
    store.write(readings((1, 5, 1.0), (1, 5, 2.0)), 1)
    store.flush()
    store.write(readings((1, 5, 3.0)), 2)
    store.flush()

    assert store.read(1, T0, T0 + HOUR).values.tolist() == [3.0]
    assert store.latest([1])[0].value == 3.0
    assert store.downsample(1, T0, T0 + HOUR, HOUR).max.tolist() == [3.0]


def test_values_times_quality_and_texts_survive_exactly(store: ReadingStore) -> None:
    values = [0.1, 21.37, -273.15, 1e-12, 1.7976931348623157e308, -0.5, 123456789.123, 2.0**53, float("nan")]
    times = [T0 + 1, T0 + 2, T0 + 1_000_003, *(T0 + 7 * SECOND + n for n in range(6))]
    quality = [0, 1, 2, HISTORICAL, 0, 8, 9, 0, 2]
    store.write(ReadingBatch.of([3] * 9, times, values, quality), 1)
    store.write(ReadingBatch.of([4, 4], [T0, T0 + 1], [np.nan, np.nan], [0, 0], {0: '运行 "a\\b", c=d\n2', 1: "停"}), 2)
    store.flush()

    series, texts = store.read(3, T0, T0 + HOUR), store.read(4, T0, T0 + HOUR)

    assert series.times.tolist() == times
    assert np.array_equal(series.values, np.array(values), equal_nan=True)
    assert series.quality.tolist() == quality
    assert dict(texts.texts) == {0: '运行 "a\\b", c=d\n2', 1: "停"}
    assert store.latest([4])[0].text == "停"


def test_the_latest_is_the_newest_by_time_not_by_arrival(store: ReadingStore) -> None:
    store.write(readings((1, 100, 1.0), (2, 5, 2.0, Quality.UNCERTAIN)), 1)
    store.flush()
    store.write(readings((1, 50, 9.0)), 2)
    store.flush()

    latest = {one.point: one for one in store.latest([1, 2, 3])}

    assert {point: (one.at_ns, one.value, one.quality) for point, one in latest.items()} == {
        1: (T0 + 100 * SECOND, 1.0, 0),
        2: (T0 + 5 * SECOND, 2.0, 1),
    }


def test_a_bad_reading_without_a_value_is_the_latest_and_is_not_averaged(store: ReadingStore) -> None:
    store.write(readings((1, 1, 4.0), (1, 2, 6.0, Quality.UNCERTAIN), (1, 3, 100.0, Quality.BAD)), 1)
    store.write(readings((1, 4, float("nan"), Quality.BAD)), 2)
    store.flush()

    latest, buckets = store.latest([1])[0], store.downsample(1, T0, T0 + HOUR, HOUR)

    assert (latest.value, latest.quality, latest.at_ns) == (None, Quality.BAD, T0 + 4 * SECOND)
    assert (buckets.count.tolist(), buckets.mean.tolist(), buckets.max.tolist()) == ([2], [5.0], [6.0])


def test_buckets_are_aligned_to_1970_and_empty_ones_are_left_out(store: ReadingStore) -> None:
    store.write(readings((1, 10, 1.0), (1, 59, 3.0), (1, 60, 5.0), (1, 305, 7.0)), 1)
    store.flush()

    buckets = store.downsample(1, T0 + 5 * SECOND, T0 + HOUR, 60 * SECOND)

    assert ((buckets.starts - T0) // SECOND).tolist() == [0, 60, 300]
    assert buckets.mean.tolist() == [2.0, 5.0, 7.0]
    assert buckets.min.tolist() == [1.0, 5.0, 7.0]
    assert buckets.max.tolist() == [3.0, 5.0, 7.0]
    assert buckets.count.tolist() == [2, 1, 1]


def test_a_down_sampled_range_counts_only_what_lies_in_it(store: ReadingStore) -> None:
    store.write(readings(*((1, minute * 60, minute) for minute in range(180))), 1)
    store.flush()

    buckets = store.downsample(1, T0 + 30 * 60 * SECOND, T0 + 90 * 60 * SECOND, HOUR)

    assert buckets.count.tolist() == [30, 30]
    assert (buckets.min.tolist(), buckets.max.tolist()) == ([30.0, 60.0], [59.0, 89.0])


def test_random_readings_in_any_order_come_back_like_from_memory(store: ReadingStore) -> None:
    rng = random.Random(4)
    plain = MemoryStore()
    for upto in range(1, 13):
        rows = [
            (
                rng.randint(1, 5),
                rng.randint(0, 9000) / 2,
                round(rng.gauss(20, 5), rng.choice([1, 3, 9])),
                rng.choice([0, 0, 1, 2]),
            )
            for _ in range(200)
        ]
        store.write(readings(*rows), upto)
        plain.write(readings(*rows), upto)
        if upto % 4 == 0:
            store.flush()

    for point in range(1, 6):
        ours, theirs = store.read(point, T0, T0 + 2 * HOUR), plain.read(point, T0, T0 + 2 * HOUR)
        assert ours.times.tolist() == theirs.times.tolist()
        assert ours.values.tolist() == theirs.values.tolist()
        assert ours.quality.tolist() == theirs.quality.tolist()
        for every in (600 * SECOND, HOUR, 7 * HOUR):
            a, b = store.downsample(point, T0, T0 + 2 * HOUR, every), plain.downsample(point, T0, T0 + 2 * HOUR, every)
            assert (a.starts.tolist(), a.count.tolist()) == (b.starts.tolist(), b.count.tolist())
            assert (a.min.tolist(), a.max.tolist()) == (b.min.tolist(), b.max.tolist())
            assert np.allclose(a.mean, b.mean, rtol=1e-12)


def test_forgetting_takes_the_old_and_leaves_the_new(store: ReadingStore) -> None:
    store.write(readings((1, -7200, 1.0), (1, -3601, 2.0), (1, 0, 3.0), (2, 10, 4.0)), 1)
    store.flush()
    store.forget(T0)

    assert store.read(1, T0 - 3 * HOUR, T0 + HOUR).values.tolist() == [3.0]
    assert store.read(2, T0, T0 + HOUR).values.tolist() == [4.0]


def test_a_closed_store_says_so_and_an_open_one_says_what_it_is(store: ReadingStore) -> None:
    assert store.ping()
    store.close()

    with pytest.raises(StoreUnavailable):
        store.write(readings((1, 1, 1.0)), 1)
