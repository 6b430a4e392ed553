"""The gateway as a process runs it: real mosquitto, LMDB journal, SQLite heartbeat."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from caretaker import wire
from caretaker.adapters.journal_lmdb import LmdbJournal
from caretaker.adapters.memory.clock import SystemClock
from caretaker.adapters.mqtt import BrokerAddress, open_link
from caretaker.adapters.sql import SqlTransactions
from caretaker.services.gate import Gate
from caretaker.services.readings import Acceptor
from gateway import main
from gateway.collectors.mqtt.collector import MqttCollector
from tests.integration.test_mqtt_way_in import Device, until
from tests.servers import Mosquitto
from tests.small_estate import estate_of


class Failing:
    """A collector with a fault nobody thought of."""

    name = "failing"

    def __init__(self) -> None:
        self.runs = 0

    async def run(self) -> None:
        self.runs += 1
        raise ZeroDivisionError

    async def drain(self) -> None:
        """Nothing."""

    def facts(self, now_ns: int) -> Mapping[str, object]:
        return {"status": "ok", "reason": None}


@asynccontextmanager
async def gateway_on(
    port: int, journal: LmdbJournal, transactions: SqlTransactions, *more: main.Collector
) -> AsyncIterator[Acceptor]:
    estate = estate_of({"d1": ["a1"], "d2": ["a2"]})
    clock = SystemClock()
    acceptor = Acceptor(journal, Gate(estate.points.values(), 10**18), clock, "gateway")
    link = open_link(BrokerAddress.parse(f"mqtt://127.0.0.1:{port}"), "gateway", clock)
    collector = MqttCollector(estate, link, acceptor, clock)
    stop = asyncio.Event()
    whole = main.Gateway([collector, *more], acceptor, transactions, clock)
    task = asyncio.create_task(main.run(whole, stop, beat_s=0.05))
    try:
        await until(lambda: link.status().connected_ns is not None)
        yield acceptor
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


def heartbeat(transactions: SqlTransactions) -> dict[str, object]:
    with transactions.begin(write=False) as unit:
        found = unit.parts.all().get("gateway")
    return dict(found[1]) if found else {}


async def test_readings_reach_the_journal_over_a_restart_and_the_heartbeat_tells_about_each_device(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    journal = LmdbJournal(tmp_path / "journal")
    transactions = SqlTransactions(f"sqlite:///{tmp_path / 'caretaker.db'}")
    transactions.migrate()
    async with Device(mosquitto.port) as device:
        async with gateway_on(mosquitto.port, journal, transactions) as acceptor:
            for number in range(10):
                await device.value(number)
            await device.send(b"{")
            await until(lambda: acceptor.status().counters["accepted"] == 10)
            await until(lambda: heartbeat(transactions).get("refused") == {"bad_json": 1})
            beat = heartbeat(transactions)
        for number in range(10, 15):
            await device.value(number)
        async with gateway_on(mosquitto.port, journal, transactions) as acceptor:
            await until(lambda: acceptor.status().counters["accepted"] == 5)

    batches = [wire.decode_batch(record.payload) for record in journal.read(0, 0, 1000)]
    assert [float(value) for batch in batches for value in batch.values] == [float(number) for number in range(15)]
    assert beat["status"] == "ok"
    mqtt = beat["mqtt"]
    assert isinstance(mqtt, dict)
    assert mqtt["devices"]["d1"]["messages"] == 11
    assert mqtt["devices"]["d1"]["last"] == "{"
    assert "bad_json" in mqtt["devices"]["d1"]["error"]
    assert mqtt["devices"]["d2"]["age_s"] is None
    journal.close()
    transactions.close()


async def test_a_collector_that_fails_is_started_again_and_does_not_hinder_its_neighbour(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    journal = LmdbJournal(tmp_path / "journal")
    transactions = SqlTransactions(f"sqlite:///{tmp_path / 'caretaker.db'}")
    transactions.migrate()
    failing = Failing()
    async with gateway_on(mosquitto.port, journal, transactions, failing) as acceptor, Device(mosquitto.port) as device:
        await until(lambda: failing.runs >= 2)
        await device.value(1)
        await until(lambda: acceptor.status().counters["accepted"] == 1)
        await until(lambda: heartbeat(transactions).get("restarts") is not None)
        restarts = heartbeat(transactions)["restarts"]
    journal.close()
    transactions.close()

    assert isinstance(restarts, dict)
    assert restarts["failing"] >= 1


async def test_a_broker_that_is_not_there_degrades_the_gateway_and_stopping_is_quick(tmp_path: Path) -> None:
    journal = LmdbJournal(tmp_path / "journal")
    transactions = SqlTransactions(f"sqlite:///{tmp_path / 'caretaker.db'}")
    transactions.migrate()
    estate = estate_of({"d1": ["a1"]})
    clock = SystemClock()
    acceptor = Acceptor(journal, Gate(estate.points.values(), 10**18), clock, "gateway")
    link = open_link(BrokerAddress("127.0.0.1", 1), "gateway", clock)
    stop = asyncio.Event()
    whole = main.Gateway([MqttCollector(estate, link, acceptor, clock)], acceptor, transactions, clock)
    task = asyncio.create_task(main.run(whole, stop, beat_s=0.05))
    await until(lambda: heartbeat(transactions).get("status") == "degraded")
    reason = heartbeat(transactions)["reason"]

    began = time.monotonic()
    stop.set()
    await asyncio.wait_for(task, 10)
    journal.close()
    transactions.close()

    assert "mqtt: " in str(reason)
    assert time.monotonic() - began < 2
