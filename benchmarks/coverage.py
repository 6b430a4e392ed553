"""`bench coverage`: a large site's rounds of three months, counted as the coverage page and the statistics ask for them."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import numpy as np

from caretaker.adapters.sql import SqlTransactions
from caretaker.domain.equipment import Text
from caretaker.domain.rounds.coverage import cover
from caretaker.domain.rounds.plans import Order, PlanKind, PlanPoint, RoundPlan
from caretaker.domain.rounds.rounds import SECOND, Round, RoundState, VisitState, make
from caretaker.domain.rounds.tallies import tally, weeks
from caretaker.recurrence import local_time

ZONE: Final = "Asia/Shanghai"
ROUNDS, POINTS, STOPS, GUARDS, DAYS = 20_000, 300, 15, 30, 90
START: Final = 1_767_200_000 * SECOND
_AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Counted:
    """wall and CPU seconds of both questions; `visits`: how many were counted, to show that nothing was left out."""

    visits: int
    coverage_s: float
    coverage_cpu_s: float
    statistics_s: float
    statistics_cpu_s: float
    lost: int


def run() -> Counted:
    """Write the rounds (some minutes), then ask."""
    with tempfile.TemporaryDirectory(prefix="caretaker-coverage-") as folder:
        transactions = SqlTransactions(f"sqlite:///{Path(folder) / 'caretaker.db'}")
        transactions.migrate()
        _fill(transactions)
        counts: list[int] = []
        end = START + DAYS * 86_400 * SECOND

        def coverage() -> None:
            with transactions.begin(write=False) as unit:
                columns = unit.rounds.columns("site", START, end)
            found = cover(columns, START, end, end, lambda at_ns: local_time(at_ns, ZONE).hour)
            counts.append(sum(sum(row.planned) for row in found))

        def statistics() -> None:
            with transactions.begin(write=False) as unit:
                columns = unit.rounds.columns("site", START, end)
                unit.scans.tally("site", START, end)
                unit.findings.tally("site", START, end)
            everything = np.ones(len(columns.ids), np.bool_)
            tally(columns, columns.plan, len(columns.plans), everything)
            tally(columns, columns.person, len(columns.persons), everything)
            weeks(columns, everything, lambda at_ns: local_time(at_ns, ZONE).date().toordinal())

        wall, spent = _timed(coverage)
        wall_too, spent_too = _timed(statistics)
        transactions.close()
    return Counted(counts[0], wall, spent, wall_too, spent_too, ROUNDS * STOPS - counts[0])


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    began, spent = time.perf_counter(), time.process_time()
    work()
    return round(time.perf_counter() - began, 2), round(time.process_time() - spent, 2)


def _fill(transactions: SqlTransactions) -> None:
    chance = random.Random(1)
    base = RoundPlan(
        "plan",
        "site",
        Text("走", "walk"),
        PlanKind.PATROL,
        (),
        Order.FREE,
        "FREQ=DAILY",
        datetime(2026, 1, 1, tzinfo=UTC).time(),
        3600.0,
        date(2026, 1, 1),
    )
    for first in range(0, ROUNDS, _AT_ONCE):
        with transactions.begin() as unit:
            for number in range(first, first + _AT_ONCE):
                unit.rounds.add(_walked(base, number, chance))


def _walked(base: RoundPlan, number: int, chance: random.Random) -> Round:
    stops = tuple(PlanPoint(f"point-{(number * 7 + stop) % POINTS}") for stop in range(STOPS))
    begins = START + number * (DAYS * 86_400 * SECOND // ROUNDS)
    walk = make(replace(base, id=f"plan-{number % 40}", points=stops), begins, f"{number:013d}")
    visits = tuple(
        replace(visit, state=VisitState.MISSED)
        if chance.random() < 0.05
        else replace(
            visit, state=VisitState.ON_TIME, scan=f"{number}/{visit.sequence}", scanned_ns=begins + visit.sequence
        )
        for visit in walk.visits
    )
    return replace(walk, visits=visits, state=RoundState.FINISHED, person=f"guard-{number % GUARDS}", opened_ns=begins)
