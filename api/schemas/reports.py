"""Inspection reports as JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from api.schemas.checkpoints import Id
from api.schemas.common import Body, Shape, Words
from api.schemas.plans import Day


class ReportWanted(Body):
    """Which report: rounds that start on these local days, both inclusive; of all plans and teams, or of one."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, validate_by_name=True, validate_by_alias=True)

    first: Day = Field(alias="from")
    last: Day = Field(alias="to")
    plan: Id | None = None
    team: Id | None = None
    format: Literal["pdf", "xlsx"]
    language: Literal["zh", "en"] | None = Field(default=None, description="default: the reader's own")


class FiguresShape(Shape):
    """What a report of these days would add up to. Shares are 0 … 1, None where there is nothing to share."""

    rounds: dict[str, int]
    visits: dict[str, int]
    due: int
    made: int
    complete: float | None
    punctual: float | None
    partly: int
    scans: int
    manual: int
    marked: int
    undecided: int
    rejected: int
    findings: int
    photos: int
    orders: int
    repaired: int
    overdue: int
    repair_ms: int | None
    score: float | None


class ArchivedReport(Shape):
    """An archived report. `id`: hex SHA-256 of its file, which is also written in the audit trail."""

    id: str
    format: Literal["pdf", "xlsx"]
    language: Literal["zh", "en"]
    first: str
    last: str
    plan: str | None
    plan_title: Words | None
    team: str | None
    team_title: Words | None
    bytes: int
    made_ms: int
    made_by: str


class ReportArchive(Shape):
    """The newest first."""

    items: list[ArchivedReport]
