"""Alarm: a condition that calls for a timely human response."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from caretaker.domain.equipment import Priority
from caretaker.domain.rules.types import Evidence


class IsaState(StrEnum):
    """ISA-18.2 state, derived from the two memories `active` and `acknowledged`, never stored."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    CLEARED_UNACKNOWLEDGED = "cleared_unacknowledged"
    NORMAL = "normal"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One episode of one rule on one asset. Times are nanoseconds UTC.

    id            `al_` + 16 hex digits, a function of (site, asset, rule, raised_at): replaying gives the same id
    evidence      the readings that proved it, frozen at raising
    work_order    the order it opened or joined
    """

    id: str
    site: str
    asset: str
    rule: str
    priority: Priority
    fault: str
    since_ns: int
    raised_ns: int
    cleared_ns: int | None = None
    latched: bool = False
    acknowledged_ns: int | None = None
    acknowledged_by: str | None = None
    comment: str | None = None
    work_order: str | None = None
    evidence: Sequence[Evidence] = field(default_factory=tuple)

    @property
    def active(self) -> bool:
        """Does the condition still hold?"""
        return self.cleared_ns is None

    @property
    def state(self) -> IsaState:
        """The ISA state."""
        if self.active:
            return IsaState.ACKNOWLEDGED if self.acknowledged_ns else IsaState.UNACKNOWLEDGED
        return IsaState.NORMAL if self.acknowledged_ns else IsaState.CLEARED_UNACKNOWLEDGED


def alarm_id(site: str, asset: str, rule: str, raised_ns: int) -> str:
    """The id of an episode. A function of what happened, so that a replay finds its own alarm again."""
    return "al_" + hashlib.sha256(f"{site}/{asset}/{rule}/{raised_ns}".encode()).hexdigest()[:16]
