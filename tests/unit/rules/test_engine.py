"""What each word of a rule means, one fact per test."""

from __future__ import annotations

import pytest

from caretaker.domain.equipment import Op, RuleSpec, Term
from caretaker.domain.readings import HISTORICAL, MANUAL, ReadingBatch
from caretaker.domain.rules.engine import RuleEngine
from caretaker.domain.rules.types import Change, RuleRef, Transition
from tests.unit.rules.small import S, above, readings, rule, small_estate, told

Row = tuple[float, int, float | None] | tuple[float, int, float | None, int]
A1 = "a1"


def fed(*rules: RuleSpec, rows: list[Row], until: float | None = None, text: str = "") -> list[tuple[float, str]]:
    """Each row a record of its own, accepted when it was taken; then time goes on until `until`."""
    return told(_fed(RuleEngine(small_estate(*rules, text=text)), rows, until))


def _fed(engine: RuleEngine, rows: list[Row], until: float | None = None) -> list[Transition]:
    engine.advance(0)
    out = [t for row in rows for t in engine.evaluate(readings(row), int(row[0] * S))]
    return out + (engine.advance(int(until * S)) if until is not None else [])


def test_deadband_keeps_an_alarm_until_the_value_is_back() -> None:
    limit = rule("hot", above())

    assert fed(limit, rows=[(0, 1, 79), (10, 1, 81), (20, 1, 78), (30, 1, 75.1), (40, 1, 75)]) == [
        (10, "raised"),
        (40, "cleared"),
    ]


def test_the_limit_itself_is_not_beyond_it() -> None:
    assert fed(rule("hot", above()), rows=[(0, 1, 80)]) == []


def test_on_delay_needs_the_condition_all_the_time() -> None:
    limit = rule("hot", above(), on_delay_s=30)

    assert fed(limit, rows=[(0, 1, 85), (29, 1, 85), (29.9, 1, 70)], until=90) == []
    assert fed(limit, rows=[(0, 1, 85), (29, 1, 70), (31, 1, 85), (60, 1, 85), (61, 1, 85)]) == [(61, "raised")]


def test_a_due_alarm_is_raised_at_its_time_even_if_the_next_reading_is_normal() -> None:
    assert fed(rule("hot", above(), on_delay_s=30), rows=[(0, 1, 85), (31, 1, 70)]) == [(30, "raised"), (31, "cleared")]


def test_a_delay_ends_without_further_readings() -> None:
    assert fed(rule("hot", above(), on_delay_s=30), rows=[(5, 1, 85)], until=35.1) == [(35, "raised")]
    assert fed(rule("hot", above(), on_delay_s=30), rows=[(5, 1, 85)], until=35) == []


def test_without_readings_the_acceptance_clock_measures_but_the_alarm_tells_device_time() -> None:
    """The device's clock is 100 s behind: it is waited 30 s all the same, and the alarm says when by the device."""
    engine = RuleEngine(small_estate(rule("hot", above(), on_delay_s=30)))
    engine.evaluate(readings((5, 1, 85)), 105 * S)

    assert engine.advance(135 * S) == []
    assert told(engine.advance(135 * S + 1)) == [(35, "raised")]


def test_the_on_delay_runs_only_beyond_the_limit() -> None:
    """The deadband belongs to the alarm; before there is one, a value within it ends the condition."""
    limit = rule("hot", above(), on_delay_s=30, off_delay_s=30)

    assert fed(limit, rows=[(0, 1, 85), (20, 1, 78), (25, 1, 78)], until=99) == []
    assert fed(limit, rows=[(0, 1, 85), (40, 1, 70), (60, 1, 78), (65, 1, 74)], until=99) == [
        (30, "raised"),
        (95, "cleared"),
    ]


def test_a_reading_at_the_very_end_of_a_delay_still_counts() -> None:
    limit = rule("hot", above(), on_delay_s=30)

    assert fed(limit, rows=[(0, 1, 85), (30, 1, 70)], until=99) == []
    assert fed(limit, rows=[(0, 1, 85), (30, 1, 85)]) == [(30, "raised")]


def test_a_short_return_does_not_clear() -> None:
    limit = rule("hot", above(), off_delay_s=60)

    assert fed(limit, rows=[(0, 1, 85), (10, 1, 70), (40, 1, 85), (50, 1, 70)], until=200) == [
        (0, "raised"),
        (110, "cleared"),
    ]


