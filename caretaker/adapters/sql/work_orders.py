"""Work orders and their history in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, insert, select, update

from caretaker.adapters.sql.tables import order_entries, order_numbers, sites, work_orders
from caretaker.adapters.sql.upsert import insert_once, upsert
from caretaker.domain.equipment import Priority
from caretaker.domain.errors import Conflict, NotFound
from caretaker.domain.work_orders import UNFINISHED, DetectedBy, OrderEntry, OrderState, WorkOrder

_TRIES = 5
"""An unfinished order may be closed by a person between our insert and our look: then we try again."""


class SqlWorkOrders:
    """`ports.WorkOrders`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, order: WorkOrder) -> tuple[WorkOrder, bool]:
        """Insert, or give back the unfinished one of this asset and fault."""
        for _ in range(_TRIES):
            standing = self._unfinished(order)
            if standing is not None:
                return standing, False
            fresh = order if order.id else replace(order, id=self._number(order))
            if insert_once(self._connection, work_orders, _row(fresh)):
                return fresh, True
        raise Conflict(f"the order of {order.asset} ({order.fault}) changed under our hands; try again")

    def _unfinished(self, order: WorkOrder) -> WorkOrder | None:
        row = self._connection.execute(
            select(work_orders).where(
                work_orders.c.site == order.site,
                work_orders.c.asset == order.asset,
                work_orders.c.fault == order.fault,
                work_orders.c.state.in_(sorted(UNFINISHED)),
            )
        ).one_or_none()
        return None if row is None else _order(row)

    def _number(self, order: WorkOrder) -> str:
        zone = self._connection.execute(select(sites.c.zone).where(sites.c.id == order.site)).scalar() or "UTC"
        day = datetime.fromtimestamp(order.opened_ns / 1e9, UTC).astimezone(ZoneInfo(zone)).strftime("%y%m%d")
        last = self._connection.execute(
            upsert(
                self._connection,
                order_numbers,
                {"site": order.site, "day": day, "last": 1},
                keys=("site", "day"),
                change={"last": order_numbers.c.last + 1},
            ).returning(order_numbers.c.last)
        ).scalar_one()
        return f"WO-{day}-{last:03d}"

    def get(self, order_id: str) -> WorkOrder:
        """One order."""
        row = self._connection.execute(select(work_orders).where(work_orders.c.id == order_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no work order {order_id}", work_order=order_id)
        return _order(row)

    def save(self, order: WorkOrder, expected: OrderState) -> None:
        """Write if nobody was faster."""
        changed = self._connection.execute(
            update(work_orders)
            .where(work_orders.c.id == order.id, work_orders.c.state == str(expected))
            .values(_row(order))
        ).rowcount
        if changed != 1:
            raise Conflict(f"{order.id} is no longer {expected}: somebody else was faster", work_order=order.id)

    def note(
        self, order_id: str, at_ns: int, actor: str, action: str, comment: str | None, facts: Mapping[str, object]
    ) -> None:
        """Append one line of history."""
        self._connection.execute(
            insert(order_entries).values(
                work_order=order_id, at_ns=at_ns, actor=actor, action=action, comment=comment, facts=dict(facts)
            )
        )

    def history(self, order_id: str) -> Sequence[OrderEntry]:
        """Oldest first."""
        query = select(order_entries).where(order_entries.c.work_order == order_id).order_by(order_entries.c.id)
        return [OrderEntry(**row._mapping) for row in self._connection.execute(query)]  # noqa: SLF001

    def list(
        self,
        *,
        states: Sequence[OrderState] | None = None,
        asset: str | None = None,
        assignee: str | None = None,
        limit: int = 200,
        before_ns: int | None = None,
    ) -> Sequence[WorkOrder]:
        """Newest first."""
        query = select(work_orders).order_by(work_orders.c.opened_ns.desc(), work_orders.c.id.desc()).limit(limit)
        if states is not None:
            query = query.where(work_orders.c.state.in_([str(state) for state in states]))
        if asset is not None:
            query = query.where(work_orders.c.asset == asset)
        if assignee is not None:
            query = query.where(work_orders.c.assignee == assignee)
        if before_ns is not None:
            query = query.where(work_orders.c.opened_ns < before_ns)
        return [_order(row) for row in self._connection.execute(query)]


def _row(order: WorkOrder) -> dict[str, Any]:
    row = asdict(order)
    return {key: str(value) if key in ("priority", "state", "detected_by") else value for key, value in row.items()}


def _order(row: Row[Any]) -> WorkOrder:
    facts = dict(row._mapping)  # noqa: SLF001
    facts["priority"] = Priority(facts["priority"])
    facts["state"] = OrderState(facts["state"])
    facts["detected_by"] = DetectedBy(facts["detected_by"])
    return WorkOrder(**facts)
