"""Password hashes and wrong tries in SQL, so that a restart forgives nothing."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from sqlalchemy import Connection, delete, exists, insert, not_, select

from caretaker.adapters.sql.locks import hold
from caretaker.adapters.sql.tables_people import known_addresses, passwords, wrong_tries
from caretaker.adapters.sql.upsert import upsert

KEPT_NS: Final = 86_400 * 1_000_000_000


class SqlPasswords:
    """`ports.Passwords`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, person: str, purpose: str) -> str | None:
        """The hash."""
        query = select(passwords.c.hash).where(passwords.c.person == person, passwords.c.purpose == purpose)
        return self._connection.execute(query).scalar()

    def keep(self, person: str, purpose: str, hash_: str, at_ns: int) -> None:
        """Replace the hash."""
        row = {"person": person, "purpose": purpose, "hash": hash_, "changed_ns": at_ns}
        self._connection.execute(upsert(self._connection, passwords, row, keys=("person", "purpose")))

    def holders(self, purpose: str) -> AbstractSet[str]:
        """Who has one."""
        query = select(passwords.c.person).where(passwords.c.purpose == purpose)
        return frozenset(self._connection.execute(query).scalars())

    def alone(self, account: str) -> None:
        """One try of an account at a time."""
        hold(self._connection, f"sign-in:{account}")

    def wrong(self, account: str, address: str, at_ns: int) -> None:
        """Count one."""
        self._connection.execute(delete(wrong_tries).where(wrong_tries.c.at_ns < at_ns - KEPT_NS))
        self._connection.execute(insert(wrong_tries).values(account=account, address=address, at_ns=at_ns))

    def wrongs(self, since_ns: int, *, account: str | None = None, address: str | None = None) -> Sequence[int]:
        """Times, ascending."""
        query = select(wrong_tries.c.at_ns).where(wrong_tries.c.at_ns > since_ns).order_by(wrong_tries.c.at_ns)
        if account is not None:
            query = query.where(wrong_tries.c.account == account)
        if address is not None:
            query = query.where(wrong_tries.c.address == address)
        elif account is not None:
            known = exists().where(
                known_addresses.c.account == account, known_addresses.c.address == wrong_tries.c.address
            )
            query = query.where(not_(known))
        return list(self._connection.execute(query).scalars())

    def right(self, account: str, address: str, at_ns: int) -> None:
        """Forgive and know."""
        self._connection.execute(
            delete(wrong_tries).where(wrong_tries.c.account == account, wrong_tries.c.address == address)
        )
        row = {"account": account, "address": address, "at_ns": at_ns}
        self._connection.execute(upsert(self._connection, known_addresses, row, keys=("account", "address")))

    def knows(self, account: str, address: str) -> bool:
        """Was it ever right from there?"""
        query = select(known_addresses.c.at_ns).where(
            known_addresses.c.account == account, known_addresses.c.address == address
        )
        return self._connection.execute(query).scalar() is not None
