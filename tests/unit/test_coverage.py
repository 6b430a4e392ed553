"""What a quarter of a year of walking comes to: cells, gaps, tallies, on facts small enough to count by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.domain.rounds.columns import ROUND_STATES, VISIT_STATES, RoundColumns, by_quarter
from caretaker.domain.rounds.coverage import PlaceCover, cover
from caretaker.domain.rounds.rounds import SECOND, RoundState, VisitState
from caretaker.domain.rounds.tallies import tally, weeks
from caretaker.recurrence import local_time

HOUR = 3600 * SECOND
DAY = 24 * HOUR
START = 1_767_196_800 * SECOND  # 2026-01-01 00:00 in Shanghai, a Thursday
Row = tuple[str, float, float, float | None, VisitState]
"""place, opens, closes, scanned, state; in hours after START."""


def hour_of(at_ns: int) -> int:
    return local_time(at_ns, "Asia/Shanghai").hour


def columns_of(*walks: tuple[str, str | None, RoundState, float, Sequence[Row]]) -> RoundColumns:
    """(plan, person, state, start in hours, visits)"""
    plans = sorted({walk[0] for walk in walks})
    persons = sorted({walk[1] for walk in walks if walk[1]})
    rows = [(number, row) for number, walk in enumerate(walks) for row in walk[4]]
    places = sorted({row[0] for _, row in rows})
    return RoundColumns(
        ids=[f"{walk[0]}@{number}" for number, walk in enumerate(walks)],
        plans=plans,
        persons=persons,
        places=places,
        plan=np.array([plans.index(walk[0]) for walk in walks], np.int32),
        person=np.array([persons.index(walk[1]) if walk[1] else -1 for walk in walks], np.int32),
        state=np.array([ROUND_STATES.index(walk[2]) for walk in walks], np.int32),
        starts=np.array([START + round(walk[3] * HOUR) for walk in walks], np.int64),
        walk=np.array([number for number, _ in rows], np.int32),
        place=np.array([places.index(row[0]) for _, row in rows], np.int32),
        opens=np.array([START + round(row[1] * HOUR) for _, row in rows], np.int64),
        closes=np.array([START + round(row[2] * HOUR) for _, row in rows], np.int64),
        scanned=np.array([0 if row[3] is None else START + round(row[3] * HOUR) for _, row in rows], np.int64),
        visit=np.array([VISIT_STATES.index(row[4]) for _, row in rows], np.int32),
        partly=np.zeros(len(rows), np.bool_),
    )


ON, LATE, MISSED, DUE = VisitState.ON_TIME, VisitState.LATE, VisitState.MISSED, VisitState.DUE
FINISHED, INCOMPLETE = RoundState.FINISHED, RoundState.INCOMPLETE
TWO_DAYS = columns_of(
    ("night", "zhang", FINISHED, 20, [("gate", 20, 22, 20.5, ON), ("roof", 20, 22, 21.5, ON)]),
    ("night", "li", INCOMPLETE, 44, [("gate", 44, 46, 46.75, LATE), ("roof", 44, 46, None, MISSED)]),
    ("day", "zhang", FINISHED, 32, [("gate", 32, 33, 32.25, ON)]),
    ("day", None, RoundState.SCHEDULED, 56, [("gate", 56, 57, None, DUE)]),
)


def found(columns: RoundColumns, hours: float = 48, now: float = 48) -> dict[str, PlaceCover]:
    rows = cover(columns, START, START + round(hours * HOUR), START + round(now * HOUR), hour_of)
    return {row.place: row for row in rows}


def at(counts: Sequence[int]) -> dict[int, int]:
    return {hour: n for hour, n in enumerate(counts) if n}


def test_cells_count_visits_by_the_hour_of_their_window_and_of_their_scan() -> None:
    gate, roof = found(TWO_DAYS)["gate"], found(TWO_DAYS)["roof"]

    assert (at(gate.planned), at(gate.made), at(gate.missed)) == ({20: 2, 8: 1}, {20: 2, 8: 1}, {})
    assert at(gate.seen) == {20: 1, 8: 1, 22: 1}
    assert (at(roof.planned), at(roof.made), at(roof.missed), at(roof.seen)) == ({20: 2}, {20: 1}, {20: 1}, {21: 1})


def test_the_longest_gap_stands_beside_what_the_plans_allow() -> None:
    gate, roof = found(TWO_DAYS)["gate"], found(TWO_DAYS)["roof"]

    assert (gate.gap_from_ns - START, gate.gap_to_ns - START) == (0, 20.5 * HOUR)
    assert gate.allowed_ns == 22 * HOUR  # the first window ends at 22 h
    assert (roof.gap_from_ns - START, roof.gap_to_ns - START) == (21.5 * HOUR, 48 * HOUR)
    assert roof.allowed_ns == 26 * HOUR  # from 20 h to 46 h
    assert list(found(TWO_DAYS)) == ["roof", "gate"]  # the one beyond its plan first


def test_what_is_still_to_come_is_not_planned_yet_and_what_is_due_is() -> None:
    early = found(TWO_DAYS, hours=72, now=30)["gate"]
    open_ = found(TWO_DAYS, hours=72, now=56.5)["gate"]

    assert sum(early.planned) == 1
    assert (sum(open_.planned), sum(open_.made), sum(open_.missed)) == (4, 3, 0)


def test_nothing_walked_is_an_empty_table() -> None:
    assert cover(columns_of(), START, START + DAY, START + DAY, hour_of) == []


def test_a_zone_with_a_quarter_of_an_hour_has_its_own_hours() -> None:
    times = np.array([START, START + 15 * 60 * SECOND, START + 16 * 60 * SECOND], np.int64)

    assert list(by_quarter(times, lambda at_ns: local_time(at_ns, "Asia/Kathmandu").minute)) == [45, 0, 0]


@given(
    st.lists(st.tuples(st.floats(0, 40), st.floats(0.1, 8), st.floats(0, 1)), min_size=1, max_size=12),
)
def test_whoever_keeps_all_windows_never_leaves_a_point_longer_than_the_plans_allow(
    windows: list[tuple[float, float, float]],
) -> None:
    rows: list[Row] = [("gate", opens, opens + long, opens + long * share, ON) for opens, long, share in windows]
    gate = found(columns_of(("p", "x", FINISHED, 0, rows)))["gate"]

    assert gate.allowed_ns is not None
    assert gate.gap_ns <= gate.allowed_ns + SECOND // 1000


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 47), st.booleans()), max_size=40))
def test_cells_add_up_to_the_visits(visits: list[tuple[str, int, bool]]) -> None:
    rows: list[Row] = [
        (place, hour, hour + 1, hour + 0.5 if done else None, ON if done else MISSED) for place, hour, done in visits
    ]
    table = found(columns_of(("p", "x", FINISHED, 0, rows)))

    assert sum(sum(row.planned) for row in table.values()) == len(visits)
    for place, row in table.items():
        for hour in range(24):
            mine = [done for name, at_, done in visits if name == place and at_ % 24 == hour]
            assert (row.planned[hour], row.made[hour], row.missed[hour], row.seen[hour]) == (
                len(mine),
                sum(mine),
                len(mine) - sum(mine),
                sum(mine),
            )


def test_plans_and_people_are_counted_with_their_pace() -> None:
    chosen = TWO_DAYS.state != ROUND_STATES.index(RoundState.SCHEDULED)
    plans = dict(zip(TWO_DAYS.plans, tally(TWO_DAYS, TWO_DAYS.plan, 2, chosen), strict=True))
    persons = dict(zip(TWO_DAYS.persons, tally(TWO_DAYS, TWO_DAYS.person, 2, chosen), strict=True))

    assert plans["night"].rounds == {"finished": 1, "incomplete": 1}
    assert plans["night"].visits == {"on_time": 2, "late": 1, "missed": 1}
    assert plans["night"].punctual == pytest.approx(2 / 3)
    assert (plans["night"].pace_ns, plans["day"].pace_ns) == (HOUR, None)
    assert (persons["zhang"].rounds, persons["li"].visits) == ({"finished": 2}, {"late": 1, "missed": 1})


def test_weeks_begin_on_monday_by_the_local_calendar() -> None:
    monday = replace(TWO_DAYS, starts=TWO_DAYS.starts + 4 * DAY - 20 * HOUR)  # 5 January 00:00 and later
    everything = np.ones(4, np.bool_)

    def day_of(at_ns: int) -> int:
        return local_time(at_ns, "Asia/Shanghai").date().toordinal()

    before, after = (weeks(columns, everything, day_of)["night"] for columns in (TWO_DAYS, monday))
    assert [week.rounds for week in before] == [{"finished": 1, "incomplete": 1}]
    assert [week.day % 7 for week in (*before, *after)] == [1, 1]
    assert after[0].day - before[0].day == 7
