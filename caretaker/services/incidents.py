"""Incidents: reported from anywhere, called up the ladder until somebody takes them, handled in sight, closed by name.

What people wrote about people (`description`, `people`, measures, the reason of closing) stays in the incident. Notices,
logs and the trail, which cannot be erased, say what happened and where, and never who is involved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from caretaker.domain.assets import Estate
from caretaker.domain.equipment import Priority, Text
from caretaker.domain.errors import Conflict, NotAllowed, NotFound, Refused
from caretaker.domain.incidents import (
    PEOPLE_KEPT_NS,
    PRIORITIES,
    TITLES,
    Incident,
    IncidentAction,
    IncidentKind,
    IncidentState,
    after,
)
from caretaker.domain.ladder import Patience, called, due
from caretaker.domain.people import Person, Right, persons_on_duty
from caretaker.domain.rounds.scans import Position
from caretaker.ports import Once, Transactions, UnitOfWork
from caretaker.services.desk import open_for_incident
from caretaker.services.people import TOKEN

ROUTINE: Final = frozenset({"incident.noted"})
"""Events for the live page alone."""


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody tells us. A place we do not know is kept as it was said: a report is never refused for it."""

    id: str
    kind: IncidentKind
    priority: Priority | None = None
    checkpoint: str | None = None
    space: str | None = None
    place: str = ""
    position: Position | None = None
    asset: str | None = None
    description: str = ""
    people: str = ""
    measures: str = ""
    photos: tuple[str, ...] = ()
    device_ns: int | None = None
    open_order: bool = False


def report(
    transactions: Transactions, estate: Estate, told: Report, person: Person, phone: str, now_ns: int
) -> Incident:
    """Keep it and call the first people, in one transaction; the same id again changes nothing. Raises Conflict when
    the id is somebody else's."""
    with transactions.begin() as unit:
        incident = _incident(unit, estate, told, person, phone, now_ns)
        if not unit.incidents.add(incident):
            known = unit.incidents.get(told.id)
            if known.reporter != person.id or known.site != estate.site.id:
                raise Conflict("this id belongs to another incident", incident=told.id)
            return known
        facts: dict[str, object] = {"photos": list(incident.photos)} if incident.photos else {}
        unit.incidents.note(incident.id, now_ns, person.id, "reported", None, facts)
        if told.measures.strip():
            unit.incidents.note(incident.id, now_ns, person.id, "measure", told.measures.strip(), {})
        if told.open_order and incident.asset is not None:
            order = open_for_incident(unit, estate, incident, person, now_ns)
            changed = replace(incident, work_order=order.id)
            unit.incidents.save(changed, incident)
            unit.incidents.note(incident.id, now_ns, person.id, "ordered", None, {"work_order": order.id})
            incident = changed
        said = {"kind": str(incident.kind), "priority": str(incident.priority), "work_order": incident.work_order}
        unit.audit.append(now_ns, person.id, "incident.reported", incident.id, site=incident.site, after=said)
        _call(unit, estate, incident, now_ns, most=0)
    return incident


def _incident(unit: UnitOfWork, estate: Estate, told: Report, person: Person, phone: str, now_ns: int) -> Incident:
    place, space, checkpoint, asset = told.place.strip(), told.space, told.checkpoint, told.asset
    if checkpoint is not None:
        try:
            space = unit.checkpoints.get(estate.site.id, checkpoint).space
        except NotFound:
            place, checkpoint = place or checkpoint, None
    if space is not None and space not in estate.spaces:
        place, space = place or space, None
    if asset is not None and asset not in estate.assets:
        place, asset = place or asset, None
    return Incident(
        id=told.id,
        site=estate.site.id,
        kind=told.kind,
        # a call for help is never less than urgent, whatever a phone says
        priority=PRIORITIES[told.kind] if told.kind is IncidentKind.SOS else told.priority or PRIORITIES[told.kind],
        state=IncidentState.REPORTED,
        reporter=person.id,
        phone=phone,
        received_ns=now_ns,
        device_ns=told.device_ns,
        checkpoint=checkpoint,
        space=space,
        place=place,
        position=told.position,
        asset=asset,
        description=told.description.strip(),
        people=told.people.strip(),
        photos=told.photos,
        calls=1,
        called_ns=now_ns,
    )


