"""People, teams, shifts."""

from __future__ import annotations

import hashlib
from datetime import time
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api.auth import Repeatable, Watcher, needs, set_session
from api.endpoints.session import address_of
from api.house import House, TheHouse
from api.schemas.common import Words, ms
from api.schemas.people import (
    DutyShape,
    NewPerson,
    NewShift,
    NewTeam,
    People,
    PersonChange,
    PersonShape,
    Shifts,
    ShiftShape,
    Teams,
    TeamShape,
)
from caretaker.domain.equipment import Text
from caretaker.domain.errors import NotFound, Refused
from caretaker.domain.people import Duty, Person, Right, Role, Shift, Team, on_duty
from caretaker.ports import Once
from caretaker.services import people, sign_in, staff

router = APIRouter(tags=["people"])
Administrator = Annotated[Person, Depends(needs(Right.ADMINISTER))]
Planner = Annotated[Person, Depends(needs(Right.PLAN))]


def person_here(house: House, person_id: str) -> Person:
    """A person of this site. Raises NotFound, also for people of other sites."""
    with house.transactions.begin(write=False) as unit:
        person = unit.people.get(person_id)
    if not person.at(house.estate.site.id) or person.role is Role.DEVICE:
        raise NotFound(f"there is no person {person_id}", person=person_id)
    return person


def people_here(house: House) -> list[Person]:
    """Everybody of this site, machines and tokens left out."""
    with house.transactions.begin(write=False) as unit:
        found = unit.people.persons()
    return [person for person in found if not person.id.startswith(people.TOKEN) and person.at(house.estate.site.id)]


def _made(given: str | None, once: Once | None) -> str:
    if given is not None:
        return given
    return staff.new_id() if once is None else f"p-{hashlib.sha256(once.key.encode()).hexdigest()[:12]}"


@router.get("/people", operation_id="listPeople")
def list_people(
    _person: Watcher,
    house: TheHouse,
    inactive: Annotated[bool, Query(description="deactivated people too")] = False,
) -> People:
    """Everybody work can be given to."""
    with house.transactions.begin(write=False) as unit:
        passwords, pins = unit.passwords.holders("password"), unit.passwords.holders("pin")
    return People(
        items=[
            _shape(person, person.id in passwords, person.id in pins)
            for person in people_here(house)
            if person.active or inactive
        ]
    )


def _shape(person: Person, password: bool, pin: bool) -> PersonShape:
    return PersonShape(
        id=person.id,
        name=person.name,
        role=person.role,
        team=person.team,
        sites=list(person.sites),
        active=person.active,
        has_password=password,
        has_pin=pin,
    )


@router.post("/people", operation_id="addPerson", status_code=201)
def add_person(body: NewPerson, actor: Administrator, house: TheHouse, once: Repeatable) -> PersonShape:
    """Add somebody. The same id with the same content again changes nothing; an id that is taken is a 409."""
    sites = (house.estate.site.id,) if body.sites is None else tuple(body.sites)
    person = Person(_made(body.id, once), body.name.strip(), Role(body.role), body.team or None, sites)
    done, _new = staff.add_person(house.transactions, actor.id, person, house.clock.now_ns(), password=body.password)
    return _shape(done, body.password is not None, pin=False)


@router.patch("/people/{person}", operation_id="changePerson")
def change_person(
    person: str, body: PersonChange, actor: Watcher, house: TheHouse, request: Request, response: Response
) -> PersonShape:
    """Change somebody. Administrators change everything; everybody the own password and PIN; who dispatches work may
    set the PIN of people below. A new password, PIN or role and deactivation end that person's sessions at once."""
    old = person_here(house, person)
    now_ns = house.clock.now_ns()
    if old.id == actor.id and body.password is not None:
        _prove(house, actor, body.current_password, address_of(request), now_ns)
    given = body.model_dump(exclude={"current_password", "role", "sites"})
    change = staff.Change(
        **given,
        role=None if body.role is None else Role(body.role),
        sites=None if body.sites is None else tuple(body.sites),
    )
    done = staff.change_person(house.transactions, actor, old.id, change, now_ns)
    with house.transactions.begin() as unit:
        if done.id == actor.id and done.active and (body.password is not None or body.pin is not None):
            # the change has ended all sessions; the one who made it goes on with a new one
            set_session(request, response, people.open_session(unit, done, now_ns, "change", phone=request.state.phone))
        has = [unit.passwords.get(done.id, purpose) is not None for purpose in ("password", "pin")]
    return _shape(done, *has)


