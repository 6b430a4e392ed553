"""From the device to InfluxDB: whatever is restarted or killed on the way, every reading arrives once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from caretaker.adapters.store_influx import InfluxStore
from caretaker.adapters.stores import series_names
from tests.reliability.checker import check
from tests.reliability.harness import Caretaker, Load
from tests.reliability.yard import write_yard
from tests.servers import InfluxDB, Mosquitto

pytestmark = [pytest.mark.faults, pytest.mark.servers]


def stored(server: InfluxDB) -> int:
    series = server.query("SELECT count(value) FROM reading", database="caretaker")
    return int(series[0]["values"][0][1]) if series else 0


def test_restarts_and_kills_of_influxdb_and_of_caretaker_lose_and_double_nothing(
    tmp_path: Path, own_influxdb: InfluxDB
) -> None:
    own_influxdb.create_database("caretaker")
    address = f"influx1+{own_influxdb.url}/caretaker"
    with Mosquitto(tmp_path / "broker") as broker:
        house = Caretaker(
            tmp_path / "house", write_yard(tmp_path, 50), broker.port, settings={"CARETAKER_STORE": address}
        )
        house.start()
        load = Load(broker.port, tmp_path / "history.jsonl", 5_000, 500.0, planted=10)
        load.start()
        time.sleep(1.5)
        before = stored(own_influxdb)
        first = own_influxdb.pid
        own_influxdb.restart()
        time.sleep(1.5)
        own_influxdb.kill9()
        time.sleep(1.0)
        missed = "store away" in house.log()
        house.kill9()
        house.start()
        own_influxdb.start()
        load.join(30)
        house.wait_until_quiet(load.sent, 30)
        began = time.monotonic()
        while stored(own_influxdb) < load.sent and time.monotonic() - began < 20:
            time.sleep(0.1)
        caught_up_s = time.monotonic() - began
        alarms, orders = house.alarms(), house.orders()
        house.terminate(10)
        verdict = check(load.history, house.stored(InfluxStore.connect(address, series_names(house.estate()))))

    print(f"stored before the first restart {before} of {load.sent}; caught up in {caught_up_s:.1f} s; {verdict}")
    assert 0 < before < load.sent, "it was restarted in the middle"
    assert own_influxdb.pid != first
    assert missed, "Caretaker felt that it was away"
    assert verdict.passed, str(verdict)
    assert len(verdict.ok) == 5_000
    assert len(alarms) == len(orders) == 10, "alarms do not wait for the store"
