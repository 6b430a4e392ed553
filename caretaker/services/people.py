"""Signing in: one-time links, sessions, tokens. Secrets leave here once; only their SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from caretaker.domain.errors import NotAllowed
from caretaker.domain.people import Person, Role
from caretaker.ports import Credential, Transactions

MINUTE: Final = 60 * 1_000_000_000
LINK_LIFE: Final = 15 * MINUTE
SESSION_IDLE: Final = 12 * 60 * MINUTE
"""A control room watches all shift without touching the page; its live connection counts as use."""
SESSION_LIFE: Final = 7 * 24 * 60 * MINUTE


def digest(secret: str) -> bytes:
    """What is kept of a secret. 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def _issue(transactions: Transactions, person: Person, purpose: str, now_ns: int, expires_ns: int | None) -> str:
    secret = secrets.token_urlsafe(32)
    with transactions.begin() as unit:
        unit.people.add(Credential(digest(secret), person, purpose, now_ns, expires_ns))
    return secret


def create_link(transactions: Transactions, person: Person, now_ns: int) -> str:
    """A code that signs this person in once within 15 minutes."""
    return _issue(transactions, person, "link", now_ns, now_ns + LINK_LIFE)


def create_token(transactions: Transactions, role: Role, name: str, now_ns: int, life_ns: int | None = None) -> str:
    """An API token for a machine (or a script) with the rights of a role; shown once."""
    person = Person(f"token-{secrets.token_hex(6)}", name, role)
    return _issue(transactions, person, "token", now_ns, None if life_ns is None else now_ns + life_ns)


def sign_in(transactions: Transactions, code: str, now_ns: int) -> tuple[str, Person]:
    """Swap a one-time code for a session secret. Raises NotAllowed when it is unknown, used or too old."""
    with transactions.begin() as unit:
        taken = unit.people.consume(digest(code))
    if taken is None or (taken.expires_ns or 0) < now_ns:
        raise NotAllowed("this sign-in code is unknown, used or older than 15 minutes; ask for a new one")
    return _issue(transactions, taken.person, "session", now_ns, now_ns + SESSION_IDLE), taken.person


def sign_in_with_token(transactions: Transactions, token: str, now_ns: int) -> tuple[str, Person]:
    """Swap an API token for a session secret, so that a page can be opened with it. Raises NotAllowed."""
    person = who(transactions, token, "token", now_ns)
    if person is None:
        raise NotAllowed("this token is unknown or expired")
    return _issue(transactions, person, "session", now_ns, now_ns + SESSION_IDLE), person


def who(transactions: Transactions, secret: str, purpose: str, now_ns: int) -> Person | None:
    """The person behind a session or token, or None. Uses of a session are noted once a minute."""
    key = digest(secret)
    with transactions.begin(write=False) as unit:
        found = unit.people.find(key, purpose)
    if found is None or (found.expires_ns is not None and found.expires_ns < now_ns):
        return None
    if purpose == "session":
        if now_ns - found.created_ns > SESSION_LIFE:
            return None
        if now_ns - (found.seen_ns or found.created_ns) > MINUTE:
            with transactions.begin() as unit:
                unit.people.touch(key, now_ns, now_ns + SESSION_IDLE)
    return found.person


def sign_out(transactions: Transactions, secret: str) -> None:
    """End a session at once."""
    with transactions.begin() as unit:
        unit.people.revoke(digest(secret))
