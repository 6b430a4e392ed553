"""Work orders driven through their life and closed; what opens them is the desk's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from caretaker.domain.alarms import Alarm
from caretaker.domain.errors import Conflict, NotAllowed, Refused
from caretaker.domain.people import Person, Right
from caretaker.domain.work_orders import OrderAction, WorkOrder, after
from caretaker.ports import Once, Transactions, UnitOfWork
from caretaker.services.desk import SYSTEM, order_facts

RIGHT_FOR: Mapping[OrderAction, Right] = {
    OrderAction.ASSIGN: Right.DISPATCH,
    OrderAction.START: Right.WORK,
    OrderAction.HOLD: Right.WORK,
    OrderAction.RESUME: Right.WORK,
    OrderAction.COMPLETE: Right.WORK,
    OrderAction.REOPEN: Right.CLOSE,
    OrderAction.CLOSE: Right.CLOSE,
    OrderAction.CANCEL: Right.DISPATCH,
}
_NEEDS_REASON = frozenset({OrderAction.HOLD, OrderAction.CANCEL, OrderAction.REOPEN})


@dataclass(frozen=True, slots=True)
class Deed:
    """What a person wants done to an order. `override`: close although the sensor still says broken (reason needed)."""

    action: OrderAction
    assignee: str | None = None
    comment: str | None = None
    reason: str | None = None
    override: bool = False


@dataclass(frozen=True, slots=True)
class Blocker:
    """Why an order cannot be closed: `sensor_still_bad` (alarm active) or `sensor_silent` (it cannot say)."""

    code: str
    alarm: str
    rule: str
    asset: str


def tell_recovered(unit: UnitOfWork, alarm: Alarm, now_ns: int) -> None:
    """Note in the order that the sensor says normal again."""
    if alarm.work_order is not None:
        unit.work_orders.note(
            alarm.work_order, now_ns, SYSTEM, "recovered", None, {"alarm": alarm.id, "rule": alarm.rule}
        )
        order = unit.work_orders.get(alarm.work_order)
        key = f"work_order.recovered:{order.id}:{alarm.id}"
        unit.outbox.add(key, "work_order.recovered", now_ns, order_facts(order) | {"alarm": alarm.id})


def blockers(unit: UnitOfWork, order: WorkOrder, silent: frozenset[str] = frozenset()) -> Sequence[Blocker]:
    """What stands against closing. `silent`: ids of cleared alarms whose sensors no longer speak."""
    found: list[Blocker] = []
    for alarm in unit.alarms.list(work_order=order.id, limit=1000):
        if alarm.active:
            found.append(Blocker("sensor_still_bad", alarm.id, alarm.rule, alarm.asset))
        elif alarm.id in silent:
            found.append(Blocker("sensor_silent", alarm.id, alarm.rule, alarm.asset))
    return found


def act(
    transactions: Transactions,
    order_id: str,
    deed: Deed,
    person: Person,
    now_ns: int,
    silent: frozenset[str] = frozenset(),
    once: Once | None = None,
) -> WorkOrder:
    """Drive an order one step; the same request again (`once`) changes nothing and gives the order as it is.

    Raises NotFound, NotAllowed, Refused (a field is missing), Conflict (state, or `sensor_still_bad`: the alarm behind
    it is still active)."""
    action = deed.action
    if not person.may(RIGHT_FOR[action]):
        raise NotAllowed(f"{person.name} ({person.role}) may not {action} a work order", right=RIGHT_FOR[action])
    if action is OrderAction.ASSIGN and not (deed.assignee or "").strip():
        raise Refused("to assign, say to whom", field="assignee")
    if action in _NEEDS_REASON and not (deed.reason or deed.comment or "").strip():
        raise Refused(f"to {action}, give a reason", field="reason")
    with transactions.begin() as unit:
        order = unit.work_orders.get(order_id)
        if once is not None and not unit.repeats.claim(once, now_ns):
            return order
        return step(unit, order, deed, person, now_ns, silent)


def step(
    unit: UnitOfWork,
    order: WorkOrder,
    deed: Deed,
    person: Person,
    now_ns: int,
    silent: frozenset[str] = frozenset(),
) -> WorkOrder:
    """The step itself, inside the caller's transaction, with its traces in history, trail and outbox. Raises Conflict."""
    action = deed.action
    state = after(order.state, action)
    facts: dict[str, object] = {"from": str(order.state), "to": str(state)}
    if action is OrderAction.CLOSE:
        facts |= _closing(unit, order, deed, silent)
    changed = _changed(replace(order, state=state), deed, person, now_ns)
    if deed.assignee and action is OrderAction.ASSIGN:
        facts["assignee"] = deed.assignee
    unit.work_orders.save(changed, order.state)
    unit.work_orders.note(order.id, now_ns, person.name, str(action), deed.reason or deed.comment, facts)
    _record(unit, order, changed, deed, person, now_ns)
    event = f"work_order.{_PAST[action]}"
    unit.outbox.add(f"{event}:{order.id}:{now_ns}", event, now_ns, order_facts(changed) | {"by": person.name})
    return changed


