"""Alarms in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, select, update

from caretaker.adapters.sql.tables import alarms
from caretaker.adapters.sql.upsert import insert_once
from caretaker.domain.alarms import Alarm
from caretaker.domain.equipment import Priority
from caretaker.domain.errors import NotFound
from caretaker.domain.rules.types import Evidence


class SqlAlarms:
    """`ports.Alarms`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, alarm: Alarm) -> bool:
        """Insert unless this episode is known or one is open."""
        row = asdict(alarm)
        row["priority"] = str(alarm.priority)
        row["evidence"] = [asdict(item) for item in alarm.evidence]
        return insert_once(self._connection, alarms, row)

    def clear(self, site: str, asset: str, rule: str, cleared_ns: int) -> Alarm | None:
        """End the active episode."""
        row = self._connection.execute(
            update(alarms)
            .where(
                alarms.c.site == site,
                alarms.c.asset == asset,
                alarms.c.rule == rule,
                alarms.c.cleared_ns.is_(None),
                alarms.c.raised_ns <= cleared_ns,
            )
            .values(cleared_ns=cleared_ns)
            .returning(*alarms.c)
        ).one_or_none()
        return None if row is None else _alarm(row)

    def get(self, alarm_id: str) -> Alarm:
        """One alarm."""
        row = self._connection.execute(select(alarms).where(alarms.c.id == alarm_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no alarm {alarm_id}", alarm=alarm_id)
        return _alarm(row)

    def save(self, alarm: Alarm) -> None:
        """Write what people and orders add; the condition's own times are left alone."""
        self._connection.execute(
            update(alarms)
            .where(alarms.c.id == alarm.id)
            .values(
                acknowledged_ns=alarm.acknowledged_ns,
                acknowledged_by=alarm.acknowledged_by,
                comment=alarm.comment,
                work_order=alarm.work_order,
            )
        )

    def list(
        self,
        *,
        active: bool | None = None,
        unacknowledged: bool | None = None,
        asset: str | None = None,
        work_order: str | None = None,
        limit: int = 200,
        before_ns: int | None = None,
    ) -> Sequence[Alarm]:
        """Newest first."""
        query = select(alarms).order_by(alarms.c.raised_ns.desc(), alarms.c.id).limit(limit)
        if active is not None:
            query = query.where(alarms.c.cleared_ns.is_(None) if active else alarms.c.cleared_ns.is_not(None))
        if unacknowledged is not None:
            missing = alarms.c.acknowledged_ns.is_(None)
            query = query.where(missing if unacknowledged else ~missing)
        if asset is not None:
            query = query.where(alarms.c.asset == asset)
        if work_order is not None:
            query = query.where(alarms.c.work_order == work_order)
        if before_ns is not None:
            query = query.where(alarms.c.raised_ns < before_ns)
        return [_alarm(row) for row in self._connection.execute(query)]


def _alarm(row: Row[Any]) -> Alarm:
    facts = dict(row._mapping)  # noqa: SLF001  (SQLAlchemy's documented name)
    facts["priority"] = Priority(facts["priority"])
    facts["evidence"] = tuple(Evidence(**item) for item in facts["evidence"])
    return Alarm(**facts)
