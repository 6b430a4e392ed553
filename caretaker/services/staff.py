"""Who belongs to the house: adding and changing people, teams and shifts. Each change is in the trail."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from caretaker.domain.errors import Conflict, NotAllowed, NotFound, Refused
from caretaker.domain.passwords import pin_weakness, weakness
from caretaker.domain.people import Person, Right, Role, Shift, Team
from caretaker.ports import Transactions, UnitOfWork
from caretaker.services import passwords
from caretaker.services.people import TOKEN
from caretaker.services.phones import withdraw_now

Thing = TypeVar("Thing", Team, Shift)
SITE_FILE = "site file"
"""The actor of what people.yaml says."""
SIGNED_IN = frozenset({"session", "link", "enrolment"})
"""Purposes of credentials that end when a password or a role changes."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to change of a person; None = leave. `team` "" = no team."""

    name: str | None = None
    role: Role | None = None
    team: str | None = None
    sites: tuple[str, ...] | None = None
    active: bool | None = None
    password: str | None = None
    pin: str | None = None

    def secrets_only(self) -> bool:
        """Only password or PIN: what people may change of themselves."""
        return self == Change(password=self.password, pin=self.pin)

    def pin_only(self) -> bool:
        """Only the PIN: what a superior may set anew."""
        return self == Change(pin=self.pin)


def add_person(
    transactions: Transactions, by: str, person: Person, now_ns: int, *, password: str | None = None
) -> tuple[Person, bool]:
    """Write a new person; the same again changes nothing (False). Raises Refused, Conflict (id taken)."""
    if person.role is Role.DEVICE:
        raise Refused("machines get a token (`caretaker token create`), not a person", field="role")
    if not person.name.strip():
        raise Refused("a person needs a name", field="name")
    hash_ = _password_hash(password, person)
    with transactions.begin() as unit:
        _check_team(unit, person)
        if not unit.people.introduce(person):
            if unit.people.get(person.id) != person:
                raise Conflict(f"the id {person.id} belongs to somebody else; choose another", person=person.id)
            return person, False
        if hash_ is not None:
            unit.passwords.keep(person.id, "password", hash_, now_ns)
        after = facts_of(person) | ({"password": "set"} if hash_ else {})
        unit.audit.append(now_ns, by, "person.add", person.id, after=after)
    return person, True


def load(
    unit: UnitOfWork, teams: Sequence[Team], shifts: Sequence[Shift], persons: Sequence[Person], now_ns: int
) -> None:
    """Write what a site's file tells of its people, inside the caller's transaction. Whom the house knows already stays
    as the console left him or her."""
    for team in teams:
        unit.teams.introduce(team)
    for shift in shifts:
        unit.teams.introduce_shift(shift)
    for person in persons:
        if unit.people.introduce(person):
            unit.audit.append(now_ns, SITE_FILE, "person.add", person.id, after=facts_of(person))


def new_id() -> str:
    """An id for a person, team or shift that was given none."""
    return f"p-{secrets.token_hex(6)}"


def change_person(transactions: Transactions, actor: Person, person_id: str, change: Change, now_ns: int) -> Person:
    """Change somebody. Raises NotFound, NotAllowed, Refused, Conflict (the last admin).

    A new password, PIN or role and deactivation end all sessions of the person in the same transaction; deactivation
    also withdraws tokens and phones.
    """
    with transactions.begin(write=False) as unit:
        known = unit.people.get(person_id)
    _allow(actor, known, change)
    hash_ = _password_hash(change.password, known)
    pin_hash = _pin_hash(change.pin)
    with transactions.begin() as unit:
        old = unit.people.get(person_id)
        new = _changed(old, change)
        _check_team(unit, new)
        if old.role is Role.ADMIN and old.active and not (new.role is Role.ADMIN and new.active):
            _keep_an_admin(unit, old)
        if new != old:
            unit.people.keep(new)
        if hash_ is not None:
            unit.passwords.keep(old.id, "password", hash_, now_ns)
        if pin_hash is not None:
            unit.passwords.keep(old.id, "pin", pin_hash, now_ns)
        if hash_ or pin_hash or new.role is not old.role or not new.active:
            unit.people.revoke_all(old.id, purposes=SIGNED_IN)
        if old.active and not new.active:
            unit.people.revoke_all(old.id, purposes={"token"})
            for phone in unit.phones.list(old.id):
                if phone.withdrawn_ns is None:
                    withdraw_now(unit, phone, actor.id, now_ns)
        news = {"password": "changed"} if hash_ else {}
        news |= {"pin": "changed"} if pin_hash else {}
        if new != old or news:
            unit.audit.append(
                now_ns, actor.id, "person.change", old.id, before=facts_of(old), after=facts_of(new) | news
            )
    return new


