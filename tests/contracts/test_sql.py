"""One suite for SQLite and a real PostgreSQL: whatever the house says in SQL means the same on both."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from caretaker.adapters.sql import SqlTransactions
from caretaker.catalog import read_kinds, read_site
from caretaker.domain.alarms import Alarm, alarm_id
from caretaker.domain.assets import SiteFile
from caretaker.domain.equipment import EquipmentKind, Priority
from caretaker.domain.errors import Conflict, Fenced, NotFound
from caretaker.domain.rules.types import Evidence
from caretaker.domain.work_orders import DetectedBy, OrderState, WorkOrder
from tooling.steps import ROOT

CHECKOUT = Path(ROOT)
T0 = 1_795_403_777_123_456_789
S = 1_000_000_000


@pytest.fixture(scope="module")
def kinds() -> dict[str, EquipmentKind]:
    return dict(read_kinds(CHECKOUT / "equipment"))


@pytest.fixture(scope="module")
def site(kinds: dict[str, EquipmentKind]) -> SiteFile:
    return read_site(CHECKOUT / "sites" / "demo", kinds)


def alarm(at_ns: int = T0, **changes: object) -> Alarm:
    facts: dict[str, object] = {
        "site": "demo",
        "asset": "pump-1",
        "rule": "no_water",
        "priority": Priority.CRITICAL,
        "fault": "low-output",
        "since_ns": at_ns - 60 * S,
        "raised_ns": at_ns,
        "evidence": (Evidence(7, "p_out", at_ns, 0.31, 0, 0.35), Evidence(8, "mode", at_ns, None, 2)),
    }
    facts.update(changes)
    return Alarm(id=alarm_id(str(facts["site"]), str(facts["asset"]), str(facts["rule"]), at_ns), **facts)  # type: ignore[arg-type]


def order(**changes: object) -> WorkOrder:
    plain = WorkOrder(
        id="",
        site="demo",
        asset="pump-1",
        fault="low-output",
        title_zh="断水",
        title_en="No water",
        priority=Priority.CRITICAL,
        state=OrderState.OPEN,
        detected_by=DetectedBy.ALARM,
        opened_ns=T0,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


# ---------------------------------------------------------------- schema


def test_migrating_again_changes_nothing(sql: SqlTransactions, url: str) -> None:
    with sql.begin() as unit:
        unit.outbox.add("k", "alarm.raised", T0, {"a": 1})

    again = SqlTransactions(url, owner=False)
    again.migrate()
    with again.begin(write=False) as unit:
        kept = unit.outbox.since(0)
    again.close()

    assert [notice.key for notice in kept] == ["k"]


STARTING = """
import sys, time
from caretaker.adapters.sql import SqlTransactions
from caretaker.domain.errors import DatabaseUnavailable
opened = SqlTransactions(sys.argv[1])
for attempt in range(50):
    try:
        opened.migrate()
        break
    except DatabaseUnavailable:
        time.sleep(0.1)
else:
    sys.exit(3)
with opened.begin() as unit:
    unit.outbox.add(sys.argv[2], "started", 1, {})
