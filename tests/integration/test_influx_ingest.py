"""InfluxDB behind the real ingest writer: restarts and kills lose nothing, bad points are set aside, 2.x takes the lines."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from caretaker.adapters.journal_lmdb import LmdbJournal
from caretaker.adapters.memory.clock import SystemClock
from caretaker.adapters.sql import SqlTransactions
from caretaker.adapters.store_influx import InfluxStore, SeriesName
from caretaker.domain.errors import BadReading, Fenced, StoreUnavailable
from caretaker.domain.readings import ReadingBatch
from caretaker.ports import Position
from caretaker.wire import encode_batch
from ingest import main
from ingest.writer import CONSUMER, Writer
from tests.servers import InfluxDB, VictoriaMetrics

T0 = 1_790_000_000_000_000_000
POINTS = 20
NAMES = {point: SeriesName("demo", f"dev-{point % 4}", f"asset-{point}.value") for point in range(1, POINTS + 1)}


class Watched(InfluxStore):
    """The real store; it only counts how often it said that the server is away."""

    away = 0

    def write(self, batch: ReadingBatch, upto: Position) -> None:
        try:
            super().write(batch, upto)
        except StoreUnavailable:
            self.away += 1
            raise


class House:
    """Journal, SQL and store as the ingest process has them."""

    def __init__(self, folder: Path, address: str) -> None:
        self.journal = LmdbJournal(folder / "journal", disk_soft_limit=1.0, readers=(CONSUMER,))
        self.transactions = SqlTransactions(f"sqlite:///{folder / 'sql.db'}")
        self.transactions.migrate()
        self.store = Watched.connect(address, NAMES)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.sent = 0

    def _run(self) -> None:
        main.run(self.journal, self.store, self.transactions, SystemClock(), self.stop, 36_500.0)

    def send(self, batches: int, pause_s: float = 0.0) -> None:
        for _ in range(batches):
            n = self.sent
            times = T0 + (n + np.arange(POINTS, dtype=np.int64)) * 1_000_000
            batch = ReadingBatch.of(range(1, POINTS + 1), times, n + np.arange(POINTS) / 8, [0] * POINTS)
            self.journal.append("dev", f"b{n}", encode_batch(batch), SystemClock().now_ns())
            self.sent += POINTS
            time.sleep(pause_s)

    def wait_until_written(self, within_s: float = 30.0) -> None:
        end = time.monotonic() + within_s
        while self.store.durable_upto() < self.journal.last(0):
            assert time.monotonic() < end, "the store did not catch up"
            time.sleep(0.05)

    def position(self) -> Position:
        with self.transactions.begin() as unit:
            return unit.cursors.claim(CONSUMER, 0).position

    def close(self) -> None:
        self.stop.set()
        if self.thread.is_alive():
            self.thread.join(15)
        self.store.close()
        self.journal.close()
        self.transactions.close()


@pytest.fixture
def house(tmp_path: Path, own_influxdb: InfluxDB) -> Iterator[House]:
    own_influxdb.create_database("caretaker")
    opened = House(tmp_path, f"influx1+{own_influxdb.url}/caretaker")
    yield opened
    opened.close()


def stored(server: InfluxDB) -> int:
    series = server.query("SELECT count(value) FROM reading", database="caretaker")
    return int(series[0]["values"][0][1]) if series else 0


@pytest.mark.faults
def test_restarting_and_killing_influxdb_while_readings_come_loses_none(house: House, own_influxdb: InfluxDB) -> None:
    house.thread.start()
    house.send(20, 0.01)
    house.wait_until_written()
    own_influxdb.stop()
    house.send(30, 0.01)
    end = time.monotonic() + 10
    while not house.store.away and time.monotonic() < end:
        time.sleep(0.05)
    away_at_stop = house.store.away
    own_influxdb.start()
    house.send(20, 0.01)
    house.wait_until_written()
    before = own_influxdb.pid
    for _ in range(2):
        house.send(10, 0.01)
        own_influxdb.kill9()
        house.send(20, 0.03)
        own_influxdb.start()
    house.send(10, 0.01)
    house.wait_until_written()
    house.stop.set()
    house.thread.join(10)

    assert away_at_stop >= 1  # the restart was felt
    assert own_influxdb.pid != before  # and so were the kills
    assert house.store.away > away_at_stop
    assert stored(own_influxdb) == house.sent
    assert house.position() == house.journal.last(0)
    assert house.journal.depth().readers[CONSUMER] == house.journal.last(0)
    with house.transactions.begin() as unit:
        _, facts = unit.parts.all()["ingest"]
    assert facts["lost"] == facts["refused"] == 0


def test_a_start_goes_on_where_the_cursor_in_sql_stands(house: House, own_influxdb: InfluxDB) -> None:
    house.send(5)
    with house.transactions.begin() as unit:
        unit.cursors.advance(unit.cursors.claim(CONSUMER, 0), 3)
    house.thread.start()
    house.wait_until_written()

    assert stored(own_influxdb) == 2 * POINTS


def test_bad_points_are_set_aside_and_the_rest_is_stored(house: House, own_influxdb: InfluxDB) -> None:
    points = [1, 2, 99, 3, 4]
    times = [T0 - 9, (1 << 63) - 1, T0, T0 - 8, -(1 << 63)]  # no series; and times that InfluxDB cannot store
    batch = ReadingBatch.of(points, times, [1.0] * 5, [0] * 5)
    house.journal.append("dev", "bad", encode_batch(batch), 1)
    house.thread.start()
    house.wait_until_written()
    house.send(3)
    house.wait_until_written()

    aside = house.journal.quarantined()

    assert sorted(item.excerpt.split()[0] for item in aside) == [b"2", b"4", b"99"]
    assert {item.reason for item in aside} == {"store_refused"}
    assert stored(own_influxdb) == 2 + 3 * POINTS
    with pytest.raises(BadReading) as bad:
        house.store.write(batch, 2)
    assert bad.value.facts["rows"] == [1, 2, 4]


def test_a_writer_whose_cursor_was_taken_stops(house: House) -> None:
    writer = Writer(house.journal, house.store, house.transactions, SystemClock(), linger_s=0.0)
    house.send(1)
    writer._begin()
    house.position()  # another process claims

    with pytest.raises(Fenced):
        for _ in range(3):
            house.send(1)
            writer._step(house.stop, 1.0)
            writer._settled_at = -math.inf


def test_the_v2_write_path_brings_every_value(victoria: VictoriaMetrics) -> None:
    store = InfluxStore.connect(f"influx2+{victoria.url}/?org=home&bucket=caretaker", NAMES)
    now = SystemClock().now_ns() // 1_000_000 * 1_000_000
    n = 12_000
    batch = ReadingBatch.of(
        [1 + row % POINTS for row in range(n)], [now - row * 1_000_000 for row in range(n)], np.arange(n) / 4, [0] * n
    )
    store.write(batch, 17)

    series = victoria.export('{__name__="reading_value"}', expect=n)
    store.close()

    assert store.durable_upto() == 17
    assert sorted(value for one in series for value in one["values"]) == (np.arange(n) / 4).tolist()
    assert {(one["metric"]["site"], one["metric"]["device"], one["metric"]["point"]) for one in series} == {
        (name.site, name.device, name.point) for name in NAMES.values()
    }


def test_an_absent_v2_server_is_unavailable_and_named() -> None:
    store = InfluxStore.connect("influx2+http://127.0.0.1:9/?org=home&bucket=caretaker", NAMES)

    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:9"):
        store.write(ReadingBatch.of([1], [T0], [1.0], [0]), 1)
    store.close()
