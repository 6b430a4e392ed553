"""Handover over HTTP: the sheet fills itself, two people sign the same text, later facts stand beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from caretaker.domain.people import NS, Person, Role
from caretaker.recurrence import local_time
from caretaker.services import people
from caretaker.services.handovers import tell_unsigned
from caretaker.services.rounds import pass_time
from rules.rounds import RoundKeeper
from tests.integration.api_house import ApiHouse, api_house, problem_of
from tests.integration.test_rounds_api import API, ZONE, begin, events_of, scan_of, words

ZHANG = Person("zhang", "张伟", Role.GUARD, team="security")
SUN = Person("sun", "孙磊", Role.GUARD, team="security")
CLEANER = Person("he", "何秀兰", Role.GUARD, team="cleaning")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ApiHouse]:
    with api_house(tmp_path) as opened:
        with opened.transactions.begin() as unit:
            for person in (ZHANG, SUN, CLEANER):
                unit.people.keep(person)
        yield opened


@contextmanager
def session_of(house: ApiHouse, person: Person) -> Iterator[httpx.Client]:
    """A browser of this person."""
    code = people.create_link(house.transactions, person, house.clock.now_ns())
    with house.client(None) as client:
        assert client.post(f"{API}/session", json={"code": code}).status_code == 200
        yield client


def shifts_of(client: httpx.Client, house: ApiHouse, ends_in_h: float = 1.0) -> str:
    """Two shifts of the guards that follow each other; the id of the running one's handover."""
    for team in ("security", "cleaning"):
        client.post(f"{API}/teams", json={"id": team, "title": words(team)})
    end = local_time(house.clock.now_ns() + round(ends_in_h * 3600) * NS, ZONE)
    times = [(end + timedelta(hours=hours)).strftime("%H:%M") for hours in (-8, 0, 8)]
    for name, starts, ends in (("early", times[0], times[1]), ("late", times[1], times[2])):
        body = {"id": name, "team": "security", "title": words(name), "weekdays": list(range(7))}
        answer = client.post(f"{API}/shifts", json=body | {"starts": starts, "ends": ends})
        assert answer.status_code == 201, answer.text
    return f"early@{(end - timedelta(hours=8)):%Y%m%d}"


def saw(sheet: dict[str, Any], side: str) -> dict[str, Any]:
    return {"side": side, "saw": sheet["sheet"]["seen"] if side == "outgoing" else sheet["sha256"]}


def test_the_sheet_fills_itself_is_frozen_and_signed_by_both(house: ApiHouse) -> None:
    """A leak, a missed point, a finding with its order, an order that nobody has."""
    with house.client(Role.ADMIN) as admin, session_of(house, ZHANG) as zhang, session_of(house, SUN) as sun:
        name = shifts_of(admin, house, ends_in_h=2)
        walk = begin(house, admin, p1={"checks": [{"id": "lamp", "ask": words("灯亮？")}]}, team="security")
        house.clock.advance(180)
        lamp = [{"check": "lamp", "result": "not_ok"}]
        answer = zhang.post(f"{API}/scans", json=scan_of(house, admin, walk, "p1", answers=lamp))
        assert answer.status_code == 200, answer.text
        zhang.post(f"{API}/scans", json=scan_of(house, admin, walk, "p2", token="999999"))
        zhang.post(f"{API}/rounds/{walk}/end", json={"reason": "暴雨"})
        alarm = house.raised("pump-1", "low_pressure", "p_out", 0.2, 0.3)
        house.clock.advance(3600)
        draft = zhang.get(f"{API}/handovers/current").json()
        assert (draft["id"], draft["state"], draft["may_sign"]) == (name, "open", ["outgoing"])
        sheet = draft["sheet"]
        signed = zhang.post(f"{API}/handovers/{name}/sign", json=saw(draft, "outgoing") | {"remarks": "  钥匙在抽屉 "})
        assert signed.status_code == 200, signed.text
        house.clock.advance(1800)
        house.cleared("pump-1", "low_pressure")
        zhang.post(f"{API}/alarms/{alarm.id}/acknowledge", json={"comment": "好了"})
        later = sun.get(f"{API}/handovers/{name}").json()
        taken = sun.post(f"{API}/handovers/{name}/sign", json=saw(later, "incoming")).json()

    assert [(line["id"], line["state"]) for line in sheet["alarms"]] == [(alarm.id, "unacknowledged")]
    assert [(line["state"], line["reason"], len(line["missed"])) for line in sheet["rounds"]] == [
        ("incomplete", "暴雨", 2)
    ]
    assert [line["person"] for line in sheet["scans"]] == ["张伟"]
    assert [line["ask"]["zh"] for line in sheet["findings"]] == ["灯亮？"]
    assert {line["id"] for line in sheet["orders"]} == {sheet["findings"][0]["order"], alarm.work_order}
    assert (signed.json()["sheet"]["remarks"], signed.json()["intact"]) == ("钥匙在抽屉", True)
    assert later["sheet"]["alarms"] == sheet["alarms"]
    assert (later["state"], later["may_sign"]) == ("handed_over", ["incoming"])
    assert [(change["part"], change["kind"], change["id"]) for change in later["changes"]] == [
        ("alarms", "went", alarm.id)
    ]
    assert (taken["state"], taken["outgoing"]["name"], taken["incoming"]["name"]) == ("taken_over", "张伟", "孙磊")
    assert taken["sha256"] == later["sha256"]
    with house.transactions.begin(write=False) as unit:
        trail = unit.audit.list(subject=name, action="handover.signed")
    assert [entry.actor for entry in trail] == ["sun", "zhang"]
    assert all(later["sha256"] in (entry.after or "") for entry in trail)
    assert [event for event, _ in events_of(house) if event.startswith("handover")] == ["handover.signed"] * 2


