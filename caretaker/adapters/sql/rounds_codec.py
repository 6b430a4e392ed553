"""Domain objects of rounds <-> the JSON of their `facts` columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, time
from typing import Any

from caretaker.domain.equipment import CheckSpec, CheckType, Text
from caretaker.domain.rounds.checkpoints import Checkpoint, Place
from caretaker.domain.rounds.plans import Holidays, Order, PlanKind, PlanPoint, RoundPlan, Weight
from caretaker.domain.rounds.scans import (
    Anchor,
    Answer,
    Doubt,
    Position,
    Reason,
    Scan,
    TokenType,
    Verdict,
    Witness,
)

Facts = Mapping[str, Any]
_COLUMNS_OF_CHECKPOINT = ("site", "id", "space", "asset", "short_code", "code_version", "nfc")


def checkpoint_facts(checkpoint: Checkpoint) -> dict[str, Any]:
    """What has no column of its own."""
    facts = asdict(checkpoint)
    return {key: _plain(value) for key, value in facts.items() if key not in _COLUMNS_OF_CHECKPOINT}


def checkpoint_of(columns: Facts, facts: Facts) -> Checkpoint:
    """Back."""
    return Checkpoint(
        **{key: columns[key] for key in _COLUMNS_OF_CHECKPOINT},
        title=Text(**facts["title"]),
        place=Place(**facts["place"]),
        checks=tuple(_check(item) for item in facts["checks"]),
        use_kind_checks=facts["use_kind_checks"],
        rotating=facts["rotating"],
        witnesses=tuple(facts["witnesses"]),
    )


def _check(item: Facts) -> CheckSpec:
    return CheckSpec(
        id=item["id"],
        ask=Text(**item["ask"]),
        type=CheckType(item["type"]),
        expect=item["expect"],
        choices=tuple(Text(**choice) for choice in item["choices"]),
        limits=None if item["limits"] is None else (float(item["limits"][0]), float(item["limits"][1])),
        unit=item["unit"],
        point=item["point"],
        fault=item["fault"],
        graded=item.get("graded", False),  # rows of before it was asked
    )


def plan_facts(plan: RoundPlan) -> dict[str, Any]:
    """Everything but the keys."""
    return {key: _plain(value) for key, value in asdict(plan).items() if key not in ("site", "id", "version")}


def plan_of(site: str, plan_id: str, version: int, facts: Facts) -> RoundPlan:
    """Back."""
    rest = dict(facts)
    until = rest.pop("valid_until")
    return RoundPlan(
        id=plan_id,
        site=site,
        version=version,
        title=Text(**rest.pop("title")),
        kind=PlanKind(rest.pop("kind")),
        points=tuple(PlanPoint(**point) for point in rest.pop("points")),
        order=Order(rest.pop("order")),
        starts_at=time.fromisoformat(rest.pop("starts_at")),
        valid_from=date.fromisoformat(rest.pop("valid_from")),
        valid_until=None if until is None else date.fromisoformat(until),
        holidays=Holidays(rest.pop("holidays")),
        weights=tuple(Weight(**item) for item in rest.pop("weights", ())),
        **rest,
    )


def scan_facts(scan: Scan) -> dict[str, Any]:
    """All of it: what came is kept as it came."""
    return {key: _plain(value) for key, value in asdict(scan).items()}


def scan_of(facts: Facts) -> Scan:
    """Back."""
    rest = dict(facts)
    position, anchor = rest.pop("position"), rest.pop("anchor")
    return Scan(
        token_type=TokenType(rest.pop("token_type")),
        answers=tuple(answer_of(item) for item in rest.pop("answers")),
        photos=tuple(rest.pop("photos")),
        position=None if position is None else Position(**position),
        anchor=None if anchor is None else Anchor(**anchor),
        **rest,
    )


def answer_of(item: Facts) -> Answer:
    """Back."""
    return Answer(item["check"], item["result"], item["value"], item["reason"], tuple(item["photos"]))


def verdict_facts(verdict: Verdict) -> dict[str, Any]:
    """As JSON. Facts of doubts must be plain values."""
    return {
        "accepted": verdict.accepted,
        "suspicious": verdict.suspicious,
        "confidence": verdict.confidence,
        "at_ns": verdict.at_ns,
        "doubts": [{"reason": str(doubt.reason), "facts": _plain(dict(doubt.facts))} for doubt in verdict.doubts],
        "witnesses": [asdict(witness) for witness in verdict.witnesses],
    }


def verdict_of(facts: Facts) -> Verdict:
    """Back."""
    return Verdict(
        accepted=facts["accepted"],
        suspicious=facts["suspicious"],
        confidence=facts["confidence"],
        at_ns=facts["at_ns"],
        doubts=tuple(Doubt(Reason(item["reason"]), item["facts"]) for item in facts["doubts"]),
        witnesses=tuple(Witness(**item) for item in facts["witnesses"]),
    )


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case date() | time():
            return value.isoformat()
        case bool() | int() | float() | None:
            return value
        case _:
            return str(value)
