"""Work orders and their history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from caretaker.domain.work_orders import OrderEntry, OrderState, WorkOrder


class WorkOrders(Protocol):
    """Work orders and their history."""

    def open(self, order: WorkOrder) -> tuple[WorkOrder, bool]:
        """Insert (True), or give back the unfinished order of the same asset and fault (False; partial unique index).

        `order.id` may be empty: the adapter numbers it.
        """
        ...

    def get(self, order_id: str) -> WorkOrder:
        """Raises NotFound."""
        ...

    def save(self, order: WorkOrder, expected: OrderState) -> None:
        """Write; raises Conflict when the stored state is no longer `expected` (somebody was faster)."""
        ...

    def note(
        self, order_id: str, at_ns: int, actor: str, action: str, comment: str | None, facts: Mapping[str, object]
    ) -> None:
        """Append one line of history."""
        ...

    def history(self, order_id: str) -> Sequence[OrderEntry]:
        """Oldest first."""
        ...

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
        ...
