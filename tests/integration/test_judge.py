"""The judge over a real journal and a real database: one alarm and one work order per incident, whatever happens."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
from structlog.testing import capture_logs

from caretaker.adapters.journal_lmdb import LmdbJournal
from caretaker.adapters.memory.clock import SystemClock
from caretaker.adapters.memory.journal import MemoryJournal
from caretaker.adapters.sql import SqlTransactions
from caretaker.domain.alarms import Alarm
from caretaker.domain.assets import Estate
from caretaker.domain.equipment import Op, Term
from caretaker.domain.errors import DatabaseUnavailable, Fenced
from caretaker.domain.people import Person, Role
from caretaker.domain.rules.types import Transition
from caretaker.domain.work_orders import WorkOrder
from caretaker.ports import Cursor, Journal, Position
from caretaker.services.alarms import request_reset, respond
from caretaker.wire import encode_batch
from rules.judge import Judge, Pace
from tests.integration.judging import estate as many_machines
from tests.unit.rules.small import S, above, readings, rule, small_estate

HOT = small_estate(rule("hot", above()), rule("trip", above(value=100), latched=True))
ROOT = Path(__file__).parents[2]


class House:
    """A journal, a database and a judge on a thread."""

    def __init__(self, folder: Path, estate: Estate = HOT, journal: Journal | None = None) -> None:
        self.clock = SystemClock()
        self.journal = journal or MemoryJournal(readers=("rules",))
        self.transactions = SqlTransactions(f"sqlite:///{folder / 'house.db'}")
        self.transactions.migrate()
        self.estate = estate
        self.sent = 0

    def respond(self, transitions: Sequence[Transition], cursor: Cursor, to: Position) -> Cursor:
        return respond(self.transactions, self.estate, transitions, cursor, to, self.clock.now_ns())

    def judge(self, estate: Estate | None = None, answer: Callable[..., Cursor] | None = None) -> Judge:
        pace = Pace(tick_s=0.05, save_s=0.2, beat_s=0.1, reset_s=0.05)
        return Judge(
            self.journal, self.transactions, estate or self.estate, self.clock, answer or self.respond, pace=pace
        )

    @contextmanager
    def judging(self, **more: object) -> Iterator[Judge]:
        judge, stop = self.judge(**more), threading.Event()  # type: ignore[arg-type]
        thread = threading.Thread(target=judge.run, args=(stop,))
        thread.start()
        try:
            yield judge
        finally:
            stop.set()
            thread.join(10)
            assert not thread.is_alive()

    def say(self, point: int, value: float | None, at_s: float | None = None) -> Position:
        """A reading, accepted now."""
        self.sent += 1
        now = self.clock.now_ns()
        batch = readings((now / S if at_s is None else at_s, point, value))
        return self.journal.append("test", str(self.sent), encode_batch(batch), now)

    def alarms(self, *, active: bool | None = None) -> list[Alarm]:
        with self.transactions.begin(write=False) as unit:
            return list(unit.alarms.list(active=active))

    def orders(self) -> list[WorkOrder]:
        with self.transactions.begin(write=False) as unit:
            return list(unit.work_orders.list())

    def facts(self) -> dict[str, object]:
        with self.transactions.begin(write=False) as unit:
            return dict(unit.parts.all().get("rules", (0, {}))[1])


def eventually(true: Callable[[], object], within_s: float = 5.0) -> None:
    """Wait for a fact."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.005)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    it = House(tmp_path)
    yield it
    it.transactions.close()


def test_a_reading_becomes_an_alarm_and_a_work_order(house: House) -> None:
    with house.judging():
        house.say(1, 90)
        eventually(house.orders)
        (alarm,) = house.alarms()
        assert alarm.active
        assert [(e.value, e.limit) for e in alarm.evidence] == [(90.0, 80.0)]
        assert alarm.work_order == house.orders()[0].id

        house.say(1, 20)
        eventually(lambda: not house.alarms(active=True))

        assert len(house.orders()) == 1
        eventually(lambda: house.facts().get("raised") == 1 and house.facts()["cleared"] == 1)
        assert house.facts()["status"] == "ok"


