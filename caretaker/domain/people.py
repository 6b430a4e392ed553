"""Who uses the system, what each may do and where, and who is on duty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from caretaker.domain.equipment import Text

NS: Final = 1_000_000_000


class Role(StrEnum):
    """Glossary 4.6 with the mission's words. `device` is for machines that send readings."""

    GUARD = "guard"
    TECHNICIAN = "technician"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"
    ADMIN = "admin"
    DEVICE = "device"


class Right(StrEnum):
    """What a request needs."""

    WATCH = "watch"
    ACKNOWLEDGE = "acknowledge"
    WORK = "work"
    DISPATCH = "dispatch"
    CLOSE = "close"
    PATROL = "patrol"
    """Walk rounds and scan."""
    PLAN = "plan"
    """Edit checkpoints and round plans."""
    DECIDE = "decide"
    """Accept or reject a marked scan."""
    REPORT = "report"
    """Make inspection reports and read the archive."""
    AUDIT = "audit"
    """Read the audit trail."""
    ADMINISTER = "administer"
    SEND = "send"


R, T = Right, Role
_ALL_PEOPLE = frozenset({R.WATCH, R.ACKNOWLEDGE, R.PATROL})
_LEADERS = _ALL_PEOPLE | {R.DISPATCH, R.CLOSE, R.PLAN, R.DECIDE, R.REPORT}
RIGHTS: Final = MappingProxyType(
    {
        T.GUARD: _ALL_PEOPLE,
        T.TECHNICIAN: _ALL_PEOPLE | {R.WORK},
        T.SUPERVISOR: _LEADERS | {R.WORK},
        # who decides does not also read over the deciders' shoulders: the trail is for those above the supervisor
        T.MANAGER: _LEADERS | {R.AUDIT},
        T.ADMIN: frozenset(Right) - {R.SEND},
        T.DEVICE: frozenset({R.SEND}),
    }
)
"""Role -> rights. The only place where rights are given."""
_RANK: Final = {
    role: rank for rank, role in enumerate((T.DEVICE, T.GUARD, T.TECHNICIAN, T.SUPERVISOR, T.MANAGER, T.ADMIN))
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody (or a named token) who acts.

    team    id of the team, None = none
    sites   ids of the sites this person belongs to; empty = all
    active  an inactive person cannot sign in; nobody is ever deleted, because history names them
    """

    id: str
    name: str
    role: Role
    team: str | None = None
    sites: tuple[str, ...] = ()
    active: bool = True

    def may(self, right: Right) -> bool:
        """Has this person the right (at the sites where the person is at home)?"""
        return self.active and right in RIGHTS[self.role]

    def at(self, site: str) -> bool:
        """Is this person at home at this site?"""
        return not self.sites or site in self.sites

    def outranks(self, role: Role) -> bool:
        """May this person hand out sign-ins to somebody of that role? Only to those below; an admin to all."""
        return self.role is Role.ADMIN or _RANK[self.role] > _RANK[role]


@dataclass(frozen=True, slots=True)
class Team:
    """People who share shifts and rounds."""

    id: str
    site: str
    title: Text


@dataclass(frozen=True, slots=True)
class Shift:
    """When a team works, every week, in the site's local time.

    weekdays  of the shift's start, 0 = Monday … 6 = Sunday
    ends      not after `starts` means the next day (22:00-06:00; 08:00-08:00 is a whole day)
    """

    id: str
    site: str
    team: str
    title: Text
    weekdays: frozenset[int]
    starts: time
    ends: time
    active: bool = True


@dataclass(frozen=True, slots=True)
class Duty:
    """One occurrence of a shift: [starts_ns, ends_ns)."""

    shift: Shift
    starts_ns: int
    ends_ns: int


def duty_on(shift: Shift, day: date, zone: str) -> Duty | None:
    """The occurrence that starts on this local day; None when the shift does not work then."""
    if not shift.active or day.weekday() not in shift.weekdays:
        return None
    last = day if shift.ends > shift.starts else day + timedelta(days=1)
    where = ZoneInfo(zone)
    return Duty(shift, _ns(day, shift.starts, where), _ns(last, shift.ends, where))


def on_duty(shifts: Iterable[Shift], at_ns: int, zone: str) -> tuple[Duty, ...]:
    """Every shift working at this moment, the one that began last first; `.shift.team` is the team."""
    today = datetime.fromtimestamp(at_ns // NS, UTC).astimezone(ZoneInfo(zone)).date()
    found = (
        duty for shift in shifts for day in (today - timedelta(days=1), today) if (duty := duty_on(shift, day, zone))
    )
    running = [duty for duty in found if duty.starts_ns <= at_ns < duty.ends_ns]
    return tuple(sorted(running, key=lambda duty: (-duty.starts_ns, duty.shift.id)))


def persons_on_duty(persons: Iterable[Person], shifts: Iterable[Shift], at_ns: int, zone: str) -> Sequence[Person]:
    """The active members of the teams on duty, in the order given."""
    teams = {duty.shift.team for duty in on_duty(shifts, at_ns, zone)}
    return [person for person in persons if person.active and person.team in teams]


def _ns(day: date, at: time, zone: ZoneInfo) -> int:
    return round(datetime.combine(day, at, zone).timestamp()) * NS