def test_bad_neither_raises_nor_clears() -> None:
    assert fed(rule("hot", above()), rows=[(0, 1, 85), (1, 1, None), (2, 1, None)], until=99) == [(0, "raised")]
    assert fed(rule("hot", above()), rows=[(0, 1, None), (1, 1, None)], until=99) == []


def test_bad_drops_a_running_delay() -> None:
    limit = rule("hot", above(), on_delay_s=30)

    assert fed(limit, rows=[(0, 1, 85), (10, 1, None), (20, 1, 85)], until=60) == [(50, "raised")]


def test_after_unknown_a_value_inside_the_deadband_is_normal() -> None:
    assert fed(rule("hot", above()), rows=[(0, 1, 85), (1, 1, None), (2, 1, 78)]) == [(0, "raised"), (2, "cleared")]


def test_uncertain_and_manual_readings_are_judged() -> None:
    assert fed(rule("hot", above()), rows=[(0, 1, 85, 1)]) == [(0, "raised")]
    assert fed(rule("hot", above()), rows=[(0, 1, 85, MANUAL)]) == [(0, "raised")]


def test_historical_readings_are_never_judged() -> None:
    limit = rule("hot", above())

    assert fed(limit, rows=[(0, 1, 85, HISTORICAL)], until=9) == []
    assert fed(limit, rows=[(0, 1, 85), (1, 1, 10, HISTORICAL)], until=9) == [(0, "raised")]


def test_late_readings_are_not_judged() -> None:
    engine = RuleEngine(small_estate(rule("hot", above())))

    out = _fed(engine, [(10, 1, 85), (5, 1, 70), (11, 1, 84), (9, 1, 85), (12, 1, 70), (11.5, 1, 90)])

    assert told(out) == [(10, "raised"), (12, "cleared")]
    assert engine.late == 3


def test_all_terms_of_a_combination_must_hold_and_any_suffices_when_it_says_so() -> None:
    terms = (above(), Term("q", Op.IS, value=1))
    rows: list[Row] = [(0, 1, 85), (1, 2, 0), (2, 2, 1), (3, 2, 0), (4, 1, 10)]

    assert fed(rule("both", *terms), rows=rows) == [(2, "raised"), (3, "cleared")]
    assert fed(rule("any", *terms, any_of=True), rows=rows) == [(0, "raised"), (4, "cleared")]


def test_unknown_decides_only_where_it_matters() -> None:
    terms = (above(), Term("q", Op.IS, value=1))

    assert fed(rule("both", *terms), rows=[(0, 1, 85), (1, 2, 1), (2, 2, None), (3, 1, 10)]) == [
        (1, "raised"),
        (3, "cleared"),
    ]


def test_a_gate_silences_and_clears() -> None:
    gated = rule("hot", above(), unless=(Term("q", Op.NOT_IN, values=(1,)),), on_delay_s=10)

    assert fed(gated, rows=[(0, 2, 1), (1, 1, 85), (5, 2, 2), (8, 2, 1)], until=30) == [(18, "raised")]
    assert fed(gated, rows=[(0, 2, 1), (1, 1, 85), (12, 2, 2)]) == [(11, "raised"), (12, "cleared")]


def test_an_unknown_gate_does_not_silence() -> None:
    assert fed(rule("hot", above(), unless=(Term("q", Op.IS, value=2),)), rows=[(0, 1, 85)]) == [(0, "raised")]


@pytest.mark.parametrize(
    ("term", "changes"),
    [
        (Term("p", Op.IS, value=3), [(3, "raised"), (4, "cleared")]),
        (Term("p", Op.IS_NOT, value=3), [(0, "raised"), (3, "cleared"), (4, "raised")]),
        (Term("p", Op.IN, values=(2, 3)), [(2, "raised"), (4, "cleared")]),
        (Term("p", Op.NOT_IN, values=(2, 3)), [(0, "raised"), (2, "cleared"), (4, "raised")]),
        (Term("p", Op.BELOW, value=1), [(0, "raised"), (1, "cleared")]),
    ],
)
def test_states(term: Term, changes: list[tuple[float, str]]) -> None:
    """The point counts 0, 1, 2, 3, 4."""
    assert fed(rule("state", term), rows=[(n, 1, n) for n in range(5)]) == changes


