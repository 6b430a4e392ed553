"""Rounds made ahead, opened, ended, and what time does to them: missed and overdue ones are told, then told higher up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from caretaker.domain.errors import NotFound, Refused
from caretaker.domain.people import Person, Shift, on_duty
from caretaker.domain.rounds.plans import RoundPlan
from caretaker.domain.rounds.rounds import (
    Round,
    RoundState,
    VisitState,
    deadline_ns,
    ended,
    make,
    opened,
    passed,
)
from caretaker.domain.rounds.walking import last_sign_ns, patience_ns
from caretaker.ports import Transactions, UnitOfWork
from caretaker.ports.rounds import LAST_STEP, Making
from caretaker.recurrence import CHINA, Calendar, local_day, occurrences, stamp

SECOND: Final = 1_000_000_000
AHEAD_NS: Final = 48 * 3600 * SECOND
"""How far ahead rounds exist: a phone that loads today knows tomorrow's too."""
_AGAIN_NS: Final = 3600 * SECOND
_MOST_S: Final = 7 * 86_400
_AT_ONCE: Final = 50
"""Rounds per transaction: after a long standstill there are many, and nobody may wait long for the writer."""
_OLD_NS: Final = 24 * 3600 * SECOND
"""A round that was missed longer ago, while this service was not running, is told once and not told higher up."""


ROUTINE: Final = frozenset(
    {"round.opened", "round.finished", "round.corrected", "round.changed", "round.cancelled"}
    | {"scan.accepted", "scan.decided", "handover.signed"}
)
"""Events of every day: the live page shows them, nobody is sent a message."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds until the next person is told: nobody began; missed → supervisor; missed → manager."""

    overdue_s: float = 600.0
    supervisor_s: float = 600.0
    manager_s: float = 1800.0


def round_facts(walk: Round, plan: RoundPlan) -> dict[str, object]:
    """What a notice about a round says."""
    return {
        "round": walk.id,
        "site": walk.site,
        "plan": walk.plan,
        "title": {"zh": plan.title.zh, "en": plan.title.en},
        "state": str(walk.state),
        "person": walk.person,
        "team": walk.team,
        "starts_ms": walk.starts_ns // 1_000_000,
        "ends_ms": walk.ends_ns // 1_000_000,
        "done": sum(visit.scan is not None for visit in walk.visits),
        "total": len(walk.visits),
        "missed": [visit.checkpoint for visit in walk.visits if visit.state is VisitState.MISSED],
        "reason": walk.ended_early,
    }


# ---- making


def make_ahead(
    transactions: Transactions, site: str, zone: str, now_ns: int, calendar: Calendar = CHINA, ahead_ns: int = AHEAD_NS
) -> int:
    """Make the rounds of all plans up to `ahead_ns` from now, and those of the time we were not running; how many.

    Repeating it changes nothing: a round's id follows from its plan and start. Raises Refused when plans are unusable,
    after the rounds of all others are made.
    """
    wrong: list[str] = []
    today = local_day(now_ns, zone)
    with transactions.begin(write=False) as unit:
        plans, made = unit.round_plans.list(site), unit.round_plans.made(site)
    count = 0
    for plan in plans:
        known = made.get(plan.id)
        fresh = known is not None and (known.version, known.day) == (plan.version, today)
        if fresh and known is not None and known.until_ns >= now_ns + ahead_ns - _AGAIN_NS:
            continue
        try:
            with transactions.begin() as unit:
                plan = unit.round_plans.get(site, plan.id)
                count += make_plan(unit, plan, zone, now_ns, calendar, ahead_ns)
        except Refused as unusable:
            wrong.append(f"{plan.id}: {unusable.message}")
    if wrong:
        raise Refused("; ".join(wrong), field="rrule", made=count)
    return count


