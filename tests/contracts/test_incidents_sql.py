"""Incidents in SQL, the same on SQLite and PostgreSQL: once per id, one call per rung, whoever is faster is the one."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace

import pytest

from caretaker.adapters.memory.clock import HandClock
from caretaker.adapters.sql import SqlTransactions
from caretaker.domain.assets import Estate
from caretaker.domain.equipment import Priority
from caretaker.domain.errors import Conflict, NotFound
from caretaker.domain.incidents import Incident, IncidentKind, IncidentState
from caretaker.domain.ladder import SECOND, Patience
from caretaker.domain.people import Person, Role
from caretaker.domain.rounds.scans import Position
from caretaker.services import incidents
from caretaker.services.incidents import Report
from rules.ladder import LadderKeeper
from tests.factories import demo_kinds, demo_site

T0 = 1_790_000_000 * SECOND
GUARD = Person("zhang", "张伟", Role.GUARD)
STAFF = (
    GUARD,
    Person("li", "李敏", Role.SUPERVISOR),
    Person("liu", "刘芳", Role.MANAGER),
    Person("boss", "王总", Role.ADMIN),
    Person("else", "外人", Role.SUPERVISOR, sites=("another",)),
    Person("token-1", "a script", Role.ADMIN),
)
PATIENCE = Patience(60, 300, 5)


@pytest.fixture
def estate(sql: SqlTransactions) -> Estate:
    with sql.begin() as unit:
        unit.estates.load(demo_kinds(), demo_site())
        for person in STAFF:
            unit.people.introduce(person)
    with sql.begin(write=False) as unit:
        return unit.estates.get(demo_kinds())


def told(sql: SqlTransactions) -> list[tuple[str, object, list[str]]]:
    """(event, rung, names) of every notice."""
    with sql.begin(write=False) as unit:
        return [
            (one.event, one.facts.get("to"), [who["name"] for who in one.facts.get("persons", ())])  # type: ignore[attr-defined]
            for one in unit.outbox.since(0)
        ]


def test_an_incident_comes_back_as_it_was_kept(sql: SqlTransactions) -> None:
    full = Incident(
        id="i1",
        site="demo",
        kind=IncidentKind.WATER,
        priority=Priority.HIGH,
        state=IncidentState.REPORTED,
        reporter="zhang",
        phone="ph-1",
        received_ns=T0,
        device_ns=T0 - 7 * SECOND,
        checkpoint="c1",
        space="b1",
        place="北侧楼梯口",
        position=Position(31.2, 121.5, 8.0),
        asset="pump-1",
        description="管道爆裂",
        people="住户 3-1-502",
        photos=("ab" * 32,),
        calls=1,
        called_ns=T0,
    )
    bare = Incident("i0", "demo", IncidentKind.SOS, Priority.CRITICAL, IncidentState.REPORTED, "zhang", "", T0 - 1)
    with sql.begin() as unit:
        assert (unit.incidents.add(full), unit.incidents.add(bare), unit.incidents.add(full)) == (True, True, False)
        unit.incidents.note("i1", T0, "zhang", "measure", "关了阀门", {"photos": ["cd" * 32]})

    with sql.begin(write=False) as unit:
        assert (unit.incidents.get("i1"), unit.incidents.get("i0")) == (full, bare)
        assert unit.incidents.list("demo") == [full, bare]
        assert unit.incidents.list("demo", kinds=[IncidentKind.SOS], reporter="zhang") == [bare]
        assert unit.incidents.list("demo", before_ns=T0) == [bare]
        assert unit.incidents.list("demo", states=[IncidentState.CLOSED]) == []
        assert unit.incidents.untaken("demo") == [bare, full]
        (line,) = unit.incidents.timeline("i1")
        assert (line.actor, line.text, line.facts) == ("zhang", "关了阀门", {"photos": ["cd" * 32]})
        with pytest.raises(NotFound):
            unit.incidents.get("i2")


def test_of_two_who_take_it_at_once_one_is_told_who_was_faster(sql: SqlTransactions, estate: Estate) -> None:
    incidents.report(sql, estate, Report("i1", IncidentKind.SOS), GUARD, "", T0)
    results: list[str] = []

    def take(person: Person) -> None:
        try:
            incidents.take(sql, estate, "i1", person, None, T0 + SECOND)
            results.append("taken")
        except Conflict:
            results.append("too late")

    threads = [threading.Thread(target=take, args=(person,)) for person in STAFF[1:4]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(results) == {"taken": 1, "too late": 2}
    assert [event for event, *_ in told(sql)].count("incident.taken") == 1


def test_the_ladder_goes_up_and_around_until_its_end_over_restarts_and_a_standstill(
    sql: SqlTransactions, estate: Estate
) -> None:
    clock = HandClock(T0)
    incidents.report(sql, estate, Report("i1", IncidentKind.SOS), GUARD, "", clock.now_ns())
    for seconds in (59, 1, 59, 1, 3600, 1, 59, 600, 600):
        clock.advance(seconds)
        LadderKeeper(sql, estate, clock, patience=PATIENCE).keep()  # each time a new one: a restart

    assert told(sql) == [
        ("sos.raised", "supervisor", ["李敏"]),
        ("sos.called", "manager", ["刘芳"]),
        ("sos.called", "admin", ["王总"]),
        ("sos.called", "all", ["刘芳", "李敏", "王总"]),  # after an hour of standstill: once
        ("sos.called", "all", ["刘芳", "李敏", "王总"]),
    ]
    with sql.begin(write=False) as unit:
        assert [one.facts["last"] for one in unit.outbox.since(0)] == [False] * 4 + [True]
        assert unit.incidents.get("i1").state is IncidentState.REPORTED


def test_a_supervisor_in_need_is_not_called_to_help_himself(sql: SqlTransactions, estate: Estate) -> None:
    incidents.report(sql, estate, Report("i1", IncidentKind.SOS), STAFF[1], "", T0)
    incidents.report(sql, estate, Report("i2", IncidentKind.WATER, place="门口"), STAFF[1], "", T0)

    assert told(sql) == [("sos.raised", "manager", ["刘芳"]), ("incident.reported", "supervisor", ["李敏"])]


def test_taking_stops_the_ladder_and_what_is_not_urgent_has_none(sql: SqlTransactions, estate: Estate) -> None:
    clock = HandClock(T0)
    keeper = LadderKeeper(sql, estate, clock, patience=PATIENCE)
    for name, kind in (("s", IncidentKind.SOS), ("f", IncidentKind.FIRE), ("w", IncidentKind.WATER)):
        incidents.report(sql, estate, Report(name, kind, place="门口"), GUARD, "", clock.now_ns())
    clock.advance(70)
    keeper.keep()
    incidents.take(sql, estate, "s", STAFF[1], None, clock.now_ns())
    for _ in range(4):
        clock.advance(70)
        keeper.keep()

    with sql.begin(write=False) as unit:
        calls = {name: unit.incidents.get(name).calls for name in "sfw"}
    assert calls == {"s": 2, "f": 2, "w": 1}
    assert keeper.called == 2


def test_two_keepers_and_somebody_who_takes_it_meanwhile_call_once_or_not(sql: SqlTransactions, estate: Estate) -> None:
    """Twelve calls for help, six keepers at once, half of them taken at the same moment."""
    clock = HandClock(T0)
    for number in range(12):
        incidents.report(sql, estate, Report(f"i{number}", IncidentKind.SOS), GUARD, "", clock.now_ns())
    clock.advance(60)
    keepers = [LadderKeeper(sql, estate, clock, patience=PATIENCE) for _ in range(6)]

    def take() -> None:
        for number in range(0, 12, 2):
            incidents.take(sql, estate, f"i{number}", STAFF[1], None, clock.now_ns())

    threads = [threading.Thread(target=work) for work in (*(keeper.keep for keeper in keepers), take)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with sql.begin(write=False) as unit:
        notices = unit.outbox.since(0)
        kept = {f"i{number}": unit.incidents.get(f"i{number}") for number in range(12)}
    called = Counter(str(one.facts["incident"]) for one in notices if one.event == "sos.called")
    assert all(called[name] == one.calls - 1 for name, one in kept.items())
    assert all(kept[f"i{number}"].calls == 2 for number in range(1, 12, 2))
    assert all(kept[f"i{number}"].state is IncidentState.HANDLING for number in range(0, 12, 2))
    assert sum(keeper.called for keeper in keepers) == sum(called.values())


def test_a_call_for_help_goes_out_before_what_an_outage_piled_up(sql: SqlTransactions, estate: Estate) -> None:
    with sql.begin() as unit:
        for number in range(30):
            unit.outbox.add(f"alarm.raised:{number}", "alarm.raised", T0, {})
    incidents.report(sql, estate, Report("i1", IncidentKind.SOS), GUARD, "", T0 + SECOND)

    with sql.begin(write=False) as unit:
        assert [one.event for one in unit.outbox.due(T0 + SECOND, limit=2)] == ["sos.raised", "alarm.raised"]


def test_what_people_wrote_about_people_is_in_no_notice_and_not_in_the_trail(
    sql: SqlTransactions, estate: Estate
) -> None:
    secret = "某住户王某"
    report = Report(
        "i1", IncidentKind.DISPUTE, place="门口", description=secret, people=secret, measures=secret, asset="lift-1"
    )
    incidents.report(sql, estate, replace(report, open_order=True), GUARD, "", T0)
    incidents.take(sql, estate, "i1", STAFF[1], None, T0 + 1)
    incidents.add_measure(sql, estate, "i1", secret, (), GUARD, T0 + 2)
    incidents.close(sql, estate, "i1", secret, STAFF[1], T0 + 3)

    with sql.begin(write=False) as unit:
        notices, trail = unit.outbox.since(0), unit.audit.list(limit=100)
        order = unit.incidents.get("i1").work_order
        assert order is not None
        work = [unit.work_orders.get(order), *unit.work_orders.history(order)]
    assert {one.event for one in notices} >= {"incident.reported", "incident.noted", "incident.closed"}
    assert [one.action for one in trail if one.subject == "i1"] == [
        "incident.closed",
        "incident.noted",
        "incident.taken",
        "incident.reported",
    ]
    assert secret not in repr((notices, trail, work))


def test_who_was_involved_is_forgotten_a_year_after_it_was_closed(sql: SqlTransactions, estate: Estate) -> None:
    clock = HandClock(T0)
    keeper = LadderKeeper(sql, estate, clock, patience=PATIENCE)
    for name in ("closed", "open"):
        incidents.report(sql, estate, Report(name, IncidentKind.THEFT, place="门口", people="王某"), GUARD, "", T0)
    incidents.take(sql, estate, "closed", STAFF[1], None, T0)
    incidents.close(sql, estate, "closed", "已报警", STAFF[1], T0)
    people = []
    for days in (364, 2):
        clock.advance(days * 86_400)
        keeper.keep()
        with sql.begin(write=False) as unit:
            people.append([unit.incidents.get(name).people for name in ("closed", "open")])

    assert people == [["王某", "王某"], ["", "王某"]]