def test_who_may_sign_and_what_is_refused(house: ApiHouse) -> None:
    with (
        house.client(Role.ADMIN) as admin,
        session_of(house, ZHANG) as zhang,
        session_of(house, SUN) as sun,
        session_of(house, CLEANER) as cleaner,
    ):
        name = shifts_of(admin, house)
        path = f"{API}/handovers/{name}/sign"
        draft = zhang.get(f"{API}/handovers/{name}").json()
        assert cleaner.get(f"{API}/handovers/{name}").json()["may_sign"] == []
        problem_of(cleaner.post(path, json=saw(draft, "outgoing")), 403, "not_allowed")
        problem_of(sun.post(path, json={"side": "incoming", "saw": "0" * 64}), 409, "conflict")
        house.raised("pump-1", "low_pressure", "p_out", 0.2, 0.3)
        problem_of(zhang.post(path, json=saw(draft, "outgoing")), 409, "handover_changed")
        draft = zhang.get(f"{API}/handovers/{name}").json()
        first = zhang.post(path, json=saw(draft, "outgoing"), headers={"Idempotency-Key": "k1"}).json()
        again = zhang.post(path, json=saw(draft, "outgoing"), headers={"Idempotency-Key": "k1"}).json()
        assert again["outgoing"] == first["outgoing"]
        problem_of(sun.post(path, json=saw(draft, "outgoing")), 409, "conflict")
        problem_of(zhang.post(path, json=saw(first, "incoming")), 403, "not_allowed")
        problem_of(sun.post(path, json={"side": "incoming", "saw": "0" * 64}), 422, "refused")
        assert sun.post(path, json=saw(first, "incoming")).status_code == 200
        assert sun.post(path, json=saw(first, "incoming")).status_code == 200
        problem_of(admin.post(path, json=saw(first, "incoming")), 409, "conflict")
        for wrong in ("nobody@20260101", "early", "early@20261301"):
            problem_of(zhang.get(f"{API}/handovers/{wrong}"), 404, "not_found")
        listed = {item["id"]: item for item in admin.get(f"{API}/handovers").json()["items"]}

    assert (listed[name]["state"], listed[name]["expected"]) == ("taken_over", True)
    with house.transactions.begin(write=False) as unit:
        moved_in_ns = unit.audit.list(after=0, limit=1)[0].at_ns
        assert all(item["ends_ms"] * 1_000_000 > moved_in_ns for item in listed.values()), "before there was a house"
        assert len(unit.audit.list(subject=name, action="handover.signed")) == 2