def test_a_limit_may_follow_another_point() -> None:
    low = rule("low", Term("p", Op.BELOW, value=-0.1, relative_to="q", deadband=0.02))

    changes = fed(
        low, rows=[(0, 1, 0.5), (1, 2, 0.5), (2, 1, 0.39), (3, 2, 0.45), (4, 2, 0.5), (5, 2, None), (6, 1, 0)]
    )

    assert changes == [(2, "raised"), (3, "cleared"), (4, "raised")]


def test_a_rise_is_measured_against_the_oldest_reading_in_its_window() -> None:
    heat = rule("heat", Term("p", Op.RISES, value=10, within_s=600))

    assert fed(heat, rows=[(n * 60, 1, 20 + n * 0.9) for n in range(30)]) == []
    assert fed(heat, rows=[(n * 60, 1, 20 + n * 1.1) for n in range(11)]) == [(600, "raised")]
    assert fed(heat, rows=[(0, 1, 20), (601, 1, 80)]) == []


def test_a_fall_is_a_rise_downwards() -> None:
    assert fed(rule("leak", Term("p", Op.FALLS, value=3, within_s=10)), rows=[(0, 1, 9), (5, 1, 6), (6, 1, 5.9)]) == [
        (6, "raised")
    ]


def test_silence_is_counted_by_the_acceptance_clock() -> None:
    silent = rule("silent", Term("p", Op.STALE, value=60))

    assert fed(silent, rows=[(10, 1, 5), (30, 1, None)], until=70) == [(70, "raised")]
    assert fed(silent, rows=[], until=60) == [(60, "raised")]
    assert fed(silent, rows=[(n, 1, 5) for n in range(0, 300, 59)], until=310) == []
    assert fed(silent, rows=[(10, 1, 5), (100, 1, 5)], until=110) == [(70, "raised"), (100, "cleared")]


def test_text_keeps_a_point_alive_without_a_number() -> None:
    engine = RuleEngine(small_estate(rule("silent", Term("p", Op.STALE, value=60)), text="p"))
    engine.advance(0)
    batch = ReadingBatch.of([1], [50 * S], [float("nan")], [0], {0: "ok"})

    assert engine.evaluate(batch, 50 * S) == []
    assert told(engine.advance(109 * S)) == []
    assert told(engine.advance(110 * S)) == [(110, "raised")]


def test_latched_alarms_wait_for_a_person() -> None:
    engine = RuleEngine(small_estate(rule("trip", above(), latched=True)))
    ref = RuleRef(A1, "trip")

    assert told(_fed(engine, [(0, 1, 85), (1, 1, 10)], until=99)) == [(0, "raised")]
    assert told(engine.reset(ref, 100 * S)) == [(100, "cleared")]
    assert told(_fed(engine, [(101, 1, 85)])) == [(101, "raised")]
    assert engine.reset(ref, 102 * S) == []


def test_points_of_one_message_are_one_fact() -> None:
    """Command and feedback arrive together: the moment between the two never existed."""
    engine = RuleEngine(small_estate(rule("start", Term("p", Op.IS, value=1), Term("q", Op.IS, value=0))))
    engine.advance(0)
    engine.evaluate(readings((0, 1, 0), (0, 2, 0)), 0)

    assert engine.evaluate(readings((1, 1, 1), (1, 2, 1)), S) == []
    assert told(engine.evaluate(readings((2, 2, 0)), 2 * S)) == [(2, "raised")]


