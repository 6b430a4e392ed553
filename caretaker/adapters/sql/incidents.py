"""Incidents and their timelines in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from caretaker.adapters.sql.tables_incidents import incident_entries, incidents
from caretaker.adapters.sql.upsert import insert_once
from caretaker.domain.equipment import Priority
from caretaker.domain.errors import Conflict, NotFound
from caretaker.domain.incidents import Incident, IncidentEntry, IncidentKind, IncidentState
from caretaker.domain.rounds.scans import Position


class SqlIncidents:
    """`ports.Incidents`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, incident: Incident) -> bool:
        """Insert unless known."""
        return insert_once(self._connection, incidents, _row(incident))

    def get(self, incident_id: str) -> Incident:
        """One incident."""
        row = self._connection.execute(select(incidents).where(incidents.c.id == incident_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no incident {incident_id}", incident=incident_id)
        return _incident(row)

    def save(self, incident: Incident, expected: Incident) -> None:
        """Write if nobody was faster. The count of calls is the keeper's and stays as it is."""
        row = {name: value for name, value in _row(incident).items() if name not in ("id", "calls", "called_ns")}
        changed = self._connection.execute(
            update(incidents)
            .where(
                incidents.c.id == incident.id,
                incidents.c.state == str(expected.state),
                incidents.c.taken_by.is_not_distinct_from(expected.taken_by),
            )
            .values(row)
        ).rowcount
        if changed != 1:
            raise Conflict("somebody else was faster; look again", incident=incident.id)

    def call(self, incident: Incident, now_ns: int) -> bool:
        """Count a call if it is still ours to make."""
        changed = self._connection.execute(
            update(incidents)
            .where(
                incidents.c.id == incident.id,
                incidents.c.state == str(IncidentState.REPORTED),
                incidents.c.calls == incident.calls,
            )
            .values(calls=incident.calls + 1, called_ns=now_ns)
        ).rowcount
        return changed == 1

    def untaken(self, site: str) -> Sequence[Incident]:
        """The oldest first."""
        query = select(incidents).where(incidents.c.site == site, incidents.c.state == str(IncidentState.REPORTED))
        return [_incident(row) for row in self._connection.execute(query.order_by(incidents.c.received_ns))]

    def list(
        self,
        site: str,
        *,
        states: Sequence[IncidentState] | None = None,
        kinds: Sequence[IncidentKind] | None = None,
        reporter: str | None = None,
        limit: int = 200,
        before_ns: int | None = None,
    ) -> Sequence[Incident]:
        """Newest first."""
        query = select(incidents).where(incidents.c.site == site)
        query = query.order_by(incidents.c.received_ns.desc(), incidents.c.id).limit(limit)
        if states is not None:
            query = query.where(incidents.c.state.in_([str(state) for state in states]))
        if kinds is not None:
            query = query.where(incidents.c.kind.in_([str(kind) for kind in kinds]))
        if reporter is not None:
            query = query.where(incidents.c.reporter == reporter)
        if before_ns is not None:
            query = query.where(incidents.c.received_ns < before_ns)
        return [_incident(row) for row in self._connection.execute(query)]

    def note(
        self, incident_id: str, at_ns: int, actor: str, action: str, text: str | None, facts: Mapping[str, object]
    ) -> int:
        """Append one line."""
        row = {
            "incident": incident_id,
            "at_ns": at_ns,
            "actor": actor,
            "action": action,
            "text": text,
            "facts": dict(facts),
        }
        made = self._connection.execute(insert(incident_entries).values(row).returning(incident_entries.c.id))
        return int(made.scalar_one())

    def timeline(self, incident_id: str) -> Sequence[IncidentEntry]:
        """Oldest first."""
        query = select(incident_entries).where(incident_entries.c.incident == incident_id)
        rows = self._connection.execute(query.order_by(incident_entries.c.id))
        return [IncidentEntry(**row._mapping) for row in rows]  # noqa: SLF001

    def forget_people(self, closed_before_ns: int) -> int:
        """Blank them."""
        old = (incidents.c.people != "", incidents.c.closed_ns < closed_before_ns)
        return self._connection.execute(update(incidents).where(*old).values(people="")).rowcount


def _row(incident: Incident) -> dict[str, Any]:
    row = asdict(incident)
    row |= {name: str(row[name]) for name in ("kind", "priority", "state")}
    return row | {"photos": list(incident.photos)}


def _incident(row: Row[Any]) -> Incident:
    facts = dict(row._mapping)  # noqa: SLF001
    facts["kind"] = IncidentKind(row.kind)
    facts["priority"] = Priority(row.priority)
    facts["state"] = IncidentState(row.state)
    facts["position"] = None if row.position is None else Position(**row.position)
    facts["photos"] = tuple(row.photos)
    return Incident(**facts)
