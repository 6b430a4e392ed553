"""Enrolling phones by a one-time code, listing and withdrawing them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api import qr
from api.auth import Throttle, Watcher, needs, same_origin, set_phone, set_session
from api.doors import reach
from api.endpoints.people import people_here, person_here
from api.endpoints.session import address_of, person_shape
from api.errors import Problem
from api.house import House, TheHouse
from api.schemas.common import ms
from api.schemas.people import EnrolledShape, Enrolment, InstallShape, NewPhone, Phones, PhoneShape
from caretaker.domain.errors import NotAllowed, NotFound
from caretaker.domain.people import Person, Right
from caretaker.domain.phones import Phone
from caretaker.services import people, phones

router = APIRouter(tags=["phones"])
Dispatcher = Annotated[Person, Depends(needs(Right.DISPATCH))]


@router.post("/people/{person}/enrolment", operation_id="createEnrolment", status_code=201)
def create_enrolment(person: str, actor: Dispatcher, house: TheHouse, request: Request) -> Enrolment:
    """A code that enrols one phone for this person within 15 minutes; an earlier code of the person ends."""
    known = person_here(house, person)
    now_ns = house.clock.now_ns()
    code = phones.create_enrolment(house.transactions, actor, known.id, now_ns)
    way = reach(request, house.doors)
    url = f"{way.base}/m/enrol#code={code}"
    return Enrolment(
        code=code,
        url=url,
        svg=qr.svg(url),
        expires_ms=(now_ns + people.LINK_LIFE) // 1_000_000,
        secure=way.secure,
        reachable=way.reachable,
        install=None if way.install is None else _install(way.install, house),
    )


@router.post("/phones", operation_id="enrolPhone", status_code=201, dependencies=[Depends(same_origin)])
def enrol(body: NewPhone, request: Request, response: Response, house: TheHouse) -> EnrolledShape:
    """Enrol the phone that holds the code and sign its person in. The same code with the same key may be sent again."""
    throttle: Throttle = request.app.state.throttle
    address = address_of(request)
    throttle.take(address, house.clock.now_ns())
    try:
        done = phones.enrol(
            house.transactions, body.code, body.public_key, body.label, body.pin, house.clock.now_ns(), address
        )
    except NotAllowed as wrong:
        raise Problem(401, "sign_in_code", wrong.message) from wrong
    throttle.give_back(address)
    set_session(request, response, done.session)
    set_phone(request, response, done.secret)
    return EnrolledShape(phone=_shape(done.phone, done.person.name), person=person_shape(done.person))


@router.get("/phones", operation_id="listPhones")
def list_phones(person: Watcher, house: TheHouse) -> Phones:
    """The own phones; for those who dispatch work, everybody's."""
    names = {known.id: known.name for known in people_here(house)}
    with house.transactions.begin(write=False) as unit:
        found = unit.phones.list(None if person.may(Right.DISPATCH) else person.id)
    return Phones(items=[_shape(phone, names[phone.person]) for phone in found if phone.person in names])


@router.delete("/phones/{phone}", operation_id="withdrawPhone")
def withdraw(phone: str, person: Watcher, house: TheHouse) -> PhoneShape:
    """End a phone and its sessions at once: the own one, or one of somebody below. Twice changes nothing."""
    owner = _owner(house, phone)
    return _shape(phones.withdraw(house.transactions, person, phone, house.clock.now_ns()), owner.name)


def _install(url: str, house: House) -> InstallShape:
    known = None if house.doors is None else house.doors.known()
    return InstallShape(url=url, svg=qr.svg(url), fingerprint="" if known is None else known.fingerprint or "")


def _owner(house: House, phone_id: str) -> Person:
    with house.transactions.begin(write=False) as unit:
        phone = unit.phones.get(phone_id)
    try:
        return person_here(house, phone.person)
    except NotFound as wrong:
        raise NotFound(f"there is no phone {phone_id}", phone=phone_id) from wrong


def _shape(phone: Phone, name: str) -> PhoneShape:
    return PhoneShape(
        id=phone.id,
        person=phone.person,
        person_name=name,
        label=phone.label,
        signed=phone.public_key is not None,
        enrolled_ms=phone.enrolled_ns // 1_000_000,
        seen_ms=ms(phone.seen_ns),
        wrong_pins=phone.wrong_pins,
        withdrawn_ms=ms(phone.withdrawn_ns),
        withdrawn_by=phone.withdrawn_by,
    )
