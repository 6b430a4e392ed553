"""Notices committed but not yet sent, and the event log of the live page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, case, func, or_, select, update

from caretaker.adapters.sql.tables import outbox
from caretaker.adapters.sql.upsert import insert_once
from caretaker.domain.notices import Notice

_COLUMNS = (outbox.c.id, outbox.c.key, outbox.c.event, outbox.c.at_ns, outbox.c.facts, outbox.c.tries, outbox.c.next_ns)

_ORDER_LOCK = 0x0C57_0B07
"""Any number no other advisory lock of this database uses."""


class SqlOutbox:
    """`ports.Outbox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, key: str, event: str, at_ns: int, facts: Mapping[str, object]) -> None:
        """Once per key. On PostgreSQL writers queue up here, so that ids become visible in their order: the live page
        asks for `id > last seen` and would otherwise miss a smaller one committed later."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(select(func.pg_advisory_xact_lock(_ORDER_LOCK)))
        row = {"key": key, "event": event, "at_ns": at_ns, "facts": dict(facts), "tries": 0, "next_ns": at_ns}
        insert_once(self._connection, outbox, row)

    def due(self, now_ns: int, limit: int = 50) -> Sequence[Notice]:
        """Unsent and due. Whoever calls for help does not wait behind what a long outage has piled up."""
        urgent = or_(outbox.c.event.like("sos.%"), outbox.c.event.like("incident.%"))
        query = (
            select(*_COLUMNS)
            .where(outbox.c.sent_ns.is_(None), outbox.c.next_ns <= now_ns)
            .order_by(case((urgent, 0), else_=1), outbox.c.id)
            .limit(limit)
        )
        return [_notice(row) for row in self._connection.execute(query)]

    def sent(self, notice_id: int, at_ns: int) -> None:
        """Told."""
        self._connection.execute(update(outbox).where(outbox.c.id == notice_id).values(sent_ns=at_ns, error=None))

    def failed(self, notice_id: int, next_ns: int, error: str) -> None:
        """Count the try."""
        self._connection.execute(
            update(outbox)
            .where(outbox.c.id == notice_id)
            .values(tries=outbox.c.tries + 1, next_ns=next_ns, error=error[:500])
        )

    def since(self, after_id: int, limit: int = 500) -> Sequence[Notice]:
        """Everything newer, ascending."""
        query = select(*_COLUMNS).where(outbox.c.id > after_id).order_by(outbox.c.id).limit(limit)
        return [_notice(row) for row in self._connection.execute(query)]

    def last_id(self) -> int:
        """The newest id."""
        return self._connection.execute(select(func.max(outbox.c.id))).scalar() or 0


def _notice(row: Any) -> Notice:
    return Notice(**row._mapping)  # noqa: SLF001
