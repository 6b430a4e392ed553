"""Four processes see the same breach within a millisecond: one alarm, one work order, two hundred times (reliability R14)."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from caretaker.adapters.sql import SqlTransactions
from tests.reliability.racer import MS, ROUNDS, T0

pytestmark = [pytest.mark.faults]

ROOT = Path(__file__).resolve().parents[2]
WORKERS = 4


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty, migrated database."""
    address = (
        f"sqlite:///{tmp_path / 'race.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    )
    transactions = SqlTransactions(address)
    transactions.migrate()
    transactions.close()
    return str(address)


@contextmanager
def workers(url: str, name: str) -> Iterator[Sequence[subprocess.Popen[str]]]:
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.racer", url, f"{name}-{n}"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        for n in range(WORKERS)
    ]
    try:
        for one in started:
            assert _line(one) == "ready"
        yield started
    finally:
        for one in started:
            assert one.stdin is not None
            assert one.stdout is not None
            one.stdin.close()
            one.wait(10)
            one.stdout.close()


def _line(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline().strip()


def race(url: str, name: str, rounds: int) -> tuple[list[tuple[int, int]], list[str], float]:
    """((alarms, unfinished orders) of each round, what went wrong, seconds)"""
    wrong: list[str] = []
    with workers(url, name) as running:
        began = time.monotonic()
        for round_ in range(rounds):
            for n, one in enumerate(running):
                assert one.stdin is not None
                one.stdin.write(f"{T0 + (round_ * 1000 + n) * MS}\n")
            wrong += [said for one in running if (said := _line(one)) != "done"]
        seconds = time.monotonic() - began
    transactions = SqlTransactions(url)
    with transactions.begin(write=False) as unit:
        alarms = Counter(alarm.asset for alarm in unit.alarms.list(active=True, limit=10_000))
        orders = Counter(order.asset for order in unit.work_orders.list(limit=10_000))
        notices = Counter(notice.event for notice in unit.outbox.since(0, 10_000))
    transactions.close()
    assert notices["alarm.raised"] == sum(alarms.values())
    return [(alarms[f"a{n + 1}"], orders[f"a{n + 1}"]) for n in range(rounds)], wrong, seconds


def test_two_hundred_races_give_one_alarm_and_one_work_order_each(url: str) -> None:
    rounds, wrong, seconds = race(url, "careful", ROUNDS)

    print(f"{url.partition(':')[0]}: {rounds.count((1, 1))} of {ROUNDS} rounds gave one each, in {seconds:.1f} s")
    assert wrong == []
    assert rounds == [(1, 1)] * ROUNDS


def test_looking_before_acting_is_not_enough(url: str) -> None:
    """The same race without the partial unique indexes, with a check in code in their place: duplicates are found."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX uq_alarms_open_episode"))
        connection.execute(text("DROP INDEX uq_work_orders_unfinished"))
    engine.dispose()

    rounds, wrong, _ = race(url, "careless", 50)

    doubled = sum(alarms > 1 for alarms, _ in rounds)
    print(f"{url.partition(':')[0]}, wrong on purpose: {doubled} of 50 rounds made duplicates")
    assert wrong == []
    assert doubled > 0
