"""Rounds over HTTP: plans make rounds, phones send scans as often as they like, supervisors decide."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from caretaker import wire
from caretaker.domain.equipment import Text
from caretaker.domain.people import Person, Role, Shift, Team
from caretaker.domain.readings import MANUAL
from caretaker.domain.rounds.rounds import SECOND
from caretaker.recurrence import local_day, local_time
from caretaker.services.rounds import alert_silent, make_ahead, pass_time
from rules.rounds import RoundKeeper
from tests.integration.api_house import MS, ApiHouse, api_house, problem_of

API = "/api/v1"
ZONE = "Asia/Shanghai"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ApiHouse]:
    with api_house(tmp_path) as opened:
        yield opened


def words(text: str) -> dict[str, str]:
    return {"zh": text, "en": text}


def begin(house: ApiHouse, client: httpx.Client, *, points: tuple[str, ...] = ("p1", "p2", "p3"), **more: Any) -> str:
    """Checkpoints and a plan that starts in two minutes; the id of its next round."""
    for name in points:
        body = {"id": name, "title": words(name), "space": "garden", "use_kind_checks": False}
        answer = client.post(f"{API}/checkpoints", json=body | more.pop(name, {}))
        assert answer.status_code == 200, answer.text
    start = local_time(house.clock.now_ns() + 120 * SECOND, ZONE)
    plan = {
        "id": "walk",
        "title": words("夜巡"),
        "kind": "patrol",
        "points": [{"checkpoint": name} for name in points],
        "rrule": "FREQ=DAILY",
        "starts_at": start.strftime("%H:%M"),
        "duration_s": 3600,
        "tolerance_s": 300,
        "valid_from": start.date().isoformat(),
    }
    answer = client.post(f"{API}/round-plans", json=plan | more)
    assert answer.status_code == 200, answer.text
    return f"walk@{start:%Y%m%dT%H%M}"


def code_of(client: httpx.Client, checkpoint: str) -> str:
    found: str = client.get(f"{API}/checkpoints/{checkpoint}").json()["short_code"]
    return found


def scan_of(house: ApiHouse, client: httpx.Client, walk: str | None, checkpoint: str, **more: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "round": walk,
        "checkpoint": checkpoint,
        "token": code_of(client, checkpoint),
        "token_type": "manual",
        "device_ms": house.clock.now_ns() // MS,
        "monotonic_ms": 1000.5,
        "boot": "b1",
        "counter": 1,
    } | more


def events_of(house: ApiHouse) -> list[tuple[str, Mapping[str, object]]]:
    with house.transactions.begin(write=False) as unit:
        return [(notice.event, notice.facts) for notice in unit.outbox.since(0, 500)]


def test_a_plan_makes_its_rounds_once_and_the_phone_gets_all_it_needs(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as client:
        walk = begin(house, client, p1={"space": "b1-f1", "asset": "lift-1", "use_kind_checks": True})
        again = make_ahead(house.transactions, "demo", ZONE, house.clock.now_ns())
        today = client.get(f"{API}/m/today").json()

    assert again == 0
    assert walk in [found["id"] for found in today["rounds"]]
    mine = next(found for found in today["rounds"] if found["id"] == walk)
    assert [visit["checkpoint"] for visit in mine["visits"]] == ["p1", "p2", "p3"]
    point = today["checkpoints"]["p1"]
    assert point["asset_now"]["id"] == "lift-1"
    assert {check["id"] for check in point["checks"]} >= {"intercom", "levelling"}
    assert today["words"]["reasons"]["too_fast"]["en"]


def test_a_whole_round_is_scanned_answered_and_finished(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as admin, house.client(Role.GUARD) as guard:
        walk = begin(house, admin, p2={"space": "b1-f1", "asset": "lift-1", "use_kind_checks": True})
        house.clock.advance(180)
        answers: dict[str, list[dict[str, Any]]] = {
            "p2": [
                {"check": "intercom", "result": "not_ok", "reason": "没有声音", "photos": ["ab" * 32]},
                {"check": "levelling", "result": "ok", "value": 4},
            ]
        }
        replies = {}
        for name in ("p1", "p2", "p3"):
            house.clock.advance(120)
            body = scan_of(house, admin, walk, name, answers=answers.get(name, []))
            answer = guard.post(f"{API}/scans", json=body)
            assert answer.status_code == 200, answer.text
            replies[name] = answer.json()
        shown = guard.get(f"{API}/rounds/{walk}").json()
        orders = guard.get(f"{API}/work-orders").json()["items"]
        found = guard.get(f"{API}/findings").json()["items"]
        coverage = guard.get(f"{API}/rounds/coverage").json()
        statistics = guard.get(f"{API}/rounds/statistics").json()

    assert [replies[name]["visit"]["state"] for name in replies] == ["on_time"] * 3
    assert replies["p2"]["visit"]["partly"] is True  # two of the lift's checks are answered
    assert (shown["state"], shown["done"], shown["total"]) == ("finished", 3, 3)
    assert replies["p2"]["asset"]["orders"][0]["id"] == replies["p2"]["findings"][0]["work_order"] == orders[0]["id"]
    assert (orders[0]["detected_by"], orders[0]["fault"], orders[0]["asset"]) == ("inspection", "intercom", "lift-1")
    assert found[0]["answer"]["photos"] == ["ab" * 32]
    assert replies["p2"]["readings"] == 1
    row = next(item for item in coverage["items"] if item["checkpoint"] == "p1")
    assert (sum(row["planned"]), sum(row["made"]), sum(row["missed"]), sum(row["seen"])) == (1, 1, 0, 1)
    assert statistics["plans"][0]["punctual"] == 1.0
    assert (statistics["plans"][0]["pace_s"], statistics["plans"][0]["scans"]) == (120.0, 3)
    assert statistics["plans"][0]["weeks"][0]["rounds"] == {"finished": 1}
    assert (statistics["persons"][0]["manual"], statistics["persons"][0]["findings"]) == (3, 1)
    assert {"round.opened", "round.finished", "scan.accepted", "finding.opened", "work_order.opened"} <= {
        event for event, _ in events_of(house)
    }


def test_a_measured_answer_is_a_reading_a_person_took(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as client:
        walk = begin(house, client, p1={"space": "b1-f1", "asset": "lift-1", "use_kind_checks": True})
        house.clock.advance(180)
        body = scan_of(house, client, walk, "p1", answers=[{"check": "levelling", "result": "ok", "value": 4.5}])
        for _ in range(2):
            assert client.post(f"{API}/scans", json=body).status_code == 200

    point = house.estate.by_key["lift-1", "level_offset"].id
    rows = [
        (int(p), int(t), float(v), int(q))
        for record in house.journal.read(0, 0)
        for batch in [wire.decode_batch(record.payload)]
        for p, t, v, q in zip(batch.points, batch.times, batch.values, batch.quality, strict=True)
    ]
    assert rows == [(point, body["device_ms"] * MS, 4.5, MANUAL)]


def test_the_same_scan_from_eight_threads_is_one_scan(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as client:
        walk = begin(house, client, p1={"checks": [{"id": "lamp", "ask": words("灯亮？")}]})
        house.clock.advance(180)
        body = scan_of(house, client, walk, "p1", answers=[{"check": "lamp", "result": "not_ok"}])
        replies: list[dict[str, Any]] = []

        def send() -> None:
            with house.client(Role.ADMIN) as mine:
                replies.append(mine.post(f"{API}/scans", json=body).json())

        threads = [threading.Thread(target=send) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        shown = client.get(f"{API}/rounds/{walk}").json()
        kept = client.get(f"{API}/scans", params={"round": walk}).json()["items"]
        orders = client.get(f"{API}/work-orders").json()["items"]

    assert sorted(reply["state"] for reply in replies) == ["accepted"] + ["duplicate"] * 7
    assert {reply["verdict"]["at_ms"] for reply in replies} == {body["device_ms"]}
    assert {reply["findings"][0]["work_order"] for reply in replies} == {orders[0]["id"]}
    assert (len(kept), len(orders), shown["done"]) == (1, 1, 1)
    told = [event for event, facts in events_of(house) if facts.get("scan") == body["id"]]
    assert sorted(told) == ["finding.opened", "scan.accepted"]


def test_a_scan_id_of_somebody_else_is_refused(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as admin, house.client(Role.GUARD) as guard:
        walk = begin(house, admin)
        house.clock.advance(180)
        body = scan_of(house, admin, walk, "p1")
        assert guard.post(f"{API}/scans", json=body).status_code == 200
        problem_of(admin.post(f"{API}/scans", json=body), 409, "conflict")


def test_a_marked_scan_waits_for_a_supervisor_whose_word_makes_or_takes_back_the_visit(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as admin, house.client(Role.GUARD) as guard, house.client(Role.SUPERVISOR) as boss:
        walk = begin(house, admin)
        house.clock.advance(180)
        forged = scan_of(house, admin, walk, "p1", token="000000")
        reply = guard.post(f"{API}/scans", json=forged).json()
        assert (reply["state"], reply["verdict"]["doubts"][0]["reason"]) == ("marked", "forged")
        fine = scan_of(house, admin, walk, "p2")
        guard.post(f"{API}/scans", json=fine)
        problem_of(guard.post(f"{API}/scans/{fine['id']}/decide", json={"decision": "reject"}), 403, "not_allowed")
        problem_of(boss.post(f"{API}/scans/{fine['id']}/decide", json={"decision": "reject"}), 422, "refused")
        word = {"decision": "reject", "comment": "照片是昨天的"}
        first = boss.post(f"{API}/scans/{fine['id']}/decide", json=word)
        again = boss.post(f"{API}/scans/{fine['id']}/decide", json=word)
        assert (first.status_code, again.status_code, first.json()["counts"]) == (200, 200, False)
        shown = boss.get(f"{API}/rounds/{walk}").json()

    assert shown["done"] == 0
    with house.transactions.begin(write=False) as unit:
        trail = [entry for entry in unit.audit.list(limit=50) if entry.action == "scan.decided"]
    assert len(trail) == 1


def test_ending_early_needs_a_reason_and_what_is_left_is_missed(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as admin, house.client(Role.GUARD) as guard:
        walk = begin(house, admin)
        house.clock.advance(180)
        assert guard.post(f"{API}/rounds/{walk}/open").json()["state"] == "in_progress"
        guard.post(f"{API}/scans", json=scan_of(house, admin, walk, "p1"))
        problem_of(guard.post(f"{API}/rounds/{walk}/end", json={}), 422, "refused")
        ended = guard.post(f"{API}/rounds/{walk}/end", json={"reason": "暴雨"}).json()
        problem_of(admin.post(f"{API}/rounds/{walk}/open"), 409, "conflict")

    assert (ended["state"], ended["ended_early"]) == ("incomplete", "暴雨")
    assert [visit["state"] for visit in ended["visits"]] == ["on_time", "missed", "missed"]


def test_nothing_is_missed_unnoticed_and_it_goes_up_the_ladder_once(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as admin:
        walk = begin(house, admin)
    for minutes in range(0, 160, 2):
        house.clock.advance(120)
        pass_time(house.transactions, "demo", house.clock.now_ns())
        assert minutes < 70 or house_state(house, walk) == "missed"
    told = [(event, facts.get("to")) for event, facts in events_of(house) if facts.get("round") == walk]

    assert told == [
        ("round.overdue", "team"),
        ("round.missed", "team"),
        ("round.escalated", "supervisor"),
        ("round.escalated", "manager"),
    ]


def house_state(house: ApiHouse, walk: str) -> str:
    with house.transactions.begin(write=False) as unit:
        return str(unit.rounds.get(walk).state)


def test_a_phone_that_was_without_signal_corrects_what_was_taken_for_missed(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as admin, house.client(Role.GUARD) as guard:
        walk = begin(house, admin)
        house.clock.advance(600)
        bodies = [scan_of(house, admin, walk, name) for name in ("p1", "p2", "p3")]
        house.clock.advance(3 * 3600)
        pass_time(house.transactions, "demo", house.clock.now_ns())
        assert house_state(house, walk) == "missed"
        states = [guard.post(f"{API}/scans", json=body).json()["visit"]["state"] for body in bodies]

    assert states == ["on_time"] * 3
    assert house_state(house, walk) == "finished"
    assert "round.corrected" in {event for event, _ in events_of(house)}


def test_an_edit_moves_only_rounds_that_have_not_begun(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as admin, house.client(Role.GUARD) as guard:
        walk = begin(house, admin)
        house.clock.advance(180)
        guard.post(f"{API}/rounds/{walk}/open")
        next_day = (local_day(house.clock.now_ns(), ZONE) + timedelta(days=1)).isoformat()
        edited = admin.patch(f"{API}/round-plans/walk", json={"version": 1, "points": [{"checkpoint": "p3"}]})
        assert edited.json()["version"] == 2
        begun = guard.get(f"{API}/rounds/{walk}").json()
        coming = guard.get(f"{API}/rounds", params={"day": next_day, "plan": "walk"}).json()["items"]
        later = next(item for item in coming if item["state"] == "scheduled")
        assert (begun["plan_version"], begun["total"]) == (1, 3)
        assert (later["plan_version"], later["total"]) == (2, 1)
        stale = admin.patch(f"{API}/round-plans/walk", json={"version": 1, "active": False})
        problem_of(stale, 409, "conflict")
        admin.patch(f"{API}/round-plans/walk", json={"version": 2, "active": False})
        off = guard.get(f"{API}/rounds/{later['id']}").json()
        admin.patch(f"{API}/round-plans/walk", json={"version": 3, "active": True})
        back = guard.get(f"{API}/rounds/{later['id']}").json()

    assert (off["state"], back["state"], back["plan_version"]) == ("cancelled", "scheduled", 4)


def test_rounds_of_the_time_nobody_ran_are_made_and_told_as_missed(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as admin:
        begin(house, admin)
    house.clock.advance(5 * 86_400)
    made = make_ahead(house.transactions, "demo", ZONE, house.clock.now_ns())
    pass_time(house.transactions, "demo", house.clock.now_ns())
    pass_time(house.transactions, "demo", house.clock.now_ns())

    assert made == 5  # days 3 to 5 of the gap and two ahead; the first two were there already
    missed = [facts["round"] for event, facts in events_of(house) if event == "round.missed"]
    assert len(missed) == len(set(missed)) == 5


def test_occurrences_tell_holidays_and_what_is_provisional(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as admin:
        begin(house, admin, valid_from="2026-09-01", holidays="only_workdays", rrule="FREQ=DAILY", starts_at="08:00")
        query = {"from": "2026-10-01", "to": "2026-10-12"}
        found = admin.get(f"{API}/round-plans/walk/occurrences", params=query).json()["items"]
        later = admin.get(
            f"{API}/round-plans/walk/occurrences", params={"from": "2027-05-01", "to": "2027-05-10"}
        ).json()["items"]
        problem_of(admin.get(f"{API}/round-plans/walk/occurrences", params={"from": "2026-13-01"}), 422, "refused")

    days = [date.fromisoformat(item["local"][:10]).day for item in found]
    assert days == [8, 9, 10, 12]  # 1 to 7 October off, Saturday the 10th worked instead
    assert not any(item["provisional"] for item in found)
    assert all(item["provisional"] for item in later)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rrule": "FREQ=HOURLY"}, "rrule"),
        ({"rrule": "FREQ=DAILY;BYSECOND=1"}, "rrule"),
        ({"rrule": "FREQ=DAILY;INTERVAL=0"}, "rrule"),
        ({"rrule": "hello"}, "rrule"),
        ({"duration_s": 5}, "duration_s"),
        ({"points": [{"checkpoint": "nowhere"}]}, "points"),
        ({"points": [{"checkpoint": "p1", "opens_s": 100, "closes_s": 50}]}, "points.0"),
        ({"valid_until": "2020-01-01"}, "valid_until"),
    ],
)
def test_a_plan_that_cannot_be_walked_is_refused_by_field(house: ApiHouse, change: dict[str, Any], field: str) -> None:
    with house.client(Role.ADMIN) as admin:
        begin(house, admin)
        wrong = admin.patch(f"{API}/round-plans/walk", json={"version": 1} | change)

    assert problem_of(wrong, 422, "refused")["facts"]["field"] == field


def test_a_guard_may_walk_but_not_plan(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as admin, house.client(Role.GUARD) as guard:
        begin(house, admin)
        body = {"id": "mine", "title": words("x"), "space": "garden"}
        problem_of(guard.post(f"{API}/checkpoints", json=body), 403, "not_allowed")
        shown = guard.get(f"{API}/checkpoints").json()["items"]

    assert {item["short_code"] for item in shown} == {None}


def test_a_reprint_withdraws_the_short_code(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as admin:
        begin(house, admin)
        before = code_of(admin, "p1")
        after = admin.post(f"{API}/checkpoints/p1/reprint").json()

    assert after["code_version"] == 1
    assert after["short_code"] != before


def test_a_walker_who_falls_silent_is_asked_after_by_the_supervisor_then_by_the_manager(house: ApiHouse) -> None:
    told: set[str] = set()
    with house.client(Role.ADMIN) as admin, house.client(Role.GUARD) as guard:
        walk = begin(house, admin)
        house.clock.advance(180)
        guard.post(f"{API}/scans", json=scan_of(house, admin, walk, "p1"))
        before = guard.get(f"{API}/rounds/{walk}").json()["silent_since_ms"]
        scanned_ms = house.clock.now_ns() // MS
        found = []
        for _ in range(16):
            house.clock.advance(120)
            found.append(alert_silent(house.transactions, "demo", house.clock.now_ns(), told))
        silent = guard.get(f"{API}/rounds/{walk}").json()["silent_since_ms"]

    assert found == [0] * 7 + [1] + [0] * 6 + [1, 0]  # 16 minutes after the scan, and 30
    assert (before, silent) == (None, scanned_ms)
    assert alert_silent(house.transactions, "demo", house.clock.now_ns(), set()) == 2  # after a restart of ours …
    heard = [facts["to"] for event, facts in events_of(house) if event == "round.silent"]
    assert heard == ["supervisor", "manager"]  # … and yet each is told once


def test_the_keeper_makes_rounds_beats_and_survives_a_plan_that_cannot_be(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as admin:
        begin(house, admin)
    keeper = RoundKeeper(house.transactions, house.estate.site, house.clock)
    house.clock.advance(86_400)
    keeper.keep()
    assert keeper.made == 1
    with house.transactions.begin() as unit:  # written past the desk
        plan = unit.round_plans.get("demo", "walk")
        unit.round_plans.keep(replace(plan, id="a-wrong-one", version=1, rrule="FREQ=NEVER"), 0)
    house.clock.advance(3600)
    keeper.keep()
    with house.transactions.begin(write=False) as unit:
        _, facts = unit.parts.all()["rounds"]

    house.clock.advance(86_400)
    keeper.keep()
    assert facts["status"] == "degraded"
    with house.transactions.begin(write=False) as unit:
        assert len(unit.rounds.list("demo", plan="walk")) == 5  # the wrong one does not hold up the others
    assert "FREQ=NEVER" in str(facts["reason"])


def test_a_plan_without_team_goes_to_the_shift(house: ApiHouse) -> None:
    night = Shift("night", "demo", "security", Text("夜", "night"), frozenset(range(7)), time(20), time(8))
    day = replace(night, id="day", team="office", starts=time(8), ends=time(20))
    with house.transactions.begin() as unit:
        unit.people.keep(Person("zw", "张伟", Role.GUARD, team="security"))
        for shift in (night, day):
            unit.teams.keep(Team(shift.team, "demo", shift.title))
            unit.teams.keep_shift(shift)
    with house.client(Role.ADMIN) as admin:
        begin(house, admin, rrule="FREQ=DAILY;BYHOUR=9,23")
        tomorrow = (local_day(house.clock.now_ns(), ZONE) + timedelta(days=1)).isoformat()
        found = admin.get(f"{API}/rounds", params={"day": tomorrow}).json()["items"]
    teams = {item["id"][-4:-2]: (item["team"], item["on_duty"]) for item in found if item["starts_ms"]}

    assert (teams["09"], teams["23"]) == (("office", []), ("security", ["zw"]))
