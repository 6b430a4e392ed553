"""Links, tokens, sessions. Secrets leave here once; only their SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from typing import Final

from caretaker.domain.errors import NotAllowed, Unavailable
from caretaker.domain.people import Person, Role
from caretaker.ports import Credential, Transactions, UnitOfWork

MINUTE: Final = 60 * 1_000_000_000
LINK_LIFE: Final = 15 * MINUTE
SESSION_IDLE: Final = 12 * 60 * MINUTE
"""A control room watches all shift without touching the page; its live connection counts as use."""
SESSION_LIFE: Final = 7 * 24 * 60 * MINUTE
MACHINE: Final = "cli"
"""The actor of what was done on the command line."""
TOKEN: Final = "token-"  # noqa: S105  (a prefix, no secret)
"""How the id of a token begins: it acts like a person, but is none."""
NOBODY: Final = "?"
"""The actor of a sign-in that failed."""


def digest(secret: str) -> bytes:
    """What is kept of a secret. 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def issue(
    unit: UnitOfWork, person: Person, purpose: str, now_ns: int, life_ns: int | None, *, phone: str | None = None
) -> str:
    """Make and keep a credential inside the caller's transaction; returns the secret."""
    secret = secrets.token_urlsafe(32)
    expires_ns = None if life_ns is None else now_ns + life_ns
    unit.people.add(Credential(digest(secret), person, purpose, now_ns, expires_ns, phone=phone))
    return secret


def open_session(
    unit: UnitOfWork, person: Person, now_ns: int, how: str, *, phone: str | None = None, **facts: object
) -> str:
    """A new session inside the caller's transaction, written into the trail; returns its secret."""
    unit.audit.append(now_ns, person.id, "sign_in", person.id, after={"how": how, "phone": phone, **facts})
    return issue(unit, person, "session", now_ns, SESSION_IDLE, phone=phone)


def note_refused(transactions: Transactions, account: str, how: str, address: str, now_ns: int) -> None:
    """A sign-in failed: the trail says for whom (as given) and from where."""
    with transactions.begin() as unit:
        unit.audit.append(now_ns, NOBODY, "sign_in.refused", account, after={"how": how, "address": address})


def create_link(transactions: Transactions, person: Person, now_ns: int, by: str = MACHINE) -> str:
    """A code that signs this person in once within 15 minutes. Raises NotAllowed for somebody deactivated."""
    with transactions.begin() as unit:
        unit.people.introduce(person)
        known = unit.people.get(person.id)
        if not known.active:
            raise NotAllowed(f"{known.name} ({known.id}) is deactivated and cannot sign in", person=known.id)
        unit.audit.append(now_ns, by, "link.create", known.id)
        return issue(unit, known, "link", now_ns, LINK_LIFE)


def create_token(
    transactions: Transactions, role: Role, name: str, now_ns: int, life_ns: int | None = None, by: str = MACHINE
) -> str:
    """An API token for a machine (or a script) with the rights of a role; shown once."""
    person = Person(f"{TOKEN}{secrets.token_hex(6)}", name, role)
    with transactions.begin() as unit:
        facts = {"name": name, "role": str(role), "days": None if life_ns is None else round(life_ns / 86_400e9, 3)}
        unit.audit.append(now_ns, by, "token.create", person.id, after=facts)
        return issue(unit, person, "token", now_ns, life_ns)


def sign_in(transactions: Transactions, code: str, now_ns: int, address: str = "") -> tuple[str, Person]:
    """Swap a one-time code for a session secret. Raises NotAllowed when it is unknown, used or too old."""
    with transactions.begin() as unit:
        taken = unit.people.consume(digest(code))
        if taken is not None and (taken.expires_ns or 0) >= now_ns and taken.person.active:
            return open_session(unit, taken.person, now_ns, "link", address=address), taken.person
    note_refused(transactions, NOBODY if taken is None else taken.person.id, "link", address, now_ns)
    raise NotAllowed("this sign-in code is unknown, used or older than 15 minutes; ask for a new one")


def sign_in_with_token(transactions: Transactions, token: str, now_ns: int, address: str = "") -> tuple[str, Person]:
    """Swap an API token for a session secret, so that a page can be opened with it. Raises NotAllowed."""
    person = who(transactions, token, "token", now_ns)
    if person is None:
        note_refused(transactions, NOBODY, "token", address, now_ns)
        raise NotAllowed("this token is unknown or expired")
    with transactions.begin() as unit:
        return open_session(unit, person, now_ns, "token", address=address), person


def find(transactions: Transactions, secret: str, purpose: str, now_ns: int) -> Credential | None:
    """The credential behind a secret; None when it is unknown, expired or its person is deactivated. Uses of a session
    are noted once a minute."""
    key = digest(secret)
    with transactions.begin(write=False) as unit:
        found = unit.people.find(key, purpose)
    if found is None or not found.person.active or (found.expires_ns is not None and found.expires_ns < now_ns):
        return None
    if purpose == "session":
        if now_ns - found.created_ns > SESSION_LIFE:
            return None
        if now_ns - (found.seen_ns or found.created_ns) > MINUTE:
            with suppress(Unavailable), transactions.begin() as unit:  # a full disk signs nobody out
                unit.people.touch(key, now_ns, now_ns + SESSION_IDLE)
    return found


def who(transactions: Transactions, secret: str, purpose: str, now_ns: int) -> Person | None:
    """The person behind a session or token, or None."""
    found = find(transactions, secret, purpose, now_ns)
    return None if found is None else found.person


def sign_out(transactions: Transactions, secret: str) -> None:
    """End a session at once."""
    with transactions.begin() as unit:
        unit.people.revoke(digest(secret))
