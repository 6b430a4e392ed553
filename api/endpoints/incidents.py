"""Incidents and calls for help: report, look, take, write down what was done, close."""

from __future__ import annotations

from collections import Counter
from typing import Annotated
from uuid import NAMESPACE_OID, uuid4, uuid5

from fastapi import APIRouter, Depends, Query, Request

from api.auth import Caller, CallerOnce, Repeatable, Watcher, needs
from api.errors import SignInNeeded
from api.house import House, TheHouse
from api.schemas.common import MOST_NS, ns
from api.schemas.incidents import CloseBody, IncidentBody, IncidentDetail, IncidentList, MeasureBody, SosBody, TakeBody
from api.views_incidents import IncidentViews
from caretaker.domain.equipment import Priority
from caretaker.domain.incidents import Incident, IncidentKind, IncidentState
from caretaker.domain.people import Person, Right
from caretaker.domain.rounds.scans import Position
from caretaker.ports import Once
from caretaker.services import incidents

router = APIRouter(tags=["incidents"])
Taker = Annotated[Person, Depends(needs(Right.DISPATCH))]
Closer = Annotated[Person, Depends(needs(Right.CLOSE))]
MS = 1_000_000


@router.post("/sos", operation_id="callForHelp")
def call_for_help(request: Request, body: SosBody, person: Caller, house: TheHouse, once: CallerOnce) -> IncidentDetail:
    """Keep a call for help and call the supervisors on duty. The same `id` (or Idempotency-Key) again changes nothing.

    An enrolled phone may do this also when its session has ended: nobody types a PIN in need.
    """
    told = incidents.Report(
        id=_id(body, once),
        kind=IncidentKind.SOS,
        checkpoint=body.checkpoint,
        position=_position(body),
        device_ns=_device_ns(body),
    )
    return _report(house, told, person, request.state.phone)


@router.post("/incidents", operation_id="reportIncident")
def report(request: Request, body: IncidentBody, person: Caller, house: TheHouse, once: CallerOnce) -> IncidentDetail:
    """Keep an incident and tell the supervisors on duty; the same `id` (or Idempotency-Key) again changes nothing."""
    told = incidents.Report(
        id=_id(body, once),
        kind=IncidentKind(body.kind),
        priority=None if body.priority is None else Priority(body.priority),
        checkpoint=body.checkpoint,
        space=body.space,
        place=body.place,
        position=_position(body),
        asset=body.asset,
        description=body.description,
        people=body.people,
        measures=body.measures,
        photos=tuple(body.photos),
        device_ns=_device_ns(body),
        open_order=body.work_order,
    )
    return _report(house, told, person, request.state.phone)


@router.get("/incidents", operation_id="listIncidents")
def list_incidents(
    person: Watcher,
    house: TheHouse,
    state: Annotated[list[IncidentState] | None, Query(description="repeat for several")] = None,
    kind: Annotated[list[IncidentKind] | None, Query(description="repeat for several")] = None,
    reporter: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    before_ms: Annotated[int | None, Query(ge=0, le=253_402_300_799_000)] = None,
) -> IncidentList:
    """Newest first."""
    before_ns = ns(before_ms)
    with house.transactions.begin(write=False) as unit:
        views = IncidentViews(house, unit, person)
        found = unit.incidents.list(
            views.site, states=state, kinds=kind, reporter=reporter, limit=limit, before_ns=before_ns
        )
        counts = Counter(str(one.state) for one in unit.incidents.list(views.site, limit=1000))
        return IncidentList(items=[views.glance(one) for one in found], counts=dict(counts))


@router.get("/incidents/{incident}", operation_id="getIncident")
def get_incident(request: Request, incident: str, person: Caller, house: TheHouse) -> IncidentDetail:
    """One incident with its timeline; who is involved only for those who handle it and for who wrote it. A phone whose
    session has ended hears of its own incidents alone."""
    with house.transactions.begin(write=False) as unit:
        found = incidents.own(unit, house.estate, incident)
        if request.state.by_phone and found.reporter != person.id:
            raise SignInNeeded("")
        return IncidentViews(house, unit, person).detail(found)


@router.post("/incidents/{incident}/take", operation_id="takeIncident")
def take(incident: str, body: TakeBody, person: Taker, house: TheHouse) -> IncidentDetail:
    """ "I am on it": nobody else is called any more. 409 `taken` when somebody else was faster; the same person again
    changes nothing."""
    now_ns = house.clock.now_ns()
    return _shape(house, incidents.take(house.transactions, house.estate, incident, person, body.from_, now_ns), person)


@router.post("/incidents/{incident}/measures", operation_id="addMeasure")
def add_measure(incident: str, body: MeasureBody, person: Watcher, house: TheHouse, once: Repeatable) -> IncidentDetail:
    """Write down what was done."""
    now_ns = house.clock.now_ns()
    done = incidents.add_measure(
        house.transactions, house.estate, incident, body.text, body.photos, person, now_ns, once
    )
    return _shape(house, done, person)


@router.post("/incidents/{incident}/close", operation_id="closeIncident")
def close(incident: str, body: CloseBody, person: Closer, house: TheHouse) -> IncidentDetail:
    """It is over. Only what somebody has taken can be closed."""
    now_ns = house.clock.now_ns()
    done = incidents.close(house.transactions, house.estate, incident, body.reason, person, now_ns)
    return _shape(house, done, person)


def _id(body: SosBody, once: Once | None) -> str:
    """The phone's own, else one that follows from the key of the request."""
    if body.id is not None:
        return body.id
    return str(uuid4() if once is None else uuid5(NAMESPACE_OID, once.key))


def _device_ns(body: SosBody) -> int | None:
    """None also for a clock so wrong that no database keeps it: a call for help is not lost for that."""
    at_ns = None if body.device_ms is None else body.device_ms * MS
    return None if at_ns is not None and at_ns > MOST_NS else at_ns


def _position(body: SosBody) -> Position | None:
    where = body.position
    return None if where is None else Position(where.lat, where.lon, where.accuracy_m)


def _report(house: House, told: incidents.Report, person: Person, phone: str | None) -> IncidentDetail:
    now_ns = house.clock.now_ns()
    kept = incidents.report(house.transactions, house.estate, told, person, phone or "", now_ns)
    return _shape(house, kept, person)


def _shape(house: House, incident: Incident, person: Person) -> IncidentDetail:
    with house.transactions.begin(write=False) as unit:
        return IncidentViews(house, unit, person).detail(incident)
