"""A broker that dies forgets what it acknowledged and had not yet passed on; we lose nothing beyond that (reliability R4)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.reliability.checker import check
from tests.reliability.harness import Caretaker, Load
from tests.reliability.yard import write_yard
from tests.servers import Mosquitto

pytestmark = [pytest.mark.faults, pytest.mark.servers]

SHIPPED = {"autosave_on_changes": "true", "autosave_interval": "100"}
"""As deploy/mosquitto/mosquitto.conf says it: written to disk after every 100 changes."""
KILLS = 3


def test_kills_of_the_broker_lose_only_what_it_had_not_yet_passed_on(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker", options=SHIPPED) as broker:
        house = Caretaker(tmp_path / "house", write_yard(tmp_path, 50), broker.port)
        house.start()
        load = Load(broker.port, tmp_path / "history.jsonl", 5_000, 500.0, planted=0)
        load.start()
        pids, resumed_s = {broker.pid}, []
        for kill in range(1, KILLS + 1):
            time.sleep(1.5)
            broker.kill9()
            began = time.monotonic()
            broker.start()
            pids.add(broker.pid)
            while house.log().count("mqtt_back") < kill and time.monotonic() - began < 20:
                time.sleep(0.02)
            resumed_s.append(round(time.monotonic() - began, 1))
        load.join(40)
        house.wait_until_quiet(load.sent, 30)
        house.terminate(10)
        verdict = check(load.history, house.stored())
        journal = check(load.history, house.journaled())

    print(f"sessions resumed after {resumed_s} s; {verdict}")
    assert load.trouble is None
    assert len(pids) == KILLS + 1
    assert max(resumed_s) <= 5
    assert len(verdict.lost) <= 20 * KILLS, "the broker's own window with the collector up (M3)"
    assert not verdict.unexpected
    assert not verdict.duplicated
    assert not journal.duplicated, "what the broker sent again from an older state was recognised"
