"""The audit trail in SQL. Rows are gathered and written just before the commit: the lock that makes them one after
another is then the last one taken, so it can neither be held long nor meet another lock the wrong way round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select

from caretaker.adapters.audit_seal import Seal
from caretaker.adapters.sql.locks import hold
from caretaker.adapters.sql.tables_people import audit
from caretaker.domain.audit import GENESIS, AuditCheck, AuditEntry, Head, canonical, check, mac_of
from caretaker.domain.errors import ConfigurationError

_PAGE = 1000


class SqlAudit:
    """`ports.Audit`."""

    def __init__(self, connection: Connection, seal: Seal) -> None:
        self._connection = connection
        self._seal = seal
        self._new: list[AuditEntry] = []
        self.cut = False
        """Found while writing: the head file's row is not in the table any more."""

    def append(
        self,
        at_ns: int,
        actor: str,
        action: str,
        subject: str,
        *,
        site: str = "",
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
    ) -> None:
        """Gather a row."""
        self._new.append(
            AuditEntry(0, at_ns, site, actor, action, subject[:160], canonical(before), canonical(after), "")
        )

    def write(self) -> Head | None:
        """Chain and write what was gathered, as the transaction's last act. Returns the new head for the head file;
        None when there is nothing to remember, or when the old head is not in the table any more (then the head file
        keeps the proof of what was cut off)."""
        if not self._new:
            return None
        hold(self._connection, "audit")
        newest = self._connection.execute(select(audit.c.id, audit.c.mac).order_by(audit.c.id.desc()).limit(1)).first()
        head = Head(newest.id, newest.mac) if newest else Head(0, GENESIS)
        for entry in self._new:
            linked = replace(entry, id=head.id + 1, previous=head.mac)
            sealed = replace(linked, mac=mac_of(self._seal.key(), linked))
            self._connection.execute(insert(audit).values(asdict(sealed)))
            head = Head(sealed.id, sealed.mac)
        self._new.clear()
        self.cut = not self._remembered()
        return None if self.cut else head

    def _remembered(self) -> bool:
        try:
            old = self._seal.head()
        except ConfigurationError:
            return False  # a damaged head file stops nobody's work; `caretaker audit verify` names it
        if old is None:
            return True
        mac = self._connection.execute(select(audit.c.mac).where(audit.c.id == old.id)).scalar()
        return mac == old.mac

    def list(
        self,
        *,
        after: int | None = None,
        before: int | None = None,
        site: str | None = None,
        subject: str | None = None,
        action: str | None = None,
        limit: int = 200,
    ) -> Sequence[AuditEntry]:
        """Pages."""
        query = select(audit).limit(limit)
        query = query.order_by(audit.c.id if after is not None else audit.c.id.desc())
        if after is not None:
            query = query.where(audit.c.id > after)
        if before is not None:
            query = query.where(audit.c.id < before)
        if site is not None:
            query = query.where(or_(audit.c.site == site, audit.c.site == ""))
        if subject is not None:
            query = query.where(audit.c.subject == subject)
        if action is not None:
            query = query.where(audit.c.action == action)
        return [_entry(row) for row in self._connection.execute(query)]

    def check(self) -> AuditCheck:
        """Walk."""
        # the head first: rows that are written meanwhile are then newer than it, never missing
        head = self._seal.head()
        return check(self._walk(), self._seal.key(), head)

    def _walk(self) -> Iterator[AuditEntry]:
        last: Any = None
        while True:
            query = select(audit).order_by(audit.c.id).limit(_PAGE)
            page = self._connection.execute(query if last is None else query.where(audit.c.id > last)).all()
            if not page:
                return
            yield from (_entry(row) for row in page)
            last = page[-1].id


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(**row._mapping)  # noqa: SLF001
