"""Nothing acknowledged is lost, nothing is doubled, each anomaly is told once: whatever is killed (reliability R1, R5, R27)."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.reliability.checker import Verdict, check
from tests.reliability.harness import REDELIVERY, Caretaker, Load
from tests.reliability.yard import write_yard
from tests.servers import Mosquitto

pytestmark = [pytest.mark.faults, pytest.mark.servers]

DEVICES = 50
QUIET_S = 30.0


def judge_all(house: Caretaker, load: Load) -> tuple[Verdict, Verdict]:
    """(journal, store) against the history."""
    return check(load.history, house.journaled()), check(load.history, house.stored())


def each_anomaly_was_told_once(house: Caretaker, load: Load) -> None:
    """Exactly the planted episodes, raised at the planted moments, each with a work order of its own."""
    alarms, orders = house.alarms(), house.orders()
    assert sorted((alarm.asset, alarm.raised_ns) for alarm in alarms) == sorted(
        (episode.asset, episode.raised_ms * 1_000_000) for episode in load.episodes
    )
    assert len(alarms) == len(orders) == load.planted
    assert Counter(order.asset for order in orders) == Counter(episode.asset for episode in load.episodes)
    assert {alarm.work_order for alarm in alarms} == {order.id for order in orders}
    with house.transactions() as opened, opened.begin(write=False) as unit:
        events = Counter(notice.event for notice in unit.outbox.since(0, 10_000))
    assert events["alarm.raised"] == events["alarm.cleared"] == events["work_order.opened"] == load.planted
    assert not any(alarm.active for alarm in alarms), "all machines have cooled down"
    assert all(alarm.evidence[0].value is not None and alarm.evidence[0].value > 80 for alarm in alarms)


def wait_for_alarms(house: Caretaker, wanted: int) -> None:
    """The rules are a reader of their own: give them a moment."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        alarms = house.alarms()
        if len(alarms) >= wanted and not any(alarm.active for alarm in alarms):
            return
        time.sleep(0.1)


@pytest.mark.slow
def test_ten_kills_lose_and_double_nothing_and_every_anomaly_gives_one_work_order(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    with Mosquitto(tmp_path / "broker", options={"log_type": "all"}) as broker:
        house = Caretaker(tmp_path / "house", write_yard(tmp_path, DEVICES), broker.port)
        house.start()
        load = Load(broker.port, tmp_path / "history.jsonl", 20_000, 1_000.0, DEVICES, seed=seed, allowed=2_000)
        load.start()
        pids, unread, sent = [house.pid], [], []
        for kill in range(10):
            # two of ten strike in the middle of a start
            time.sleep(chance.uniform(0.05, 1.5) if house.hurried else chance.uniform(0.1, 1.6))
            house.kill9()
            sent.append(load.sent)
            depth = house.depth()
            unread.append(depth.last - min(depth.readers.values()))
            house.hurried = kill in {3, 6}
            house.start()
            pids.append(house.pid)
            load.allowed += 1_800  # so that there is traffic at every kill, however slow the start was
        load.join(60)
        drained_s = house.wait_until_quiet(load.sent, QUIET_S)
        wait_for_alarms(house, load.planted)
        code, stopped_s = house.terminate(10)
        redelivered = broker.log().count(REDELIVERY)

    journal, store = judge_all(house, load)
    print(
        f"{load.sent} sent; redelivered {redelivered}; unread records at the kills {unread}; drained {drained_s:.1f} s"
    )
    print(f"journal: {journal}\nstore: {store}\nstopped in {stopped_s:.1f} s")
    assert load.trouble is None
    assert load.sent == 20_000
    assert len(set(pids)) == 11, "the kills took effect"
    assert redelivered > 0, "no message was caught between reception and acknowledgement: the kills proved nothing"
    assert max(unread) > 0, "the readers had read everything at every kill"
    assert journal.passed, str(journal)
    assert store.passed, str(store)
    assert len(store.ok) + len(store.recovered) == 20_000
    assert drained_s <= QUIET_S
    assert code == 0
    each_anomaly_was_told_once(house, load)


def test_a_collector_that_acknowledges_before_the_journal_is_caught(tmp_path: Path) -> None:
    """The same run, shorter, on a collector made wrong on purpose: it must lose, or the test above shows nothing."""
    with Mosquitto(tmp_path / "broker") as broker:
        yard = write_yard(tmp_path, DEVICES)
        house = Caretaker(tmp_path / "house", yard, broker.port, module="tests.reliability.eager")
        house.start()
        load = Load(broker.port, tmp_path / "history.jsonl", 60_000, 1_000.0, DEVICES, planted=0)
        load.start()
        for _ in range(2):
            time.sleep(0.8)
            house.kill9()
            assert load.is_alive()
            house.start()
        load.halt.set()
        load.join(30)
        house.wait_until_quiet(load.sent, QUIET_S)
        house.terminate(10)

    journal, store = judge_all(house, load)
    print(f"wrong on purpose: {store}")
    assert store.lost
    assert journal.lost
    assert not store.duplicated
    assert not store.unexpected


def test_sigterm_under_load_ends_within_ten_seconds_and_loses_nothing(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        house = Caretaker(tmp_path / "house", write_yard(tmp_path, DEVICES), broker.port)
        house.start()
        load = Load(broker.port, tmp_path / "history.jsonl", 2_500, 500.0, DEVICES, planted=10)
        load.start()
        time.sleep(2.0)
        code, seconds = house.terminate(15)
        stopped_with = len(house.journaled())
        house.start()
        load.join(20)
        house.wait_until_quiet(load.sent, QUIET_S)
        wait_for_alarms(house, load.planted)
        again, _ = house.terminate(15)

    journal, store = judge_all(house, load)
    print(f"SIGTERM under 500 msg/s: code {code} after {seconds:.2f} s, {stopped_with} accepted by then; {store}")
    assert (code, again) == (0, 0)
    assert seconds <= 10
    assert 0 < stopped_with < load.sent, "it was stopped in the middle"
    assert journal.passed, str(journal)
    assert store.passed, str(store)
    assert "Traceback" not in house.log()
    # a declared reader that nobody is would hold every record until the journal is full
    readers = house.depth().readers
    assert set(readers) == {"ingest", "rules"}
    assert min(readers.values()) > 0
    each_anomaly_was_told_once(house, load)


def test_what_was_published_while_it_was_away_is_all_there(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        house = Caretaker(tmp_path / "house", write_yard(tmp_path, DEVICES), broker.port)
        house.start()
        house.terminate(10)
        load = Load(broker.port, tmp_path / "history.jsonl", 10_000, 20_000.0, DEVICES, planted=10)
        load.start()
        load.join(30)
        house.start()
        drained_s = house.wait_until_quiet(load.sent, QUIET_S)
        wait_for_alarms(house, load.planted)
        house.terminate(10)

    journal, store = judge_all(house, load)
    print(f"10,000 queued in the broker, drained in {drained_s:.1f} s; {store}")
    assert journal.passed, str(journal)
    assert store.passed, str(store)
    assert len(store.ok) == 10_000
    each_anomaly_was_told_once(house, load)
