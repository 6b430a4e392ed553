"""Handover sheets: looked at, signed by both, and told of when a shift ends without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from caretaker.domain.assets import Estate
from caretaker.domain.errors import Conflict, NotFound, Refused
from caretaker.domain.handovers import (
    LATEST_NS,
    MOST_REMARKS,
    Change,
    Handover,
    Sections,
    Side,
    changes,
    digest,
    followed,
    id_of,
    parse_id,
    read,
    seen,
    sign_in,
    sign_out,
    write,
)
from caretaker.domain.people import NS, Duty, Person, Shift, duty_on
from caretaker.ports import Once, Transactions, UnitOfWork
from caretaker.recurrence import local_day
from caretaker.services.handover_sheets import LOOK_BACK_NS, fill, words_of

PATIENCE_NS: Final = 1800 * NS
"""A shift that ended so long ago without both signatures is told."""
SIGNED: Final = "handover.signed"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet as it stands. `kept` None: nobody has signed yet and the facts are of now.

    changes  what is different now from what was signed
    intact   the signed text is the one whose SHA-256 was written down, here and in the audit trail
    """

    id: str
    duty: Duty
    sections: Sections
    remarks: str
    made_ms: int
    seen: str
    kept: Handover | None
    changes: Sequence[Change] = ()
    intact: bool = True


@dataclass(frozen=True, slots=True)
class Word:
    """What a person signs. `saw`: of the outgoing person, `seen` of the facts on the page; of the incoming one the sheet's
    SHA-256: nobody signs what was not shown."""

    side: Side
    saw: str
    remarks: str = ""


def duties(shifts: Sequence[Shift], zone: str, from_ns: int, to_ns: int) -> Sequence[Duty]:
    """Every occurrence of a shift that touches [from, to), the newest first."""
    day, last = local_day(from_ns, zone) - timedelta(days=1), local_day(to_ns, zone)
    found: list[Duty] = []
    while day <= last:
        found += [duty for shift in shifts if (duty := duty_on(shift, day, zone)) is not None]
        day += timedelta(days=1)
    running = [duty for duty in found if duty.ends_ns > from_ns and duty.starts_ns < to_ns]
    return sorted(running, key=lambda duty: (-duty.starts_ns, duty.shift.id))


def duty_of(unit: UnitOfWork, estate: Estate, handover_id: str) -> Duty:
    """The shift a sheet is of. Raises NotFound."""
    parts = parse_id(handover_id)
    missing = NotFound(f"there is no handover {handover_id}", handover=handover_id)
    if parts is None:
        raise missing
    kept = unit.handovers.find(handover_id)
    shift = next((one for one in unit.teams.shifts(estate.site.id) if one.id == parts[0]), None)
    if shift is None:
        raise missing
    if kept is not None:  # the shift may have been moved since
        return Duty(shift, kept.starts_ns, kept.ends_ns)
    duty = duty_on(shift, parts[1], estate.site.zone)
    if duty is None:
        raise missing
    return duty


def handover_id(duty: Duty, zone: str) -> str:
    """The id of the sheet of a shift."""
    return id_of(duty.shift.id, local_day(duty.starts_ns, zone))


