"""Round plans as JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from api.schemas.checkpoints import (
    Id,
    WordsBody,
)
from api.schemas.common import Body, Shape, Words

Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", examples=["2026-11-24"])]


class PlanPointShape(Shape):
    """A stop of a plan. `walk_s`: seconds from the stop before, given or from the places."""

    checkpoint: str
    least_walk_s: float | None
    walk_s: float
    least_dwell_s: float
    opens_s: float | None
    closes_s: float | None


class PlanPointBody(Body):
    """A stop."""

    checkpoint: Id
    least_walk_s: FiniteFloat | None = Field(default=None, ge=0, le=7200)
    least_dwell_s: FiniteFloat = Field(default=0.0, ge=0, le=7200)
    opens_s: FiniteFloat | None = Field(default=None, ge=0)
    closes_s: FiniteFloat | None = Field(default=None, ge=0)


class WeightShape(Shape):
    """What a check is worth in a scored plan; `checkpoint` None: wherever it is asked. Others are worth 1."""

    check: str
    points: float
    checkpoint: str | None


class WeightBody(Body):
    """What a check is worth."""

    check: Id
    points: FiniteFloat = Field(ge=0, le=1000)
    checkpoint: Id | None = None


class PlanShape(Shape):
    """A recurring walk."""

    id: str
    title: Words
    kind: str
    points: list[PlanPointShape]
    order: str
    rrule: str
    starts_at: str
    duration_s: float
    tolerance_s: float
    valid_from: str
    valid_until: str | None
    holidays: str
    team: str | None
    person: str | None
    scored: bool
    weights: list[WeightShape]
    active: bool
    version: int
    next_ms: list[int] = Field(description="when its next three rounds begin")


class PlanBody(Body):
    """A plan to make; the same again changes nothing."""

    id: Id
    title: WordsBody
    kind: Literal["patrol", "equipment", "cleaning", "greening", "management"]
    points: list[PlanPointBody] = Field(min_length=1, max_length=200)
    order: Literal["fixed", "free", "random"] = "free"
    rrule: str = Field(min_length=5, max_length=300, examples=["FREQ=DAILY;BYHOUR=20,22,0"])
    starts_at: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["22:00"])
    duration_s: FiniteFloat = Field(gt=0)
    tolerance_s: FiniteFloat = Field(default=300.0, ge=0)
    valid_from: Day
    valid_until: Day | None = None
    holidays: Literal["run", "skip", "only_workdays", "only_holidays"] = "run"
    team: Id | None = None
    person: Id | None = None
    scored: bool = False
    weights: list[WeightBody] = Field(default_factory=list, max_length=200)
    active: bool = True


class PlanChange(Body):
    """What to change of version `version`; what is left out stays."""

    version: int
    title: WordsBody | None = None
    points: list[PlanPointBody] | None = Field(default=None, min_length=1, max_length=200)
    order: Literal["fixed", "free", "random"] | None = None
    rrule: str | None = Field(default=None, min_length=5, max_length=300)
    starts_at: str | None = Field(default=None, pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    duration_s: FiniteFloat | None = Field(default=None, gt=0)
    tolerance_s: FiniteFloat | None = Field(default=None, ge=0)
    valid_until: Day | None = None
    holidays: Literal["run", "skip", "only_workdays", "only_holidays"] | None = None
    team: Id | None = None
    person: Id | None = None
    scored: bool | None = None
    weights: list[WeightBody] | None = Field(default=None, max_length=200)
    active: bool | None = None


class PlanTiming(Body):
    """When a plan's rounds would begin, before it is saved."""

    rrule: str = Field(min_length=5, max_length=300)
    starts_at: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    duration_s: FiniteFloat = Field(gt=0)
    valid_from: Day
    valid_until: Day | None = None
    holidays: Literal["run", "skip", "only_workdays", "only_holidays"] = "run"


class PlanVersionShape(Shape):
    """A version of a plan. `changed`: names of the fields that differ from the version before."""

    version: int
    at_ms: int
    by: str | None
    by_name: str | None
    changed: list[str]
    plan: PlanShape


class PlanVersions(Shape):
    """The newest first."""

    items: list[PlanVersionShape]


class PlanList(Shape):
    """The newest version of each."""

    items: list[PlanShape]


class Occurrence(Shape):
    """One start. `round`: the id its round has, or will have; `local`: wall time there; `holiday`: the day's name;
    `provisional`: the year's 调休 is not known yet."""

    round: str
    starts_ms: int
    ends_ms: int
    local: str
    holiday: str | None
    workday: bool
    provisional: bool


class Occurrences(Shape):
    """All starts in a stretch of days."""

    items: list[Occurrence]
