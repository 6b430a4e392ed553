"""The score of a managers' round, on facts small enough to count by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.domain.equipment import CheckSpec, CheckType, Text
from caretaker.domain.errors import Refused
from caretaker.domain.rounds.plans import Order, Weight, check
from caretaker.domain.rounds.rounds import make, scanned
from caretaker.domain.rounds.scans import Answer
from caretaker.domain.rounds.scores import Score, Why, score
from tests.unit.test_rounds import T0, plan_of

TIDY = CheckSpec("tidy", Text("整洁？", "Tidy?"))
MARK = CheckSpec("mark", Text("评分", "Mark"), CheckType.NUMBER, limits=(60.0, 100.0), graded=True)
RANK = CheckSpec(
    "rank", Text("如何", "How?"), CheckType.CHOICE, choices=(Text("好", "good"), Text("中", "fair"), Text("差", "poor"))
)
RANK = replace(RANK, graded=True)
NOTE = CheckSpec("note", Text("备注", "Note"), CheckType.TEXT)
CHECKS = (TIDY, MARK, RANK, NOTE)
PLAN = plan_of(Order.FREE, points=2, scored=True)


def scored(*stops: tuple[Answer, ...], partly: bool = False, **plan: object) -> Score:
    """The score of a round of two stops, of which so many were visited with these answers."""
    mine = replace(PLAN, **plan)  # type: ignore[arg-type]
    walk = make(mine, T0, "x")
    for number in range(1, len(stops) + 1):
        walk = scanned(mine, walk, number, f"s{number}", T0, partly=partly, now_ns=T0)
    return score(mine, walk, dict(enumerate(stops, start=1)), {"p1": CHECKS, "p2": CHECKS})


FINE = (Answer("tidy", "ok"), Answer("mark", "ok", 90), Answer("rank", "ok", "good"), Answer("note", "ok", "x"))


def test_equal_weights_and_a_mark_brings_its_share() -> None:
    result = scored(FINE)

    assert result.points == pytest.approx(2.9)
    assert (result.worth, result.unseen) == (3.0, 1)
    assert result.percent == pytest.approx(100 * 2.9 / 3)
    assert [(item.check, item.why, item.sequence) for item in result.lost] == [("mark", Why.GRADED, 1)]


def test_what_is_lost_is_named_the_dearest_first() -> None:
    bad = (Answer("tidy", "not_ok"), Answer("mark", "not_ok", 50), Answer("rank", "ok", "中"))
    result = scored(bad, FINE, weights=(Weight("tidy", 5.0),))

    assert result.points == pytest.approx(0 + 0.5 + 0.5 + 5 + 0.9 + 1)
    assert result.worth == 14.0
    assert [(item.check, item.lost) for item in result.lost][:3] == [("tidy", 5.0), ("mark", 0.5), ("rank", 0.5)]


def test_the_weight_of_one_place_goes_before_the_weight_of_all() -> None:
    weights = (Weight("tidy", 2.0), Weight("tidy", 0.0, "p1"), Weight("mark", 0.0))
    result = scored(FINE, FINE, weights=weights)

    assert result.worth == 1 + (2 + 1)  # rank of the first; tidy and rank of the second


def test_cannot_check_costs_nothing_and_silence_costs_everything() -> None:
    excused = scored((Answer("tidy", "cannot", reason="门锁着"), *FINE[1:]))
    silent = scored(FINE[1:], partly=True)

    assert (excused.worth, excused.excluded) == (2.0, 1)
    assert (silent.worth, silent.lost[0].check, silent.lost[0].why) == (3.0, "tidy", Why.UNANSWERED)


def test_a_question_that_came_or_went_later_changes_no_old_score() -> None:
    """The visit was whole, so `tidy` cannot have been asked; `gone` was asked and answered."""
    result = scored((*FINE[1:], Answer("gone", "not_ok")))

    assert (result.worth, [item.check for item in result.lost]) == (3.0, ["gone", "mark"])


def test_nothing_that_counts_is_no_score() -> None:
    assert scored((Answer("note", "ok", "x"),)).percent is None


ANSWERS = st.one_of(
    st.builds(Answer, st.sampled_from(["tidy", "mark", "rank", "gone"]), st.sampled_from(["ok", "not_ok", "cannot"])),
    st.builds(Answer, st.just("mark"), st.just("ok"), st.one_of(st.floats(), st.integers(), st.text(), st.booleans())),
    st.builds(Answer, st.just("rank"), st.just("ok"), st.sampled_from(["good", "差", "?", None])),
)


@given(st.lists(st.lists(ANSWERS, max_size=5), max_size=2), st.booleans(), st.floats(0, 1000))
def test_whatever_is_answered_points_and_losses_add_up(answers: list[list[Answer]], partly: bool, tidy: float) -> None:
    result = scored(*(tuple(stop) for stop in answers), partly=partly, weights=(Weight("tidy", tidy),))

    assert 0 <= result.points <= result.worth + 1e-9
    assert result.points + sum(item.lost for item in result.lost) == pytest.approx(result.worth)
    assert result.percent is None or 0 <= result.percent <= 100 + 1e-9


@pytest.mark.parametrize("points", [-1.0, float("nan"), 1e6])
def test_a_weight_is_a_number_of_points(points: float) -> None:
    with pytest.raises(Refused):
        check(replace(PLAN, weights=(Weight("tidy", points),)))