def set_password(transactions: Transactions, by: str, person_id: str, password: str, now_ns: int) -> Person:
    """From the machine itself, where whoever may run the program may do anything. Raises NotFound, Refused."""
    with transactions.begin() as unit:
        person = unit.people.get(person_id)
        unit.passwords.keep(person.id, "password", _password_hash(password, person) or "", now_ns)
        unit.people.revoke_all(person.id, purposes=SIGNED_IN)
        unit.audit.append(now_ns, by, "person.change", person.id, after=facts_of(person) | {"password": "changed"})
    return person


def keep_team(transactions: Transactions, actor: Person, team: Team, now_ns: int) -> Team:
    """Write a team; the same again changes nothing. Raises Conflict (another site's team has this id)."""
    with transactions.begin() as unit:
        known = _known(unit.teams.get, team.id)
        _own(known, team)
        if known != team:
            unit.teams.keep(team)
            before = None if known is None else {"zh": known.title.zh, "en": known.title.en}
            after = {"zh": team.title.zh, "en": team.title.en}
            unit.audit.append(now_ns, actor.id, "team.keep", team.id, site=team.site, before=before, after=after)
    return team


def keep_shift(transactions: Transactions, actor: Person, shift: Shift, now_ns: int) -> Shift:
    """Write a shift; the same again changes nothing. Raises Refused (no such team), Conflict as for teams."""
    with transactions.begin() as unit:
        if all(team.id != shift.team for team in unit.teams.list(shift.site)):
            raise Refused(f"there is no team {shift.team}", field="team")
        known = _known(unit.teams.get_shift, shift.id)
        _own(known, shift)
        if known != shift:
            unit.teams.keep_shift(shift)
            before = None if known is None else shift_facts(known)
            unit.audit.append(
                now_ns, actor.id, "shift.keep", shift.id, site=shift.site, before=before, after=shift_facts(shift)
            )
    return shift


def facts_of(person: Person) -> dict[str, object]:
    """What the trail says of a person."""
    return {
        "name": person.name,
        "role": str(person.role),
        "team": person.team,
        "sites": list(person.sites),
        "active": person.active,
    }


def shift_facts(shift: Shift) -> dict[str, object]:
    """What the trail says of a shift."""
    return {
        "team": shift.team,
        "weekdays": sorted(shift.weekdays),
        "starts": shift.starts.isoformat("minutes"),
        "ends": shift.ends.isoformat("minutes"),
        "active": shift.active,
    }


def _known(get: Callable[[str], Thing], thing_id: str) -> Thing | None:
    try:
        return get(thing_id)
    except NotFound:
        return None


def _own(known: Team | Shift | None, new: Team | Shift) -> None:
    if known is not None and known.site != new.site:
        raise Conflict(f"the id {new.id} is taken; choose another", id=new.id)


def _allow(actor: Person, person: Person, change: Change) -> None:
    if actor.may(Right.ADMINISTER):
        return
    if actor.id == person.id and change.secrets_only():
        return
    if actor.may(Right.DISPATCH) and actor.outranks(person.role) and change.pin_only():
        return
    raise NotAllowed(f"{actor.name} ({actor.role}) may not change {person.name}", right=str(Right.ADMINISTER))


def _changed(old: Person, change: Change) -> Person:
    if change.role is Role.DEVICE or (old.role is Role.DEVICE and change.role is not None):
        raise Refused("a person cannot become a machine, nor a machine a person", field="role")
    name = old.name if change.name is None else change.name.strip()
    if not name:
        raise Refused("a person needs a name", field="name")
    return replace(
        old,
        name=name,
        role=change.role or old.role,
        team=old.team if change.team is None else (change.team or None),
        sites=old.sites if change.sites is None else change.sites,
        active=old.active if change.active is None else change.active,
    )


def _keep_an_admin(unit: UnitOfWork, leaving: Person) -> None:
    admins = [person for person in unit.people.persons(Role.ADMIN) if not person.id.startswith(TOKEN)]
    if not any(person.active and person.id != leaving.id for person in admins):
        raise Conflict(f"{leaving.name} is the last administrator; make another one first", person=leaving.id)


def _check_team(unit: UnitOfWork, person: Person) -> None:
    if person.team is not None:
        try:
            unit.teams.get(person.team)
        except NotFound as missing:
            raise Refused(missing.message, field="team") from missing


def _password_hash(password: str | None, person: Person) -> str | None:
    if password is None:
        return None
    weak = weakness(password, (person.name, person.id))
    if weak:
        raise Refused(weak, field="password")
    return passwords.hash_of(password)


def _pin_hash(pin: str | None) -> str | None:
    if pin is None:
        return None
    weak = pin_weakness(pin)
    if weak:
        raise Refused(weak, field="pin")
    return passwords.hash_of(pin)