def make_plan(
    unit: UnitOfWork,
    plan: RoundPlan,
    zone: str,
    now_ns: int,
    calendar: Calendar = CHINA,
    ahead_ns: int = AHEAD_NS,
) -> int:
    """One plan's rounds inside the caller's transaction; how many are new.

    Rounds that have not begun follow the plan's newest version: changed, called off, or called back. Rounds that have
    begun keep the version they were made from.
    """
    making = unit.round_plans.made(plan.site).get(plan.id)
    until_ns = now_ns + ahead_ns
    # a new plan begins now: a round under way is made, one that is over is not
    since_ns = now_ns - round(plan.duration_s * SECOND) + 1 if making is None else min(making.until_ns, now_ns)
    days = (local_day(since_ns, zone) - timedelta(days=1), local_day(until_ns, zone))
    wanted = {
        f"{plan.id}@{stamp(start, zone)}": start
        for start in occurrences(plan, zone, *days, calendar)
        if since_ns <= start < until_ns
    }
    count = 0
    to_ns = max(until_ns, making.until_ns if making else 0)
    standing = unit.rounds.list(plan.site, from_ns=now_ns, to_ns=to_ns, plan=plan.id, limit=10_000)
    for walk in standing:
        if walk.starts_ns > now_ns:
            _follow(unit, plan, walk, walk.id in wanted, zone, now_ns)
    shifts = unit.teams.shifts(plan.site) if plan.team is None and plan.person is None else ()
    for start in wanted.values():
        walk = make(plan, start, stamp(start, zone))
        if making is None and any(visit.closes_ns <= now_ns for visit in walk.visits):
            continue  # nobody could have known of a stop that was over before there was a plan
        count += unit.rounds.add(replace(walk, team=plan.team or _team_on_duty(shifts, start, zone)))
    # an edit may call for rounds between what was made and now; they are the old version's business
    unit.round_plans.note_made(plan.site, plan.id, Making(until_ns, plan.version, local_day(now_ns, zone)))
    return count


def _team_on_duty(shifts: Sequence[Shift], at_ns: int, zone: str) -> str | None:
    """The team that has the shift then; None when none has, or several: then anybody may walk."""
    teams = {duty.shift.team for duty in on_duty(shifts, at_ns, zone)}
    return teams.pop() if len(teams) == 1 else None


def _follow(unit: UnitOfWork, plan: RoundPlan, walk: Round, wanted: bool, zone: str, now_ns: int) -> None:
    """A round that has not begun, by the newest version of its plan."""
    if walk.state not in (RoundState.SCHEDULED, RoundState.CANCELLED):
        return
    if not wanted:
        # beyond what this making looks at it may well be wanted; only a changed plan calls it off
        if walk.state is RoundState.SCHEDULED and (walk.plan_version != plan.version or _off(plan, walk, zone)):
            _save_changed(unit, plan, _cancelled(walk, plan, now_ns), now_ns)
        return
    fresh = replace(make(plan, walk.starts_ns, stamp(walk.starts_ns, zone)), team=plan.team or walk.team)
    if plan.person is not None:
        fresh = replace(fresh, team=None)
    if walk.state is RoundState.CANCELLED or walk.plan_version != plan.version:
        _save_changed(unit, plan, fresh, now_ns)


def _off(plan: RoundPlan, walk: Round, zone: str) -> bool:
    """Called off though the plan is the same: the calendar has changed (the year's notice on 调休 came in)."""
    day = local_day(walk.starts_ns, zone)
    return walk.starts_ns not in occurrences(plan, zone, day, day)


def _cancelled(walk: Round, plan: RoundPlan, now_ns: int) -> Round:
    return replace(walk, state=RoundState.CANCELLED, plan_version=plan.version, closed_ns=now_ns)


def _save_changed(unit: UnitOfWork, plan: RoundPlan, walk: Round, now_ns: int) -> None:
    unit.rounds.save(walk)
    event = "round.cancelled" if walk.state is RoundState.CANCELLED else "round.changed"
    unit.outbox.add(f"{event}:{walk.id}:{plan.version}:{now_ns}", event, now_ns, round_facts(walk, plan))


