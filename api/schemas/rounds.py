"""Rounds, and what a phone loads of them, as JSON."""

from __future__ import annotations

from pydantic import Field

from api.schemas.checkpoints import (
    CheckShape,
)
from api.schemas.common import Body, Shape, Words
from api.schemas.estate import PointValue


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
