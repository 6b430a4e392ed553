"""Sign in, who am I, sign out; the people."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.auth import Anybody, Throttle, Watcher, drop_session, same_origin, session_of, set_session
from api.errors import Problem
from api.house import House, TheHouse
from api.schemas.common import Words
from api.schemas.estate import SiteShape
from api.schemas.service import People, PersonShape, Session, SignIn
from caretaker.domain.errors import NotAllowed
from caretaker.domain.people import RIGHTS, Person, Role
from caretaker.services import people

router = APIRouter(tags=["session"])


def _person(person: Person) -> PersonShape:
    rights = sorted(str(right) for right in RIGHTS[person.role])
    return PersonShape(id=person.id, name=person.name, role=person.role, rights=rights)


def _session(house: House, person: Person) -> Session:
    site = house.estate.site
    shape = SiteShape(id=site.id, title=Words.needed(site.title), zone=site.zone)
    return Session(person=_person(person), site=shape, demo=house.demo, version=house.version)


@router.post("/session", operation_id="signIn")
def sign_in(body: SignIn, request: Request, response: Response, house: TheHouse) -> Session:
    """Swap a one-time code (or an API token) for a session cookie. Five wrong tries at once, then one in 12 s."""
    same_origin(request)
    if (body.code is None) == (body.token is None):
        raise Problem(422, "refused", "give either code or token", field="code")
    now_ns = house.clock.now_ns()
    throttle: Throttle = request.app.state.throttle
    address = request.client.host if request.client else "?"
    throttle.take(address, now_ns)
    try:
        if body.code is not None:
            secret, person = people.sign_in(house.transactions, body.code, now_ns)
        else:
            secret, person = people.sign_in_with_token(house.transactions, body.token or "", now_ns)
    except NotAllowed as wrong:
        raise Problem(401, "sign_in_code", wrong.message) from wrong
    throttle.give_back(address)
    set_session(request, response, secret)
    return _session(house, person)


@router.get("/session", operation_id="whoAmI")
def who_am_i(person: Anybody, house: TheHouse) -> Session:
    """The signed-in person and the site."""
    return _session(house, person)


@router.delete("/session", operation_id="signOut", status_code=204)
def sign_out(request: Request, response: Response, _person: Anybody, house: TheHouse) -> None:
    """End this session at once."""
    secret = session_of(request)
    if secret:
        people.sign_out(house.transactions, secret)
    drop_session(request, response)


@router.get("/people", operation_id="listPeople")
def list_people(_person: Watcher, house: TheHouse) -> People:
    """Everybody work can be given to."""
    with house.transactions.begin(write=False) as unit:
        return People(
            items=[
                PersonShape(id=p.id, name=p.name, role=p.role)
                for p in unit.people.persons()
                if p.role is not Role.DEVICE
            ]
        )