@pytest.mark.serial
def test_the_work_order_is_there_at_once(house: House) -> None:
    waits = []
    with house.judging():
        for n in range(20):
            began = time.perf_counter()
            house.say(1, 90)
            eventually(lambda n=n: len(house.alarms()) > n)  # type: ignore[misc]
            waits.append(time.perf_counter() - began)
            house.say(1, 20)
            eventually(lambda: not house.alarms(active=True))

    assert sorted(waits)[10] < 0.15, waits
    assert max(waits) < 1.0, waits


def test_what_was_accepted_while_it_was_away_is_judged_after(house: House) -> None:
    with house.judging():
        house.say(1, 20)
    house.say(1, 90)

    with house.judging():
        eventually(house.orders)

    with house.judging():
        pass
    assert len(house.alarms()) == len(house.orders()) == 1


def test_a_replay_suppresses_what_was_answered(house: House) -> None:
    """The snapshot is behind the cursor: the records between are judged again and answered by nobody."""
    calls: list[int] = []

    def counting(transitions: Sequence[Transition], cursor: Cursor, to: Position) -> Cursor:
        calls.append(len(transitions))
        return house.respond(transitions, cursor, to)

    with house.judging(answer=counting):
        house.say(1, 20)
        time.sleep(0.4)
        with house.transactions.begin(write=False) as unit:
            saved = unit.snapshots.load("rules", 0)
        assert saved is not None
        for value in (90, 20, 90):
            house.say(1, value)
        eventually(lambda: sum(calls) == 3)
    with house.transactions.begin() as unit:
        unit.snapshots.save("rules", 0, *saved)
    before = [(a.id, a.active) for a in house.alarms()]
    calls.clear()

    with house.judging(answer=counting):
        time.sleep(0.3)

    assert calls == []
    assert [(a.id, a.active) for a in house.alarms()] == before


def test_the_time_it_was_away_is_no_silence(tmp_path: Path) -> None:
    """A graceful stop leaves nothing to replay; a pause longer than the limit must still not count as silence."""
    house = House(tmp_path, small_estate(rule("silent", Term("p", Op.STALE, value=1.0))))
    with house.judging():
        house.say(1, 20.0)
        eventually(lambda: house.facts().get("position") == house.journal.last(0))
    time.sleep(1.3)

    with house.judging():
        time.sleep(0.4)
        house.say(1, 21.0)
        time.sleep(0.2)

    assert house.alarms() == []
    house.transactions.close()


def test_a_database_that_is_away_delays_and_loses_nothing(house: House) -> None:
    failures = iter(range(4))

    def flaky(transitions: Sequence[Transition], cursor: Cursor, to: Position) -> Cursor:
        if next(failures, None) is not None:
            raise DatabaseUnavailable("away")
        return house.respond(transitions, cursor, to)

    with capture_logs() as lines, house.judging(answer=flaky):
        house.say(1, 90)
        eventually(house.orders)

    assert [line["event"] for line in lines if line["event"] in {"broken", "back"}] == ["broken", "back"]
    assert len(house.alarms()) == 1


def test_a_commit_whose_answer_was_lost_is_not_mistaken_for_another_owner(house: House) -> None:
    lost = iter([True])

    def deaf(transitions: Sequence[Transition], cursor: Cursor, to: Position) -> Cursor:
        moved = house.respond(transitions, cursor, to)
        if next(lost, False):
            raise DatabaseUnavailable("the connection broke after COMMIT")
        return moved

    with house.judging(answer=deaf):
        house.say(1, 90)
        eventually(house.orders)
        house.say(2, 1)
        house.say(1, 20)
        eventually(lambda: not house.alarms(active=True))

    assert len(house.alarms()) == 1


def test_the_one_who_lost_the_cursor_stops_and_writes_nothing(house: House) -> None:
    old, stop = house.judge(), threading.Event()
    fell: list[BaseException] = []

    def work() -> None:
        try:
            old.run(stop)
        except Fenced as fenced:
            fell.append(fenced)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.3)
    with house.transactions.begin() as unit:
        unit.cursors.claim("rules", 0)

    house.say(1, 90)
    thread.join(5)

    assert len(fell) == 1
    assert house.alarms() == []


