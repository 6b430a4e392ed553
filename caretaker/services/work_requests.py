"""Work requests: received from a sticker, refused by a supervisor. The work itself is the work-order desk's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from caretaker.domain.assets import Estate
from caretaker.domain.equipment import EquipmentKind, Text
from caretaker.domain.errors import Conflict, NotAllowed, NotFound, Refused
from caretaker.domain.people import Person, Right
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.work_orders import FINISHED, OrderAction, WorkOrder, allowed
from caretaker.domain.work_requests import CONTACT_KEPT_NS, WorkRequest, choices, fault_title
from caretaker.ports import Once, Transactions, UnitOfWork
from caretaker.ports.photos import Photo, PhotoFiles
from caretaker.services.desk import PUBLIC, open_for_request
from caretaker.services.findings import priority_of
from caretaker.services.work_orders import Deed, step

NOBODY = "?"
"""The actor of the audit trail for somebody unknown."""


@dataclass(frozen=True, slots=True)
class Received:
    """A report and the order it opened or joined. `repeated`: it was there already, nothing was done."""

    request: WorkRequest
    order: WorkOrder
    repeated: bool


def kind_at(estate: Estate, asset: str | None) -> EquipmentKind | None:
    """What sort of machine a place marks, None for a plain place."""
    return estate.kind_of(asset) if asset is not None and asset in estate.assets else None


def known(unit: UnitOfWork, asked: WorkRequest) -> Received | None:
    """The report that is already there under this id. Raises Refused when it says something else: a new report needs a
    new key."""
    try:
        kept = unit.work_requests.get(asked.id)
    except NotFound:
        return None
    if kept.work_order is None or _said(kept) != _said(asked):
        raise Refused("this key was used for another report; take a new one", field="key")
    return Received(kept, unit.work_orders.get(kept.work_order), repeated=True)


def _said(request: WorkRequest) -> Sequence[str | None]:
    """What a repeat must say again; the contact may have been forgotten meanwhile."""
    return (request.checkpoint, request.fault, request.description, request.photo)


def receive(
    transactions: Transactions, estate: Estate, request: WorkRequest, place: Checkpoint, now_ns: int
) -> Received:
    """Keep a report and open its order, or join the unfinished one of the same fault; the same id again does nothing.

    Raises Refused for a fault that is not offered here, or nothing said.
    """
    if not request.description:
        raise Refused("say what is wrong", field="description")
    kind = kind_at(estate, request.asset)
    if request.fault not in choices(kind):
        raise Refused(f"{request.fault} cannot be reported here", field="fault")
    request = replace(request, priority=priority_of(estate, request.asset, request.fault), received_ns=now_ns)
    with transactions.begin() as unit:
        if not unit.work_requests.add(request):
            again = known(unit, request)
            if again is None:
                raise Conflict("the report was taken back meanwhile; send it again")
            return again
        order, opened = open_for_request(unit, request, title_of(estate, request, place), now_ns)
        unit.work_requests.join(request.id, order.id, joined=not opened)
        facts = request_facts(request) | {"work_order": order.id}
        unit.audit.append(now_ns, NOBODY, "work_request.received", request.id, site=request.site, after=facts)
        unit.outbox.add(f"work_request.received:{request.id}", "work_request.received", now_ns, facts)
        return Received(replace(request, work_order=order.id, joined=not opened), order, repeated=False)


def title_of(estate: Estate, request: WorkRequest, place: Checkpoint) -> Text:
    """What the order is called: the thing or the place, then what is wrong with it."""
    asset = estate.assets.get(request.asset) if request.asset else None
    what = asset.title if asset is not None else place.title
    wrong = fault_title(kind_at(estate, request.asset), request.fault)
    return Text(f"{what.zh} {wrong.zh}", f"{what.en}: {wrong.en}")


def take_photo(
    transactions: Transactions, files: PhotoFiles, request_id: str, sha256: str, data: bytes, now_ns: int
) -> WorkRequest:
    """Keep the photo that a report announced; the same again changes nothing. Raises NotFound, Refused, Unavailable.

    Only an announced photo is taken, so that nobody fills the disk without reports, and those are limited.
    """
    with transactions.begin(write=False) as unit:
        request = unit.work_requests.get(request_id)
    if request.photo is None or request.photo != sha256:
        raise Refused("the report announced no such photo", field="sha256")
    if request.photo_ns is not None:
        return request
    taken_ns = files.write(sha256, data)
    with transactions.begin() as unit:
        if unit.work_requests.picture(request.id, now_ns):
            unit.photos.keep(Photo(sha256, request.site, PUBLIC, now_ns, taken_ns, len(data)))
            if request.work_order is not None:
                facts: dict[str, object] = {"request": request.id, "photos": [sha256]}
                unit.work_orders.note(request.work_order, now_ns, PUBLIC, "photo", None, facts)
        return unit.work_requests.get(request.id)


def forget_contacts(transactions: Transactions, now_ns: int) -> int:
    """Forget the names and numbers whose time is over; how many there were."""
    with transactions.begin() as unit:
        return unit.work_requests.forget_contacts(now_ns - CONTACT_KEPT_NS)


def refuse(
    transactions: Transactions, request_id: str, reason: str, person: Person, now_ns: int, once: Once | None = None
) -> WorkRequest:
    """A supervisor says no, with a reason that the reporter reads. An order that only refused reports stand behind is
    cancelled with it, unless somebody is at work on it.

    Raises NotFound, NotAllowed, Refused (no reason), Conflict (refused already, or the work is done).
    """
    if not person.may(Right.DISPATCH):
        raise NotAllowed(f"{person.name} ({person.role}) may not refuse a work request", right=Right.DISPATCH)
    if not reason.strip():
        raise Refused("to refuse a report, give the reason; the reporter reads it", field="reason")
    with transactions.begin() as unit:
        request = unit.work_requests.get(request_id)
        if once is not None and not unit.repeats.claim(once, now_ns):
            return request
        order = None if request.work_order is None else unit.work_orders.get(request.work_order)
        if order is not None and order.state in FINISHED:
            raise Conflict(f"{order.id} is {order.state}: there is nothing left to refuse", state=order.state)
        if not unit.work_requests.refuse(request.id, now_ns, person.id, reason.strip()):
            raise Conflict("this report was refused already", code="conflict")
        if order is not None:
            facts: dict[str, object] = {"request": request.id}
            unit.work_orders.note(order.id, now_ns, person.name, "request_refused", reason.strip(), facts)
            if OrderAction.CANCEL in allowed(order.state) and _stands_on_refused(unit, order):
                step(unit, order, Deed(OrderAction.CANCEL, reason=reason.strip()), person, now_ns)
        after: dict[str, object] = {"reason": reason.strip(), "work_order": request.work_order}
        unit.audit.append(
            now_ns, person.id, "work_request.refused", request.id, site=request.site, before={}, after=after
        )
        told = request_facts(request) | {"work_order": request.work_order, "by": person.name}
        unit.outbox.add(f"work_request.refused:{request.id}", "work_request.refused", now_ns, told)
        return unit.work_requests.get(request.id)


def _stands_on_refused(unit: UnitOfWork, order: WorkOrder) -> bool:
    """Is everything that opened or joined this order a report that was refused?"""
    causes = [entry.facts for entry in unit.work_orders.history(order.id) if entry.action in ("opened", "joined")]
    standing = {item.id for item in unit.work_requests.list(order.site, work_order=order.id, refused=False, limit=1000)}
    return all("request" in facts and facts["request"] not in standing for facts in causes)


def request_facts(request: WorkRequest) -> dict[str, object]:
    """What trail and notices say of a report: no words of the reporter's, no name, no number."""
    return {
        "request": request.id,
        "site": request.site,
        "checkpoint": request.checkpoint,
        "asset": request.asset,
        "fault": request.fault,
        "priority": str(request.priority),
    }