# ---- walking


def open_round(transactions: Transactions, site: str, round_id: str, person: Person, now_ns: int) -> Round:
    """Somebody begins. The same person again changes nothing. Raises NotFound, Conflict."""
    with transactions.begin() as unit:
        walk = own(unit, site, round_id)
        plan = unit.round_plans.get(walk.site, walk.plan, walk.plan_version)
        begun = opened(walk, person.id, now_ns)
        if begun != walk:
            unit.rounds.save(begun)
            unit.outbox.add(f"round.opened:{walk.id}:0", "round.opened", now_ns, round_facts(begun, plan))
    return begun


def end_round(
    transactions: Transactions, site: str, round_id: str, person: Person, reason: str | None, now_ns: int
) -> Round:
    """The walker says done; stops that are left need a reason. Raises NotFound, Refused, Conflict."""
    with transactions.begin() as unit:
        walk = own(unit, site, round_id)
        if walk.state in (RoundState.FINISHED, RoundState.INCOMPLETE) and walk.person == person.id:
            return walk
        plan = unit.round_plans.get(walk.site, walk.plan, walk.plan_version)
        over = ended(walk, reason, now_ns)
        unit.rounds.save(over)
        event = f"round.{over.state}"
        unit.outbox.add(f"{event}:{walk.id}:ended", event, now_ns, round_facts(over, plan) | {"to": "supervisor"})
        if over.state is RoundState.INCOMPLETE:
            unit.rounds.set_step(walk.id, LAST_STEP)  # a reason was given: the supervisor knows, nobody else is woken
    return over


def own(unit: UnitOfWork, site: str, round_id: str) -> Round:
    """A round of this site, locked. Raises NotFound."""
    walk = unit.rounds.get(round_id, lock=True)
    if walk.site != site:
        raise NotFound(f"there is no round {round_id}", round=round_id)
    return walk


# ---- time


def pass_time(transactions: Transactions, site: str, now_ns: int, patience: Patience | None = None) -> int:
    """Miss what is missed, close what is over, tell the next person; returns how many rounds were touched.

    Each stop that is missed is told: by itself while its round goes on, else in the notice about the round.
    """
    patience = patience or Patience()
    plans: dict[tuple[str, int], RoundPlan] = {}
    with transactions.begin(write=False) as unit:
        watched = unit.rounds.watched(site, now_ns, now_ns - _MOST_S * SECOND)
        for walk, _ in watched:
            key = (walk.plan, walk.plan_version)
            if key not in plans:
                plans[key] = unit.round_plans.get(site, *key)
    due = []
    for walk, step in watched:
        plan = plans[walk.plan, walk.plan_version]
        if passed(plan, walk, now_ns) != walk or _next_step(plan, walk, step, now_ns, patience) != step:
            due.append(walk)
    for first in range(0, len(due), _AT_ONCE):
        with transactions.begin() as unit:
            for walk in due[first : first + _AT_ONCE]:
                _pass_one(unit, plans[walk.plan, walk.plan_version], walk.id, now_ns, patience)
    return len(due)


def _pass_one(unit: UnitOfWork, plan: RoundPlan, round_id: str, now_ns: int, patience: Patience) -> None:
    before = unit.rounds.get(round_id, lock=True)
    if before.plan_version != plan.version:
        return  # changed since we looked; the next look sees it as it is
    after = passed(plan, before, now_ns)
    if after != before:
        unit.rounds.save(after)
        _tell_passed(unit, plan, before, after, now_ns)
    _escalate(unit, plan, after, unit.rounds.step(round_id), now_ns, patience)


def _missed_since(plan: RoundPlan, walk: Round) -> int | None:
    """When the first of its missed stops was missed."""
    slack = round(plan.tolerance_s * SECOND)
    return min(
        (min(v.closes_ns + slack, deadline_ns(plan, walk)) for v in walk.visits if v.state is VisitState.MISSED),
        default=None,
    )


