"""Persons, credentials, teams, shifts, phones, passwords, wrong tries."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from caretaker.domain.people import Person, Role, Shift, Team
from caretaker.domain.phones import Phone


@dataclass(frozen=True, slots=True)
class Credential:
    """A session, a sign-in link, a token, an enrolment code or a phone; only the SHA-256 of the secret is kept."""

    digest: bytes
    person: Person
    purpose: str
    """session | link | token | enrolment | phone"""
    created_ns: int
    expires_ns: int | None
    seen_ns: int | None = None
    phone: str | None = None
    """The phone a session runs on; the phone that took an enrolment code."""


class People(Protocol):
    """Persons, sessions, tokens."""

    def keep(self, person: Person) -> None:
        """Write a person; the same id again changes everything else."""
        ...

    def introduce(self, person: Person) -> bool:
        """Write a person unless the id is known; False when it is."""
        ...

    def get(self, person_id: str) -> Person:
        """Raises NotFound."""
        ...

    def add(self, credential: Credential) -> None:
        """Keep a credential; its person is introduced, a known person stays as he or she is."""
        ...

    def find(self, digest: bytes, purpose: str) -> Credential | None:
        """The credential with this digest, expired or not."""
        ...

    def consume(self, digest: bytes) -> Credential | None:
        """Take a one-time link: delete and return it in one statement; None when used before."""
        ...

    def bind(self, digest: bytes, phone: str) -> bool:
        """Tie a credential to a phone; False when it is tied to another one."""
        ...

    def touch(self, digest: bytes, seen_ns: int, expires_ns: int | None) -> None:
        """Note a use."""
        ...

    def revoke(self, digest: bytes) -> None:
        """Forget it."""
        ...

    def revoke_all(self, person: str, *, purposes: AbstractSet[str], phone: str | None = None) -> int:
        """Forget a person's credentials of these purposes (only those of one phone); how many there were."""
        ...

    def persons(self, role: Role | None = None) -> Sequence[Person]:
        """Everybody known, by name."""
        ...


class Teams(Protocol):
    """Teams and their shifts."""

    def keep(self, team: Team) -> None:
        """Write; the same id again changes it."""
        ...

    def introduce(self, team: Team) -> bool:
        """Write unless the id is known; False when it is."""
        ...

    def get(self, team_id: str) -> Team:
        """Raises NotFound."""
        ...

    def list(self, site: str) -> Sequence[Team]:
        """By id."""
        ...

    def keep_shift(self, shift: Shift) -> None:
        """Write; the same id again changes it."""
        ...

    def introduce_shift(self, shift: Shift) -> bool:
        """Write unless the id is known; False when it is."""
        ...

    def get_shift(self, shift_id: str) -> Shift:
        """Raises NotFound."""
        ...

    def shifts(self, site: str) -> Sequence[Shift]:
        """By id, inactive ones too."""
        ...


class Phones(Protocol):
    """Enrolled phones."""

    def keep(self, phone: Phone) -> None:
        """Write; the same id again changes it."""
        ...

    def get(self, phone_id: str) -> Phone:
        """Raises NotFound."""
        ...

    def list(self, person: str | None = None) -> Sequence[Phone]:
        """The newest first, withdrawn ones too."""
        ...


class Passwords(Protocol):
    """Argon2 hashes (`purpose`: password | pin), and who guessed wrong where."""

    def get(self, person: str, purpose: str) -> str | None:
        """The hash."""
        ...

    def keep(self, person: str, purpose: str, hash_: str, at_ns: int) -> None:
        """Replace the hash."""
        ...

    def holders(self, purpose: str) -> AbstractSet[str]:
        """Ids of the persons who have one."""
        ...

    def alone(self, account: str) -> None:
        """From here to the end of the transaction nobody else tries this account."""
        ...

    def wrong(self, account: str, address: str, at_ns: int) -> None:
        """Count a wrong try; tries older than a day are forgotten."""
        ...

    def wrongs(self, since_ns: int, *, account: str | None = None, address: str | None = None) -> Sequence[int]:
        """Times of the wrong tries since then, ascending; `account` without `address` counts only addresses that never
        signed in to it."""
        ...

    def right(self, account: str, address: str, at_ns: int) -> None:
        """The account signed in from this address: forget its wrong tries from there and know the address."""
        ...

    def knows(self, account: str, address: str) -> bool:
        """Has the account signed in from this address before?"""
        ...
