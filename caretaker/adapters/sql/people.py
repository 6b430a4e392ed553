"""Persons, sessions, sign-in links and tokens in SQL. Secrets never arrive here, only their digests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from caretaker.adapters.sql.tables import credentials, persons
from caretaker.adapters.sql.upsert import upsert
from caretaker.domain.people import Person, Role
from caretaker.ports import Credential


class SqlPeople:
    """`ports.People`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, person: Person) -> None:
        """Write a person."""
        row = {"id": person.id, "name": person.name, "role": str(person.role)}
        self._connection.execute(upsert(self._connection, persons, row, keys=("id",)))

    def add(self, credential: Credential) -> None:
        """Keep a credential and its person."""
        person = credential.person
        self.keep(person)
        row = {
            "digest": credential.digest,
            "person": person.id,
            "purpose": credential.purpose,
            "created_ns": credential.created_ns,
            "expires_ns": credential.expires_ns,
            "seen_ns": credential.seen_ns,
        }
        self._connection.execute(upsert(self._connection, credentials, row, keys=("digest",)))

    def find(self, digest: bytes, purpose: str) -> Credential | None:
        """By digest and purpose."""
        query = (
            select(credentials, persons.c.name, persons.c.role)
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

    def touch(self, digest: bytes, seen_ns: int, expires_ns: int | None) -> None:
        """Note a use."""
        self._connection.execute(
            update(credentials).where(credentials.c.digest == digest).values(seen_ns=seen_ns, expires_ns=expires_ns)
        )

    def revoke(self, digest: bytes) -> None:
        """Forget it."""
        self._connection.execute(delete(credentials).where(credentials.c.digest == digest))

    def persons(self, role: Role | None = None) -> Sequence[Person]:
        """Everybody known."""
        query = select(persons).order_by(persons.c.name)
        if role is not None:
            query = query.where(persons.c.role == str(role))
        return [Person(row.id, row.name, Role(row.role)) for row in self._connection.execute(query)]


def _credential(row: Row[Any]) -> Credential:
    return Credential(
        digest=bytes(row.digest),
        person=Person(row.person, row.name, Role(row.role)),
        purpose=row.purpose,
        created_ns=row.created_ns,
        expires_ns=row.expires_ns,
        seen_ns=row.seen_ns,
    )