# ---- the ladder


def call_on(transactions: Transactions, estate: Estate, now_ns: int, patience: Patience) -> int:
    """Call the next people of every urgent incident that nobody has taken in time; how many calls were made."""
    with transactions.begin(write=False) as unit:
        waiting = [one for one in unit.incidents.untaken(estate.site.id) if due(one, now_ns, patience)]
    count = 0
    for incident in waiting:
        with transactions.begin() as unit:
            if unit.incidents.call(incident, now_ns):  # else somebody took it meanwhile, or another keeper called
                _call(unit, estate, replace(incident, calls=incident.calls + 1), now_ns, patience.most)
                count += 1
    return count


def _call(unit: UnitOfWork, estate: Estate, incident: Incident, now_ns: int, most: int) -> None:
    """Tell the people whose turn it is, never the one who calls. Each call has one key, so that repeats and two keepers
    tell it once."""
    site = estate.site
    staff = [one for one in unit.people.persons() if one.at(site.id) and not one.id.startswith(TOKEN)]
    if incident.urgent:
        staff = [one for one in staff if one.id != incident.reporter]
    duty = persons_on_duty(staff, unit.teams.shifts(site.id), now_ns, site.zone)
    rung, people = called(incident.calls, staff, {one.id for one in duty})
    names = [one.name for one in people]
    unit.incidents.note(incident.id, now_ns, "", "called", None, {"rung": str(rung), "names": names})
    facts = incident_facts(unit, estate, incident) | {
        "to": str(rung),
        "persons": [{"id": one.id, "name": one.name} for one in people],
        "call": incident.calls,
        "last": 0 < most <= incident.calls,
    }
    first = "sos.raised" if incident.kind is IncidentKind.SOS else "incident.reported"
    again = "sos.called" if incident.kind is IncidentKind.SOS else "incident.called"
    event = first if incident.calls == 1 else again
    unit.outbox.add(f"{event}:{incident.id}:{incident.calls}", event, now_ns, facts)


# ---- handling


def take(
    transactions: Transactions, estate: Estate, incident_id: str, person: Person, over_from: str | None, now_ns: int
) -> Incident:
    """ "I am on it": stops the ladder, names the person. The same person again changes nothing.

    `over_from`: who has it now, when it is taken over; two people who take it at the same moment do not overrun one
    another unseen. Raises NotFound, NotAllowed, Conflict.
    """
    if not person.may(Right.DISPATCH):
        raise NotAllowed(f"{person.name} ({person.role}) may not take incidents", right=Right.DISPATCH)
    with transactions.begin() as unit:
        incident = own(unit, estate, incident_id)
        state = after(incident.state, IncidentAction.TAKE)
        if incident.taken_by == person.id:
            return incident
        if incident.kind is IncidentKind.SOS and incident.reporter == person.id:
            raise Conflict("a call for help is answered by somebody else", code="own_call")
        if incident.taken_by != over_from:
            has = _name(unit, incident.taken_by or "")
            raise Conflict(f"{has} is on it already", code="taken", by=has)
        changed = replace(incident, state=state, taken_by=person.id, taken_ns=now_ns)
        unit.incidents.save(changed, incident)
        _step(unit, estate, changed, "taken", person, now_ns, None, {"from": incident.taken_by})
    return changed


def add_measure(
    transactions: Transactions,
    estate: Estate,
    incident_id: str,
    text: str,
    photos: Sequence[str],
    person: Person,
    now_ns: int,
    once: Once | None = None,
) -> Incident:
    """Write down what was done; the same request again (`once`) adds nothing. Raises NotFound, Refused, Conflict."""
    if not text.strip():
        raise Refused("a measure needs text", field="text")
    with transactions.begin() as unit:
        incident = own(unit, estate, incident_id)
        if once is not None and not unit.repeats.claim(once, now_ns):
            return incident
        if incident.state is IncidentState.CLOSED:
            raise Conflict("this incident is closed", state=incident.state)
        _step(unit, estate, incident, "measure", person, now_ns, text.strip(), {"photos": list(photos)})
    return incident


