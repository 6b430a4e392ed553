"""Rounds in SQL, the same on SQLite and PostgreSQL: once per id, whoever is faster, whatever is killed."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path

import pytest

from caretaker.adapters.sql import SqlTransactions
from caretaker.domain.assets import Estate
from caretaker.domain.equipment import CheckSpec, Text
from caretaker.domain.errors import Conflict
from caretaker.domain.people import Person, Role
from caretaker.domain.rounds.checkpoints import Checkpoint, Place
from caretaker.domain.rounds.plans import Order, PlanKind, PlanPoint, RoundPlan
from caretaker.domain.rounds.rounds import SECOND, RoundState
from caretaker.domain.rounds.scans import Answer, Doubt, Position, Reason, Scan, TokenType, Verdict, Witness
from caretaker.recurrence import local_day, occurrences, stamp
from caretaker.services import plain_judge
from caretaker.services.checkpoints import add, add_plan, change_plan, load, reprint
from caretaker.services.rounds import make_ahead, pass_time
from caretaker.services.scans import Taken, take
from tests.factories import ROOT, demo_kinds, demo_site

ZONE = "Asia/Shanghai"
BOSS = Person("li", "李敏", Role.SUPERVISOR)
GUARD = Person("zhang", "张伟", Role.GUARD)
T0 = 1_767_200_000 * SECOND  # 2026-01-01 00:53 in Shanghai
DAY_NS = 86_400 * SECOND


@pytest.fixture(params=["sqlite", "postgresql"])
def transactions(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlTransactions]:
    url = f"sqlite:///{tmp_path / 'rounds.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    opened = SqlTransactions(url)
    opened.migrate()
    with opened.begin() as unit:
        unit.estates.load(demo_kinds(), demo_site())
    yield opened
    opened.close()


def estate_of(transactions: SqlTransactions) -> Estate:
    with transactions.begin(write=False) as unit:
        return unit.estates.get(demo_kinds())


def place(name: str, **more: object) -> Checkpoint:
    check = CheckSpec("lamp", Text("灯亮？", "Lit?"))
    made = Checkpoint(name, "demo", Text(name, name), "garden", checks=(check,), use_kind_checks=False)
    return replace(made, **more)  # type: ignore[arg-type]


def plan_of(stops: str = "abc", **more: object) -> RoundPlan:
    plan = RoundPlan(
        "walk",
        "demo",
        Text("走", "walk"),
        PlanKind.PATROL,
        tuple(PlanPoint(name) for name in stops),
        Order.FREE,
        "FREQ=DAILY;BYHOUR=1,13",
        time(1, 0),
        3600.0,
        date(2026, 1, 1),
    )
    return replace(plan, **more)  # type: ignore[arg-type]


def begin(transactions: SqlTransactions, points: str = "abc") -> Estate:
    estate = estate_of(transactions)
    for name in points:
        add(transactions, estate, place(name), BOSS, T0)
    add_plan(transactions, plan_of(points), ZONE, BOSS, T0)
    return estate


def scan_of(transactions: SqlTransactions, name: str, at_ns: int, **more: object) -> Scan:
    with transactions.begin(write=False) as unit:
        code = unit.checkpoints.get("demo", name).short_code
    scan = Scan(
        str(uuid.uuid4()),
        "demo",
        GUARD.id,
        "phone-1",
        code,
        TokenType.MANUAL,
        at_ns,
        12.5,
        "boot",
        1,
        "",
        "",
        round="walk@20260101T0100",
        checkpoint=name,
        answers=(Answer("lamp", "not_ok", reason="黑", photos=("ab" * 32,)),),
        position=Position(31.2, 121.4, 12.0),
        received_ns=at_ns,
    )
    return replace(scan, **more)  # type: ignore[arg-type]


def test_what_is_kept_comes_back_as_it_was(transactions: SqlTransactions) -> None:
    estate = estate_of(transactions)
    full = place(
        "full",
        asset="lift-1",
        place=Place(1.5, -2.0, 3, 31.2, 121.4),
        nfc="04a1b2c3",
        rotating=True,
        witnesses=("lift-1.floor", "gate-3.openings!"),
        checks=(CheckSpec("gap", Text("隙", "gap"), limits=(1.0, 2.0), unit="mm", point="level_offset"),),
    )
    made = add(transactions, estate, full, BOSS, T0)
    plan = plan_of("f", points=(PlanPoint("full", 3.0, 4.0, 5.0, 600.0),), valid_until=date(2027, 1, 1), person="li")
    add_plan(transactions, plan, ZONE, BOSS, T0)
    verdict = Verdict(
        accepted=True,
        suspicious=True,
        confidence=0.25,
        at_ns=T0 + 1,
        doubts=(Doubt(Reason.TOO_FAST, {"took_s": 9.0, "least_s": 74}),),
        witnesses=(Witness("gate-3.openings", T0, supports=True, what="1 -> 2"),),
    )
    scan = scan_of(transactions, "full", T0)
    with transactions.begin() as unit:
        assert unit.scans.add(scan)
        unit.scans.judge(scan.id, verdict, "full", 1)
    with transactions.begin(write=False) as unit:
        kept = unit.scans.get(scan.id)
        assert unit.checkpoints.get("demo", "full") == made == replace(full, short_code=made.short_code)
        assert unit.round_plans.get("demo", "walk") == plan
        assert unit.checkpoints.find("demo", nfc="04a1b2c3") == made
        assert [found.scan.id for found in unit.scans.list("demo", suspicious=True, undecided=True)] == [scan.id]

    assert (kept.scan, kept.verdict, kept.visit, kept.checkpoint) == (scan, verdict, 1, "full")


def test_codes_and_tags_belong_to_one_place(transactions: SqlTransactions) -> None:
    estate = begin(transactions)
    add(transactions, estate, place("d", nfc="0011223344"), BOSS, T0)
    with pytest.raises(Conflict, match="tag"):
        add(transactions, estate, place("e", nfc="0011223344"), BOSS, T0)
    with pytest.raises(Conflict, match="already"):
        add(transactions, estate, place("a", space="outdoor"), BOSS, T0)
    with transactions.begin(write=False) as unit:
        before = unit.checkpoints.get("demo", "a")
    after = reprint(transactions, "demo", "a", BOSS, T0)
    with transactions.begin(write=False) as unit:
        old = unit.checkpoints.find("demo", short_code=before.short_code)

    assert (old, after.code_version) == (None, 1)


def test_the_same_scan_at_once_from_many_threads_acts_once(transactions: SqlTransactions) -> None:
    estate = begin(transactions)
    now = T0 + 900 * SECOND
    scans = [scan_of(transactions, name, now) for name in "abc"]
    taken: list[Taken] = []

    def send(seed: int) -> None:
        mine = list(scans)
        random.Random(seed).shuffle(mine)
        taken.extend(take(transactions, estate, scan, GUARD, plain_judge.judge, now) for scan in mine)

    threads = [threading.Thread(target=send, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(each.duplicate for each in taken) == {False: 3, True: 15}
    check_once(transactions, scans)


def check_once(transactions: SqlTransactions, scans: list[Scan]) -> None:
    """Every scan is there once, with its visit, its finding, and one order that the others joined."""
    with transactions.begin(write=False) as unit:
        kept = unit.scans.list("demo", limit=1000)
        walk = unit.rounds.get("walk@20260101T0100")
        findings = unit.findings.list("demo", limit=1000)
        orders = unit.work_orders.list()
        notices = Counter(notice.event for notice in unit.outbox.since(0, 5000))
        entries = Counter(entry.action for order in orders for entry in unit.work_orders.history(order.id))
    assert sorted(each.scan.id for each in kept) == sorted(scan.id for scan in scans)
    assert (walk.state, all(visit.scan for visit in walk.visits)) == (RoundState.FINISHED, True)
    assert len(findings) == len(scans)
    assert len(orders) == 1  # one place in the garden, one fault
    assert (notices["scan.accepted"], notices["finding.opened"]) == (len(scans), len(scans))
    assert (notices["work_order.opened"], notices["work_order.joined"]) == (1, len(scans) - 1)
    assert (entries["opened"], entries["joined"]) == (1, len(scans) - 1)


def test_made_twice_and_loaded_twice_is_once(transactions: SqlTransactions) -> None:
    from caretaker.catalog import read_rounds

    estate = estate_of(transactions)
    rounds = read_rounds(ROOT / "sites" / "demo", demo_site(), demo_kinds())
    counts = []
    for _ in range(2):
        with transactions.begin() as unit:
            counts.append(load(unit, estate, rounds.checkpoints, rounds.plans, T0))
        counts.append(make_ahead(transactions, "demo", ZONE, T0))

    assert counts[0] == len(rounds.checkpoints) + len(rounds.plans)
    assert (counts[1] > 20, counts[2:]) == (True, [0, 0])


def test_a_new_plan_misses_nothing_that_was_over_before_it(transactions: SqlTransactions) -> None:
    """A round under way is made, unless one of its stops has closed already: nobody could have walked it."""
    estate = estate_of(transactions)
    for name in "abc":
        add(transactions, estate, place(name), BOSS, T0)
    half_past = T0 - T0 % (3600 * SECOND) + 5400 * SECOND  # 01:30, half an hour into the round
    early = tuple(PlanPoint(name, opens_s=0.0, closes_s=600.0) for name in "abc")
    add_plan(transactions, plan_of("abc", id="open"), ZONE, BOSS, half_past)
    add_plan(transactions, plan_of("abc", id="over", points=early), ZONE, BOSS, half_past)

    make_ahead(transactions, "demo", ZONE, half_past)
    pass_time(transactions, "demo", half_past)

    with transactions.begin(write=False) as unit:
        walks = unit.rounds.list("demo", from_ns=half_past, to_ns=half_past + 1)
        missed = [notice for notice in unit.outbox.since(0, 1000) if notice.event == "visit.missed"]
        later = unit.rounds.list("demo", from_ns=half_past, to_ns=half_past + DAY_NS, plan="over")
    assert [walk.plan for walk in walks] == ["open"]
    assert missed == []
    assert [stamp(walk.starts_ns, ZONE)[-5:] for walk in later] == ["T1300", "T0100"]


CHILD = """
import sys, json
from caretaker.adapters.sql import SqlTransactions
from caretaker.services import plain_judge
from caretaker.services.scans import take
from tests.contracts.test_rounds_sql import GUARD, estate_of
from caretaker.adapters.sql.rounds_codec import scan_of
transactions = SqlTransactions(sys.argv[1], owner=True)
estate = estate_of(transactions)
print("ready", flush=True)
for line in open(sys.argv[2]):
    scan = scan_of(json.loads(line))
    take(transactions, estate, scan, GUARD, plain_judge.judge, scan.received_ns)
    print(scan.id, flush=True)
