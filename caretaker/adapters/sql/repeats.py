"""Keys of deeds done, in SQL: kept in the transaction of the deed, so neither is without the other."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, select

from caretaker.adapters.sql.tables_repeats import idempotency
from caretaker.adapters.sql.upsert import insert_once
from caretaker.domain.errors import Refused
from caretaker.ports import Once

KEPT_NS: Final = 7 * 86_400 * 1_000_000_000
"""A phone may be without a network for a weekend."""


class SqlRepeats:
    """`ports.Repeats`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim(self, once: Once, at_ns: int) -> bool:
        """The primary key decides who was first."""
        self._connection.execute(delete(idempotency).where(idempotency.c.at_ns < at_ns - KEPT_NS))
        if insert_once(
            self._connection, idempotency, {"key": once.key, "fingerprint": once.fingerprint, "at_ns": at_ns}
        ):
            return True
        earlier = self._connection.execute(
            select(idempotency.c.fingerprint).where(idempotency.c.key == once.key)
        ).scalar_one()
        if earlier != once.fingerprint:
            raise Refused("this Idempotency-Key was used for another request; take a new one", field="Idempotency-Key")
        return False
