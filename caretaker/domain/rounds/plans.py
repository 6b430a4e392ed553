"""RoundPlan: which checkpoints, in what order, when, by which team."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from hashlib import sha256
from typing import Final

from caretaker.domain.equipment import Text
from caretaker.domain.errors import Refused

MOST_S: Final = 7 * 86_400.0
"""The longest round: a monthly inspection may take a week."""
MOST_POINTS: Final = 1000.0


class Order(StrEnum):
    """May the walker choose the order?"""

    FIXED = "fixed"
    FREE = "free"
    RANDOM = "random"
    """Drawn anew for each round (seed = round id), then fixed."""


class Holidays(StrEnum):
    """What a plan does on days the site's calendar calls holidays (调休 included)."""

    RUN = "run"
    SKIP = "skip"
    ONLY_WORKDAYS = "only_workdays"
    ONLY_HOLIDAYS = "only_holidays"


class PlanKind(StrEnum):
    """Whose round it is; only words and defaults differ."""

    PATROL = "patrol"
    EQUIPMENT = "equipment"
    CLEANING = "cleaning"
    GREENING = "greening"
    MANAGEMENT = "management"


@dataclass(frozen=True, slots=True)
class PlanPoint:
    """One stop of a plan.

    least_walk_s   from the previous stop, seconds; None = from distance and floors
    least_dwell_s  at the stop before the next scan counts as honest
    opens_s, closes_s   window in seconds after the round's start; None = the whole round
    """

    checkpoint: str
    least_walk_s: float | None = None
    least_dwell_s: float = 0.0
    opens_s: float | None = None
    closes_s: float | None = None


@dataclass(frozen=True, slots=True)
class Weight:
    """What a check is worth in a scored plan; `checkpoint` None: wherever it is asked. Checks without one are worth 1."""

    check: str
    points: float
    checkpoint: str | None = None


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """A recurring walk.

    rrule      RFC 5545 RRULE without DTSTART; local days of the site's zone
    starts_at  local wall time of each occurrence
    duration_s from start to the end of the window; tolerance_s: this much early or late still counts as on time
    team, person  who walks: a team (whoever has the shift) or one person
    scored     managers' scored checks (日检、周检、月评): answers give points, by `weights`
    valid_from, valid_until  first and last local day (inclusive; None = for ever)
    """

    id: str
    site: str
    title: Text
    kind: PlanKind
    points: tuple[PlanPoint, ...]
    order: Order
    rrule: str
    starts_at: time
    duration_s: float
    valid_from: date
    valid_until: date | None = None
    tolerance_s: float = 300.0
    holidays: Holidays = Holidays.RUN
    team: str | None = None
    person: str | None = None
    scored: bool = False
    active: bool = True
    version: int = 1
    weights: tuple[Weight, ...] = ()


def places_of(plan: RoundPlan) -> tuple[str, ...]:
    """The checkpoints of a plan in the order of the plan; one may come twice."""
    return tuple(point.checkpoint for point in plan.points)


def check(plan: RoundPlan) -> None:
    """What must be true of a plan by itself. Raises Refused naming the field."""
    if not plan.points:
        raise Refused("a plan needs at least one checkpoint", field="points")
    if not 60.0 <= plan.duration_s <= MOST_S:
        raise Refused(f"duration: found {plan.duration_s:g} s; expected 60 s to {MOST_S:g} s", field="duration_s")
    if not 0.0 <= plan.tolerance_s <= plan.duration_s:
        raise Refused(f"tolerance: found {plan.tolerance_s:g} s; expected 0 to the duration", field="tolerance_s")
    if plan.valid_until is not None and plan.valid_until < plan.valid_from:
        raise Refused("valid_until lies before valid_from", field="valid_until")
    if plan.team is not None and plan.person is not None:
        raise Refused("a plan is for a team or for one person, not both", field="person")
    for row, weight in enumerate(plan.weights):
        if not 0.0 <= weight.points <= MOST_POINTS:
            raise Refused(f"{weight.check}: found {weight.points:g} points; expected 0 to 1000", field=f"weights.{row}")
    for row, point in enumerate(plan.points):
        opens, closes = window_s(plan, point)
        if not 0.0 <= opens < closes <= plan.duration_s:
            raise Refused(
                f"{point.checkpoint}: the window {opens:g} … {closes:g} s does not lie inside 0 … {plan.duration_s:g} s",
                field=f"points.{row}",
            )
        if point.least_dwell_s < 0 or (point.least_walk_s or 0.0) < 0:
            raise Refused(f"{point.checkpoint}: a time below 0", field=f"points.{row}")


def window_s(plan: RoundPlan, point: PlanPoint) -> tuple[float, float]:
    """The window of a stop in seconds after the round's start."""
    return (
        0.0 if point.opens_s is None else point.opens_s,
        plan.duration_s if point.closes_s is None else point.closes_s,
    )


def sequence(plan: RoundPlan, round_id: str) -> tuple[PlanPoint, ...]:
    """The stops in the order of one round. Random order follows from the round's id: the same on every machine."""
    if plan.order is not Order.RANDOM:
        return plan.points

    def draw(numbered: tuple[int, PlanPoint]) -> bytes:
        row, point = numbered
        return sha256(f"{round_id}/{row}/{point.checkpoint}".encode()).digest()

    return tuple(point for _, point in sorted(enumerate(plan.points), key=draw))
