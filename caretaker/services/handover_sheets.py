"""What stands on a handover sheet, read from what the house knows of one shift."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from caretaker.domain.alarms import Alarm
from caretaker.domain.assets import Estate
from caretaker.domain.equipment import Priority, Text
from caretaker.domain.handovers import (
    Line,
    Part,
    Sections,
)
from caretaker.domain.incidents import TITLES, Incident, IncidentState
from caretaker.domain.people import NS, Duty
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.rounds import Round, RoundState, VisitState
from caretaker.domain.work_orders import UNFINISHED, WorkOrder
from caretaker.ports import UnitOfWork
from caretaker.services.scans import checks_at

MOST: Final = 200
"""Lines of a section: what goes beyond is a case for another page."""
LOOK_BACK_NS: Final = 30 * 86_400 * NS
"""Findings and undecided scans of the last month."""
_RANK = {priority: rank for rank, priority in enumerate(Priority)}


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
        "title": words_of(rule.title if rule else None, alarm.rule),
        "asset": words_of(asset.title if asset else None, alarm.asset),
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
        "title": words_of(title, walk.plan),
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
                "ask": words_of(check.ask if check else None, finding.check),
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
            "title": words_of(TITLES[incident.kind], str(incident.kind)),
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
    return words_of(None, incident.place) if incident.checkpoint is None else _place(places, incident.checkpoint)


def _place(places: dict[str, Checkpoint], checkpoint: str) -> dict[str, str]:
    place = places.get(checkpoint)
    return words_of(place.title if place else None, checkpoint)


def words_of(text: Text | None, fallback: str) -> dict[str, str]:
    return {"zh": fallback, "en": fallback} if text is None else {"zh": text.zh, "en": text.en}