def close(
    transactions: Transactions, estate: Estate, incident_id: str, reason: str, person: Person, now_ns: int
) -> Incident:
    """It is over, with the reason; the same person again changes nothing. Raises NotFound, NotAllowed, Refused, Conflict."""
    if not person.may(Right.CLOSE):
        raise NotAllowed(f"{person.name} ({person.role}) may not close incidents", right=Right.CLOSE)
    if not reason.strip():
        raise Refused("to close, say how it ended", field="reason")
    with transactions.begin() as unit:
        incident = own(unit, estate, incident_id)
        if incident.closed_by == person.id:
            return incident
        state = after(incident.state, IncidentAction.CLOSE)
        changed = replace(incident, state=state, closed_by=person.id, closed_ns=now_ns, reason=reason.strip())
        unit.incidents.save(changed, incident)
        _step(unit, estate, changed, "closed", person, now_ns, reason.strip(), {})
    return changed


def forget_people(transactions: Transactions, now_ns: int) -> int:
    """Forget who was involved in what was closed long ago; how many incidents there were."""
    with transactions.begin() as unit:
        return unit.incidents.forget_people(now_ns - PEOPLE_KEPT_NS)


_EVENTS: Final = {"taken": "incident.taken", "measure": "incident.noted", "closed": "incident.closed"}


def _step(
    unit: UnitOfWork,
    estate: Estate,
    incident: Incident,
    action: str,
    person: Person,
    now_ns: int,
    text: str | None,
    facts: dict[str, object],
) -> None:
    number = unit.incidents.note(incident.id, now_ns, person.id, action, text, facts)
    said = {"state": str(incident.state), "taken_by": incident.taken_by}
    unit.audit.append(now_ns, person.id, _EVENTS[action], incident.id, site=incident.site, after=said)
    event = _EVENTS[action]
    told = incident_facts(unit, estate, incident) | {"by": person.name}
    unit.outbox.add(f"{event}:{incident.id}:{number}", event, now_ns, told)


# ---- words


def own(unit: UnitOfWork, estate: Estate, incident_id: str) -> Incident:
    """An incident of this site. Raises NotFound."""
    incident = unit.incidents.get(incident_id)
    if incident.site != estate.site.id:
        raise NotFound(f"there is no incident {incident_id}", incident=incident_id)
    return incident


def place_of(unit: UnitOfWork, estate: Estate, incident: Incident) -> Text | None:
    """Where it is, in words: the checkpoint, else the space, with what was said besides; None when nothing was."""
    known: Text | None = None
    if incident.checkpoint is not None:
        try:
            known = unit.checkpoints.get(incident.site, incident.checkpoint).title
        except NotFound:
            known = Text(incident.checkpoint, incident.checkpoint)
    elif incident.space is not None and incident.space in estate.spaces:
        known = estate.spaces[incident.space].title
    said = incident.place
    if known is None:
        return Text(said, said) if said else None
    return Text(f"{known.zh}，{said}", f"{known.en}, {said}") if said else known


def incident_facts(unit: UnitOfWork, estate: Estate, incident: Incident) -> dict[str, object]:
    """What a notice about an incident says: what, where and since when; of people only our own staff."""
    title, place = TITLES[incident.kind], place_of(unit, estate, incident)
    return {
        "incident": incident.id,
        "site": incident.site,
        "kind": str(incident.kind),
        "title": {"zh": title.zh, "en": title.en},
        "priority": str(incident.priority),
        "state": str(incident.state),
        "place": None if place is None else {"zh": place.zh, "en": place.en},
        "asset": incident.asset,
        "person": incident.reporter,
        "person_name": _name(unit, incident.reporter),
        "device_ms": None if incident.device_ns is None else incident.device_ns // 1_000_000,
        "received_ms": incident.received_ns // 1_000_000,
        "taken_by": None if incident.taken_by is None else _name(unit, incident.taken_by),
        "work_order": incident.work_order,
    }


def _name(unit: UnitOfWork, person: str) -> str:
    try:
        return unit.people.get(person).name
    except NotFound:
        return person
