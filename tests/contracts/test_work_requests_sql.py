"""Work requests in SQL, the same on SQLite and PostgreSQL: kept as they came, once, and one order for one fault."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace

import pytest

from caretaker.adapters.sql import SqlTransactions
from caretaker.domain.assets import Estate
from caretaker.domain.equipment import Priority, Text
from caretaker.domain.errors import NotFound, Refused
from caretaker.domain.people import Person, Role
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.work_requests import Contact, WorkRequest, id_of
from caretaker.services.checkpoints import add
from caretaker.services.work_requests import Received, receive, refuse
from tests.factories import demo_kinds, demo_site

NOW = 1_790_000_000_000_000_000
BOSS = Person("li", "李敏", Role.SUPERVISOR)


@pytest.fixture
def estate(sql: SqlTransactions) -> Estate:
    with sql.begin() as unit:
        unit.estates.load(demo_kinds(), demo_site())
    with sql.begin(write=False) as unit:
        return unit.estates.get(demo_kinds())


@pytest.fixture
def place(sql: SqlTransactions, estate: Estate) -> Checkpoint:
    return add(sql, estate, Checkpoint("lobby", "demo", Text("大堂", "Lobby"), "b1-f1", "lift-1"), BOSS, NOW)


def asked(place: Checkpoint, key: str, **more: object) -> WorkRequest:
    made = WorkRequest(
        id=id_of("demo", key),
        site="demo",
        checkpoint=place.id,
        space=place.space,
        asset=place.asset,
        fault="door-fault",
        description="门关不上 🚪",
        priority=Priority.MEDIUM,
        received_ns=NOW,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def test_a_request_comes_back_as_it_was_and_is_never_there_twice(sql: SqlTransactions, place: Checkpoint) -> None:
    full = asked(place, str(uuid.uuid4()), photo="ab" * 32, contact=Contact("赵", "+86 1"))
    bare = asked(place, str(uuid.uuid4()), asset=None, received_ns=NOW + 1)
    with sql.begin() as unit:
        assert unit.work_requests.add(full)
        assert unit.work_requests.add(bare)
        assert not unit.work_requests.add(replace(full, description="other"))
    with sql.begin(write=False) as unit:
        assert unit.work_requests.get(full.id) == full
        assert unit.work_requests.list("demo") == [bare, full]
        assert unit.work_requests.list("demo", limit=1, before_ns=NOW + 1) == [full]
        assert unit.work_requests.list("elsewhere") == []
        with pytest.raises(NotFound):
            unit.work_requests.get("wr_0")


def test_photo_and_refusal_are_written_once_and_old_contacts_are_forgotten(
    sql: SqlTransactions, place: Checkpoint
) -> None:
    old = asked(place, str(uuid.uuid4()), photo="ab" * 32, contact=Contact("赵", ""))
    new = asked(place, str(uuid.uuid4()), contact=Contact("", "1"), received_ns=NOW + 10)
    with sql.begin() as unit:
        unit.work_requests.add(old)
        unit.work_requests.add(new)
        assert [unit.work_requests.picture(old.id, NOW + n) for n in (1, 2)] == [True, False]
        assert [unit.work_requests.refuse(old.id, NOW + n, "li", f"r{n}") for n in (3, 4)] == [True, False]
        assert [unit.work_requests.forget_contacts(NOW + 10) for _ in range(2)] == [1, 0]
    with sql.begin(write=False) as unit:
        kept = unit.work_requests.get(old.id)
        assert unit.work_requests.list("demo", refused=True) == [kept]
        assert unit.work_requests.list("demo", refused=False) == [new]

    assert kept == replace(
        old, photo_ns=NOW + 1, contact=None, refused_ns=NOW + 3, refused_by="li", refused_reason="r3"
    )


def test_many_at_once_make_one_order_and_each_report_is_there_once(
    sql: SqlTransactions, estate: Estate, place: Checkpoint
) -> None:
    requests = [asked(place, str(uuid.uuid4())) for _ in range(3)]
    done: list[Received] = []

    def send() -> None:
        done.extend(receive(sql, estate, request, place, NOW) for request in requests)

    threads = [threading.Thread(target=send) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with sql.begin(write=False) as unit:
        kept = unit.work_requests.list("demo")
        (order,) = unit.work_orders.list()
        actions = [entry.action for entry in unit.work_orders.history(order.id)]
    assert sorted(each.repeated for each in done) == [False] * 3 + [True] * 12
    assert {each.order.id for each in done} == {order.id}
    assert sorted(request.id for request in kept) == sorted(request.id for request in requests)
    assert [request.joined for request in kept].count(False) == 1
    assert actions == ["opened", "joined", "joined"]


def test_a_report_that_is_refused_here_leaves_nothing(sql: SqlTransactions, estate: Estate, place: Checkpoint) -> None:
    for wrong in (asked(place, "k1", fault="flooding"), asked(place, "k2", description="")):
        with pytest.raises(Refused):
            receive(sql, estate, wrong, place, NOW)
    with sql.begin(write=False) as unit:
        assert unit.work_requests.list("demo") == []
        assert unit.work_orders.list() == []


def test_a_new_report_after_the_repair_sends_the_order_back_to_work(
    sql: SqlTransactions, estate: Estate, place: Checkpoint
) -> None:
    from caretaker.domain.work_orders import OrderAction, OrderState
    from caretaker.services.work_orders import Deed, act

    first = receive(sql, estate, asked(place, "k1"), place, NOW)
    for n, action in enumerate((OrderAction.START, OrderAction.COMPLETE)):
        act(sql, first.order.id, Deed(action), BOSS, NOW + n)
    again = receive(sql, estate, asked(place, "k2"), place, NOW + 9)
    refuse(sql, first.request.id, "重复", BOSS, NOW + 10)

    with sql.begin(write=False) as unit:
        order = unit.work_orders.get(first.order.id)
    assert again.order.id == first.order.id
    assert (order.state, order.completed_ns) == (OrderState.IN_PROGRESS, None)
