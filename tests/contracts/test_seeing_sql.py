"""What is counted of rounds and scans, the same on SQLite and PostgreSQL, and over the step of the schema that fills it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import alembic.command
import alembic.config
import pytest
from sqlalchemy import column, insert, table

from caretaker.adapters.sql import SqlTransactions
from caretaker.adapters.sql.database import MIGRATIONS
from caretaker.adapters.sql.tables_rounds import scans
from caretaker.domain.rounds.columns import ROUND_STATES, VISIT_STATES
from caretaker.domain.rounds.plans import Weight
from caretaker.domain.rounds.rounds import SECOND, RoundState, VisitState
from caretaker.domain.rounds.scans import TokenType
from caretaker.ports.rounds import Tallied
from caretaker.services import plain_judge
from caretaker.services.checkpoints import change_plan
from caretaker.services.rounds import pass_time
from caretaker.services.scans import take
from tests.contracts.test_rounds_sql import BOSS, DAY_NS, GUARD, T0, ZONE, begin, plan_of, scan_of
from tests.factories import demo_kinds, demo_site


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlTransactions]:
    """An empty database without a schema."""
    url = f"sqlite:///{tmp_path / 'seeing.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    opened = SqlTransactions(url)
    yield opened
    opened.close()


@pytest.fixture
def transactions(fresh: SqlTransactions) -> SqlTransactions:
    fresh.migrate()
    with fresh.begin() as unit:
        unit.estates.load(demo_kinds(), demo_site())
    return fresh


def test_rounds_come_as_columns_and_scans_counted(transactions: SqlTransactions) -> None:
    """One of three points is scanned, by hand, at the first round; the second round of the day is missed."""
    estate = begin(transactions)
    at_ns = T0 + 900 * SECOND
    take(transactions, estate, scan_of(transactions, "b", at_ns), GUARD, plain_judge.judge, at_ns)
    astray = scan_of(transactions, "c", at_ns + 1, round=None, token_type=TokenType.PRINTED, token="?")
    take(transactions, estate, astray, GUARD, plain_judge.judge, at_ns + 1)
    pass_time(transactions, "demo", T0 + DAY_NS - 3600 * SECOND)
    with transactions.begin(write=False) as unit:
        columns = unit.rounds.columns("demo", T0, T0 + DAY_NS - 3600 * SECOND)
        elsewhere = unit.rounds.columns("elsewhere", T0, T0 + DAY_NS)
        tallied = unit.scans.tally("demo", T0, T0 + DAY_NS)
        before = unit.scans.tally("demo", 0, at_ns)
        found = unit.findings.tally("demo", T0, T0 + DAY_NS)
        stops = unit.rounds.stops("demo", "b", T0, T0 + DAY_NS - 3600 * SECOND)

    assert [ROUND_STATES[n] for n in columns.state] == [RoundState.INCOMPLETE, RoundState.MISSED]
    assert (list(columns.plans), list(columns.persons), list(columns.places)) == (["walk"], [GUARD.id], list("abc"))
    assert list(columns.person) == [0, -1]
    states = {
        (columns.ids[w], columns.places[p]): VISIT_STATES[v]
        for w, p, v in zip(columns.walk, columns.place, columns.visit, strict=True)
    }
    assert states.pop(("walk@20260101T0100", "b")) is VisitState.ON_TIME
    assert set(states.values()) == {VisitState.MISSED}
    assert columns.scanned[columns.scanned > 0].tolist() == [at_ns]
    assert (len(elsewhere.ids), len(elsewhere.walk)) == (0, 0)
    assert sorted(tallied, key=lambda one: one.plan or "") == [
        Tallied(GUARD.id, None, 1, marked=1),
        Tallied(GUARD.id, "walk", 1, manual=1),
    ]
    assert list(before) == []
    assert list(found) == [Tallied(GUARD.id, "walk", 1)]
    assert [(stop.round[-4:], stop.visit.state) for stop in stops] == [
        ("1300", VisitState.MISSED),
        ("0100", VisitState.ON_TIME),
    ]


def test_rounds_that_were_called_off_are_not_counted(transactions: SqlTransactions) -> None:
    begin(transactions)
    change_plan(transactions, plan_of(active=False), ZONE, BOSS, T0 - 600 * SECOND)
    with transactions.begin(write=False) as unit:
        columns = unit.rounds.columns("demo", T0, T0 + DAY_NS)
        stops = unit.rounds.stops("demo", "a", T0, T0 + DAY_NS)

    assert (len(columns.ids), len(stops)) == (0, 0)


def test_weights_come_back_as_they_were(transactions: SqlTransactions) -> None:
    begin(transactions)
    heavy = plan_of(scored=True, weights=(Weight("lamp", 3.0), Weight("lamp", 0.5, "a")))
    change_plan(transactions, heavy, ZONE, BOSS, T0)
    with transactions.begin(write=False) as unit:
        kept = unit.round_plans.get("demo", "walk")

    assert kept == replace(heavy, version=2)


def test_scans_of_before_are_counted_too(fresh: SqlTransactions) -> None:
    """The step of the schema fills its columns from what is kept."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with fresh._writer.connect() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "0005")
    columns = [c for c in scans.columns if c.name not in ("token_type", "marked")]
    old = table("scans", *(column(c.name, c.type) for c in columns))
    row = {c.name: None for c in columns} | {"site": "demo", "person": "zhang", "phone": "", "received_ns": 1}
    row |= {"suspicious": False, "confidence": 1.0, "facts": {"token_type": "manual"}}
    judged = [
        {"id": "fine", "at_ns": 1, "verdict": {"accepted": True}},
        {"id": "refused", "at_ns": 2, "verdict": {"accepted": False}, "facts": {"token_type": "printed"}},
        {"id": "doubted", "at_ns": 3, "verdict": {"accepted": True}, "suspicious": True},
        {"id": "waiting", "at_ns": 4},
    ]
    with fresh.begin() as unit:
        unit.connection.execute(insert(old), [row | one for one in judged])
    fresh.migrate()
    with fresh.begin(write=False) as unit:
        counted = unit.scans.tally("demo", 0, 10)
        waiting = unit.scans.tally("demo", 4, 10)

    assert list(counted) == [Tallied("zhang", None, 4, marked=2, manual=3)]
    assert list(waiting) == [Tallied("zhang", None, 1, manual=1)]
