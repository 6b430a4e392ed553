"""Round: one walk of a plan. Visit: one stop of it as judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from caretaker.domain.errors import Conflict, Refused
from caretaker.domain.rounds.plans import Order, RoundPlan, sequence, window_s


class RoundState(StrEnum):
    """Where a round stands."""

    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    FINISHED = "finished"
    INCOMPLETE = "incomplete"
    MISSED = "missed"
    CANCELLED = "cancelled"


class VisitState(StrEnum):
    """What became of one stop."""

    DUE = "due"
    ON_TIME = "on_time"
    EARLY = "early"
    LATE = "late"
    OUT_OF_ORDER = "out_of_order"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Visit:
    """One stop. `opens_ns`, `closes_ns`: its window; `scan`: the scan that did it."""

    checkpoint: str
    sequence: int
    opens_ns: int
    closes_ns: int
    state: VisitState = VisitState.DUE
    scan: str | None = None
    scanned_ns: int | None = None
    partly: bool = False
    """Scanned, but required checks are not answered."""


@dataclass(frozen=True, slots=True)
class Round:
    """One walk. `id` follows from plan and start (`<plan>@<yyyymmddThhmm>`), so making it twice changes nothing."""

    id: str
    site: str
    plan: str
    plan_version: int
    starts_ns: int
    ends_ns: int
    state: RoundState
    visits: tuple[Visit, ...]
    person: str | None = None
    team: str | None = None
    opened_ns: int | None = None
    closed_ns: int | None = None
    ended_early: str | None = None
    """The reason, when the walker ended it before all stops were done."""


SECOND: Final = 1_000_000_000
DONE: Final = frozenset({VisitState.ON_TIME, VisitState.EARLY, VisitState.LATE, VisitState.OUT_OF_ORDER})
CLOSED: Final = frozenset({RoundState.FINISHED, RoundState.INCOMPLETE, RoundState.MISSED, RoundState.CANCELLED})


def make(plan: RoundPlan, starts_ns: int, stamp: str) -> Round:
    """The round of a plan that begins at `starts_ns`; `stamp` is its local `yyyymmddThhmm`."""
    round_id = f"{plan.id}@{stamp}"
    visits = []
    for number, point in enumerate(sequence(plan, round_id), start=1):
        opens, closes = window_s(plan, point)
        visits.append(
            Visit(point.checkpoint, number, starts_ns + round(opens * SECOND), starts_ns + round(closes * SECOND))
        )
    return Round(
        id=round_id,
        site=plan.site,
        plan=plan.id,
        plan_version=plan.version,
        starts_ns=starts_ns,
        ends_ns=starts_ns + round(plan.duration_s * SECOND),
        state=RoundState.SCHEDULED,
        visits=tuple(visits),
        person=plan.person,
        team=plan.team,
    )


def deadline_ns(plan: RoundPlan, walk: Round) -> int:
    """After this moment nothing of the round is on time any more."""
    return walk.ends_ns + round(plan.tolerance_s * SECOND)


def opened(walk: Round, person: str, at_ns: int) -> Round:
    """Somebody begins. Raises Conflict when it is over, or somebody else's."""
    if walk.state in CLOSED:
        raise Conflict(f"the round {walk.id} is {walk.state}", round=walk.id, state=str(walk.state))
    if walk.state is RoundState.IN_PROGRESS:
        if walk.person not in (None, person):
            raise Conflict(f"{walk.id} is being walked by somebody else", round=walk.id, person=walk.person)
        return replace(walk, person=person)
    if walk.person not in (None, person):
        raise Conflict(f"{walk.id} is meant for somebody else", round=walk.id, person=walk.person)
    return replace(walk, state=RoundState.IN_PROGRESS, person=person, opened_ns=at_ns)


def visit_for(walk: Round, checkpoint: str) -> Visit | None:
    """The visit a scan of this checkpoint is for: the first one not done, else the last one; None: not on this round."""
    mine = [visit for visit in walk.visits if visit.checkpoint == checkpoint]
    waiting = [visit for visit in mine if visit.scan is None]
    return next(iter(waiting or mine[-1:]), None)


def timed(visit: Visit, at_ns: int, tolerance_s: float) -> VisitState:
    """Early, late or on time by the window alone."""
    slack = round(tolerance_s * SECOND)
    if at_ns < visit.opens_ns - slack:
        return VisitState.EARLY
    if at_ns > visit.closes_ns + slack:
        return VisitState.LATE
    return VisitState.ON_TIME