print("done", flush=True)
"""


@pytest.mark.faults
def test_killed_in_the_middle_of_uploads_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    """A phone sends its queue from the start again each time the server dies under it."""
    import json

    from caretaker.adapters.sql.rounds_codec import scan_facts

    url = f"sqlite:///{tmp_path / 'rounds.db'}"
    points = "abcdefghijklmnopqrst"
    transactions = SqlTransactions(url)
    transactions.migrate()
    with transactions.begin() as unit:
        unit.estates.load(demo_kinds(), demo_site())
    begin(transactions, points)
    scans = [scan_of(transactions, name, T0 + (900 + n) * SECOND) for n, name in enumerate(points)]
    transactions.close()
    queue = tmp_path / "queue.jsonl"
    queue.write_text("".join(json.dumps(scan_facts(scan)) + "\n" for scan in scans))
    chance, said = random.Random(7), Counter[str]()
    killed_early = 0
    for attempt in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", CHILD, url, str(queue)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            stop_after = chance.randrange(3) + 4 * attempt
            for line in child.stdout:
                said[line.strip()] += 1
                stop_after -= 1
                if stop_after <= 0 and attempt < 4:
                    child.kill()
                    break
        killed_early += child.returncode == -9 and not said["done"]
    again = SqlTransactions(url)

    assert killed_early >= 3  # the kills took effect
    assert said["done"] == 1
    check_once(again, scans)
    again.close()


def test_three_years_with_edits_and_standstill_make_exactly_the_right_rounds(tmp_path: Path) -> None:
    """A round that was made ahead and had not begun follows the newest version; one of a time when nobody ran is made
    by the first making after it; nobody walks, so each is told as missed, once."""
    transactions = SqlTransactions(f"sqlite:///{tmp_path / 'years.db'}")
    transactions.migrate()
    with transactions.begin() as unit:
        unit.estates.load(demo_kinds(), demo_site())
    estate = estate_of(transactions)
    for name in "ab":
        add(transactions, estate, place(name), BOSS, T0)
    chance = random.Random(3)
    plan = add_plan(transactions, plan_of("ab"), ZONE, BOSS, T0)
    ahead_ns = 2 * DAY_NS
    made_until = T0 + ahead_ns
    last = T0
    expected = {f"walk@{stamp(s, ZONE)}": 1 for s in starts(plan, T0 - 3600 * SECOND + 1, made_until)}
    now = T0
    for step in range(90):
        now += round(chance.choice((0.3, 1.0, 3.0, 20.0, 26.0)) * DAY_NS) + chance.randrange(3600) * SECOND + 1
        before, version = plan, plan.version
        if chance.random() < 0.5:
            plan = change_plan(transactions, edited(plan, chance), ZONE, BOSS, now)
        make_ahead(transactions, "demo", ZONE, now)
        # begun meanwhile: as they were made; not begun: as the newest version says
        expected = {name: v for name, v in expected.items() if begins(name) <= now}
        for start in starts(plan, min(made_until, now), now):
            expected.setdefault(f"walk@{stamp(start, ZONE)}", plan.version)
        for start in starts(plan, now, now + ahead_ns):
            expected[f"walk@{stamp(start, ZONE)}"] = plan.version
        made_until, last = now + ahead_ns, now
        assert before.version == version, step
        if now - T0 > 3 * 365 * DAY_NS:
            break
    pass_time(transactions, "demo", last)
    with transactions.begin(write=False) as unit:
        rounds = unit.rounds.list("demo", limit=100_000)
        missed = Counter(n.facts["round"] for n in unit.outbox.since(0, 1_000_000) if n.event == "round.missed")
    transactions.close()

    assert now - T0 > 2 * 365 * DAY_NS
    assert {w.id: w.plan_version for w in rounds if w.state is not RoundState.CANCELLED} == expected
    over = {w.id for w in rounds if w.state is not RoundState.CANCELLED and w.ends_ns + 300 * SECOND < last}
    assert set(missed) == over
    assert set(missed.values()) == {1}
    assert len(over) > 500


def starts(plan: RoundPlan, from_ns: int, to_ns: int) -> list[int]:
    found = occurrences(plan, ZONE, local_day(from_ns, ZONE) - timedelta(days=1), local_day(to_ns, ZONE))
    return [start for start in found if from_ns <= start < to_ns]


def begins(name: str) -> int:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    wall = datetime.strptime(name.split("@")[1], "%Y%m%dT%H%M").replace(tzinfo=ZoneInfo(ZONE))
    return round(wall.timestamp()) * SECOND


def edited(plan: RoundPlan, chance: random.Random) -> RoundPlan:
    rule = chance.choice(("FREQ=DAILY;BYHOUR=1,13", "FREQ=WEEKLY;BYDAY=MO,TH,SU", "FREQ=DAILY;INTERVAL=2"))
    changed = replace(plan, rrule=rule, starts_at=time(chance.randrange(24), 30))
    return replace(changed, active=chance.random() < 0.85, title=Text(f"走{plan.version}", "walk"))