def _record(unit: UnitOfWork, order: WorkOrder, changed: WorkOrder, deed: Deed, person: Person, now_ns: int) -> None:
    before: dict[str, object] = {"state": str(order.state), "assignee": order.assignee}
    after_: dict[str, object] = {"state": str(changed.state), "assignee": changed.assignee}
    after_ |= {"reason": deed.reason, "comment": deed.comment, "override": deed.override}
    action = f"work_order.{deed.action}"
    unit.audit.append(now_ns, person.id, action, order.id, site=order.site, before=before, after=after_)


_PAST: Mapping[OrderAction, str] = {
    OrderAction.ASSIGN: "assigned",
    OrderAction.START: "started",
    OrderAction.HOLD: "held",
    OrderAction.RESUME: "resumed",
    OrderAction.COMPLETE: "completed",
    OrderAction.REOPEN: "reopened",
    OrderAction.CLOSE: "closed",
    OrderAction.CANCEL: "cancelled",
}


def _closing(unit: UnitOfWork, order: WorkOrder, deed: Deed, silent: frozenset[str]) -> dict[str, object]:
    standing = blockers(unit, order, silent)
    if not standing:
        return {}
    if not deed.override:
        raise Conflict(
            f"{order.id} cannot be closed: {len(standing)} alarm(s) behind it are not proven repaired",
            code=standing[0].code,
            alarms=[blocker.alarm for blocker in standing],
        )
    if not (deed.reason or "").strip():
        raise Refused("to close against the sensor, give the reason", field="reason")
    return {"override": True, "against": [blocker.alarm for blocker in standing]}


def _changed(order: WorkOrder, deed: Deed, person: Person, now_ns: int) -> WorkOrder:
    match deed.action:
        case OrderAction.ASSIGN:
            return replace(order, assignee=(deed.assignee or "").strip())
        case OrderAction.START:
            return replace(order, started_ns=order.started_ns or now_ns, assignee=order.assignee or person.name)
        case OrderAction.COMPLETE:
            return replace(order, completed_ns=now_ns)
        case OrderAction.REOPEN:
            return replace(order, completed_ns=None)
        case OrderAction.CLOSE:
            return replace(order, closed_ns=now_ns, closed_by=person.name)
        case _:
            return order


def comment(
    transactions: Transactions, order_id: str, text: str, person: Person, now_ns: int, once: Once | None = None
) -> WorkOrder:
    """Add a remark to the history; the same request again (`once`) adds none. Raises NotFound, Refused."""
    if not text.strip():
        raise Refused("a comment needs text", field="comment")
    with transactions.begin() as unit:
        order = unit.work_orders.get(order_id)
        if once is not None and not unit.repeats.claim(once, now_ns):
            return order
        unit.work_orders.note(order.id, now_ns, person.name, "comment", text.strip(), {})
        said = {"comment": text.strip()}
        unit.audit.append(now_ns, person.id, "work_order.comment", order.id, site=order.site, after=said)
        key = f"work_order.commented:{order.id}:{now_ns}"
        unit.outbox.add(key, "work_order.commented", now_ns, order_facts(order) | {"by": person.name})
    return order
