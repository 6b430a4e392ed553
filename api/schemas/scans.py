"""Scans and findings as JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from api.schemas.checkpoints import CheckShape
from api.schemas.common import Body, Shape, Words
from api.schemas.rounds import AssetNow

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="hex SHA-256")]
Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="a UUID, lower case")]
Ms = Annotated[int, Field(ge=0, le=253_402_300_799_000)]


class AnswerBody(Body):
    """One check answered. `cannot` needs a reason to count."""

    check: str = Field(min_length=1, max_length=64)
    result: Literal["ok", "not_ok", "cannot"]
    value: FiniteFloat | bool | Annotated[str, Field(max_length=500)] | None = None
    reason: str | None = Field(default=None, max_length=1000)
    photos: list[Digest] = Field(default_factory=list, max_length=9)


class PositionBody(Body):
    """Where the phone thought it was."""

    lat: FiniteFloat = Field(ge=-90, le=90)
    lon: FiniteFloat = Field(ge=-180, le=180)
    accuracy_m: FiniteFloat = Field(ge=0)


class AnchorBody(Body):
    """The server's word for the time at the last contact, and the phone's monotonic clock then."""

    server_ms: Ms
    monotonic_ms: FiniteFloat = Field(ge=0)
    mac: str = Field(max_length=100)


class ScanBody(Body):
    """As the phone wrote it down; the same `id` again is the same scan."""

    id: Uuid
    round: str | None = Field(default=None, max_length=96)
    checkpoint: str | None = Field(default=None, max_length=64)
    token: str = Field(min_length=1, max_length=200)
    token_type: Literal["printed", "rotating", "nfc", "manual"]
    device_ms: Ms
    monotonic_ms: FiniteFloat = Field(ge=0)
    boot: str = Field(max_length=64)
    counter: int = Field(ge=0, le=2**53)
    previous: str = Field(default="", max_length=64)
    signature: str = Field(default="", max_length=200)
    position: PositionBody | None = None
    anchor: AnchorBody | None = None
    answers: list[AnswerBody] = Field(default_factory=list, max_length=100)
    photos: list[Digest] = Field(default_factory=list, max_length=20)


class DoubtShape(Shape):
    """One reason with what was seen."""

    reason: str
    text: Words
    facts: dict[str, object]


class WitnessShape(Shape):
    """Something independent near the place near the time."""

    point: str
    at_ms: int
    supports: bool
    what: str


class VerdictShape(Shape):
    """What it is worth."""

    accepted: bool
    suspicious: bool
    confidence: float
    at_ms: int
    doubts: list[DoubtShape]
    witnesses: list[WitnessShape]


class VisitState(Shape):
    """The visit it is for."""

    sequence: int
    state: str
    partly: bool


class FindingBrief(Shape):
    """What an answer led to."""

    id: str
    check: str
    work_order: str | None


class ScanReply(Shape):
    """What became of it. `state`: accepted, marked (kept, a supervisor decides), duplicate (known; nothing was done again).

    readings  how many answers went to the readings; null when this process has no gateway to give them to
    """

    id: str
    state: Literal["accepted", "marked", "duplicate"]
    received_ms: int
    checkpoint: str | None
    verdict: VerdictShape
    visit: VisitState | None
    round_state: str | None
    done: int | None
    total: int | None
    checks: list[CheckShape]
    asset: AssetNow | None
    findings: list[FindingBrief]
    readings: int | None


class AnswerShape(Shape):
    """As given."""

    check: str
    result: str
    value: float | str | bool | None
    reason: str | None
    photos: list[str]


class DecisionShape(Shape):
    """A supervisor's word."""

    accepted: bool
    by: str
    at_ms: int
    comment: str


class ScanShape(Shape):
    """A kept scan with both times: the phone's and ours."""

    id: str
    round: str | None
    checkpoint: str | None
    title: Words | None
    person: str
    person_name: str
    phone: str
    token_type: str
    device_ms: int
    received_ms: int
    counter: int
    answers: list[AnswerShape]
    photos: list[str]
    verdict: VerdictShape | None
    visit: int | None
    counts: bool
    decision: DecisionShape | None


class ScanList(Shape):
    """Newest first."""

    items: list[ScanShape]


class DecideBody(Body):
    """`comment` is needed to reject."""

    decision: Literal["accept", "reject"]
    comment: str = Field(default="", max_length=1000)


class FindingShape(Shape):
    """A check answered not ok."""

    id: str
    scan: str
    round: str | None
    checkpoint: str
    title: Words
    check: str
    ask: Words
    asset: str | None
    fault: str
    answer: AnswerShape
    unit: str
    priority: str
    person: str
    person_name: str
    at_ms: int
    work_order: str | None
    order_state: str | None


class FindingList(Shape):
    """Newest first."""

    items: list[FindingShape]
