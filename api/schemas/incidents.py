"""Incidents and calls for help as JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.common import Body, Shape, Words
from api.schemas.scans import Digest, Ms, PositionBody, Uuid

Id = Annotated[str, Field(min_length=1, max_length=64)]
Photos = Annotated[list[Digest], Field(max_length=9)]


class SosBody(Body):
    """A call for help as the phone wrote it down. Everything may be missing: nothing here is worth a refusal."""

    id: Uuid | None = None
    device_ms: Ms | None = None
    position: PositionBody | None = None
    checkpoint: Id | None = None


class IncidentBody(SosBody):
    """An incident as it was reported; the same `id` (or Idempotency-Key) again is the same incident.

    `people`: who is involved, in free words; personal data, shown to few. `photos` may arrive after the report.
    """

    kind: Literal[
        "fire",
        "person_hurt",
        "lift_entrapment",
        "theft",
        "dispute",
        "water",
        "power",
        "loiterer",
        "property_damage",
        "other",
    ]
    priority: Literal["critical", "high", "medium", "low"] | None = Field(default=None, description="else by kind")
    space: Id | None = None
    place: str = Field(default="", max_length=200)
    asset: Id | None = None
    description: str = Field(default="", max_length=2000)
    people: str = Field(default="", max_length=1000)
    measures: str = Field(default="", max_length=1000, description="what the reporter has done already")
    photos: Photos = Field(default_factory=list)
    work_order: bool = Field(default=False, description="open or join a work order for the asset")


class TakeBody(Body):
    """ "I am on it". `from`: id of the person who has it now, when it is taken over."""

    from_: Id | None = Field(default=None, alias="from")


class MeasureBody(Body):
    """What was done."""

    text: str = Field(min_length=1, max_length=1000)
    photos: Photos = Field(default_factory=list)


class CloseBody(Body):
    """How it ended."""

    reason: str = Field(min_length=1, max_length=1000)


class PositionShape(Shape):
    """WGS 84."""

    lat: float
    lon: float
    accuracy_m: float


class CallShape(Shape):
    """The newest call for people: the rung of the ladder, and whose phones it went to."""

    rung: Literal["supervisor", "manager", "admin", "all"]
    names: list[str]
    at_ms: int
    number: int


class IncidentShape(Shape):
    """An incident at a glance. `device_ms`: when it was written down on the phone; `received_ms`: when it came in."""

    id: str
    kind: str
    title: Words
    priority: str
    urgent: bool
    state: Literal["reported", "handling", "closed"]
    place: Words | None
    floor: Words | None
    checkpoint: str | None
    space: str | None
    asset: str | None
    asset_title: Words | None
    reporter: str
    reporter_name: str
    device_ms: int | None
    received_ms: int
    taken_by: str | None
    taken_by_name: str | None
    taken_ms: int | None
    closed_by_name: str | None
    closed_ms: int | None
    work_order: str | None
    call: CallShape | None


class IncidentEntryShape(Shape):
    """One line of the timeline. `actor_name` is null for what no person did."""

    id: int
    at_ms: int
    actor_name: str | None
    action: Literal["reported", "called", "taken", "measure", "ordered", "closed"]
    text: str | None
    photos: list[str]
    rung: str | None
    names: list[str]
    work_order: str | None


class IncidentDetail(IncidentShape):
    """Everything. `people` is null for those who need not know."""

    description: str
    people: str | None
    position: PositionShape | None
    photos: list[str]
    phone: str
    reason: str | None
    timeline: list[IncidentEntryShape]
    allowed_actions: list[Literal["take", "close"]]


class IncidentList(Shape):
    """Newest first; `counts` by state over the newest 1,000."""

    items: list[IncidentShape]
    counts: dict[str, int]