def test_evidence_holds_the_readings_and_their_limits() -> None:
    engine = RuleEngine(small_estate(rule("both", above(), Term("q", Op.BELOW, value=-1, relative_to="r"))))

    (raised,) = _fed(engine, [(0, 3, 5), (1, 2, 3), (2, 1, 90, 1)])

    assert raised.change is Change.RAISED
    assert [(e.point, e.key, e.at_ns // S, e.value, e.quality, e.limit) for e in raised.evidence] == [
        (1, "p", 2, 90.0, 1, 80.0),
        (2, "q", 1, 3.0, 0, 4.0),
    ]


def test_explain_tells_the_terms_as_they_stand() -> None:
    engine = RuleEngine(small_estate(rule("hot", above(), unless=(Term("q", Op.IS, value=1),), on_delay_s=10)))
    assert engine.explain(RuleRef(A1, "hot")).verdict is None

    _fed(engine, [(1, 1, 85)])
    story = engine.explain(RuleRef(A1, "hot"))

    assert (story.verdict, story.active, story.gated, story.since_ns) == (True, False, False, S)
    assert [(v.key, v.value, v.limit, v.truth) for v in (*story.terms, *story.gates)] == [
        ("p", 85.0, 80.0, True),
        ("q", None, 1.0, None),
    ]


def test_a_rule_that_cannot_run_is_told_and_the_rest_run() -> None:
    engine = RuleEngine(
        small_estate(
            rule("nowhere", above("missing")),
            rule("nan", above(value=float("nan"))),
            rule("word", Term("p", Op.ABOVE, value="hot")),  # type: ignore[arg-type]
            rule("hot", above()),
        )
    )

    assert {ref.rule for ref in engine.disabled} == {"nowhere", "nan", "word"}
    assert engine.disabled[RuleRef(A1, "nowhere")] == "asset a1 has no point missing"
    assert told(_fed(engine, [(0, 1, 85)])) == [(0, "raised")]


def test_unknown_points_are_nothing() -> None:
    engine = RuleEngine(small_estate(rule("hot", above())))

    assert _fed(engine, [(0, 3, 85), (0, 77, 85), (0, 4_000_000_000, None)]) == []


def test_a_snapshot_keeps_what_did_not_change() -> None:
    hot, cold = rule("hot", above()), rule("cold", Term("q", Op.BELOW, value=0))
    engine = RuleEngine(small_estate(hot, cold))
    _fed(engine, [(0, 1, 85), (0, 2, -5)])

    other = RuleEngine(
        small_estate(rule("new", above("r")), hot, rule("cold", Term("q", Op.BELOW, value=-1)), assets=2)
    )
    other.restore(engine.snapshot())

    assert other.active() == [RuleRef(A1, "hot")]
    assert told(_fed(other, [(1, 1, 78), (2, 1, 70)])) == [(2, "cleared")]


def test_other_bytes_are_no_snapshot() -> None:
    with pytest.raises(ValueError, match="no rule snapshot"):
        RuleEngine(small_estate(rule("hot", above()))).restore(b"something else")


def test_the_time_the_house_stood_still_does_not_count() -> None:
    """The backlog says that the value was normal again: no alarm is made of the pause."""
    rules = (rule("hot", above(), on_delay_s=30), rule("silent", Term("p", Op.STALE, value=60)))
    engine = RuleEngine(small_estate(*rules))
    _fed(engine, [(0, 1, 85), (10, 1, 85)])
    again = RuleEngine(small_estate(*rules))
    again.restore(engine.snapshot())

    again.resume(1000 * S, 10 * S)

    assert again.advance(1001 * S) == []
    assert told(again.evaluate(readings((20, 1, 70), (25, 1, 71)), 1002 * S)) == []
    assert told(again.advance(1061 * S)) == []
    assert told(again.advance(1062 * S)) == [(1062, "raised")]


def test_the_database_is_right_about_open_alarms() -> None:
    engine = RuleEngine(small_estate(rule("hot", above()), rule("warm", above(value=50)), rule("q", above("q"))))
    _fed(engine, [(10, 1, 70), (10, 2, 90)])

    out = engine.reconcile({RuleRef(A1, "hot"): 5 * S, RuleRef(A1, "warm"): 10 * S}, 20 * S)

    assert [(t.ref.rule, t.at_ns / S, str(t.change)) for t in out[:1]] == [("hot", 10, "cleared")]
    assert out[1].ref.rule == "q"
    assert out[1].change is Change.RAISED
    assert out[1].at_ns > 10 * S
    assert set(engine.active()) == {RuleRef(A1, "warm"), RuleRef(A1, "q")}


def test_every_episode_has_its_own_time() -> None:
    """Raised, cleared and raised again by three readings of one millisecond."""
    engine = RuleEngine(small_estate(rule("hot", above())))

    times = [t.at_ns for t in _fed(engine, [(1, 1, 85), (1, 1, 70), (1, 1, 85)])]

    assert times == [S, S + 1, S + 2]
