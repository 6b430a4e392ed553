"""Round plans: list, make, change, and when their rounds begin."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.auth import Watcher, needs
from api.house import House, TheHouse
from api.schemas.plans import (
    Day,
    Occurrence,
    Occurrences,
    PlanBody,
    PlanChange,
    PlanList,
    PlanPointBody,
    PlanShape,
    PlanTiming,
    PlanVersions,
    PlanVersionShape,
    WeightBody,
)
from api.views_rounds import RoundViews
from caretaker.domain.equipment import Text
from caretaker.domain.errors import NotFound, Refused
from caretaker.domain.people import Person, Right
from caretaker.domain.rounds.plans import Holidays, Order, PlanKind, PlanPoint, RoundPlan, Weight
from caretaker.recurrence import CHINA, local_time, next_starts, occurrences, parse, stamp
from caretaker.services import checkpoints

router = APIRouter(tags=["rounds"])
Planner = Annotated[Person, Depends(needs(Right.PLAN))]
From = Annotated[Day | None, Query(alias="from")]
To = Annotated[Day | None, Query(alias="to")]
MOST_DAYS = 1200
MOST_SHOWN = 10


@router.get("/round-plans", operation_id="listRoundPlans")
def list_plans(_person: Watcher, house: TheHouse, active: bool | None = None) -> PlanList:
    """The newest version of each plan."""
    with house.transactions.begin(write=False) as unit:
        views = RoundViews(house, unit)
        plans = unit.round_plans.list(house.estate.site.id, active=active)
        return PlanList(items=[views.plan(plan) for plan in plans])


@router.get("/round-plans/{plan}", operation_id="getRoundPlan")
def get_plan(plan: str, _person: Watcher, house: TheHouse) -> PlanShape:
    """One plan."""
    with house.transactions.begin(write=False) as unit:
        return RoundViews(house, unit).plan(unit.round_plans.get(house.estate.site.id, plan))


@router.post("/round-plans", operation_id="addRoundPlan")
def add(body: PlanBody, person: Planner, house: TheHouse) -> PlanShape:
    """A new plan and its first rounds; the same again changes nothing, another one of that id is a conflict."""
    plan = RoundPlan(
        id=body.id,
        site=house.estate.site.id,
        title=Text(body.title.zh, body.title.en),
        kind=PlanKind(body.kind),
        points=_points(body.points),
        order=Order(body.order),
        rrule=body.rrule,
        starts_at=time.fromisoformat(body.starts_at),
        duration_s=body.duration_s,
        tolerance_s=body.tolerance_s,
        valid_from=day_of(body.valid_from, "valid_from"),
        valid_until=None if body.valid_until is None else day_of(body.valid_until, "valid_until"),
        holidays=Holidays(body.holidays),
        team=body.team,
        person=body.person,
        scored=body.scored,
        weights=_weights(body.weights),
        active=body.active,
    )
    zone = house.estate.site.zone
    return _shape(house, checkpoints.add_plan(house.transactions, plan, zone, person, house.clock.now_ns()))


@router.patch("/round-plans/{plan}", operation_id="changeRoundPlan")
def change(plan: str, body: PlanChange, person: Planner, house: TheHouse) -> PlanShape:
    """A new version; rounds that have not begun follow it, the others keep theirs. 409 when `version` is not the newest."""
    with house.transactions.begin(write=False) as unit:
        before = unit.round_plans.get(house.estate.site.id, plan)
    given = body.model_fields_set
    until = body.valid_until
    changed = replace(
        before,
        version=body.version,
        title=before.title if body.title is None else Text(body.title.zh, body.title.en),
        points=before.points if body.points is None else _points(body.points),
        order=before.order if body.order is None else Order(body.order),
        rrule=before.rrule if body.rrule is None else body.rrule,
        starts_at=before.starts_at if body.starts_at is None else time.fromisoformat(body.starts_at),
        duration_s=before.duration_s if body.duration_s is None else body.duration_s,
        tolerance_s=before.tolerance_s if body.tolerance_s is None else body.tolerance_s,
        valid_until=(None if until is None else day_of(until, "valid_until"))
        if "valid_until" in given
        else before.valid_until,
        holidays=before.holidays if body.holidays is None else Holidays(body.holidays),
        team=body.team if "team" in given else before.team,
        person=body.person if "person" in given else before.person,
        scored=before.scored if body.scored is None else body.scored,
        weights=before.weights if body.weights is None else _weights(body.weights),
        active=before.active if body.active is None else body.active,
    )
    zone = house.estate.site.zone
    return _shape(house, checkpoints.change_plan(house.transactions, changed, zone, person, house.clock.now_ns()))


@router.get("/round-plans/{plan}/occurrences", operation_id="listOccurrences")
def list_occurrences(plan: str, _person: Watcher, house: TheHouse, from_: From = None, to: To = None) -> Occurrences:
    """When its rounds begin on these local days (default: today and the 30 days after)."""
    zone = house.estate.site.zone
    first, last = days(house, from_, to, 30)
    with house.transactions.begin(write=False) as unit:
        found = unit.round_plans.get(house.estate.site.id, plan)
    return Occurrences(items=[_occurrence(found, start, zone) for start in occurrences(found, zone, first, last)])


def _occurrence(plan: RoundPlan, start: int, zone: str) -> Occurrence:
    wall = local_time(start, zone)
    return Occurrence(
        round=f"{plan.id}@{stamp(start, zone)}",
        starts_ms=start // 1_000_000,
        ends_ms=start // 1_000_000 + round(plan.duration_s * 1000),
        local=wall.isoformat(),
        holiday=CHINA.name(wall.date()),
        workday=CHINA.workday(wall.date()),
        provisional=CHINA.provisional(wall.year),
    )


@router.post("/round-plans/preview", operation_id="previewRoundPlan")
def preview(body: PlanTiming, _person: Planner, house: TheHouse) -> Occurrences:
    """The next ten starts of a plan with these times; nothing is kept."""
    zone = house.estate.site.zone
    plan = RoundPlan(
        id="preview",
        site=house.estate.site.id,
        title=Text("", ""),
        kind=PlanKind.PATROL,
        points=(),
        order=Order.FREE,
        rrule=body.rrule,
        starts_at=time.fromisoformat(body.starts_at),
        duration_s=body.duration_s,
        valid_from=day_of(body.valid_from, "valid_from"),
        valid_until=None if body.valid_until is None else day_of(body.valid_until, "valid_until"),
        holidays=Holidays(body.holidays),
    )
    parse(plan.rrule, plan.valid_from, plan.starts_at)
    starts = next_starts(plan, zone, house.clock.now_ns(), MOST_SHOWN)
    return Occurrences(items=[_occurrence(plan, start, zone) for start in starts])


@router.get("/round-plans/{plan}/versions", operation_id="listPlanVersions")
def list_versions(plan: str, _person: Watcher, house: TheHouse) -> PlanVersions:
    """What the plan was before, since when, and who changed what."""
    with house.transactions.begin(write=False) as unit:
        history = unit.round_plans.history(house.estate.site.id, plan)
        if not history:
            raise NotFound(f"there is no round plan {plan}", plan=plan)
        names = {person.id: person.name for person in unit.people.persons()}
        views = RoundViews(house, unit)
        items = [
            PlanVersionShape(
                version=one.plan.version,
                at_ms=one.at_ns // 1_000_000,
                by=one.by,
                by_name=None if one.by is None else names.get(one.by),
                changed=[] if before is None else _changed(before.plan, one.plan),
                plan=views.plan(one.plan),
            )
            for one, before in zip(history, [*history[1:], None], strict=True)
        ]
    return PlanVersions(items=items)


def _changed(before: RoundPlan, after: RoundPlan) -> list[str]:
    names = (field.name for field in fields(RoundPlan) if field.name != "version")
    return [name for name in names if getattr(before, name) != getattr(after, name)]


def days(house: House, first: str | None, last: str | None, length: int) -> tuple[date, date]:
    """Local days from the query. Raises Refused when they are none, or too many."""
    today = local_time(house.clock.now_ns(), house.estate.site.zone).date()
    if first is None and last is not None:
        end = day_of(last, "to")
        return end - timedelta(days=length), end
    start = today if first is None else day_of(first, "from")
    end = start + timedelta(days=length) if last is None else day_of(last, "to")
    if not 0 <= (end - start).days <= MOST_DAYS:
        raise Refused(f"expected from ≤ to, at most {MOST_DAYS} days", field="to")
    return start, end


def day_of(text: str, field: str) -> date:
    """yyyy-mm-dd. Raises Refused."""
    try:
        day = date.fromisoformat(text)
    except ValueError as wrong:
        raise Refused(f"{text!r} is no day: {wrong}", field=field) from wrong
    if not 2000 <= day.year <= 2200:
        raise Refused(f"{text!r}: expected a year from 2000 to 2200", field=field)
    return day


def _points(bodies: list[PlanPointBody]) -> tuple[PlanPoint, ...]:
    return tuple(
        PlanPoint(body.checkpoint, body.least_walk_s, body.least_dwell_s, body.opens_s, body.closes_s)
        for body in bodies
    )


def _weights(bodies: list[WeightBody]) -> tuple[Weight, ...]:
    return tuple(Weight(body.check, body.points, body.checkpoint) for body in bodies)


def _shape(house: House, plan: RoundPlan) -> PlanShape:
    with house.transactions.begin(write=False) as unit:
        return RoundViews(house, unit).plan(plan)