def look(unit: UnitOfWork, estate: Estate, name: str, now_ns: int) -> Sheet:
    """A sheet: the signed one with what has changed since, else what would be signed now. Raises NotFound."""
    duty = duty_of(unit, estate, name)
    kept = unit.handovers.find(name)
    now = fill(unit, estate, duty, now_ns)
    if kept is None:
        return Sheet(name, duty, now, "", now_ns // 1_000_000, seen(now), None)
    sections, remarks, made_ms = read(kept.sheet)
    told = unit.audit.list(subject=name, action=SIGNED, limit=1)
    trail = bool(told) and f'"sha256":"{kept.sha256}"' in (told[0].after or "")
    intact = trail and digest(kept.sheet) == kept.sha256
    return Sheet(name, duty, sections, remarks, made_ms, seen(sections), kept, changes(sections, now), intact)


def sign(
    transactions: Transactions,
    estate: Estate,
    name: str,
    word: Word,
    person: Person,
    now_ns: int,
    once: Once | None = None,
) -> Sheet:
    """Sign. The same person's same signature again changes nothing.

    Raises NotFound, NotAllowed, Refused, Conflict (the facts have changed since the page was loaded, somebody else has
    signed, too early, too late).
    """
    if len(word.remarks) > MOST_REMARKS:
        raise Refused(f"remarks: at most {MOST_REMARKS} characters", field="remarks")
    with transactions.begin() as unit:
        duty = duty_of(unit, estate, name)
        kept = unit.handovers.find(name, lock=True)
        if once is None or unit.repeats.claim(once, now_ns):
            if word.side is Side.OUTGOING:
                _sign_out(unit, estate, duty, name, kept, word, person, now_ns)
            else:
                _sign_in(unit, name, kept, person, now_ns, word.saw)
    with transactions.begin(write=False) as unit:
        return look(unit, estate, name, now_ns)


def _sign_out(
    unit: UnitOfWork,
    estate: Estate,
    duty: Duty,
    name: str,
    kept: Handover | None,
    word: Word,
    person: Person,
    now_ns: int,
) -> None:
    if kept is not None:
        if kept.outgoing.person == person.id:
            return
        raise Conflict(f"{name} was already signed by {kept.outgoing.name}", handover=name)
    sections = fill(unit, estate, duty, now_ns)
    signed = sign_out(duty, name, write(sections, word.remarks.strip(), now_ns), person, now_ns)
    if seen(sections) != word.saw:
        raise Conflict("the facts have changed since this sheet was shown; look at it again", code="handover_changed")
    if not unit.handovers.add(signed):
        raise Conflict(f"{name} was signed by somebody else at this moment", handover=name)
    _record(unit, signed, Side.OUTGOING, person, now_ns)


def _sign_in(unit: UnitOfWork, name: str, kept: Handover | None, person: Person, now_ns: int, saw: str) -> None:
    if kept is None:
        raise Conflict(f"{name} is not handed over yet: the outgoing person signs first", handover=name)
    if kept.incoming is not None and kept.incoming.person == person.id:
        return
    signed = sign_in(kept, saw, person, now_ns)
    unit.handovers.take_over(signed)
    _record(unit, signed, Side.INCOMING, person, now_ns)


def _record(unit: UnitOfWork, handover: Handover, side: Side, person: Person, now_ns: int) -> None:
    facts: dict[str, object] = {"side": str(side), "sha256": handover.sha256, "team": handover.team}
    unit.audit.append(now_ns, person.id, SIGNED, handover.id, site=handover.site, after=facts)
    told = facts | {"handover": handover.id, "site": handover.site, "by": person.name, "state": str(handover.state)}
    unit.outbox.add(f"{SIGNED}:{handover.id}:{side}", SIGNED, now_ns, told)


# ---- filling


# ---- time


def tell_unsigned(transactions: Transactions, site: str, zone: str, now_ns: int, told: set[str] | None = None) -> int:
    """Tell once of each shift that ended half an hour ago without both signatures; how many shifts that are.

    `told`: ids known to the caller; it spares writing again.
    Only of teams that use handover sheets (one of the last month is signed), and only where another shift of the team
    begins: nobody hands over to an empty office.
    """
    with transactions.begin(write=False) as unit:
        signed = unit.handovers.list(site, now_ns - LOOK_BACK_NS, now_ns + LATEST_NS)
        if not signed:
            return 0
        shifts = unit.teams.shifts(site)
        titles = {team.id: team.title for team in unit.teams.list(site)}
    since: dict[str, int] = {}
    for handover in signed:
        since[handover.team] = min(handover.ends_ns, since.get(handover.team, handover.ends_ns))
    done = {handover.id for handover in signed if handover.incoming is not None}
    around = duties(shifts, zone, now_ns - LATEST_NS, now_ns + LATEST_NS)
    late = [
        duty
        for duty in around
        if duty.ends_ns <= now_ns - PATIENCE_NS
        and duty.ends_ns > now_ns - LATEST_NS
        and duty.ends_ns >= since.get(duty.shift.team, 1 << 62)
        and handover_id(duty, zone) not in done
        and followed(duty, around)
    ]
    half = {handover.id: handover for handover in signed}
    told = set() if told is None else told
    for duty in late:
        name = handover_id(duty, zone)
        if name in told:
            continue
        facts: dict[str, Any] = {
            "handover": name,
            "site": site,
            "team": duty.shift.team,
            "title": words_of(titles.get(duty.shift.team), duty.shift.team),
            "shift": {"zh": duty.shift.title.zh, "en": duty.shift.title.en},
            "ended_ms": duty.ends_ns // 1_000_000,
            "outgoing": half[name].outgoing.name if name in half else None,
            "to": "supervisor",
        }
        with transactions.begin() as unit:
            unit.outbox.add(f"handover.missing:{name}", "handover.missing", now_ns, facts)
        told.add(name)
    return len(late)
