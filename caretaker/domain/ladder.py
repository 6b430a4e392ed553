"""The call ladder: who is called for an urgent incident, and when the next one is, until somebody takes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from caretaker.domain.incidents import Incident, IncidentKind, IncidentState
from caretaker.domain.people import Person, Role

SECOND: Final = 1_000_000_000


class Rung(StrEnum):
    """Who is called."""

    SUPERVISOR = "supervisor"
    MANAGER = "manager"
    ADMIN = "admin"
    ALL = "all"


_CALLS: Final = (Rung.SUPERVISOR, Rung.MANAGER, Rung.ADMIN)
"""The first, the second and the third call; every later one goes to all of them."""
_ROLES: Final = {Rung.SUPERVISOR: Role.SUPERVISOR, Rung.MANAGER: Role.MANAGER, Rung.ADMIN: Role.ADMIN}


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds between two calls, and how many there are at most: a ladder that nobody answers ends some time, and the
    incident stays on the page."""

    sos_s: float = 60.0
    critical_s: float = 300.0
    most: int = 15


def wait_ns(incident: Incident, patience: Patience) -> int:
    """How long one call is given."""
    seconds = patience.sos_s if incident.kind is IncidentKind.SOS else patience.critical_s
    return round(seconds * SECOND)


def due(incident: Incident, now_ns: int, patience: Patience) -> bool:
    """Is it time to call the next? After a standstill of ours once, not as often as was missed; a clock that was set
    back counts as waited."""
    if not incident.urgent or incident.state is not IncidentState.REPORTED or incident.calls >= patience.most:
        return False
    return not 0 <= now_ns - incident.called_ns < wait_ns(incident, patience)


def called(call: int, persons: Iterable[Person], on_duty: Collection[str]) -> tuple[Rung, tuple[Person, ...]]:
    """The rung and the people of a call (1 is the first).

    Supervisors who are on duty, else any supervisor. A rung on which nobody stands is passed over; () when there is
    nobody at all. `persons`: of this site; `on_duty`: ids.
    """
    people = [person for person in persons if person.active]
    start = call - 1
    for rung in _CALLS[start:]:
        here = tuple(person for person in people if person.role is _ROLES[rung])
        if rung is Rung.SUPERVISOR:
            here = tuple(person for person in here if person.id in on_duty) or here
        if here:
            return rung, here
    everybody = tuple(person for person in people if person.role in _ROLES.values())
    return Rung.ALL, everybody