def test_too_early_is_told_with_the_time_from_which_it_may_be_signed(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as admin, session_of(house, ZHANG) as zhang:
        name = shifts_of(admin, house, ends_in_h=5)
        draft = zhang.get(f"{API}/handovers/{name}").json()
        problem_of(zhang.post(f"{API}/handovers/{name}/sign", json=saw(draft, "outgoing")), 409, "conflict")

    assert draft["may_sign"] == []
    assert draft["ends_ms"] - draft["from_ms"] == 2 * 3600 * 1000


@pytest.mark.parametrize("forged", ["sheet", "both"])
def test_a_sheet_that_was_changed_in_the_database_is_found(house: ApiHouse, forged: str) -> None:
    """Whoever writes the database alone leaves a sheet that differs from its SHA-256, or from the audit trail."""
    with house.client(Role.ADMIN) as admin, session_of(house, ZHANG) as zhang:
        name = shifts_of(admin, house)
        draft = zhang.get(f"{API}/handovers/{name}").json()
        body = saw(draft, "outgoing") | {"remarks": "门坏了"}
        assert zhang.post(f"{API}/handovers/{name}/sign", json=body).json()["intact"]
        with house.transactions.begin() as unit:
            kept = unit.handovers.find(name)
            assert kept is not None
            changed = kept.sheet.replace("门坏了", "一切正常")
            from caretaker.domain.handovers import digest

            sha = digest(changed) if forged == "both" else kept.sha256
            unit.connection.execute(
                text("UPDATE handovers SET sheet = :sheet, sha256 = :sha WHERE id = :id"),
                {"sheet": changed, "sha": sha, "id": name},
            )
        found = zhang.get(f"{API}/handovers/{name}").json()

    assert (found["sheet"]["remarks"], found["intact"]) == ("一切正常", False)


def test_a_shift_that_ended_unsigned_is_told_once_where_sheets_are_in_use(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as admin, session_of(house, ZHANG) as zhang, session_of(house, SUN) as sun:
        name = shifts_of(admin, house)
        house.clock.advance(3 * 3600)
        assert tell_unsigned(house.transactions, "demo", ZONE, house.clock.now_ns()) == 0  # nobody uses sheets yet
        draft = zhang.get(f"{API}/handovers/{name}").json()
        zhang.post(f"{API}/handovers/{name}/sign", json=saw(draft, "outgoing"))
        RoundKeeper(house.transactions, house.estate.site, house.clock).keep()
        assert tell_unsigned(house.transactions, "demo", ZONE, house.clock.now_ns()) == 1
        sheet = sun.get(f"{API}/handovers/{name}").json()
        sun.post(f"{API}/handovers/{name}/sign", json=saw(sheet, "incoming"))
        assert tell_unsigned(house.transactions, "demo", ZONE, house.clock.now_ns()) == 0
    house.clock.advance(7 * 3600)  # the late shift is over too, and nobody follows it
    assert tell_unsigned(house.transactions, "demo", ZONE, house.clock.now_ns()) == 0
    told = [facts for event, facts in events_of(house) if event == "handover.missing"]

    assert [(facts["handover"], facts["outgoing"], facts["to"]) for facts in told] == [(name, "张伟", "supervisor")]


def test_a_scored_round_tells_its_score_and_where_it_was_lost(house: ApiHouse) -> None:
    checks = [
        {"id": "tidy", "ask": words("整洁？")},
        {"id": "mark", "ask": words("评分"), "type": "number", "limits": [0.0, 100.0], "unit": "分", "graded": True},
    ]
    with house.client(Role.ADMIN) as admin:
        weights = [{"check": "mark", "points": 3.0}]
        walk = begin(
            house,
            admin,
            points=("p1", "p2"),
            p1={"checks": checks},
            p2={"checks": checks},
            scored=True,
            weights=weights,
        )
        house.clock.advance(180)
        before = admin.get(f"{API}/rounds/{walk}").json()["score"]
        for name, tidy, mark in (("p1", "ok", 80), ("p2", "not_ok", 100)):
            answers = [{"check": "tidy", "result": tidy}, {"check": "mark", "result": "ok", "value": mark}]
            house.clock.advance(120)
            assert (
                admin.post(f"{API}/scans", json=scan_of(house, admin, walk, name, answers=answers)).status_code == 200
            )
        pass_time(house.transactions, "demo", house.clock.now_ns())
        score = admin.get(f"{API}/rounds/{walk}").json()["score"]
        row = admin.get(f"{API}/rounds/statistics").json()["plans"][0]
        visits = admin.get(f"{API}/rounds/visits", params={"checkpoint": "p1"}).json()["items"]
        hour = local_time(visits[0]["opens_ms"] * 1_000_000, ZONE).hour
        other = admin.get(f"{API}/rounds/visits", params={"checkpoint": "p1", "hour": (hour + 1) % 24}).json()["items"]
        weights[0]["checkpoint"] = "nowhere"
        problem_of(admin.patch(f"{API}/round-plans/walk", json={"version": 1, "weights": weights}), 422, "refused")

    assert before is None
    assert (score["percent"], score["points"], score["worth"], score["unseen"]) == (80.0, 6.4, 8.0, 0)
    assert [(item["check"], item["checkpoint"], item["lost"], item["why"]) for item in score["lost"]] == [
        ("tidy", "p2", 1.0, "not_ok"),
        ("mark", "p1", 0.6, "graded"),
    ]
    assert row["score"] == 80.0
    assert [(visit["round"], visit["state"]) for visit in visits] == [(walk, "on_time")]
    assert other == []
