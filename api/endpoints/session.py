"""Sign in, who am I, sign out."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.auth import (
    Anybody,
    FromPhone,
    Throttle,
    drop_session,
    phone_secret_of,
    same_origin,
    session_of,
    set_phone,
    set_session,
)
from api.errors import Problem
from api.house import House, TheHouse
from api.schemas.common import Words
from api.schemas.estate import SiteShape
from api.schemas.people import PersonShape
from api.schemas.service import Session, SignIn
from caretaker.domain.errors import NotAllowed, NotFound
from caretaker.domain.people import RIGHTS, Person
from caretaker.services import people, sign_in

router = APIRouter(tags=["session"])
_REFUSED = {"code": "sign_in_code", "token": "sign_in_code", "password": "sign_in_password", "pin": "sign_in_pin"}


def person_shape(person: Person) -> PersonShape:
    """The signed-in person with all rights."""
    rights = sorted(str(right) for right in RIGHTS[person.role])
    return PersonShape(
        id=person.id, name=person.name, role=person.role, rights=rights, team=person.team, sites=list(person.sites)
    )


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else "?"


def _session(house: House, person: Person, phone: str | None) -> Session:
    site = house.estate.site
    shape = SiteShape(id=site.id, title=Words.needed(site.title), zone=site.zone)
    return Session(person=person_shape(person), phone=phone, site=shape, demo=house.demo, version=house.version)


@router.post("/session", operation_id="signIn")
def open_session(body: SignIn, request: Request, response: Response, house: TheHouse) -> Session:
    """Swap a one-time code, an API token, a password or an enrolled phone's PIN for a session cookie. Wrong codes: five
    at once, then one in 12 s. Wrong passwords: five a minute for a person from one address, kept over a restart. Wrong
    PINs: after the fifth the phone must be enrolled again."""
    same_origin(request)
    way = body.way()
    if way is None:
        raise Problem(422, "refused", "give either code, or token, or person and password, or phone and pin")
    throttle: Throttle = request.app.state.throttle
    address = address_of(request)
    if way in ("code", "token"):
        throttle.take(address, house.clock.now_ns())
    try:
        secret, person = _try(body, way, request, house)
    except NotAllowed as wrong:
        code = str(wrong.facts.get("code", _REFUSED[way]))
        facts = {name: fact for name, fact in wrong.facts.items() if name != "code"}
        raise Problem(401, code, wrong.message, **facts) from wrong
    if way in ("code", "token"):
        throttle.give_back(address)
    if not person.at(house.estate.site.id):
        people.sign_out(house.transactions, secret)
        raise NotFound("there is nothing here for you", site=house.estate.site.id)
    earlier = session_of(request)
    if earlier:
        people.sign_out(house.transactions, earlier)
    set_session(request, response, secret)
    if way == "pin":
        set_phone(request, response, phone_secret_of(request))
    return _session(house, person, body.phone if way == "pin" else None)


def _try(body: SignIn, way: str, request: Request, house: House) -> tuple[str, Person]:
    now_ns, address = house.clock.now_ns(), address_of(request)
    match way:
        case "code":
            return people.sign_in(house.transactions, body.code or "", now_ns, address)
        case "token":
            return people.sign_in_with_token(house.transactions, body.token or "", now_ns, address)
        case "password":
            return sign_in.sign_in_with_password(
                house.transactions, body.person or "", body.password or "", address, now_ns
            )
        case _:
            secret = phone_secret_of(request)
            return sign_in.sign_in_with_pin(
                house.transactions, body.phone or "", body.pin or "", secret, address, now_ns
            )


@router.get("/session", operation_id="whoAmI")
def who_am_i(person: Anybody, phone: FromPhone, house: TheHouse) -> Session:
    """The signed-in person and the site."""
    return _session(house, person, phone)


@router.delete("/session", operation_id="signOut", status_code=204)
def sign_out(request: Request, response: Response, _person: Anybody, house: TheHouse) -> None:
    """End this session at once."""
    secret = session_of(request)
    if secret:
        people.sign_out(house.transactions, secret)
    drop_session(request, response)
