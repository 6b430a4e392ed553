"""Work requests for those who do the work: list, look, refuse."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.auth import Repeatable, Watcher, needs
from api.house import House, TheHouse
from api.schemas.common import Words, ms, ns
from api.schemas.door import ContactShape, RefuseBody, WorkRequestList, WorkRequestShape
from api.views_rounds import RoundViews
from caretaker.domain.errors import NotFound
from caretaker.domain.people import Person, Right
from caretaker.domain.work_requests import CONTACT_KEPT_NS, Progress, WorkRequest, fault_title, progress
from caretaker.services import work_requests

router = APIRouter(tags=["work orders"])
Dispatcher = Annotated[Person, Depends(needs(Right.DISPATCH))]


@router.get("/work-requests", operation_id="listWorkRequests")
def list_requests(
    person: Watcher,
    house: TheHouse,
    work_order: str | None = None,
    refused: bool | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    before_ms: Annotated[int | None, Query(ge=0, le=253_402_300_799_000)] = None,
) -> WorkRequestList:
    """What people reported from stickers, newest first."""
    before_ns = ns(before_ms)
    with house.transactions.begin(write=False) as unit:
        views = RoundViews(house, unit)
        found = unit.work_requests.list(
            views.site, work_order=work_order, refused=refused, limit=limit, before_ns=before_ns
        )
        return WorkRequestList(items=[_shape(views, request, person) for request in found])


@router.get("/work-requests/{request}", operation_id="getWorkRequest")
def get_request(request: str, person: Watcher, house: TheHouse) -> WorkRequestShape:
    """One report."""
    return _one(house, request, person)


@router.post("/work-requests/{request}/refuse", operation_id="refuseWorkRequest")
def refuse(request: str, body: RefuseBody, person: Dispatcher, house: TheHouse, once: Repeatable) -> WorkRequestShape:
    """Say no, with a reason that the reporter reads; audited. An order that only refused reports stand behind is
    cancelled, unless somebody is at work on it."""
    _one(house, request, person)
    work_requests.refuse(house.transactions, request, body.reason, person, house.clock.now_ns(), once)
    return _one(house, request, person)


def _one(house: House, request: str, person: Person) -> WorkRequestShape:
    with house.transactions.begin(write=False) as unit:
        views = RoundViews(house, unit)
        found = unit.work_requests.get(request)
        if found.site != views.site:
            raise NotFound(f"there is no work request {request}", work_request=request)
        return _shape(views, found, person)


def _shape(views: RoundViews, request: WorkRequest, person: Person) -> WorkRequestShape:
    estate = views.house.estate
    asset = estate.assets.get(request.asset) if request.asset else None
    kind = work_requests.kind_at(estate, request.asset)
    fresh = request.received_ns >= views.views.now_ns - CONTACT_KEPT_NS
    contact = request.contact if fresh and (person.may(Right.WORK) or person.may(Right.DISPATCH)) else None
    state = Progress.REFUSED
    if request.refused_ns is None and request.work_order is not None:
        state = progress(views.unit.work_orders.get(request.work_order).state)
    return WorkRequestShape(
        id=request.id,
        checkpoint=request.checkpoint,
        title=views.title(request.checkpoint),
        space_title=views.space_title(request.space),
        asset=request.asset,
        asset_title=None if asset is None else Words.needed(asset.title),
        fault=request.fault,
        fault_title=Words.needed(fault_title(kind, request.fault)),
        description=request.description,
        priority=request.priority,
        received_ms=request.received_ns // 1_000_000,
        photo=None if request.photo_ns is None else request.photo,
        contact=None if contact is None else ContactShape(name=contact.name, phone=contact.phone),
        work_order=request.work_order,
        progress=state,
        refused_ms=ms(request.refused_ns),
        refused_by=None if request.refused_by is None else views.name(request.refused_by),
        refused_reason=request.refused_reason,
    )
