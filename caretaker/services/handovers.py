"""Handover sheets: filled from what the house knows, signed by both, and told of when a shift ends without one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from caretaker.domain.alarms import Alarm
from caretaker.domain.assets import Estate
from caretaker.domain.equipment import Priority, Text
from caretaker.domain.errors import Conflict, NotFound, Refused
from caretaker.domain.handovers import (
    LATEST_NS,
    MOST_REMARKS,
    Change,
    Handover,
    Line,
    Part,
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
from caretaker.domain.incidents import TITLES, Incident, IncidentState
from caretaker.domain.people import NS, Duty, Person, Shift, duty_on
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.rounds import Round, RoundState, VisitState
from caretaker.domain.work_orders import UNFINISHED, WorkOrder
from caretaker.ports import Once, Transactions, UnitOfWork
from caretaker.recurrence import local_day
from caretaker.services.scans import checks_at

MOST: Final = 200
"""Lines of a section: what goes beyond is a case for another page."""
LOOK_BACK_NS: Final = 30 * 86_400 * NS
"""Findings and undecided scans of the last month."""
PATIENCE_NS: Final = 1800 * NS
"""A shift that ended so long ago without both signatures is told."""
SIGNED: Final = "handover.signed"
_RANK = {priority: rank for rank, priority in enumerate(Priority)}


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


def fill(unit: UnitOfWork, estate: Estate, duty: Duty, now_ns: int) -> Sections:
    """The facts of a shift as they are now: what is open, and what became of its rounds."""
    site, team = estate.site.id, duty.shift.team
    persons = {person.id: person for person in unit.people.persons()}
    members = {person.id for person in persons.values() if person.team == team}
    places = {place.id: place for place in unit.checkpoints.list(site)}
    names = {person.id: person.name for person in persons.values()}
    return {
        Part.ALARMS: [_alarm(estate, alarm) for alarm in _standing(unit, site)][:MOST],
        Part.ROUNDS: _rounds(unit, site, duty, members, places, names, now_ns),
        Part.SCANS: _scans(unit, site, members, places, names, now_ns),
        Part.FINDINGS: _findings(unit, estate, members, places, names, now_ns),
        Part.ORDERS: _orders(unit, site, members, names),
        Part.INCIDENTS: _incidents(unit, site, duty, places, names),
    }


def _standing(unit: UnitOfWork, site: str) -> Sequence[Alarm]:
    """Nobody has seen it: first; then by priority, then the newest."""
    active = {alarm.id: alarm for alarm in unit.alarms.list(active=True, limit=5000)}
    unseen = unit.alarms.list(active=False, unacknowledged=True, limit=1000)
    found = [alarm for alarm in {**active, **{alarm.id: alarm for alarm in unseen}}.values() if alarm.site == site]
    return sorted(
        found, key=lambda a: (a.acknowledged_ns is not None, not a.active, _RANK[a.priority], -a.raised_ns, a.id)
    )


def _alarm(estate: Estate, alarm: Alarm) -> Line:
    asset = estate.assets.get(alarm.asset)
    rules = estate.kind_of(alarm.asset).rules if asset is not None else ()
    rule = next((rule for rule in rules if rule.id == alarm.rule), None)
    return {
        "id": alarm.id,
        "title": _words(rule.title if rule else None, alarm.rule),
        "asset": _words(asset.title if asset else None, alarm.asset),
        "priority": str(alarm.priority),
        "state": str(alarm.state),
        "raised_ms": alarm.raised_ns // 1_000_000,
        "by": alarm.acknowledged_by,
        "order": alarm.work_order,
    }


def _rounds(
    unit: UnitOfWork,
    site: str,
    duty: Duty,
    members: Collection[str],
    places: dict[str, Checkpoint],
    names: dict[str, str],
    now_ns: int,
) -> Sequence[Line]:
    """Those that began in the shift and are the team's, or were walked by one of it."""
    upto = min(duty.ends_ns, now_ns + 1)
    walks = unit.rounds.list(site, from_ns=duty.starts_ns, to_ns=upto, limit=2000)
    mine = [
        walk
        for walk in walks
        if walk.state is not RoundState.CANCELLED
        and duty.starts_ns <= walk.starts_ns
        and (walk.team == duty.shift.team or walk.person in members)
    ]
    titles = {key: unit.round_plans.get(site, *key).title for key in {(w.plan, w.plan_version) for w in mine}}
    return [_round(walk, titles[walk.plan, walk.plan_version], places, names) for walk in mine][:MOST]


def _round(walk: Round, title: Text, places: dict[str, Checkpoint], names: dict[str, str]) -> Line:
    def stops(state: VisitState) -> list[dict[str, str]]:
        return [_place(places, visit.checkpoint) for visit in walk.visits if visit.state is state]

    return {
        "id": walk.id,
        "title": _words(title, walk.plan),
        "state": str(walk.state),
        "person": None if walk.person is None else names.get(walk.person, walk.person),
        "starts_ms": walk.starts_ns // 1_000_000,
        "done": sum(visit.scan is not None for visit in walk.visits),
        "total": len(walk.visits),
        "missed": stops(VisitState.MISSED),
        "late": stops(VisitState.LATE),
        "reason": walk.ended_early,
    }


