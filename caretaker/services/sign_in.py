"""Sign-in by password (console) and by PIN (an enrolled phone), with a patience that a restart does not renew."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from caretaker.domain.errors import NotAllowed, NotFound, TooMany
from caretaker.domain.people import Person
from caretaker.domain.phones import WRONG_PINS
from caretaker.ports import Transactions, UnitOfWork
from caretaker.services import passwords
from caretaker.services.people import digest, note_refused, open_session
from caretaker.services.phones import withdraw_now

SECOND: Final = 1_000_000_000
PAIR: Final = ((5, 60 * SECOND), (20, 3600 * SECOND))
"""(wrong tries, window) for one account from one address."""
ADDRESS: Final = ((20, 60 * SECOND),)
"""From one address, whatever the account; only where the account never signed in from it."""
STRANGERS: Final = ((30, 600 * SECOND),)
"""For one account from all addresses it never signed in from: many machines guessing together. Its own addresses are
not counted and not refused, so nobody can lock a person out from afar."""
_NO: Final = "the name and the password do not belong together"


def sign_in_with_password(
    transactions: Transactions, account: str, password: str, address: str, now_ns: int
) -> tuple[str, Person]:
    """`account`: a person's id, or a name that only one person has. Returns (session secret, person).

    Raises TooMany, and NotAllowed with the same words and after the same time whether the person exists or not.
    """
    with transactions.begin() as unit:
        person = _person(unit, account)
        key = account[:64] if person is None else person.id
        unit.passwords.alone(key)
        _patience(unit, key, address, now_ns)
        # counted as wrong before it is looked at: parallel tries cannot all slip through
        unit.passwords.wrong(key, address, now_ns)
        kept = unit.passwords.get(key, "password") if person is not None and person.active else None
    if passwords.matches(kept, password) and person is not None and kept is not None:
        with transactions.begin() as unit:
            person = unit.people.get(person.id)
            # between our two transactions the person may have been deactivated or the password changed
            if person.active and unit.passwords.get(person.id, "password") == kept:
                unit.passwords.right(key, address, now_ns)
                if passwords.outdated(kept):
                    unit.passwords.keep(person.id, "password", passwords.hash_of(password), now_ns)
                return open_session(unit, person, now_ns, "password", address=address), person
    note_refused(transactions, key, "password", address, now_ns)
    raise NotAllowed(_NO)


def confirm_password(transactions: Transactions, person: Person, password: str, address: str, now_ns: int) -> None:
    """A signed-in person proves to be the one (before changing the password). Raises TooMany, NotAllowed."""
    with transactions.begin() as unit:
        unit.passwords.alone(person.id)
        _patience(unit, person.id, address, now_ns)
        unit.passwords.wrong(person.id, address, now_ns)
        kept = unit.passwords.get(person.id, "password")
    if not passwords.matches(kept, password):
        note_refused(transactions, person.id, "confirm", address, now_ns)
        raise NotAllowed("the present password is another one", field="current_password")
    with transactions.begin() as unit:
        unit.passwords.right(person.id, address, now_ns)


def sign_in_with_pin(
    transactions: Transactions, phone_id: str, pin: str, phone_secret: str, address: str, now_ns: int
) -> tuple[str, Person]:
    """`phone_secret`: what the phone was given at enrolment; without it nothing is tried or counted, so nobody can use
    up a phone's five tries from elsewhere. Returns (session secret, person). Raises NotAllowed."""
    unknown = {"code": "phone_unknown", "phone": phone_id}
    with transactions.begin() as unit:
        unit.passwords.alone(phone_id)
        credential = unit.people.find(digest(phone_secret), "phone")
        if credential is None or credential.phone != phone_id or not credential.person.active:
            raise NotAllowed("this phone is not enrolled; ask a supervisor for a code", **unknown)
        phone = unit.phones.get(phone_id)
        if phone.withdrawn_ns is not None or phone.wrong_pins >= WRONG_PINS:
            raise NotAllowed("this phone was withdrawn and must be enrolled again", **unknown)
        person = credential.person
        kept = unit.passwords.get(person.id, "pin")
        if kept is None:
            raise NotAllowed(f"{person.name} has no PIN yet; enrol the phone again and choose one", phone=phone_id)
        phone = replace(phone, wrong_pins=phone.wrong_pins + 1)
        unit.phones.keep(phone)
    right = passwords.matches(kept, pin)
    with transactions.begin() as unit:
        unit.passwords.alone(phone_id)
        person = unit.people.get(person.id)
        now = unit.phones.get(phone_id)
        if right and person.active and now.withdrawn_ns is None and unit.passwords.get(person.id, "pin") == kept:
            unit.phones.keep(replace(now, wrong_pins=0, seen_ns=now_ns))
            return open_session(unit, person, now_ns, "pin", phone=phone_id, address=address), person
        if now.wrong_pins >= WRONG_PINS and now.withdrawn_ns is None:
            withdraw_now(unit, now, "pin", now_ns)
    note_refused(transactions, person.id, "pin", address, now_ns)
    left = max(WRONG_PINS - now.wrong_pins, 0)
    what = f"{left} tries left" if left else "too often: enrol the phone again"
    raise NotAllowed(f"the PIN is wrong; {what}", phone=phone_id, tries_left=left)


def _person(unit: UnitOfWork, account: str) -> Person | None:
    try:
        return unit.people.get(account)
    except NotFound:
        named = [person for person in unit.people.persons() if person.name == account and person.active]
        return named[0] if len(named) == 1 else None


def _patience(unit: UnitOfWork, account: str, address: str, now_ns: int) -> None:
    counts: list[tuple[tuple[tuple[int, int], ...], dict[str, str]]] = [
        (PAIR, {"account": account, "address": address})
    ]
    if not unit.passwords.knows(account, address):
        counts += [(ADDRESS, {"address": address}), (STRANGERS, {"account": account})]
    for limits, whose in counts:
        for most, window_ns in limits:
            times = unit.passwords.wrongs(now_ns - window_ns, **whose)
            if len(times) >= most:
                wait_s = max(1, round((times[-most] + window_ns - now_ns) / SECOND))
                raise TooMany("too many wrong tries; wait a moment", retry_after_s=wait_s)
