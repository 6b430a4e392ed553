"""What an evaluation gives back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Change(StrEnum):
    """The two things that happen to an alarm condition."""

    RAISED = "raised"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class RuleRef:
    """One rule as it judges one asset."""

    asset: str
    rule: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reading that proved a verdict. `value` is None for text or *bad*; `limit` is the number it was held against."""

    point: int
    key: str
    at_ns: int
    value: float | None
    quality: int
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """A condition became active or normal.

    since_ns  when the verdict first became true (false); device time
    at_ns     since_ns + delay: when the alarm is raised (cleared); the same in live, replay and back-test
    seen_ns   acceptance time of the reading (or tick) that completed the delay
    """

    ref: RuleRef
    change: Change
    since_ns: int
    at_ns: int
    seen_ns: int
    evidence: tuple[Evidence, ...] = ()
