"""Handover sheets as JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas.common import Body, Shape, Words


class SignatureShape(Shape):
    """A name under a sheet."""

    person: str
    name: str
    at_ms: int


class AlarmLine(Shape):
    """An alarm that was active, or that nobody had acknowledged. `by`: who has seen it."""

    id: str
    title: Words
    asset: Words
    priority: str
    state: str
    raised_ms: int
    by: str | None
    order: str | None


class RoundLine(Shape):
    """A round of the shift. `reason`: why it was ended early."""

    id: str
    title: Words
    state: str
    person: str | None
    starts_ms: int
    done: int
    total: int
    missed: list[Words]
    late: list[Words]
    reason: str | None


class ScanLine(Shape):
    """A marked scan that waits for a supervisor's word."""

    id: str
    title: Words | None
    person: str
    at_ms: int
    doubts: list[Words]


class FindingLine(Shape):
    """A finding whose order is not finished."""

    id: str
    title: Words
    ask: Words
    priority: str
    person: str
    at_ms: int
    order: str
    order_state: str


class OrderLine(Shape):
    """An unfinished order that somebody of the team has, or nobody."""

    id: str
    title: Words
    priority: str
    state: str
    assignee: str | None
    due_ms: int | None


class IncidentLine(Shape):
    """An incident that is not closed, or was reported in the shift. `by`: who has taken it."""

    id: str
    title: Words
    priority: str
    state: str
    place: Words | None
    by: str | None
    received_ms: int


class SheetShape(Shape):
    """The facts of a sheet. `seen`: what the outgoing person's signature names."""

    made_ms: int
    seen: str
    remarks: str
    alarms: list[AlarmLine]
    rounds: list[RoundLine]
    scans: list[ScanLine]
    findings: list[FindingLine]
    orders: list[OrderLine]
    incidents: list[IncidentLine]


class ChangeShape(Shape):
    """What is different now. `kind`: came, went or changed; `fields`: which facts of the line changed."""

    part: str
    kind: Literal["came", "went", "changed"]
    id: str
    title: Words
    fields: list[str]


class HandoverBrief(Shape):
    """A shift and how far its handover has come.

    state     `open` (nobody signed), `handed_over`, `taken_over`
    expected  another shift of the team follows, so somebody takes over
    """

    id: str
    team: str
    team_title: Words
    shift: str
    title: Words
    starts_ms: int
    ends_ms: int
    state: str
    expected: bool
    outgoing: SignatureShape | None
    incoming: SignatureShape | None
    sha256: str | None


class HandoverList(Shape):
    """The newest shift first."""

    items: list[HandoverBrief]


class HandoverShape(HandoverBrief):
    """A sheet: as it was signed, or as it would be signed now.

    changes   what is different now from what was signed; the sheet itself never changes
    intact    the signed text still has the SHA-256 that was written down at the signature
    may_sign  the sides that the one who asks may sign now
    from_ms   the time from which the outgoing person may sign
    """

    sheet: SheetShape
    changes: list[ChangeShape]
    intact: bool
    may_sign: list[str]
    from_ms: int


class SignBody(Body):
    """`saw`: for the outgoing side the sheet's `seen`, for the incoming side its `sha256`: one signs what one has seen."""

    side: Literal["outgoing", "incoming"]
    saw: str = Field(pattern=r"^[0-9a-f]{64}$")
    remarks: str = Field(default="", max_length=4000)
