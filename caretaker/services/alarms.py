"""What follows from a transition: alarm, work order, notices and the reader's cursor in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from caretaker.domain.alarms import Alarm, alarm_id
from caretaker.domain.assets import Estate
from caretaker.domain.equipment import RuleSpec
from caretaker.domain.errors import Conflict
from caretaker.domain.people import Person
from caretaker.domain.rules.types import Change, Transition
from caretaker.ports import Cursor, Once, Position, Transactions, UnitOfWork
from caretaker.services.desk import open_for_alarm
from caretaker.services.work_orders import tell_recovered

RESET_REQUESTED = "alarm.reset_requested"
"""The event by which the page asks the rules process to reset a latched alarm."""


def respond(
    transactions: Transactions,
    estate: Estate,
    transitions: Sequence[Transition],
    cursor: Cursor,
    to: Position,
    now_ns: int,
) -> Cursor:
    """Commit the effects of `transitions` together with the cursor's move to `to`.

    Repeating it (a crash after the commit, a replay) changes nothing: an alarm's id follows from its episode.
    Raises Fenced when another process owns the cursor (nothing is written then), DatabaseUnavailable.
    """
    with transactions.begin() as unit:
        moved = unit.cursors.advance(cursor, to)
        for transition in transitions:
            if transition.change is Change.RAISED:
                raise_alarm(unit, estate, transition, now_ns)
            else:
                clear_alarm(unit, estate, transition, now_ns)
    return moved


def raise_alarm(unit: UnitOfWork, estate: Estate, transition: Transition, now_ns: int) -> Alarm | None:
    """Open the alarm and its work order inside the caller's transaction; None when this episode is already known."""
    ref = transition.ref
    rule = _rule(estate, ref.asset, ref.rule)
    alarm = Alarm(
        id=alarm_id(estate.site.id, ref.asset, ref.rule, transition.at_ns),
        site=estate.site.id,
        asset=ref.asset,
        rule=ref.rule,
        priority=rule.priority,
        fault=rule.fault,
        since_ns=transition.since_ns,
        raised_ns=transition.at_ns,
        latched=rule.latched,
        evidence=transition.evidence,
    )
    if not unit.alarms.open(alarm):
        return None
    if rule.work_order:
        order = open_for_alarm(unit, estate, alarm, rule, now_ns)
        alarm = replace(alarm, work_order=order.id)
        unit.alarms.save(alarm)
    unit.outbox.add(f"alarm.raised:{alarm.id}", "alarm.raised", now_ns, _facts(estate, alarm, rule))
    return alarm


def clear_alarm(unit: UnitOfWork, estate: Estate, transition: Transition, now_ns: int) -> Alarm | None:
    """End the active episode inside the caller's transaction; None when none is open."""
    ref = transition.ref
    alarm = unit.alarms.clear(estate.site.id, ref.asset, ref.rule, transition.at_ns)
    if alarm is None:
        return None
    if alarm.work_order is not None:
        tell_recovered(unit, alarm, now_ns)
    rule = _rule(estate, ref.asset, ref.rule)
    unit.outbox.add(f"alarm.cleared:{alarm.id}", "alarm.cleared", now_ns, _facts(estate, alarm, rule))
    return alarm


def acknowledge(
    transactions: Transactions, alarm_id_: str, person: Person, comment: str, now_ns: int, once: Once | None = None
) -> Alarm:
    """A person says "seen"; the condition goes on. A second acknowledgement is a Conflict that names the first; the
    same request again (`once`) changes nothing."""
    with transactions.begin() as unit:
        alarm = unit.alarms.get(alarm_id_)
        if once is not None and not unit.repeats.claim(once, now_ns):
            return alarm
        if alarm.acknowledged_ns is not None:
            raise Conflict(
                f"{alarm.id} was already acknowledged by {alarm.acknowledged_by}",
                alarm=alarm.id,
                by=alarm.acknowledged_by,
            )
        alarm = replace(alarm, acknowledged_ns=now_ns, acknowledged_by=person.name, comment=comment or None)
        unit.alarms.save(alarm)
        unit.audit.append(
            now_ns, person.id, "alarm.acknowledge", alarm.id, site=alarm.site, after={"comment": comment or None}
        )
        facts = {"alarm": alarm.id, "asset": alarm.asset, "by": person.name, "comment": comment}
        unit.outbox.add(f"alarm.acknowledged:{alarm.id}", "alarm.acknowledged", now_ns, facts)
        if alarm.work_order is not None:
            unit.work_orders.note(
                alarm.work_order, now_ns, person.name, "alarm_acknowledged", comment or None, {"alarm": alarm.id}
            )
    return alarm


def request_reset(
    transactions: Transactions, alarm_id_: str, person: Person, now_ns: int, once: Once | None = None
) -> Alarm:
    """Ask the rules process to release a latched alarm; it stays active while its condition holds."""
    with transactions.begin() as unit:
        alarm = unit.alarms.get(alarm_id_)
        if once is not None and not unit.repeats.claim(once, now_ns):
            return alarm
        if not alarm.latched or not alarm.active:
            raise Conflict(f"{alarm.id} is not a latched, active alarm", alarm=alarm.id)
        facts = {"alarm": alarm.id, "asset": alarm.asset, "rule": alarm.rule, "by": person.name}
        unit.outbox.add(f"{RESET_REQUESTED}:{alarm.id}:{now_ns}", RESET_REQUESTED, now_ns, facts)
        unit.audit.append(now_ns, person.id, "alarm.reset", alarm.id, site=alarm.site)
    return alarm


def _rule(estate: Estate, asset: str, rule_id: str) -> RuleSpec:
    for rule in estate.rules_of(asset):
        if rule.id == rule_id:
            return rule
    raise KeyError(f"{asset} has no rule {rule_id}")


def _facts(estate: Estate, alarm: Alarm, rule: RuleSpec) -> dict[str, object]:
    title = estate.assets[alarm.asset].title
    return {
        "alarm": alarm.id,
        "site": alarm.site,
        "asset": alarm.asset,
        "asset_title": {"zh": title.zh, "en": title.en},
        "rule": alarm.rule,
        "title": {"zh": rule.title.zh, "en": rule.title.en},
        "priority": str(alarm.priority),
        "raised_ms": alarm.raised_ns // 1_000_000,
        "cleared_ms": None if alarm.cleared_ns is None else alarm.cleared_ns // 1_000_000,
        "work_order": alarm.work_order,
    }
