"""Signed handover sheets in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, update

from caretaker.adapters.sql.tables_handovers import handovers
from caretaker.adapters.sql.upsert import insert_once
from caretaker.domain.errors import Conflict
from caretaker.domain.handovers import Handover, Signature


class SqlHandovers:
    """`ports.Handovers`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, handover_id: str, *, lock: bool = False) -> Handover | None:
        """One; SQLite's writer is alone anyway."""
        query = select(handovers).where(handovers.c.id == handover_id)
        if lock and self._connection.dialect.name == "postgresql":
            query = query.with_for_update()
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _handover(row)

    def add(self, handover: Handover) -> bool:
        """The primary key decides who was first."""
        signed = handover.outgoing
        row = {
            "id": handover.id,
            "site": handover.site,
            "team": handover.team,
            "shift": handover.shift,
            "starts_ns": handover.starts_ns,
            "ends_ns": handover.ends_ns,
            "sheet": handover.sheet,
            "sha256": handover.sha256,
            "outgoing": signed.person,
            "outgoing_name": signed.name,
            "outgoing_ns": signed.at_ns,
        }
        return insert_once(self._connection, handovers, row)

    def take_over(self, handover: Handover) -> None:
        """Only the second signature is written: no statement here changes a sheet."""
        signed = handover.incoming
        if signed is None:
            raise Conflict(f"{handover.id} has no second signature", handover=handover.id)
        changed = self._connection.execute(
            update(handovers)
            .where(handovers.c.id == handover.id, handovers.c.incoming.is_(None))
            .values(incoming=signed.person, incoming_name=signed.name, incoming_ns=signed.at_ns)
        ).rowcount
        if changed != 1:
            raise Conflict(f"{handover.id} was taken over by somebody else at this moment", handover=handover.id)

    def list(self, site: str, from_ns: int, to_ns: int) -> Sequence[Handover]:
        """By the shift's time."""
        query = (
            select(handovers)
            .where(handovers.c.site == site, handovers.c.ends_ns > from_ns, handovers.c.starts_ns < to_ns)
            .order_by(handovers.c.starts_ns.desc(), handovers.c.id)
        )
        return [_handover(row) for row in self._connection.execute(query)]


def _handover(row: Row[Any]) -> Handover:
    return Handover(
        id=row.id,
        site=row.site,
        team=row.team,
        shift=row.shift,
        starts_ns=row.starts_ns,
        ends_ns=row.ends_ns,
        sheet=row.sheet,
        sha256=row.sha256,
        outgoing=Signature(row.outgoing, row.outgoing_name, row.outgoing_ns),
        incoming=None if row.incoming is None else Signature(row.incoming, row.incoming_name, row.incoming_ns),
    )
