"""Work orders: list, look, drive through their life."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Repeatable, Watcher
from api.house import TheHouse
from api.schemas.common import ns
from api.schemas.work import ActBody, CommentBody, Entry, History, OrderList, OrderShape
from api.views import Views
from caretaker.domain.work_orders import OrderAction, OrderState
from caretaker.services import work_orders

router = APIRouter(tags=["work orders"])


@router.get("/work-orders", operation_id="listWorkOrders")
def list_orders(
    _person: Watcher,
    house: TheHouse,
    state: Annotated[list[OrderState] | None, Query(description="repeat for several")] = None,
    asset: str | None = None,
    assignee: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    before_ms: Annotated[int | None, Query(ge=0, le=253_402_300_799_000)] = None,
) -> OrderList:
    """Newest first; `counts` by state over the last 5,000."""
    views = Views(house)
    before_ns = ns(before_ms)
    with house.transactions.begin(write=False) as unit:
        found = unit.work_orders.list(states=state, asset=asset, assignee=assignee, limit=limit, before_ns=before_ns)
        items = [views.order(unit, order) for order in found]
        counts = Counter(str(order.state) for order in unit.work_orders.list(limit=5000))
    return OrderList(items=items, counts=dict(counts))


@router.get("/work-orders/{order}", operation_id="getWorkOrder")
def get_order(order: str, _person: Watcher, house: TheHouse) -> OrderShape:
    """One order, its alarms, what may be done, and why it cannot be closed."""
    with house.transactions.begin(write=False) as unit:
        return Views(house).order(unit, unit.work_orders.get(order))


@router.get("/work-orders/{order}/history", operation_id="getWorkOrderHistory")
def get_history(order: str, _person: Watcher, house: TheHouse) -> History:
    """Who did what when."""
    with house.transactions.begin(write=False) as unit:
        unit.work_orders.get(order)
        entries = unit.work_orders.history(order)
    return History(
        items=[
            Entry(
                id=entry.id,
                at_ms=entry.at_ns // 1_000_000,
                actor=entry.actor,
                action=entry.action,
                comment=entry.comment,
                facts=dict(entry.facts),
            )
            for entry in entries
        ]
    )


@router.post("/work-orders/{order}/comments", operation_id="commentWorkOrder")
def comment(order: str, body: CommentBody, person: Watcher, house: TheHouse, once: Repeatable) -> OrderShape:
    """Add a remark."""
    done = work_orders.comment(house.transactions, order, body.comment, person, house.clock.now_ns(), once)
    with house.transactions.begin(write=False) as unit:
        return Views(house).order(unit, done)


@router.post("/work-orders/{order}/{action}", operation_id="actOnWorkOrder")
def act(
    order: str, action: OrderAction, body: ActBody, person: Watcher, house: TheHouse, once: Repeatable
) -> OrderShape:
    """assign, start, hold, resume, complete, reopen, close or cancel; 409 with the reason when it cannot be."""
    views = Views(house)
    deed = work_orders.Deed(action, body.assignee, body.comment, body.reason, body.override)
    with house.transactions.begin(write=False) as unit:
        silent = views.silent(unit, order) if action is OrderAction.CLOSE else frozenset()
    done = work_orders.act(house.transactions, order, deed, person, views.now_ns, silent, once)
    with house.transactions.begin(write=False) as unit:
        return views.order(unit, done)
