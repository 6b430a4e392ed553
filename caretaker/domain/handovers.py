"""Handover (交接班): what one shift leaves to the next, filled by the system, frozen at the first of two signatures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final

from caretaker.domain.audit import canonical
from caretaker.domain.errors import Conflict, NotAllowed, Refused
from caretaker.domain.people import NS, Duty, Person, Right

EARLIEST_NS: Final = 2 * 3600 * NS
"""A sheet is signed from this long before the end of the shift: earlier it would leave out too much of it."""
LATEST_NS: Final = 24 * 3600 * NS
"""… and until this long after it: later the facts are those of other shifts."""
MOST_REMARKS: Final = 4000
_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2200
"""Nanoseconds of other years have no room in a database."""
Line = Mapping[str, Any]
"""One line of a section: plain JSON values, with an `id` of its own."""
Sections = Mapping[str, Sequence[Line]]


class Part(StrEnum):
    """The sections of a sheet, in the order of the page."""

    ALARMS = "alarms"
    ROUNDS = "rounds"
    SCANS = "scans"
    FINDINGS = "findings"
    ORDERS = "orders"
    INCIDENTS = "incidents"


class HandoverState(StrEnum):
    """How far it has come."""

    OPEN = "open"
    HANDED_OVER = "handed_over"
    TAKEN_OVER = "taken_over"


class Side(StrEnum):
    """Who signs."""

    OUTGOING = "outgoing"
    INCOMING = "incoming"


@dataclass(frozen=True, slots=True)
class Signature:
    """A person's name under a sheet. `name` as it was then."""

    person: str
    name: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class Handover:
    """A signed sheet.

    id      `<shift>@<yyyymmdd>` of the shift's first local day
    sheet   canonical JSON, exactly as it was signed; sha256: hex, over its UTF-8 bytes
    """

    id: str
    site: str
    team: str
    shift: str
    starts_ns: int
    ends_ns: int
    sheet: str
    sha256: str
    outgoing: Signature
    incoming: Signature | None = None

    @property
    def state(self) -> HandoverState:
        """Signed by one or by both."""
        return HandoverState.HANDED_OVER if self.incoming is None else HandoverState.TAKEN_OVER


@dataclass(frozen=True, slots=True)
class Change:
    """What is different now from what was signed. `fields`: which facts of a line that changed."""

    part: str
    kind: str
    """came | went | changed"""
    line: Line
    fields: tuple[str, ...] = ()


def id_of(shift: str, day: date) -> str:
    """The id of a shift's handover."""
    return f"{shift}@{day:%Y%m%d}"


def parse_id(text: str) -> tuple[str, date] | None:
    """(shift, first local day); None when it is no such id."""
    shift, _, day = text.rpartition("@")
    if not shift or len(day) != 8 or not day.isascii() or not day.isdigit():
        return None
    try:
        found = date(int(day[:4]), int(day[4:6]), int(day[6:]))
    except ValueError:
        return None
    return (shift, found) if _FIRST_YEAR <= found.year <= _LAST_YEAR else None


def write(sections: Sections, remarks: str, made_ns: int) -> str:
    """The text of a sheet."""
    text = canonical({"made_ms": made_ns // 1_000_000, "remarks": remarks, "sections": sections})
    return text or ""


def read(text: str) -> tuple[Sections, str, int]:
    """(sections, remarks, made_ms) of a sheet's text."""
    facts = json.loads(text)
    return facts["sections"], facts["remarks"], facts["made_ms"]


def digest(text: str) -> str:
    """Hex SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def seen(sections: Sections) -> str:
    """What names the facts that a person saw before signing."""
    return digest(canonical({str(part): list(lines) for part, lines in sections.items()}) or "")


def sign_out(duty: Duty, handover_id: str, sheet: str, person: Person, now_ns: int) -> Handover:
    """The outgoing person's signature freezes the sheet. Raises NotAllowed, Conflict (too early, too late)."""
    _belongs(duty.shift.team, person)
    if now_ns < duty.ends_ns - EARLIEST_NS:
        raise Conflict(f"{handover_id}: the shift goes on; it can be handed over from two hours before its end")
    if now_ns > duty.ends_ns + LATEST_NS:
        raise Conflict(f"{handover_id}: the shift ended more than a day ago; its facts can no longer be told apart")
    return Handover(
        id=handover_id,
        site=duty.shift.site,
        team=duty.shift.team,
        shift=duty.shift.id,
        starts_ns=duty.starts_ns,
        ends_ns=duty.ends_ns,
        sheet=sheet,
        sha256=digest(sheet),
        outgoing=Signature(person.id, person.name, now_ns),
    )


def sign_in(handover: Handover, sha256: str, person: Person, now_ns: int) -> Handover:
    """The incoming person's signature, under exactly what the outgoing one signed. Raises NotAllowed, Refused, Conflict."""
    _belongs(handover.team, person)
    if handover.outgoing.person == person.id:
        raise NotAllowed("nobody takes over from oneself; the incoming person signs with a session of their own")
    if handover.incoming is not None:
        raise Conflict(f"{handover.id} was already taken over by {handover.incoming.name}", handover=handover.id)
    if sha256 != handover.sha256:
        raise Refused("this is not the sheet that was signed; load it again", field="sha256")
    return replace(handover, incoming=Signature(person.id, person.name, now_ns))


def may_sign(team: str, person: Person) -> bool:
    """Those of the team, and who dispatches."""
    return person.team == team or person.may(Right.DISPATCH)


def _belongs(team: str, person: Person) -> None:
    if not may_sign(team, person):
        raise NotAllowed(f"{person.name} is not of the team {team}", team=team)


def changes(signed: Sections, now: Sections) -> Sequence[Change]:
    """What came, went or changed since the sheet was signed."""
    found: list[Change] = []
    for part in Part:
        before = {line["id"]: line for line in signed.get(part, ())}
        after = {line["id"]: line for line in now.get(part, ())}
        found += [Change(part, "came", line) for name, line in after.items() if name not in before]
        found += [Change(part, "went", line) for name, line in before.items() if name not in after]
        for name, line in after.items():
            differing = _differing(before[name], line) if name in before else ()
            if differing:
                found.append(Change(part, "changed", line, differing))
    return found


def _differing(before: Line, after: Line) -> tuple[str, ...]:
    return tuple(key for key in sorted({*before, *after}) if _plain(before.get(key)) != _plain(after.get(key)))


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def followed(duty: Duty, shifts: Iterable[Duty]) -> bool:
    """Does another shift of the team begin where this one ends, within half an hour? Else there is nobody to hand over to."""
    slack = 1800 * NS
    return any(other.shift.team == duty.shift.team and abs(other.starts_ns - duty.ends_ns) <= slack for other in shifts)
