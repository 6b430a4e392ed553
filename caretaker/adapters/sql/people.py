"""Persons, sessions, sign-in links and tokens in SQL. Secrets never arrive here, only their digests."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from sqlalchemy import Connection, Row, delete, or_, select, update

from caretaker.adapters.sql.tables import credentials, persons
from caretaker.adapters.sql.upsert import insert_once, upsert
from caretaker.domain.errors import NotFound
from caretaker.domain.people import Person, Role
from caretaker.ports import Credential


class SqlPeople:
    """`ports.People`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, person: Person) -> None:
        """Write a person."""
        self._connection.execute(upsert(self._connection, persons, _row(person), keys=("id",)))

    def introduce(self, person: Person) -> bool:
        """Write a person nobody knows yet."""
        return insert_once(self._connection, persons, _row(person))

    def get(self, person_id: str) -> Person:
        """One person."""
        row = self._connection.execute(select(persons).where(persons.c.id == person_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no person {person_id}", person=person_id)
        return _person(row, row.id)

    def add(self, credential: Credential) -> None:
        """Keep a credential."""
        self.introduce(credential.person)
        row = {
            "digest": credential.digest,
            "person": credential.person.id,
            "purpose": credential.purpose,
            "created_ns": credential.created_ns,
            "expires_ns": credential.expires_ns,
            "seen_ns": credential.seen_ns,
            "phone": credential.phone,
        }
        self._connection.execute(upsert(self._connection, credentials, row, keys=("digest",)))

    def find(self, digest: bytes, purpose: str) -> Credential | None:
        """By digest and purpose."""
        query = (
            select(credentials, *(column for column in persons.c if column.name != "id"))
            .join(persons, persons.c.id == credentials.c.person)
            .where(credentials.c.digest == digest, credentials.c.purpose == purpose)
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _credential(row)

    def consume(self, digest: bytes) -> Credential | None:
        """Take a one-time link; the DELETE decides who was first."""
        found = self.find(digest, "link")
        if found is None:
            return None
        taken = self._connection.execute(
            delete(credentials).where(credentials.c.digest == digest, credentials.c.purpose == "link")
        ).rowcount
        return found if taken == 1 else None

    def bind(self, digest: bytes, phone: str) -> bool:
        """The UPDATE decides which phone was first."""
        tied = update(credentials).where(
            credentials.c.digest == digest, or_(credentials.c.phone.is_(None), credentials.c.phone == phone)
        )
        return self._connection.execute(tied.values(phone=phone)).rowcount == 1

    def touch(self, digest: bytes, seen_ns: int, expires_ns: int | None) -> None:
        """Note a use."""
        self._connection.execute(
            update(credentials).where(credentials.c.digest == digest).values(seen_ns=seen_ns, expires_ns=expires_ns)
        )

    def revoke(self, digest: bytes) -> None:
        """Forget it."""
        self._connection.execute(delete(credentials).where(credentials.c.digest == digest))

    def revoke_all(self, person: str, *, purposes: AbstractSet[str], phone: str | None = None) -> int:
        """Forget many."""
        gone = delete(credentials).where(credentials.c.person == person, credentials.c.purpose.in_(sorted(purposes)))
        if phone is not None:
            gone = gone.where(credentials.c.phone == phone)
        return self._connection.execute(gone).rowcount

    def persons(self, role: Role | None = None) -> Sequence[Person]:
        """Everybody known."""
        query = select(persons).order_by(persons.c.name)
        if role is not None:
            query = query.where(persons.c.role == str(role))
        return [_person(row, row.id) for row in self._connection.execute(query)]


def _row(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "role": str(person.role),
        "team": person.team,
        "sites": list(person.sites),
        "active": person.active,
    }


def _person(row: Row[Any], person_id: str) -> Person:
    return Person(person_id, row.name, Role(row.role), row.team, tuple(row.sites), row.active)


def _credential(row: Row[Any]) -> Credential:
    return Credential(
        digest=bytes(row.digest),
        person=_person(row, row.person),
        purpose=row.purpose,
        created_ns=row.created_ns,
        expires_ns=row.expires_ns,
        seen_ns=row.seen_ns,
        phone=row.phone,
    )
