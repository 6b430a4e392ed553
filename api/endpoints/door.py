"""The public door: what a sticker says to anybody, and reports from it, without signing in.

Everything here is open, so it tells little: titles, what is being repaired and until when. No name, no reading, no alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request
from starlette.concurrency import run_in_threadpool

from api.auth import same_origin
from api.endpoints.photos import Sha, files_of
from api.endpoints.session import address_of
from api.house import House, TheHouse
from api.limits import PublicLimits, sender
from api.schemas.common import Words, ms
from api.schemas.door import CodeState, FaultShape, RepairShape, ReportBody, ReportShape, StickerShape
from caretaker.domain.equipment import EquipmentKind, Priority
from caretaker.domain.errors import NotFound, Unavailable
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.scans import Reason
from caretaker.domain.work_orders import UNFINISHED, WorkOrder
from caretaker.domain.work_requests import (
    Contact,
    Progress,
    WorkRequest,
    choices,
    fault_title,
    id_of,
    progress,
    public_title,
    stands_for,
)
from caretaker.ports import UnitOfWork
from caretaker.services import stickers, work_requests

router = APIRouter(tags=["door"])
_CODE: Final[dict[Reason, CodeState]] = {Reason.WITHDRAWN_CODE: "withdrawn", Reason.EXPIRED_KEY: "expired"}
_MOST_SHOWN: Final = 20
Token = Annotated[str, Path(max_length=200, description="what the sticker's address says after /s/")]
ReportKey = Annotated[
    str,
    Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="the key that the report was sent with"),
]


def _counted(request: Request, house: TheHouse) -> None:
    """A look counts, also one with a wrong code."""
    limits: PublicLimits = request.app.state.limits
    limits.looks.take(sender(address_of(request)), house.clock.now_ns())


Counted = Depends(_counted)
OwnPage = Depends(same_origin)


@router.get("/stickers/{token}", operation_id="readSticker", dependencies=[Counted])
def read_sticker(token: Token, house: TheHouse) -> StickerShape:
    """The place a sticker hangs at, what is being repaired there, and what may be reported."""
    with house.transactions.begin(write=False) as unit:
        place, doubt = _place(unit, house, token)
        estate = house.estate
        kind = work_requests.kind_at(estate, place.asset)
        asset = estate.assets.get(place.asset) if place.asset else None
        subject = stands_for(place.asset, place.space)
        orders = unit.work_orders.list(states=sorted(UNFINISHED), asset=subject, limit=_MOST_SHOWN)
        return StickerShape(
            site=Words.needed(estate.site.title),
            zone=estate.site.zone,
            title=Words.needed(place.title),
            way=_way(house, place.space),
            asset=None if asset is None else Words.needed(asset.title),
            code="valid" if doubt is None else _CODE.get(doubt, "valid"),
            standing=_standing(kind, orders),
            faults=[FaultShape(id=fault, title=Words.needed(title)) for fault, title in choices(kind).items()],
        )


@router.post("/stickers/{token}/work-requests", operation_id="report", status_code=201, dependencies=[Counted, OwnPage])
def report(token: Token, body: ReportBody, request: Request, house: TheHouse) -> ReportShape:
    """Report a fault at the place of this sticker: one work order is opened, or the unfinished one of the same fault is
    joined. The same `key` again changes nothing. Six at once from an address, then one a minute; twenty at once at a
    place, then one in 30 s; 429 says how long to wait."""
    now_ns = house.clock.now_ns()
    site = house.estate.site.id
    with house.transactions.begin(write=False) as unit:
        place, _ = _place(unit, house, token)
        asked = WorkRequest(
            id=id_of(site, body.key),
            site=site,
            checkpoint=place.id,
            space=place.space,
            asset=place.asset,
            fault=body.fault,
            description=body.description.strip(),
            priority=Priority.MEDIUM,
            received_ns=now_ns,
            photo=body.photo,
            contact=_contact(body),
        )
        done = work_requests.known(unit, asked)
    if done is None:
        limits: PublicLimits = request.app.state.limits
        limits.report(sender(address_of(request)), place.id, now_ns)
        done = work_requests.receive(house.transactions, house.estate, asked, place, now_ns)
    return _report(house, done.request, done.order)


@router.get("/stickers/{token}/work-requests/{key}", operation_id="readReport", dependencies=[Counted])
def read_report(token: Token, key: ReportKey, house: TheHouse) -> ReportShape:
    """What became of a report, for who holds its key."""
    with house.transactions.begin(write=False) as unit:
        kept = _request(unit, house, token, key)
        return _report(house, kept, unit.work_orders.get(kept.work_order or ""))


@router.put(
    "/stickers/{token}/work-requests/{key}/photo/{sha256}",
    operation_id="putReportPhoto",
    dependencies=[Counted, OwnPage],
)
async def put_photo(token: Token, key: ReportKey, sha256: Sha, request: Request, house: TheHouse) -> ReportShape:
    """The picture that a report announced (JPEG, PNG or WebP, at most 3 MB). The same again changes nothing."""

    def look() -> WorkRequest:
        with house.transactions.begin(write=False) as unit:
            return _request(unit, house, token, key)

    kept = await run_in_threadpool(look)  # before the body is read: nobody sends 3 MB for nothing
    data = await request.body()
    limits: PublicLimits = request.app.state.limits
    async with limits.decoding:
        return await run_in_threadpool(_keep_photo, house, kept, sha256, data)


def _keep_photo(house: House, kept: WorkRequest, sha256: str, data: bytes) -> ReportShape:
    now_ns = house.clock.now_ns()
    done = work_requests.take_photo(house.transactions, files_of(house), kept.id, sha256, data, now_ns)
    with house.transactions.begin(write=False) as unit:
        return _report(house, done, unit.work_orders.get(done.work_order or ""))


def _standing(kind: EquipmentKind | None, orders: Sequence[WorkOrder]) -> list[RepairShape]:
    """What strangers see of the orders; those that look the same to them are one."""
    found: dict[tuple[str, Progress], RepairShape] = {}
    for order in sorted(orders, key=lambda order: (order.due_ns is None, order.due_ns)):
        title = public_title(kind, order.fault)
        shown = RepairShape(title=Words.needed(title), progress=progress(order.state), due_ms=ms(order.due_ns))
        found.setdefault((title.en, shown.progress), shown)
    return list(found.values())


def _place(unit: UnitOfWork, house: House, token: str) -> tuple[Checkpoint, Reason | None]:
    if house.keys is None:
        raise Unavailable(
            "this process holds no signing keys; stickers are read by the house that `caretaker up` starts"
        )
    site = house.estate.site.id
    return stickers.place_of(unit, site, house.keys.keys(site), token, house.clock.now_ns())


def _request(unit: UnitOfWork, house: House, token: str, key: str) -> WorkRequest:
    place, _ = _place(unit, house, token)
    kept = unit.work_requests.get(id_of(house.estate.site.id, key))
    if kept.checkpoint != place.id:
        raise NotFound("no such report was sent from this sticker")
    return kept


def _contact(body: ReportBody) -> Contact | None:
    name, phone = body.name.strip(), body.phone.strip()
    return Contact(name, phone) if name or phone else None


def _way(house: House, space: str) -> list[Words]:
    """From the building to the room."""
    found: list[Words] = []
    here = house.estate.spaces.get(space)
    while here is not None and len(found) < 8:
        found.insert(0, Words.needed(here.title))
        here = house.estate.spaces.get(here.parent) if here.parent else None
    return found


def _report(house: House, kept: WorkRequest, order: WorkOrder) -> ReportShape:
    refused = kept.refused_ns is not None
    kind = work_requests.kind_at(house.estate, kept.asset)
    return ReportShape(
        number=order.id,
        fault_title=Words.needed(fault_title(kind, kept.fault)),
        progress=Progress.REFUSED if refused else progress(order.state),
        received_ms=kept.received_ns // 1_000_000,
        due_ms=None if refused or order.state not in UNFINISHED else ms(order.due_ns),
        joined=kept.joined,
        photo="none" if kept.photo is None else "awaited" if kept.photo_ns is None else "kept",
        refused_reason=kept.refused_reason,
    )