_OVERDUE, _SUPERVISOR = 1, 3
_TOLD: Final[Mapping[int, tuple[str, str]]] = {
    _OVERDUE: ("round.overdue", "team"),
    _SUPERVISOR: ("round.escalated", "supervisor"),
    LAST_STEP: ("round.escalated", "manager"),
}


def _next_step(plan: RoundPlan, walk: Round, step: int, now_ns: int, patience: Patience) -> int:
    """How far notices should have gone by now."""
    since = _missed_since(plan, walk)
    if since is None:
        late = now_ns - walk.starts_ns > max(patience.overdue_s, plan.tolerance_s) * SECOND
        return max(step, _OVERDUE) if walk.state is RoundState.SCHEDULED and late else step
    waited = now_ns - since
    if waited > _OLD_NS or waited >= patience.manager_s * SECOND:
        return LAST_STEP
    return max(step, _SUPERVISOR) if waited >= patience.supervisor_s * SECOND else step


def _escalate(unit: UnitOfWork, plan: RoundPlan, walk: Round, step: int, now_ns: int, patience: Patience) -> None:
    wanted = _next_step(plan, walk, step, now_ns, patience)
    if wanted == step:
        return
    since = _missed_since(plan, walk)
    if since is None or now_ns - since <= _OLD_NS:
        for between in sorted(_TOLD):
            if step < between <= wanted and not (between == _OVERDUE and wanted > _OVERDUE):
                event, to = _TOLD[between]
                unit.outbox.add(f"{event}:{walk.id}:{to}", event, now_ns, round_facts(walk, plan) | {"to": to})
    unit.rounds.set_step(walk.id, wanted)


def _tell_passed(unit: UnitOfWork, plan: RoundPlan, before: Round, after: Round, now_ns: int) -> None:
    facts = round_facts(after, plan)
    if after.state is not before.state and after.state in (RoundState.MISSED, RoundState.INCOMPLETE):
        event = f"round.{after.state}"
        unit.outbox.add(f"{event}:{after.id}:deadline", event, now_ns, facts | {"to": "team"})
        return
    for old, new in zip(before.visits, after.visits, strict=True):
        if new.state is VisitState.MISSED and old.state is not VisitState.MISSED:
            told = facts | {"checkpoint": new.checkpoint, "sequence": new.sequence, "to": "team"}
            unit.outbox.add(f"visit.missed:{after.id}:{new.sequence}", "visit.missed", now_ns, told)


_SILENT: Final = ((1.0, "supervisor"), (2.0, "manager"))
"""Whom a walker's silence is told after how many times the patience with it."""


def alert_silent(transactions: Transactions, site: str, now_ns: int, told: set[str]) -> int:
    """Tell of walkers from whom no scan came in 1.5 times the expected time, and in twice that the manager too; how many
    notices were written now.

    `told`: keys known to the caller; they spare writing again. A phone without signal is silent too: the notice asks
    somebody to look, it accuses nobody.
    """
    with transactions.begin(write=False) as unit:
        walking = unit.rounds.list(site, states=[RoundState.IN_PROGRESS], limit=1000)
        places = {place.id: place.place for place in unit.checkpoints.list(site)} if walking else {}
        plans = {walk.id: unit.round_plans.get(site, walk.plan, walk.plan_version) for walk in walking}
    count = 0
    for walk in walking:
        done = sum(visit.scan is not None for visit in walk.visits)
        since = last_sign_ns(walk)
        waited = (now_ns - since) / patience_ns(plans[walk.id], walk, places)
        for times, to in _SILENT:
            key = f"round.silent:{walk.id}:{done}" + ("" if to == "supervisor" else f":{to}")
            if waited < times or key in told:
                continue
            facts = round_facts(walk, plans[walk.id]) | {"to": to, "silent_since_ms": since // 1_000_000}
            with transactions.begin() as unit:
                unit.outbox.add(key, "round.silent", now_ns, facts)
            told.add(key)
            count += 1
    return count