def scanned(plan: RoundPlan, walk: Round, sequence_: int, scan: str, at_ns: int, *, partly: bool, now_ns: int) -> Round:
    """A scan that counts. The result does not depend on the order in which scans arrive, only on their times.

    A first scan opens the round; the last one finishes it. One that comes in after the deadline, from a phone that was
    without signal, corrects what was taken for missed.
    """
    visits = tuple(
        replace(visit, scan=scan, scanned_ns=at_ns, partly=partly) if visit.sequence == sequence_ else visit
        for visit in walk.visits
    )
    visits = _judged(plan, visits)
    first = min(visit.scanned_ns for visit in visits if visit.scanned_ns is not None)
    walk = replace(walk, visits=visits, opened_ns=first if walk.opened_ns is None else min(first, walk.opened_ns))
    return _settled(plan, walk, now_ns)


def taken_back(plan: RoundPlan, walk: Round, scan: str, now_ns: int) -> Round:
    """A supervisor rejects a scan: its visit was never made."""
    over = now_ns > deadline_ns(plan, walk) or walk.state in CLOSED
    undone = VisitState.MISSED if over else VisitState.DUE
    visits = tuple(
        replace(visit, scan=None, scanned_ns=None, partly=False, state=undone) if visit.scan == scan else visit
        for visit in walk.visits
    )
    return _settled(plan, replace(walk, visits=_judged(plan, visits)), now_ns)


def ended(walk: Round, reason: str | None, at_ns: int) -> Round:
    """The walker says done. Raises Refused when stops are left and no reason is given, Conflict when it is over."""
    if walk.state in CLOSED or walk.state is RoundState.SCHEDULED:
        raise Conflict(f"the round {walk.id} is {walk.state}", round=walk.id, state=str(walk.state))
    left = [visit for visit in walk.visits if visit.scan is None]
    reason = (reason or "").strip() or None
    if left and reason is None:
        raise Refused(f"{len(left)} stops are not done; to end the round early, give the reason", field="reason")
    visits = tuple(replace(visit, state=VisitState.MISSED) if visit.scan is None else visit for visit in walk.visits)
    state = RoundState.INCOMPLETE if left else RoundState.FINISHED
    return replace(walk, visits=visits, state=state, closed_ns=at_ns, ended_early=reason if left else None)


def passed(plan: RoundPlan, walk: Round, now_ns: int) -> Round:
    """What time alone does: visits whose window is over are missed; at the deadline the round is over."""
    if walk.state in CLOSED:
        return walk
    over = now_ns > deadline_ns(plan, walk)
    slack = round(plan.tolerance_s * SECOND)
    visits = tuple(
        replace(visit, state=VisitState.MISSED)
        if visit.state is VisitState.DUE and (over or now_ns > visit.closes_ns + slack)
        else visit
        for visit in walk.visits
    )
    walk = replace(walk, visits=visits) if visits != walk.visits else walk
    return _settled(plan, walk, now_ns) if over else walk


def next_change_ns(plan: RoundPlan, walk: Round) -> int:
    """The next moment at which time alone changes this round: a window's end or the deadline."""
    slack = round(plan.tolerance_s * SECOND)
    ends = [visit.closes_ns + slack for visit in walk.visits if visit.state is VisitState.DUE]
    return min([*ends, deadline_ns(plan, walk)])


def _judged(plan: RoundPlan, visits: tuple[Visit, ...]) -> tuple[Visit, ...]:
    """Every scanned visit by its window, and by the order where the plan gives one.

    Out of order is the stop that was jumped to, or gone back to; who goes on from there goes on in order.
    """
    states: dict[int, VisitState] = {}
    furthest = 0
    done = [(visit.scanned_ns, visit.sequence, visit) for visit in visits if visit.scanned_ns is not None]
    for at_ns, number, visit in sorted(done, key=lambda item: item[:2]):
        state = timed(visit, at_ns, plan.tolerance_s)
        if plan.order is not Order.FREE and state is VisitState.ON_TIME and number != furthest + 1:
            state = VisitState.OUT_OF_ORDER
        furthest = max(furthest, number)
        states[number] = state
    return tuple(replace(visit, state=states.get(visit.sequence, visit.state)) for visit in visits)


def _settled(plan: RoundPlan, walk: Round, now_ns: int) -> Round:
    """The state that follows from the visits."""
    done = sum(visit.scan is not None for visit in walk.visits)
    over = walk.state in CLOSED or now_ns > deadline_ns(plan, walk)
    if done == len(walk.visits):
        last = max(visit.scanned_ns or 0 for visit in walk.visits)
        return replace(walk, state=RoundState.FINISHED, closed_ns=last, ended_early=None)
    if not over:
        state = RoundState.IN_PROGRESS if done or walk.opened_ns is not None else RoundState.SCHEDULED
        return replace(walk, state=state, closed_ns=None)
    visits = tuple(replace(visit, state=VisitState.MISSED) if visit.scan is None else visit for visit in walk.visits)
    state = RoundState.INCOMPLETE if walk.opened_ns is not None else RoundState.MISSED
    if walk.state is RoundState.CANCELLED and not done:
        state = RoundState.CANCELLED
    return replace(walk, state=state, visits=visits, closed_ns=walk.closed_ns or now_ns)
