"""Enrolling, listing and withdrawing phones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from caretaker.domain.errors import NotAllowed, Refused
from caretaker.domain.passwords import pin_weakness
from caretaker.domain.people import Person
from caretaker.domain.phones import Phone, public_jwk
from caretaker.ports import Transactions, UnitOfWork
from caretaker.services import passwords
from caretaker.services.people import LINK_LIFE, NOBODY, digest, issue, note_refused, open_session

LABEL_MOST: Final = 80


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What a freshly enrolled phone gets: `secret` stays on it for good, `session` signs its person in now."""

    phone: Phone
    person: Person
    secret: str
    session: str


def create_enrolment(transactions: Transactions, actor: Person, person_id: str, now_ns: int) -> str:
    """A code that enrols one phone for this person within 15 minutes; an earlier code ends. Raises NotFound, and
    NotAllowed when the actor stands not above the person (else a supervisor could become admin)."""
    with transactions.begin() as unit:
        person = unit.people.get(person_id)
        if not person.active:
            raise NotAllowed(f"{person.name} is deactivated", person=person.id)
        if actor.id != person.id and not actor.outranks(person.role):
            raise NotAllowed(f"{actor.name} ({actor.role}) may not enrol phones for a {person.role}", role=person.role)
        unit.people.revoke_all(person.id, purposes={"enrolment"})
        unit.audit.append(now_ns, actor.id, "phone.invite", person.id)
        return issue(unit, person, "enrolment", now_ns, LINK_LIFE)


def enrol(
    transactions: Transactions,
    code: str,
    public_key: Mapping[str, object] | None,
    label: str,
    pin: str | None,
    now_ns: int,
    address: str = "",
) -> Enrolled:
    """Enrol the phone that holds the code. The same code with the same key again (the answer was lost) gives the same
    phone with fresh secrets; with another key it is refused. Raises NotAllowed, Refused."""
    key = None if public_key is None else public_jwk(public_key)
    pin_hash = None
    if pin is not None:
        weak = pin_weakness(pin)
        if weak:
            raise Refused(weak, field="pin")
        pin_hash = passwords.hash_of(pin)
    phone_id = _phone_id(code, key)
    with transactions.begin() as unit:
        invited = unit.people.find(digest(code), "enrolment")
        fits = invited is not None and invited.person.active and (invited.expires_ns or 0) >= now_ns
        if invited is not None and fits and unit.people.bind(digest(code), phone_id):
            person = invited.person
            phone = Phone(phone_id, person.id, label.strip()[:LABEL_MOST], key, now_ns, now_ns)
            unit.phones.keep(phone)
            unit.people.revoke_all(person.id, purposes={"phone", "session"}, phone=phone_id)
            if pin_hash is not None:
                unit.passwords.keep(person.id, "pin", pin_hash, now_ns)
            facts = {"person": person.id, "label": phone.label, "signed": key is not None, "pin": pin is not None}
            unit.audit.append(now_ns, person.id, "phone.enrol", phone_id, after=facts)
            secret = issue(unit, person, "phone", now_ns, None, phone=phone_id)
            return Enrolled(
                phone, person, secret, open_session(unit, person, now_ns, "enrolment", phone=phone_id, address=address)
            )
    note_refused(transactions, NOBODY if invited is None else invited.person.id, "enrolment", address, now_ns)
    raise NotAllowed("this enrolment code is unknown, used or older than 15 minutes; ask a supervisor for a new one")


def withdraw(transactions: Transactions, actor: Person, phone_id: str, now_ns: int) -> Phone:
    """End a phone and its sessions at once; twice changes nothing. Raises NotFound, NotAllowed."""
    with transactions.begin() as unit:
        phone = unit.phones.get(phone_id)
        person = unit.people.get(phone.person)
        if actor.id != person.id and not actor.outranks(person.role):
            raise NotAllowed(f"{actor.name} ({actor.role}) may not withdraw a phone of a {person.role}")
        return phone if phone.withdrawn_ns is not None else withdraw_now(unit, phone, actor.id, now_ns)


def withdraw_now(unit: UnitOfWork, phone: Phone, by: str, now_ns: int) -> Phone:
    """Inside the caller's transaction. `by`: a person's id, or `pin` after too many wrong ones."""
    gone = replace(phone, withdrawn_ns=now_ns, withdrawn_by=by)
    unit.phones.keep(gone)
    unit.people.revoke_all(phone.person, purposes={"phone", "session", "enrolment"}, phone=phone.id)
    facts = {"person": phone.person, "label": phone.label, "wrong_pins": phone.wrong_pins}
    unit.audit.append(now_ns, NOBODY if by == "pin" else by, "phone.withdraw", phone.id, before=facts)
    return gone


def _phone_id(code: str, key: Mapping[str, str] | None) -> str:
    said = json.dumps([code, dict(key) if key else None], sort_keys=True)
    return "ph-" + hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:24]
