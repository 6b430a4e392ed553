"""Alarms and work orders as JSON."""

from __future__ import annotations

from pydantic import Field

from api.schemas.common import Body, Shape, Words


class EvidenceShape(Shape):
    """A reading that proved the verdict."""

    point: int
    key: str
    title: Words
    unit: str
    at_ms: int
    value: float | None
    quality: int
    limit: float | None


class AlarmShape(Shape):
    """One episode of one rule on one asset."""

    id: str
    asset: str
    asset_title: Words
    rule: str
    title: Words
    priority: str
    fault: str
    fault_title: Words
    state: str
    active: bool
    since_ms: int
    raised_ms: int
    cleared_ms: int | None
    latched: bool
    acknowledged_ms: int | None
    acknowledged_by: str | None
    comment: str | None
    work_order: str | None
    evidence: list[EvidenceShape]
    cause: Words | None
    consequence: Words | None
    action: Words | None


class AlarmTotals(Shape):
    """Active alarms of the whole site."""

    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    unacknowledged: int = 0


class AlarmList(Shape):
    """Alarms, newest first."""

    items: list[AlarmShape]
    counts: AlarmTotals


class Reason(Shape):
    """Why an order cannot be closed."""

    code: str
    text: Words
    alarm: str
    point: int | None = None
    value: float | None = None
    limit: float | None = None
    unit: str | None = None


class Verification(Shape):
    """May it be closed, and if not, why."""

    can_close: bool
    reasons: list[Reason]


class OrderShape(Shape):
    """A work order."""

    id: str
    asset: str
    asset_title: Words
    fault: str
    title: Words
    priority: str
    state: str
    detected_by: str
    opened_ms: int
    due_ms: int | None
    overdue: bool
    assignee: str | None
    started_ms: int | None
    completed_ms: int | None
    closed_ms: int | None
    closed_by: str | None
    alarms: list[AlarmShape]
    allowed_actions: list[str]
    verification: Verification


class OrderList(Shape):
    """Work orders, newest first."""

    items: list[OrderShape]
    counts: dict[str, int]


class Entry(Shape):
    """One line of history."""

    id: int
    at_ms: int
    actor: str
    action: str
    comment: str | None
    facts: dict[str, object]


class History(Shape):
    """All that happened to an order, oldest first."""

    items: list[Entry]


class CommentBody(Body):
    """A remark."""

    comment: str = Field(default="", max_length=2000, examples=["已通知维保 / maintenance firm informed"])


class ActBody(Body):
    """What is done to an order."""

    assignee: str | None = Field(default=None, max_length=64, examples=["王海涛"])
    comment: str | None = Field(default=None, max_length=2000)
    reason: str | None = Field(default=None, max_length=2000)
    override: bool = False