def test_a_latched_alarm_is_released_by_a_person(house: House) -> None:
    with house.judging():
        house.say(1, 120)
        eventually(lambda: len(house.alarms(active=True)) == 2)
        house.say(1, 10)
        eventually(lambda: len(house.alarms(active=True)) == 1)
        (trip,) = house.alarms(active=True)

        request_reset(house.transactions, trip.id, Person("u1", "Li", Role.SUPERVISOR), house.clock.now_ns())

        eventually(lambda: not house.alarms(active=True))


def test_an_alarm_whose_rule_is_gone_does_not_stay_for_ever(house: House) -> None:
    with house.judging():
        house.say(1, 90)
        eventually(house.orders)

    with house.judging(estate=small_estate(rule("other", above()))):
        eventually(lambda: not house.alarms(active=True))


def test_lost_records_are_told(tmp_path: Path) -> None:
    journal = MemoryJournal(limit_bytes=200_000, keep_bytes=10_000, policy="drop_oldest", readers=("rules",))
    house = House(tmp_path, journal=journal)
    with house.judging():
        house.say(1, 20)
        time.sleep(0.3)
    while journal.first(0) < 100:
        house.say(1, 20)
    house.say(1, 90)

    with capture_logs() as lines, house.judging():
        eventually(house.orders)
        eventually(lambda: house.facts().get("lost"))
        assert house.facts()["status"] == "degraded"

    assert [line["event"] for line in lines].count("readings_lost") == 1
    house.transactions.close()


@pytest.mark.faults
def test_ten_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """Twenty incidents of 3 s and twenty blips of 1 s (the delay is 2 s), while the judge is killed ten times.

    Each kill comes when alarms were answered after the last snapshot, so that the replay has something to suppress.
    """
    chance = random.Random(7)
    journal = LmdbJournal(tmp_path / "journal", readers=("rules",))
    house = House(tmp_path, many_machines(), journal)
    kills = down = 0
    with (tmp_path / "log").open("wb") as log:
        child = _start(house, log)
        base = house.clock.now_ns() / S
        for step in range(400):  # device time runs in steps of 0.1 s; every 1.5 s another machine's incident begins
            ages = {machine: step / 10 - (machine - 1) * 1.5 for machine in range(1, 21)}
            hot = {machine: 0 <= age < 3 or 5 <= age < 6 for machine, age in ages.items()}
            batch = readings(*((base + step / 10, machine, 90.0 if hot[machine] else 20.0) for machine in ages))
            journal.append("test", str(step), encode_batch(batch), house.clock.now_ns())
            time.sleep(0.03)
            down -= 1
            if down == 0:
                child = _start(house, log)
            elif down < 0 and kills < 10 and _answered_since_snapshot(tmp_path) and chance.random() < 0.3:
                child.kill()
                child.wait()
                kills, down = kills + 1, chance.randint(1, 10)
        eventually(lambda: house.facts().get("position") == journal.last(0), 30)
        child.terminate()
        assert child.wait(10) == 0

    raised = sorted((round(a.raised_ns / S - base, 2), a.asset) for a in house.alarms())
    assert raised == [(round((m - 1) * 1.5 + 2, 2), f"a{m}") for m in range(1, 21)]
    assert len(house.orders()) == 20
    assert house.alarms(active=True) == []
    assert kills == 10
    house.transactions.close()
    journal.close()


def _start(house: House, log: BinaryIO) -> subprocess.Popen[bytes]:
    """A judge in a process of its own, when it has caught up."""
    began = house.clock.now_ns()
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.judging", str(Path(log.name).parent)],
        cwd=ROOT,
        stdout=log,
        stderr=log,
    )

    def ready() -> bool:
        with house.transactions.begin(write=False) as unit:
            at_ns, facts = unit.parts.all().get("rules", (0, {}))
        return at_ns > began and facts["position"] == house.journal.last(0)

    eventually(ready, 20)
    return child


def _answered_since_snapshot(folder: Path) -> bool:
    with closing(sqlite3.connect(folder / "house.db")) as sql:
        (answered,) = sql.execute("SELECT position FROM cursors WHERE consumer = 'rules'").fetchone()
        (saved,) = sql.execute("SELECT position FROM snapshots WHERE consumer = 'rules'").fetchone()
    return bool(answered > saved)
