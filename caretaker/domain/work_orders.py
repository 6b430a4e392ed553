"""Work order: work approved for one asset, and the one table that says what may be done to it when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from caretaker.domain.equipment import Priority
from caretaker.domain.errors import Conflict


class OrderState(StrEnum):
    """Where a work order stands."""

    OPEN = "open"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    COMPLETED = "completed"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class OrderAction(StrEnum):
    """What a person does to it."""

    ASSIGN = "assign"
    START = "start"
    HOLD = "hold"
    RESUME = "resume"
    COMPLETE = "complete"
    REOPEN = "reopen"
    CLOSE = "close"
    CANCEL = "cancel"


class DetectedBy(StrEnum):
    """ISO 14224 detection method."""

    ALARM = "alarm"
    INSPECTION = "inspection"
    REQUEST = "request"
    PREVENTIVE = "preventive"


S, A = OrderState, OrderAction
TRANSITIONS: Final[Mapping[tuple[OrderState, OrderAction], OrderState]] = MappingProxyType(
    {
        (S.OPEN, A.ASSIGN): S.ASSIGNED,
        (S.ASSIGNED, A.ASSIGN): S.ASSIGNED,
        (S.IN_PROGRESS, A.ASSIGN): S.ASSIGNED,
        (S.OPEN, A.START): S.IN_PROGRESS,
        (S.ASSIGNED, A.START): S.IN_PROGRESS,
        (S.IN_PROGRESS, A.HOLD): S.ON_HOLD,
        (S.ON_HOLD, A.RESUME): S.IN_PROGRESS,
        (S.IN_PROGRESS, A.COMPLETE): S.COMPLETED,
        (S.COMPLETED, A.REOPEN): S.IN_PROGRESS,
        (S.COMPLETED, A.CLOSE): S.CLOSED,
        (S.OPEN, A.CANCEL): S.CANCELLED,
        (S.ASSIGNED, A.CANCEL): S.CANCELLED,
        (S.ON_HOLD, A.CANCEL): S.CANCELLED,
    }
)
"""(state, action) -> next state. Also feeds the API's `allowed_actions` and the buttons on the page."""

UNFINISHED: Final = frozenset({S.OPEN, S.ASSIGNED, S.IN_PROGRESS, S.ON_HOLD, S.COMPLETED})
"""States in which a new alarm of the same asset and fault joins instead of opening another order."""

FINISHED: Final = frozenset(OrderState) - UNFINISHED
"""States that nothing leads out of."""


def allowed(state: OrderState) -> tuple[OrderAction, ...]:
    """The actions that are legal in a state, in the order of the enum."""
    return tuple(action for action in OrderAction if (state, action) in TRANSITIONS)


def after(state: OrderState, action: OrderAction) -> OrderState:
    """The next state. Raises Conflict naming both."""
    try:
        return TRANSITIONS[state, action]
    except KeyError:
        raise Conflict(f"a work order that is {state} cannot {action}", state=state, action=action) from None


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """One order. Times are nanoseconds UTC; `id` is `WO-<yyMMdd>-<nnn>` in the site's zone."""

    id: str
    site: str
    asset: str
    fault: str
    title_zh: str
    title_en: str
    priority: Priority
    state: OrderState
    detected_by: DetectedBy
    opened_ns: int
    due_ns: int | None = None
    assignee: str | None = None
    started_ns: int | None = None
    completed_ns: int | None = None
    closed_ns: int | None = None
    closed_by: str | None = None


@dataclass(frozen=True, slots=True)
class OrderEntry:
    """One line of an order's history: who did what when; `facts` are plain JSON values."""

    id: int
    work_order: str
    at_ns: int
    actor: str
    action: str
    comment: str | None
    facts: Mapping[str, object]
