"""Work requests in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Row, String, Table, Text, or_, select, update

from caretaker.adapters.sql.tables import metadata
from caretaker.adapters.sql.upsert import insert_once
from caretaker.domain.equipment import Priority
from caretaker.domain.errors import NotFound
from caretaker.domain.work_requests import Contact, WorkRequest

_id: Final = String(64)
work_requests = Table(
    "work_requests",
    metadata,
    Column("id", _id, primary_key=True),
    Column("site", _id, nullable=False),
    Column("checkpoint", _id, nullable=False),
    Column("space", _id, nullable=False),
    Column("asset", _id),
    Column("fault", _id, nullable=False),
    Column("description", Text, nullable=False),
    Column("priority", String(16), nullable=False),
    Column("received_ns", BigInteger, nullable=False),
    Column("photo", String(64)),
    Column("photo_ns", BigInteger),
    Column("contact_name", Text),
    Column("contact_phone", Text),
    Column("work_order", _id),
    Column("joined", Boolean, nullable=False),
    Column("refused_ns", BigInteger),
    Column("refused_by", _id),
    Column("refused_reason", Text),
    Index("ix_work_requests_site_received_ns", "site", "received_ns"),
    Index("ix_work_requests_work_order", "work_order"),
)


class SqlWorkRequests:
    """`ports.WorkRequests`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, request: WorkRequest) -> bool:
        """Insert unless known."""
        row = asdict(request) | {"priority": str(request.priority)}
        del row["contact"]
        contact = request.contact
        row |= {"contact_name": contact and contact.name, "contact_phone": contact and contact.phone}
        return insert_once(self._connection, work_requests, row)

    def get(self, request_id: str) -> WorkRequest:
        """One."""
        query = select(work_requests).where(work_requests.c.id == request_id)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"there is no work request {request_id}", work_request=request_id)
        return _request(row)

    def join(self, request_id: str, work_order: str, *, joined: bool) -> None:
        """Its order."""
        query = update(work_requests).where(work_requests.c.id == request_id)
        self._connection.execute(query.values(work_order=work_order, joined=joined))

    def picture(self, request_id: str, at_ns: int) -> bool:
        """Once."""
        query = update(work_requests).where(work_requests.c.id == request_id, work_requests.c.photo_ns.is_(None))
        return self._connection.execute(query.values(photo_ns=at_ns)).rowcount == 1

    def refuse(self, request_id: str, at_ns: int, by: str, reason: str) -> bool:
        """Once."""
        query = update(work_requests).where(work_requests.c.id == request_id, work_requests.c.refused_ns.is_(None))
        done = self._connection.execute(query.values(refused_ns=at_ns, refused_by=by, refused_reason=reason))
        return done.rowcount == 1

    def forget_contacts(self, received_before_ns: int) -> int:
        """Names and numbers of older ones."""
        old = work_requests.c.received_ns < received_before_ns
        told = or_(work_requests.c.contact_name.is_not(None), work_requests.c.contact_phone.is_not(None))
        query = update(work_requests).where(old, told).values(contact_name=None, contact_phone=None)
        return self._connection.execute(query).rowcount

    def list(
        self,
        site: str,
        *,
        work_order: str | None = None,
        refused: bool | None = None,
        limit: int = 200,
        before_ns: int | None = None,
    ) -> Sequence[WorkRequest]:
        """Newest first."""
        query = select(work_requests).where(work_requests.c.site == site)
        if work_order is not None:
            query = query.where(work_requests.c.work_order == work_order)
        if refused is not None:
            column = work_requests.c.refused_ns
            query = query.where(column.is_not(None) if refused else column.is_(None))
        if before_ns is not None:
            query = query.where(work_requests.c.received_ns < before_ns)
        query = query.order_by(work_requests.c.received_ns.desc(), work_requests.c.id).limit(limit)
        return [_request(row) for row in self._connection.execute(query)]


def _request(row: Row[Any]) -> WorkRequest:
    facts = dict(row._mapping)  # noqa: SLF001
    name, phone = facts.pop("contact_name"), facts.pop("contact_phone")
    contact = Contact(name or "", phone or "") if name or phone else None
    return WorkRequest(**facts | {"priority": Priority(row.priority), "contact": contact})
