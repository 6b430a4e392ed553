"""RoundPlan: which checkpoints, in what order, when, by which team."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum

from caretaker.domain.equipment import Text


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
class RoundPlan:
    """A recurring walk.

    rrule      RFC 5545 RRULE without DTSTART; local days of the site's zone
    starts_at  local wall time of each occurrence
    duration_s from start to the end of the window; tolerance_s: this much early or late still counts as on time
    team, person  who walks: a team (whoever has the shift) or one person
    scored     managers' scored checks (日检、周检、月评): answers give points
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
