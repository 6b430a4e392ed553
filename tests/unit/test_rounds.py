"""What becomes of a round's stops: by time, by order, whatever comes in first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.words_rounds import REASONS, ROUNDS, VISITS
from caretaker.domain.equipment import CheckSpec, CheckType, Text
from caretaker.domain.errors import Conflict, Refused
from caretaker.domain.people import Person, Right, Role
from caretaker.domain.rounds.checkpoints import Place
from caretaker.domain.rounds.findings import Outcome, measured, outcome, unanswered
from caretaker.domain.rounds.plans import Order, PlanKind, PlanPoint, RoundPlan, sequence
from caretaker.domain.rounds.rounds import (
    SECOND,
    Round,
    RoundState,
    VisitState,
    ended,
    make,
    opened,
    passed,
    scanned,
    taken_back,
    visit_for,
)
from caretaker.domain.rounds.scans import Answer, Reason
from caretaker.domain.rounds.walking import is_for, may_walk, walk_s, walks_s

T0 = 1_700_000_000 * SECOND
S = VisitState


def plan_of(order: Order = Order.FIXED, points: int = 4, **more: object) -> RoundPlan:
    stops = tuple(PlanPoint(f"p{n}") for n in range(1, points + 1))
    plan = RoundPlan(
        "walk",
        "demo",
        Text("走", "walk"),
        PlanKind.PATROL,
        stops,
        order,
        "FREQ=DAILY",
        time(22, 0),
        3600.0,
        date(2026, 1, 1),
    )
    return replace(plan, **more)  # type: ignore[arg-type]


def walked(plan: RoundPlan, scans: list[tuple[int, float]], now_s: float = 0.0) -> Round:
    """(sequence, second) in the order of arrival."""
    walk = make(plan, T0, "20261124T2200")
    for number, second in scans:
        at = T0 + round(second * SECOND)
        now = max(at, T0 + round(now_s * SECOND))
        walk = scanned(plan, walk, number, f"s{number}", at, partly=False, now_ns=now)
    return walk


def states(walk: Round) -> list[VisitState]:
    return [visit.state for visit in walk.visits]


@pytest.mark.parametrize(
    ("scans", "expected"),
    [
        ([(1, 60), (2, 120), (3, 180), (4, 240)], [S.ON_TIME] * 4),
        ([(1, 60), (3, 120), (4, 180)], [S.ON_TIME, S.DUE, S.OUT_OF_ORDER, S.ON_TIME]),
        ([(1, 60), (3, 120), (2, 180), (4, 240)], [S.ON_TIME, S.OUT_OF_ORDER, S.OUT_OF_ORDER, S.ON_TIME]),
        ([(1, -301), (2, 3901)], [S.EARLY, S.LATE, S.DUE, S.DUE]),
        ([(1, -299), (2, 3899)], [S.ON_TIME, S.ON_TIME, S.DUE, S.DUE]),
    ],
)
def test_early_late_out_of_order_and_on_time_are_told_apart(
    scans: list[tuple[int, float]], expected: list[VisitState]
) -> None:
    walk = walked(plan_of(), scans)
    if walk.state is RoundState.INCOMPLETE:  # the last scan came after the deadline
        expected = [S.MISSED if state is S.DUE else state for state in expected]

    assert states(walk) == expected


def test_a_free_round_has_no_order() -> None:
    assert states(walked(plan_of(Order.FREE), [(4, 60), (1, 120), (3, 180), (2, 240)])) == [S.ON_TIME] * 4


@pytest.mark.parametrize("order", list(Order))
def test_the_order_of_arrival_does_not_matter(order: Order) -> None:
    scans = [(1, 60.0), (3, 120.0), (2, 180.0), (4, 240.0)]
    found = {tuple(states(walked(plan_of(order), list(arrival), now_s=300))) for arrival in permutations(scans)}

    assert len(found) == 1


@given(st.lists(st.tuples(st.integers(1, 4), st.floats(-2000, 6000)), max_size=4, unique_by=lambda s: s[0]))
def test_whatever_is_scanned_every_stop_ends_done_or_missed(scans: list[tuple[int, float]]) -> None:
    plan = plan_of()
    walk = passed(plan, walked(plan, scans), T0 + 4000 * SECOND)

    assert all(visit.state is not S.DUE for visit in walk.visits)
    assert [visit.state is S.MISSED for visit in walk.visits] == [visit.scan is None for visit in walk.visits]
    done = len(scans)
    expected = {0: RoundState.MISSED, 4: RoundState.FINISHED}.get(done, RoundState.INCOMPLETE)
    assert walk.state is expected


def test_a_window_of_its_own_is_missed_at_its_end_while_the_round_goes_on() -> None:
    plan = plan_of(Order.FREE, points=2)
    plan = replace(plan, points=(PlanPoint("p1", opens_s=0, closes_s=600), PlanPoint("p2")))
    walk = passed(plan, make(plan, T0, "x"), T0 + 901 * SECOND)

    assert (states(walk), walk.state) == ([S.MISSED, S.DUE], RoundState.SCHEDULED)
    late = scanned(plan, walk, 1, "s1", T0 + 1000 * SECOND, partly=False, now_ns=T0 + 1000 * SECOND)
    assert (states(late), late.state) == ([S.LATE, S.DUE], RoundState.IN_PROGRESS)


def test_a_rejected_scan_gives_its_stop_back() -> None:
    plan = plan_of(Order.FREE, points=2)
    walk = walked(plan, [(1, 60), (2, 120)])
    assert walk.state is RoundState.FINISHED
    again = taken_back(plan, walk, "s2", T0 + 200 * SECOND)

    assert (states(again), again.state) == ([S.ON_TIME, S.MISSED], RoundState.INCOMPLETE)
    repaired = scanned(plan, again, 2, "s3", T0 + 300 * SECOND, partly=False, now_ns=T0 + 300 * SECOND)
    assert repaired.state is RoundState.FINISHED


def test_a_random_order_is_drawn_by_the_rounds_id() -> None:
    plan = plan_of(Order.RANDOM, points=12)
    first, same, other = (sequence(plan, name) for name in ("walk@1", "walk@1", "walk@2"))

    assert first == same != other
    assert sorted(point.checkpoint for point in first) == sorted(point.checkpoint for point in plan.points)


def test_a_place_that_comes_twice_is_visited_twice() -> None:
    plan = replace(plan_of(), points=(PlanPoint("a"), PlanPoint("b"), PlanPoint("a")))
    walk = make(plan, T0, "x")
    first = visit_for(walk, "a")
    assert first is not None
    walk = scanned(plan, walk, first.sequence, "s1", T0, partly=False, now_ns=T0)
    second = visit_for(walk, "a")

    assert (first.sequence, second and second.sequence, visit_for(walk, "z")) == (1, 3, None)


def test_one_round_one_walker() -> None:
    walk = opened(make(plan_of(), T0, "x"), "zhang", T0)

    assert opened(walk, "zhang", T0 + 5) == walk
    with pytest.raises(Conflict):
        opened(walk, "li", T0)


def test_ending_early_needs_words() -> None:
    walk = walked(plan_of(Order.FREE), [(1, 60)])
    with pytest.raises(Refused):
        ended(walk, "  ", T0)

    assert ended(walk, "雨", T0).ended_early == "雨"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.DEVICE])
@pytest.mark.parametrize("team", [None, "security", "cleaning"])
@pytest.mark.parametrize("of_team", [None, "security"])
@pytest.mark.parametrize("of_person", [None, "zhang", "li"])
def test_what_a_phone_offers_is_never_somebody_elses_round(
    role: Role, team: str | None, of_team: str | None, of_person: str | None
) -> None:
    """Who dispatches may step in anywhere; for everybody else offered and undoubted are the same."""
    person = Person("zhang", "张伟", role, team=team)
    walk = replace(make(plan_of(), T0, "x"), team=of_team, person=of_person)
    offered, undoubted = is_for(walk, person), may_walk(walk, person)

    assert undoubted or not offered
    assert person.may(Right.DISPATCH) or offered == undoubted


def test_who_is_in_no_team_is_offered_no_teams_round() -> None:
    walk = replace(make(plan_of(), T0, "x"), team="security")

    assert not is_for(walk, Person("zhang", "张伟", Role.GUARD))
    assert is_for(walk, Person("zhang", "张伟", Role.GUARD, team="security"))
    assert is_for(walk, Person("liu", "刘芳", Role.ADMIN))


def test_the_way_is_metres_and_floors() -> None:
    assert walk_s(Place(0, 0, 1), Place(120, 0, 4)) == pytest.approx(160.0)  # 100 s and three floors
    points = (PlanPoint("a"), PlanPoint("b", least_walk_s=7), PlanPoint("c"), PlanPoint("?"))
    places = {"a": Place(), "b": Place(12, 0), "c": Place(24, 0)}
    assert walks_s(points, places) == pytest.approx((0.0, 7.0, 10.0, 0.0))


NUMBER = CheckSpec("n", Text("数", "n"), CheckType.NUMBER, limits=(0.0, 10.0), unit="mm", point="gap")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer("n", "ok", 5), Outcome.OK),
        (Answer("n", "ok", 11), Outcome.NOT_OK),  # ticked ok, measured otherwise
        (Answer("n", "not_ok", 5), Outcome.NOT_OK),
        (Answer("n", "ok", "five"), Outcome.UNANSWERED),
        (Answer("n", "ok", float("nan")), Outcome.UNANSWERED),
        (Answer("n", "ok", True), Outcome.UNANSWERED),
        (Answer("n", "cannot"), Outcome.UNANSWERED),
        (Answer("n", "cannot", reason="门锁着"), Outcome.CANNOT),
        (None, Outcome.UNANSWERED),
    ],
)
def test_an_answer_means_what_it_says_not_what_was_ticked(answer: Answer | None, expected: Outcome) -> None:
    assert outcome(NUMBER, answer) is expected
    assert unanswered([NUMBER], [answer] if answer else []) == (("n",) if expected is Outcome.UNANSWERED else ())


def test_a_number_or_a_yes_is_a_reading_of_its_point() -> None:
    yes = CheckSpec("y", Text("关", "closed"), expect=False, point="door_open")

    assert measured(NUMBER, Answer("n", "not_ok", 11)) == 11.0
    assert measured(NUMBER, Answer("n", "cannot", 11, "x")) is None
    assert (measured(yes, Answer("y", "ok")), measured(yes, Answer("y", "not_ok"))) == (0.0, 1.0)


def test_every_doubt_and_state_has_words() -> None:
    assert set(REASONS) == set(Reason)
    assert (set(VISITS), set(ROUNDS)) == (set(VisitState), set(RoundState))