def _prove(house: House, actor: Person, current: str | None, address: str, now_ns: int) -> None:
    with house.transactions.begin(write=False) as unit:
        if unit.passwords.get(actor.id, "password") is None:
            return
    if current is None:
        raise Refused("give the present password as current_password", field="current_password")
    sign_in.confirm_password(house.transactions, actor, current, address, now_ns)


@router.get("/teams", operation_id="listTeams")
def list_teams(_person: Watcher, house: TheHouse) -> Teams:
    """Teams of this site with their active members."""
    members = people_here(house)
    with house.transactions.begin(write=False) as unit:
        teams = unit.teams.list(house.estate.site.id)
    return Teams(items=[_team(team, members) for team in teams])


def _team(team: Team, people_: list[Person]) -> TeamShape:
    members = [person.id for person in people_ if person.active and person.team == team.id]
    return TeamShape(id=team.id, title=Words.needed(team.title), members=members)


@router.post("/teams", operation_id="keepTeam", status_code=201)
def keep_team(body: NewTeam, actor: Planner, house: TheHouse, once: Repeatable) -> TeamShape:
    """Add a team, or change its title."""
    team = Team(_made(body.id, once), house.estate.site.id, Text(body.title.zh, body.title.en))
    return _team(staff.keep_team(house.transactions, actor, team, house.clock.now_ns()), people_here(house))


@router.get("/shifts", operation_id="listShifts")
def list_shifts(_person: Watcher, house: TheHouse) -> Shifts:
    """Shifts of this site, and who is on duty now."""
    with house.transactions.begin(write=False) as unit:
        shifts = unit.teams.shifts(house.estate.site.id)
    duties = {duty.shift.id: duty for duty in on_duty(shifts, house.clock.now_ns(), house.estate.site.zone)}
    members = people_here(house)
    return Shifts(items=[_shift(shift, duties.get(shift.id), members) for shift in shifts])


def _shift(shift: Shift, duty: Duty | None, people_: list[Person]) -> ShiftShape:
    return ShiftShape(
        id=shift.id,
        team=shift.team,
        title=Words.needed(shift.title),
        weekdays=sorted(shift.weekdays),
        starts=shift.starts.isoformat("minutes"),
        ends=shift.ends.isoformat("minutes"),
        active=shift.active,
        on_duty=None
        if duty is None
        else DutyShape(
            starts_ms=ms(duty.starts_ns) or 0,
            ends_ms=ms(duty.ends_ns) or 0,
            persons=[person.id for person in people_ if person.active and person.team == shift.team],
        ),
    )


@router.post("/shifts", operation_id="keepShift", status_code=201)
def keep_shift(body: NewShift, actor: Planner, house: TheHouse, once: Repeatable) -> ShiftShape:
    """Add a shift, or change it."""
    if not set(body.weekdays) <= set(range(7)):
        raise Refused("weekdays are 0 (Monday) to 6 (Sunday)", field="weekdays")
    shift = Shift(
        _made(body.id, once),
        house.estate.site.id,
        body.team,
        Text(body.title.zh, body.title.en),
        frozenset(body.weekdays),
        time.fromisoformat(body.starts),
        time.fromisoformat(body.ends),
        body.active,
    )
    return _shift(staff.keep_shift(house.transactions, actor, shift, house.clock.now_ns()), None, [])