opened.close()
"""


def test_parts_that_start_at_once_on_an_empty_database_all_find_a_schema(url: str) -> None:
    """One may be told that it is too early, never anything worse, and a little patience is enough."""
    names = ("gateway", "rules")
    starting = [
        subprocess.Popen([sys.executable, "-c", STARTING, url, name], stderr=subprocess.PIPE, text=True)
        for name in names
    ]
    told = [(part.communicate(timeout=60)[1], part.returncode) for part in starting]

    assert told == [("", 0)] * 2
    opened = SqlTransactions(url)
    with opened.begin(write=False) as unit:
        assert sorted(notice.key for notice in unit.outbox.since(0)) == sorted(names)
    opened.close()


def test_an_exception_inside_leaves_nothing_behind(sql: SqlTransactions) -> None:
    with pytest.raises(NotFound), sql.begin() as unit:
        unit.outbox.add("k", "alarm.raised", T0, {})
        unit.work_orders.get("WO-000000-000")

    with sql.begin(write=False) as unit:
        assert unit.outbox.last_id() == 0


# ---------------------------------------------------------------- estates


def test_a_site_loaded_twice_is_the_same_site(
    sql: SqlTransactions, kinds: dict[str, EquipmentKind], site: SiteFile
) -> None:
    with sql.begin() as unit:
        unit.estates.load(kinds, site)
        first = unit.estates.get(kinds)
    with sql.begin() as unit:
        unit.estates.load(kinds, site)
        second = unit.estates.get(kinds)

    assert first == second
    assert list(first.assets) == [asset.id for asset in site.assets]
    assert list(first.devices.values()) == list(site.devices)
    assert first.connections == {bus.id: bus for bus in site.connections}
    assert {asset.id: asset for asset in site.assets} == dict(first.assets)


def test_points_keep_their_ids_when_an_asset_goes_and_comes_back(
    sql: SqlTransactions, kinds: dict[str, EquipmentKind], site: SiteFile
) -> None:
    gone = site.assets[0].id
    smaller = replace(
        site,
        assets=tuple(asset for asset in site.assets if asset.id != gone),
        devices=tuple(each for each in site.devices if gone not in {watched.asset for watched in each.watches}),
    )
    with sql.begin() as unit:
        unit.estates.load(kinds, site)
        before = unit.estates.get(kinds)
    with sql.begin() as unit:
        unit.estates.load(kinds, smaller)
        between = unit.estates.get(kinds)
    with sql.begin() as unit:
        unit.estates.load(kinds, site)
        after = unit.estates.get(kinds)

    assert gone not in between.assets
    assert {key: point.id for key, point in between.by_key.items()} == {
        key: point.id for key, point in before.by_key.items() if key[0] != gone
    }
    assert after == before


def test_an_empty_database_has_no_site(sql: SqlTransactions, kinds: dict[str, EquipmentKind]) -> None:
    with pytest.raises(NotFound, match="no site"), sql.begin(write=False) as unit:
        unit.estates.get(kinds)


# ---------------------------------------------------------------- cursors, snapshots, heartbeats


def test_a_cursor_moves_with_its_owner_only(sql: SqlTransactions) -> None:
    with sql.begin() as unit:
        old = unit.cursors.claim("rules", 0)
        old = unit.cursors.advance(old, 10)
    with sql.begin() as unit:
        new = unit.cursors.claim("rules", 0)

    assert (old.epoch, new.epoch, new.position) == (1, 2, 10)
    with pytest.raises(Fenced), sql.begin() as unit:
        unit.outbox.add("effect", "alarm.raised", T0, {})
        unit.cursors.advance(old, 11)
    with sql.begin() as unit:
        assert unit.outbox.last_id() == 0, "the effect of a fenced owner is rolled back with its cursor"
        assert unit.cursors.advance(new, 11).position == 11


def test_cursors_of_other_readers_and_partitions_are_their_own(sql: SqlTransactions) -> None:
    with sql.begin() as unit:
        unit.cursors.advance(unit.cursors.claim("rules", 0), 5)
        others = [unit.cursors.claim("rules", 1), unit.cursors.claim("store", 0)]

    assert [(cursor.epoch, cursor.position) for cursor in others] == [(1, 0), (1, 0)]


def test_a_snapshot_is_replaced_whole(sql: SqlTransactions) -> None:
    state = bytes(range(256)) * 40
    with sql.begin() as unit:
        assert unit.snapshots.load("rules", 0) is None
        unit.snapshots.save("rules", 0, 1, b"old")
        unit.snapshots.save("rules", 0, 2**40, state)

    with sql.begin(write=False) as unit:
        assert unit.snapshots.load("rules", 0) == (2**40, state)


def test_a_heartbeat_is_the_newest_with_its_facts(sql: SqlTransactions) -> None:
    with sql.begin() as unit:
        unit.parts.beat("gateway", T0, {"status": "ok"})
        unit.parts.beat("gateway", T0 + S, {"status": "degraded", "reason": "总线 bus: away", "devices": {"d": 1.5}})

    with sql.begin(write=False) as unit:
        assert unit.parts.all() == {
            "gateway": (T0 + S, {"status": "degraded", "reason": "总线 bus: away", "devices": {"d": 1.5}})
        }


# ---------------------------------------------------------------- alarms


def test_an_alarm_comes_back_as_it_was_told(sql: SqlTransactions) -> None:
    told = alarm(latched=True)
    with sql.begin() as unit:
        assert unit.alarms.open(told)

    with sql.begin(write=False) as unit:
        assert unit.alarms.get(told.id) == told


def test_a_condition_has_one_open_alarm_however_often_it_is_told(sql: SqlTransactions) -> None:
    with sql.begin() as unit:
        assert unit.alarms.open(alarm())
        assert not unit.alarms.open(alarm()), "the same episode"
        assert not unit.alarms.open(alarm(T0 + S)), "another one while the first is open"
        assert unit.alarms.open(alarm(rule="flooding"))
        assert unit.alarms.open(alarm(asset="pump-2"))


def test_a_cleared_alarm_makes_room_for_the_next_and_is_not_reopened_by_a_replay(sql: SqlTransactions) -> None:
    with sql.begin() as unit:
        unit.alarms.open(alarm())
        assert unit.alarms.clear("demo", "pump-1", "no_water", T0 - S) is None, "it was raised later than that"
        cleared = unit.alarms.clear("demo", "pump-1", "no_water", T0 + 5 * S)
        assert cleared is not None
        assert cleared.cleared_ns == T0 + 5 * S
        assert unit.alarms.clear("demo", "pump-1", "no_water", T0 + 6 * S) is None
        assert not unit.alarms.open(alarm()), "the old episode, told again"
        assert unit.alarms.open(alarm(T0 + 9 * S))
        assert [each.raised_ns for each in unit.alarms.list()] == [T0 + 9 * S, T0]
        assert [each.raised_ns for each in unit.alarms.list(active=True)] == [T0 + 9 * S]


def test_an_acknowledgement_does_not_touch_the_condition(sql: SqlTransactions) -> None:
    told = alarm()
    with sql.begin() as unit:
        unit.alarms.open(told)
        unit.alarms.clear("demo", "pump-1", "no_water", T0 + S)
        seen = replace(told, acknowledged_ns=T0 + 2 * S, acknowledged_by="李敏", comment="已派人")
        unit.alarms.save(seen)

        assert unit.alarms.get(told.id) == replace(seen, cleared_ns=T0 + S)
        assert unit.alarms.list(unacknowledged=True) == []


# ---------------------------------------------------------------- work orders


def test_an_order_is_numbered_by_the_day_of_its_site(
    sql: SqlTransactions, kinds: dict[str, EquipmentKind], site: SiteFile
) -> None:
    late = 1_795_449_600_000_000_000  # 2026-11-23 16:00 UTC is the next day in Shanghai
    with sql.begin() as unit:
        unit.estates.load(kinds, site)
        ids = [
            unit.work_orders.open(order(opened_ns=at, fault=fault))[0].id
            for at, fault in ((late - S, "a"), (late - S, "b"), (late, "c"))
        ]

    assert ids == ["WO-261123-001", "WO-261123-002", "WO-261124-001"]


def test_a_second_order_for_the_same_fault_joins_until_the_first_is_closed(sql: SqlTransactions) -> None:
    with sql.begin() as unit:
        first, new = unit.work_orders.open(order())
        assert new
        for state in (OrderState.IN_PROGRESS, OrderState.COMPLETED):
            standing = unit.work_orders.get(first.id)
            unit.work_orders.save(replace(standing, state=state), expected=standing.state)
            assert unit.work_orders.open(order(opened_ns=T0 + S)) == (replace(first, state=state), False)
        unit.work_orders.save(replace(first, state=OrderState.CLOSED), expected=OrderState.COMPLETED)
        second, new = unit.work_orders.open(order(opened_ns=T0 + S))

    assert new
    assert second.id != first.id


def test_of_two_who_change_an_order_the_slower_is_told(sql: SqlTransactions) -> None:
    with sql.begin() as unit:
        standing, _ = unit.work_orders.open(order())
        unit.work_orders.save(replace(standing, state=OrderState.ASSIGNED, assignee="王海涛"), OrderState.OPEN)

    with pytest.raises(Conflict, match="somebody else was faster"), sql.begin() as unit:
        unit.work_orders.save(replace(standing, state=OrderState.CANCELLED), OrderState.OPEN)
    with sql.begin(write=False) as unit:
        assert unit.work_orders.get(standing.id).assignee == "王海涛"


def test_the_history_of_an_order_keeps_its_order_and_words(sql: SqlTransactions) -> None:
    with sql.begin() as unit:
        standing, _ = unit.work_orders.open(order())
        unit.work_orders.note(standing.id, T0, "rules", "open", None, {"alarm": "al_1"})
        unit.work_orders.note(standing.id, T0, "李敏", "assign", "请尽快", {"to": "王海涛"})
        history = unit.work_orders.history(standing.id)

    assert [(each.actor, each.action, each.comment, each.facts) for each in history] == [
        ("rules", "open", None, {"alarm": "al_1"}),
        ("李敏", "assign", "请尽快", {"to": "王海涛"}),
    ]


def test_eight_writers_at_once_open_one_order_and_one_alarm(sql: SqlTransactions) -> None:
    gate = threading.Barrier(8)
    opened: list[tuple[bool, bool, str]] = []

    def work() -> None:
        gate.wait()
        with sql.begin() as unit:
            new_alarm = unit.alarms.open(alarm())
            standing, new_order = unit.work_orders.open(order())
        opened.append((new_alarm, new_order, standing.id))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(opened) == 8
    assert sum(alarm_is_new for alarm_is_new, _, _ in opened) == 1
    assert sum(order_is_new for _, order_is_new, _ in opened) == 1
    assert len({order_id for _, _, order_id in opened}) == 1
