"""The full deployment, each part a process of its own: mosquitto, gateway, ingest, rules, InfluxDB, PostgreSQL.

Each part is killed under load, again and again; nothing is lost or doubled, each anomaly is told once.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from caretaker.adapters.store_influx import InfluxStore
from caretaker.adapters.stores import series_names
from tests.reliability.checker import check
from tests.reliability.harness import ROOT, Caretaker, Load
from tests.reliability.test_kills import each_anomaly_was_told_once, wait_for_alarms
from tests.reliability.yard import write_yard
from tests.servers import InfluxDB, Mosquitto

pytestmark = [pytest.mark.faults, pytest.mark.servers]

SIGNS = {"gateway": "mqtt_connected", "ingest": "", "rules": "judging"}
"""What a part logs when it is at work."""


class Part(Caretaker):
    """`python -m gateway`, `ingest` or `rules`."""

    def command(self) -> Sequence[str]:
        self._log_at = len(self.log())
        return [sys.executable, "-m", self.module]

    def is_ready(self) -> bool:
        return self.hurried or SIGNS[self.module] in self.log()[self._log_at :]


def test_kills_of_each_part_lose_and_double_nothing(tmp_path: Path, own_influxdb: InfluxDB, postgres_url: str) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    own_influxdb.create_database("caretaker")
    address = f"influx1+{own_influxdb.url}/caretaker"
    yard = write_yard(tmp_path, 50)
    with Mosquitto(tmp_path / "broker") as broker:
        settings = {
            "CARETAKER_STORE": address,
            "CARETAKER_SQL": postgres_url,
            "CARETAKER_DATA": str(tmp_path / "data"),
        }
        parts = {name: Part(tmp_path / name, yard, broker.port, module=name, settings=settings) for name in SIGNS}
        for part in parts.values():
            part.data = tmp_path / "data"
        gateway = parts["gateway"]
        words = [sys.executable, "-m", "caretaker.cli", "setup"]
        subprocess.run(words, env=dict(gateway.environment()), cwd=ROOT, check=True, capture_output=True)
        try:
            for part in parts.values():
                part.start()
            load = Load(broker.port, tmp_path / "history.jsonl", 8_000, 600.0, seed=seed)
            load.start()
            killed = []
            for name in ("gateway", "rules", "ingest", "rules", "gateway", "ingest"):
                time.sleep(chance.uniform(0.5, 1.5))
                parts[name].kill9()
                killed.append((name, load.sent))
                time.sleep(chance.uniform(0.0, 0.5))
                parts[name].hurried = True  # the next kill does not wait for it
                parts[name].start()
            load.join(30)
            gateway.wait_until_quiet(load.sent, 30)
            wait_for_alarms(gateway, load.planted)
            codes = [part.terminate(12)[0] for part in parts.values()]
        finally:
            for part in parts.values():
                part.stop()

        journal = check(load.history, gateway.journaled())
        store = InfluxStore.connect(address, series_names(gateway.estate()))
        stored = check(load.history, gateway.stored(store))
        each_anomaly_was_told_once(gateway, load)

    print(f"killed (part, sent by then) {killed}\njournal: {journal}\nInfluxDB: {stored}")
    assert all(0 < sent < load.messages for _, sent in killed), "the kills fell into the load"
    assert codes == [0, 0, 0]
    assert journal.passed, str(journal)
    assert stored.passed, str(stored)
    assert len(stored.ok) == 8_000
