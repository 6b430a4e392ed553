"""Checkpoints, plans, rounds as JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from api.schemas.common import Body, Shape, Words
from api.schemas.estate import PointValue

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", description="letters, digits, - and _")]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", examples=["2026-11-24"])]
CheckKind = Literal["yes_no", "choice", "number", "photo", "text"]


class WordsBody(Body):
    """One sentence in both languages."""

    zh: str = Field(min_length=1, max_length=200)
    en: str = Field(min_length=1, max_length=200)


class CheckShape(Shape):
    """One question. `required`: without an answer the visit is only partly done."""

    id: str
    ask: Words
    type: CheckKind
    expect: bool
    choices: list[Words]
    limits: tuple[float, float] | None
    unit: str
    required: bool
    point: str | None
    fault: str | None
    graded: bool


class CheckBody(Body):
    """A question of a checkpoint's own."""

    id: Id
    ask: WordsBody
    type: CheckKind = "yes_no"
    expect: bool = True
    choices: list[WordsBody] = Field(default_factory=list, max_length=12)
    limits: list[FiniteFloat] | None = Field(default=None, min_length=2, max_length=2)
    unit: str = Field(default="", max_length=16)
    point: Id | None = None
    fault: Id | None = None
    graded: bool = False


class PlaceShape(Shape):
    """Metres on the site's plan, floor, WGS 84."""

    x_m: float
    y_m: float
    level: int
    lat: float | None
    lon: float | None


class PlaceBody(Body):
    """Where it is."""

    x_m: FiniteFloat = 0.0
    y_m: FiniteFloat = 0.0
    level: int = Field(default=0, ge=-20, le=300)
    lat: FiniteFloat | None = Field(default=None, ge=-90, le=90)
    lon: FiniteFloat | None = Field(default=None, ge=-180, le=180)


class CheckpointShape(Shape):
    """A marked place. `short_code` only for those who may plan."""

    id: str
    title: Words
    space: str
    space_title: Words
    floor: str | None
    asset: str | None
    place: PlaceShape
    checks: list[CheckShape]
    use_kind_checks: bool
    short_code: str | None
    code_version: int
    rotating: bool
    nfc: str | None
    witnesses: list[str]


class CheckpointBody(Body):
    """A marked place to make; the same again changes nothing."""

    id: Id
    title: WordsBody
    space: Id
    asset: Id | None = None
    place: PlaceBody = PlaceBody()
    checks: list[CheckBody] = Field(default_factory=list, max_length=60)
    use_kind_checks: bool = True
    rotating: bool = False
    nfc: str | None = Field(default=None, pattern=r"^[0-9a-f]{8,40}$")
    witnesses: list[str] = Field(default_factory=list, max_length=20)


class CheckpointChange(Body):
    """What to change; what is left out stays."""

    title: WordsBody | None = None
    space: Id | None = None
    asset: Id | None = None
    place: PlaceBody | None = None
    checks: list[CheckBody] | None = Field(default=None, max_length=60)
    use_kind_checks: bool | None = None
    rotating: bool | None = None
    nfc: str | None = Field(default=None, pattern=r"^[0-9a-f]{8,40}$")
    witnesses: list[str] | None = Field(default=None, max_length=20)


class CheckpointList(Shape):
    """In the order of the site."""

    items: list[CheckpointShape]


class LabelShape(Shape):
    """A sticker to print. `svg`: the QR code of `url`, one SVG element; `floor`: None when the space says it already."""

    checkpoint: str
    title: Words
    space_title: Words
    floor: Words | None
    short_code: str
    code_version: int
    url: str
    svg: str


class LabelList(Shape):
    """In the order asked for. `reachable`: false when their addresses lead only this machine to itself."""

    items: list[LabelShape]
    reachable: bool


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


class VisitShape(Shape):
    """One stop of a round."""

    checkpoint: str
    title: Words
    sequence: int
    opens_ms: int
    closes_ms: int
    state: str
    scan: str | None
    scanned_ms: int | None
    partly: bool
    walk_s: float
    least_dwell_s: float


class LostShape(Shape):
    """Points that a check did not bring. `why`: `not_ok`, `graded` (a mark below the best) or `unanswered`."""

    checkpoint: str
    title: Words
    check: str
    ask: Words
    lost: float
    worth: float
    why: str
    value: float | str | bool | None
    unit: str


class ScoreShape(Shape):
    """Of a scored round. `percent` None: nothing was worth a point. `excluded`: checks that could not be done;
    `unseen`: stops not visited; neither counts."""

    percent: float | None
    points: float
    worth: float
    excluded: int
    unseen: int
    lost: list[LostShape]


class RoundShape(Shape):
    """One walk. `deadline_ms`: end plus tolerance; after it what is not done is missed.

    `on_duty`: ids of the team's members whose shift it is at the start (of everybody on duty when it has no team).
    `silent_since_ms`: the last sign of a walker from whom no scan came in 1.5 times the expected time; else null.
    """

    id: str
    plan: str
    plan_version: int
    title: Words
    kind: str
    order: str
    scored: bool
    starts_ms: int
    ends_ms: int
    deadline_ms: int
    tolerance_s: float
    state: str
    person: str | None
    person_name: str | None
    team: str | None
    on_duty: list[str]
    opened_ms: int | None
    closed_ms: int | None
    ended_early: str | None
    silent_since_ms: int | None
    done: int
    total: int
    score: ScoreShape | None
    visits: list[VisitShape]


class RoundList(Shape):
    """By start."""

    items: list[RoundShape]
    counts: dict[str, int]


class EndBody(Body):
    """`reason` is needed when stops are left."""

    reason: str | None = Field(default=None, max_length=500)


class Brief(Shape):
    """An alarm or an order at a glance."""

    id: str
    title: Words
    priority: str
    state: str
    since_ms: int
    due_ms: int | None = None


class AssetNow(Shape):
    """The asset at a point, now."""

    id: str
    title: Words
    alarms: list[Brief]
    orders: list[Brief]
    values: list[PointValue]


class PhonePoint(Shape):
    """A checkpoint as a phone needs it without a network. `short_code_sha256`, `nfc_sha256`: hex SHA-256 of the six digits
    and of the tag's id, so that a phone knows neither before it stands there."""

    id: str
    title: Words
    space_title: Words
    floor: str | None
    level: int
    asset: str | None
    short_code_sha256: str
    nfc_sha256: str | None
    rotating: bool
    checks: list[CheckShape]
    asset_now: AssetNow | None


class Me(Shape):
    """Who is signed in."""

    id: str
    name: str
    role: str
    team: str | None


class PhoneSite(Shape):
    """Where."""

    id: str
    title: Words
    zone: str


class Today(Shape):
    """Everything a phone needs to walk without a network. `anchor`: the server's signed word for the time, if any."""

    now_ms: int
    anchor: str | None
    person: Me
    phone: str | None
    site: PhoneSite
    rounds: list[RoundShape]
    checkpoints: dict[str, PhonePoint]
    words: dict[str, dict[str, Words]]