def _scans(
    unit: UnitOfWork,
    site: str,
    members: Collection[str],
    places: dict[str, Checkpoint],
    names: dict[str, str],
    now_ns: int,
) -> Sequence[Line]:
    kept = unit.scans.list(site, suspicious=True, undecided=True, from_ns=now_ns - LOOK_BACK_NS, limit=1000)
    return [
        {
            "id": each.scan.id,
            "title": None if each.checkpoint is None else _place(places, each.checkpoint),
            "person": names.get(each.scan.person, each.scan.person),
            "at_ms": (each.scan.received_ns if each.verdict is None else each.verdict.at_ns) // 1_000_000,
            "doubts": [] if each.verdict is None else [str(doubt.reason) for doubt in each.verdict.doubts],
        }
        for each in kept
        if each.scan.person in members
    ][:MOST]


def _findings(
    unit: UnitOfWork,
    estate: Estate,
    members: Collection[str],
    places: dict[str, Checkpoint],
    names: dict[str, str],
    now_ns: int,
) -> Sequence[Line]:
    """Found by one of the team, and its order is not finished."""
    site = estate.site.id
    open_ = {order.id: order for order in unit.work_orders.list(states=sorted(UNFINISHED), limit=5000)}
    lines: list[Line] = []
    for finding in unit.findings.list(site, from_ns=now_ns - LOOK_BACK_NS, limit=2000):
        order = open_.get(finding.work_order or "")
        if order is None or finding.person not in members:
            continue
        checks = {check.id: check for check in checks_at(estate, places.get(finding.checkpoint))}
        check = checks.get(finding.check)
        lines.append(
            {
                "id": finding.id,
                "title": _place(places, finding.checkpoint),
                "ask": _words(check.ask if check else None, finding.check),
                "priority": str(finding.priority),
                "person": names.get(finding.person, finding.person),
                "at_ms": finding.at_ns // 1_000_000,
                "order": order.id,
                "order_state": str(order.state),
            }
        )
    return lines[:MOST]


def _orders(unit: UnitOfWork, site: str, members: Collection[str], names: dict[str, str]) -> Sequence[Line]:
    """Those somebody of the team has, and those that nobody has."""
    mine = {*members, *(names[person] for person in members), None, ""}
    orders = [
        order
        for order in unit.work_orders.list(states=sorted(UNFINISHED), limit=5000)
        if order.site == site and order.assignee in mine
    ]
    orders.sort(key=lambda order: (_RANK[order.priority], order.due_ns or 1 << 62, order.id))
    return [_order(order) for order in orders][:MOST]


def _order(order: WorkOrder) -> Line:
    return {
        "id": order.id,
        "title": {"zh": order.title_zh, "en": order.title_en},
        "priority": str(order.priority),
        "state": str(order.state),
        "assignee": order.assignee or None,
        "due_ms": None if order.due_ns is None else order.due_ns // 1_000_000,
    }


def _incidents(
    unit: UnitOfWork, site: str, duty: Duty, places: dict[str, Checkpoint], names: dict[str, str]
) -> Sequence[Line]:
    """Those nobody has closed, and those of the shift. Who was involved is personal and not said here."""
    return [
        {
            "id": incident.id,
            "title": _words(TITLES[incident.kind], str(incident.kind)),
            "priority": str(incident.priority),
            "state": str(incident.state),
            "place": None if incident.place == "" and incident.checkpoint is None else _where(incident, places),
            "by": None if incident.taken_by is None else names.get(incident.taken_by, incident.taken_by),
            "received_ms": incident.received_ns // 1_000_000,
        }
        for incident in unit.incidents.list(site, limit=1000)
        if incident.state is not IncidentState.CLOSED or duty.starts_ns <= incident.received_ns < duty.ends_ns
    ][:MOST]


def _where(incident: Incident, places: dict[str, Checkpoint]) -> dict[str, str]:
    return _words(None, incident.place) if incident.checkpoint is None else _place(places, incident.checkpoint)


def _place(places: dict[str, Checkpoint], checkpoint: str) -> dict[str, str]:
    place = places.get(checkpoint)
    return _words(place.title if place else None, checkpoint)


def _words(text: Text | None, fallback: str) -> dict[str, str]:
    return {"zh": fallback, "en": fallback} if text is None else {"zh": text.zh, "en": text.en}


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
            "title": _words(titles.get(duty.shift.team), duty.shift.team),
            "shift": {"zh": duty.shift.title.zh, "en": duty.shift.title.en},
            "ended_ms": duty.ends_ns // 1_000_000,
            "outgoing": half[name].outgoing.name if name in half else None,
            "to": "supervisor",
        }
        with transactions.begin() as unit:
            unit.outbox.add(f"handover.missing:{name}", "handover.missing", now_ns, facts)
        told.add(name)
    return len(late)
