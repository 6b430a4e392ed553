"""Round: one walk of a plan. Visit: one stop of it as judged."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RoundState(StrEnum):
    """Where a round stands."""

    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    FINISHED = "finished"
    INCOMPLETE = "incomplete"
    MISSED = "missed"
    CANCELLED = "cancelled"


class VisitState(StrEnum):
    """What became of one stop."""

    DUE = "due"
    ON_TIME = "on_time"
    EARLY = "early"
    LATE = "late"
    OUT_OF_ORDER = "out_of_order"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Visit:
    """One stop. `opens_ns`, `closes_ns`: its window; `scan`: the scan that did it."""

    checkpoint: str
    sequence: int
    opens_ns: int
    closes_ns: int
    state: VisitState = VisitState.DUE
    scan: str | None = None
    scanned_ns: int | None = None
    partly: bool = False
    """Scanned, but required checks are not answered."""


@dataclass(frozen=True, slots=True)
class Round:
    """One walk. `id` follows from plan and start (`<plan>@<yyyymmddThhmm>`), so making it twice changes nothing."""

    id: str
    site: str
    plan: str
    plan_version: int
    starts_ns: int
    ends_ns: int
    state: RoundState
    visits: tuple[Visit, ...]
    person: str | None = None
    team: str | None = None
    opened_ns: int | None = None
    closed_ns: int | None = None
    ended_early: str | None = None
    """The reason, when the walker ended it before all stops were done."""
