"""The one desk: an alarm, a failed check, a resident's report and an incident become a work order here, in one way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from caretaker.catalog.rule import DUE_S
from caretaker.domain.alarms import Alarm
from caretaker.domain.assets import Estate
from caretaker.domain.equipment import Priority, RuleSpec, Text
from caretaker.domain.incidents import FAULTS, TITLES, Incident
from caretaker.domain.people import Person
from caretaker.domain.rounds.findings import Finding
from caretaker.domain.work_orders import DetectedBy, OrderState, WorkOrder
from caretaker.domain.work_requests import WorkRequest
from caretaker.ports import UnitOfWork

SYSTEM = "caretaker"
"""The actor of what no person did."""
PUBLIC = "public"
"""The actor of what somebody did who is not signed in."""
_RANK = {priority: rank for rank, priority in enumerate(Priority)}


@dataclass(frozen=True, slots=True)
class Cause:
    """What calls for work, whichever door it came by.

    kind, id         `alarm`, `finding`, `request` or `incident`, and which one: the history and the notice name it
    asset            of the machine, or `space:<id>` of a place without one
    actor, comment   who says so in the history, and in what words; words go nowhere else
    facts            what else the history keeps
    due_ns           None: by the priority, from now
    noticed_ns       when it was noticed on a phone that may have had no signal; None: now
    """

    kind: str
    id: str
    site: str
    asset: str
    fault: str
    title: Text
    priority: Priority
    detected_by: DetectedBy
    actor: str
    facts: Mapping[str, object]
    comment: str | None = None
    due_ns: int | None = None
    noticed_ns: int | None = None


def open_or_join(unit: UnitOfWork, cause: Cause, now_ns: int) -> tuple[WorkOrder, bool]:
    """Open an order, or join the unfinished one of the same asset and fault, inside the caller's transaction; True when it
    is new. The history gets a line and the outbox a notice either way."""
    order, opened = unit.work_orders.open(
        WorkOrder(
            id="",
            site=cause.site,
            asset=cause.asset,
            fault=cause.fault,
            title_zh=cause.title.zh,
            title_en=cause.title.en,
            priority=cause.priority,
            state=OrderState.OPEN,
            detected_by=cause.detected_by,
            opened_ns=now_ns,
            due_ns=cause.due_ns,
        )
    )
    if not opened:
        order = _joined(unit, order, cause)
    action = "opened" if opened else "joined"
    unit.work_orders.note(order.id, now_ns, cause.actor, action, cause.comment, {cause.kind: cause.id, **cause.facts})
    event = f"work_order.{action}"
    told = order_facts(order) | {cause.kind: cause.id}
    unit.outbox.add(f"{event}:{order.id}:{cause.id}"[:160], event, now_ns, told)
    return order, opened


def _joined(unit: UnitOfWork, order: WorkOrder, cause: Cause) -> WorkOrder:
    """A graver cause lifts the order; one that comes after "done" sends it back to work. What was noticed before "done", told
    only now by a phone that had no signal, reopens nothing."""
    changed = order
    if _RANK[cause.priority] < _RANK[order.priority]:
        changed = replace(changed, priority=cause.priority)
    late = cause.noticed_ns is not None and cause.noticed_ns <= (order.completed_ns or 0)
    if order.state is OrderState.COMPLETED and not late:
        changed = replace(changed, state=OrderState.IN_PROGRESS, completed_ns=None)
    if changed != order:
        unit.work_orders.save(changed, order.state)
    return changed


def open_for_alarm(unit: UnitOfWork, estate: Estate, alarm: Alarm, rule: RuleSpec, now_ns: int) -> WorkOrder:
    """The order of an alarm; it is due by its rule, from when it was raised."""
    title = estate.assets[alarm.asset].title
    cause = Cause(
        kind="alarm",
        id=alarm.id,
        site=alarm.site,
        asset=alarm.asset,
        fault=alarm.fault,
        title=Text(f"{title.zh} {rule.title.zh}", f"{title.en}: {rule.title.en}"),
        priority=alarm.priority,
        detected_by=DetectedBy.ALARM,
        actor=SYSTEM,
        facts={"rule": alarm.rule, "priority": str(alarm.priority)},
        due_ns=alarm.raised_ns + round(rule.due_s * 1e9) if rule.due_s else None,
    )
    return open_or_join(unit, cause, now_ns)[0]


def open_for_finding(unit: UnitOfWork, finding: Finding, title: Text, now_ns: int) -> WorkOrder:
    """The order of a check answered not ok."""
    cause = Cause(
        kind="finding",
        id=finding.id,
        site=finding.site,
        asset=finding.asset or f"space:{finding.space}",
        fault=finding.fault,
        title=title,
        priority=finding.priority,
        detected_by=DetectedBy.INSPECTION,
        actor=finding.person,
        comment=finding.answer.reason,
        facts={
            "checkpoint": finding.checkpoint,
            "check": finding.check,
            "value": finding.answer.value,
            "photos": list(finding.answer.photos),
            "at_ms": finding.at_ns // 1_000_000,
        },
        due_ns=_due(finding.priority, now_ns),
        noticed_ns=finding.at_ns,
    )
    return open_or_join(unit, cause, now_ns)[0]


def open_for_request(unit: UnitOfWork, request: WorkRequest, title: Text, now_ns: int) -> tuple[WorkOrder, bool]:
    """The order of a report from a sticker; True when it is new. What is told onwards names the request, never who made it."""
    cause = Cause(
        kind="request",
        id=request.id,
        site=request.site,
        asset=request.stands_for,
        fault=request.fault,
        title=title,
        priority=request.priority,
        detected_by=DetectedBy.REQUEST,
        actor=PUBLIC,
        comment=request.description,
        facts={"checkpoint": request.checkpoint, "priority": str(request.priority)},
        due_ns=_due(request.priority, now_ns),
    )
    return open_or_join(unit, cause, now_ns)


def open_for_incident(unit: UnitOfWork, estate: Estate, incident: Incident, person: Person, now_ns: int) -> WorkOrder:
    """The order for the machine or place an incident names. People trapped in a lift share the order of the alarm that says
    the same."""
    asset = incident.asset or f"space:{incident.space}"
    known = estate.kind_of(asset).failure_modes if asset in estate.assets else {}
    fault = FAULTS.get(incident.kind, "")
    what = TITLES[incident.kind]
    title = estate.assets[asset].title if asset in estate.assets else what
    cause = Cause(
        kind="incident",
        id=incident.id,
        site=incident.site,
        asset=asset,
        fault=fault if fault in known else f"incident:{incident.kind}",
        title=Text(f"{title.zh} {what.zh}", f"{title.en}: {what.en}"),
        priority=incident.priority,
        detected_by=DetectedBy.REQUEST,
        actor=person.name,
        facts={"photos": list(incident.photos)},
        due_ns=_due(incident.priority, now_ns),
        noticed_ns=incident.device_ns,
    )
    return open_or_join(unit, cause, now_ns)[0]


def _due(priority: Priority, now_ns: int) -> int:
    return now_ns + round(DUE_S[priority] * 1e9)


def order_facts(order: WorkOrder) -> dict[str, object]:
    """What a notice about an order says."""
    return {
        "work_order": order.id,
        "site": order.site,
        "asset": order.asset,
        "title": {"zh": order.title_zh, "en": order.title_en},
        "priority": str(order.priority),
        "state": str(order.state),
        "assignee": order.assignee,
        "due_ms": None if order.due_ns is None else order.due_ns // 1_000_000,
    }
