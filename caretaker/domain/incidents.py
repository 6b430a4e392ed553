"""Incident: a reported happening that people must deal with. A call for help (SOS) is one of its kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from caretaker.domain.equipment import Priority, Text
from caretaker.domain.errors import Conflict
from caretaker.domain.rounds.scans import Position


class IncidentKind(StrEnum):
    """What happened."""

    SOS = "sos"
    FIRE = "fire"
    PERSON_HURT = "person_hurt"
    LIFT_ENTRAPMENT = "lift_entrapment"
    THEFT = "theft"
    DISPUTE = "dispute"
    WATER = "water"
    POWER = "power"
    LOITERER = "loiterer"
    PROPERTY_DAMAGE = "property_damage"
    OTHER = "other"


class IncidentState(StrEnum):
    """Where an incident stands."""

    REPORTED = "reported"
    HANDLING = "handling"
    CLOSED = "closed"


class IncidentAction(StrEnum):
    """What a person does to it. `take`: "I am on it"."""

    TAKE = "take"
    CLOSE = "close"


K, P, S, A = IncidentKind, Priority, IncidentState, IncidentAction
TITLES: Final[Mapping[IncidentKind, Text]] = MappingProxyType(
    {
        K.SOS: Text("求助 SOS", "SOS"),
        K.FIRE: Text("火情", "Fire"),
        K.PERSON_HURT: Text("人员受伤", "Person hurt"),
        K.LIFT_ENTRAPMENT: Text("电梯困人", "People trapped in a lift"),
        K.THEFT: Text("盗窃", "Theft"),
        K.DISPUTE: Text("纠纷冲突", "Dispute"),
        K.WATER: Text("漏水", "Water leak"),
        K.POWER: Text("停电", "Power failure"),
        K.LOITERER: Text("可疑人员", "Suspicious person"),
        K.PROPERTY_DAMAGE: Text("财物损坏", "Property damage"),
        K.OTHER: Text("其他事件", "Something else"),
    }
)
PRIORITIES: Final[Mapping[IncidentKind, Priority]] = MappingProxyType(
    {
        K.SOS: P.CRITICAL,
        K.FIRE: P.CRITICAL,
        K.PERSON_HURT: P.CRITICAL,
        K.LIFT_ENTRAPMENT: P.CRITICAL,
        K.THEFT: P.HIGH,
        K.DISPUTE: P.HIGH,
        K.WATER: P.HIGH,
        K.POWER: P.HIGH,
        K.LOITERER: P.MEDIUM,
        K.PROPERTY_DAMAGE: P.MEDIUM,
        K.OTHER: P.MEDIUM,
    }
)
"""How soon people must act when the reporter says nothing about it."""

FAULTS: Final[Mapping[IncidentKind, str]] = MappingProxyType({K.LIFT_ENTRAPMENT: "entrapment", K.POWER: "power-loss"})
"""The fault an incident is on an asset whose kind knows it, so that its order and the alarm's are one."""

PEOPLE_KEPT_NS: Final = 365 * 86_400 * 1_000_000_000
"""Who was involved is forgotten so long after an incident was closed: by then police and insurers have asked."""

TRANSITIONS: Final[Mapping[tuple[IncidentState, IncidentAction], IncidentState]] = MappingProxyType(
    {
        (S.REPORTED, A.TAKE): S.HANDLING,
        (S.HANDLING, A.TAKE): S.HANDLING,
        (S.HANDLING, A.CLOSE): S.CLOSED,
    }
)
"""(state, action) -> next state. Nothing is closed that nobody has taken: each has a name to ask afterwards."""


def allowed(state: IncidentState) -> tuple[IncidentAction, ...]:
    """The actions that are legal in a state, in the order of the enum."""
    return tuple(action for action in IncidentAction if (state, action) in TRANSITIONS)


def after(state: IncidentState, action: IncidentAction) -> IncidentState:
    """The next state. Raises Conflict naming both."""
    try:
        return TRANSITIONS[state, action]
    except KeyError:
        raise Conflict(f"an incident that is {state} cannot {action}", state=state, action=action) from None


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident. Times are nanoseconds UTC.

    id            the reporting phone's UUID: the same again is the same incident
    phone         the enrolled phone it came from; "" from a console
    place         free text, when no checkpoint and no space says it
    people        who is involved, in free words: personal data, shown to few, never in a notice, a log or the trail
    device_ns     when the phone wrote it down, None when it did not say; received_ns is the server's own time
    calls         how many times people were called so far; called_ns the last time
    """

    id: str
    site: str
    kind: IncidentKind
    priority: Priority
    state: IncidentState
    reporter: str
    phone: str
    received_ns: int
    device_ns: int | None = None
    checkpoint: str | None = None
    space: str | None = None
    place: str = ""
    position: Position | None = None
    asset: str | None = None
    description: str = ""
    people: str = ""
    photos: tuple[str, ...] = ()
    taken_by: str | None = None
    taken_ns: int | None = None
    closed_by: str | None = None
    closed_ns: int | None = None
    reason: str | None = None
    work_order: str | None = None
    calls: int = 0
    called_ns: int = 0

    @property
    def urgent(self) -> bool:
        """Are people called until somebody takes it?"""
        return self.priority is Priority.CRITICAL


@dataclass(frozen=True, slots=True)
class IncidentEntry:
    """One line of an incident's timeline. `actor` is a person's id, "" for ourselves; `facts` are plain JSON values.

    action   reported, called, taken, measure, ordered, closed
    """

    id: int
    incident: str
    at_ns: int
    actor: str
    action: str
    text: str | None
    facts: Mapping[str, object]
