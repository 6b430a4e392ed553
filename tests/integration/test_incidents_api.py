"""Incidents and calls for help over HTTP: told once however often they are sent, taken and closed by name."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from caretaker.domain.people import Person, Role
from caretaker.services import phones
from tests.integration.api_house import ApiHouse, api_house, events, problem_of

API = "/api/v1"
LAST_MS = 253_402_300_799_000


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with api_house(tmp_path_factory.mktemp("incidents")) as opened:
        with opened.transactions.begin() as unit:
            unit.people.introduce(Person("zhao", "赵刚", Role.SUPERVISOR))
        yield opened


def new(**more: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "kind": "water", "place": "地下车库 B 区"} | more


def notices_of(house: ApiHouse, incident: str) -> list[str]:
    with house.transactions.begin(write=False) as unit:
        return [one.event for one in unit.outbox.since(0, 1000) if one.facts.get("incident") == incident]


def test_a_call_for_help_sent_three_times_is_one_and_calls_the_supervisors(house: ApiHouse) -> None:
    body: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "device_ms": 1_790_000_000_000,
        "position": {"lat": 31, "lon": 121.5, "accuracy_m": 12},
    }
    with house.client(Role.GUARD) as guard:
        replies = [guard.post(f"{API}/sos", json=body) for _ in range(3)]
        shown = guard.get(f"{API}/incidents/{body['id']}").json()

    assert [reply.status_code for reply in replies] == [200] * 3
    assert {reply.json()["id"] for reply in replies} == {body["id"]}
    assert (shown["kind"], shown["priority"], shown["state"]) == ("sos", "critical", "reported")
    assert shown["position"]["lat"] == 31.0
    assert (shown["call"]["rung"], shown["call"]["names"]) == ("supervisor", ["赵刚"])
    assert (shown["device_ms"], shown["received_ms"]) == (1_790_000_000_000, house.clock.now_ns() // 1_000_000)
    assert notices_of(house, body["id"]) == ["sos.raised"]


def test_a_page_that_sends_only_a_key_is_one_call_too_and_an_empty_one_is_heard(house: ApiHouse) -> None:
    """What the first phone page sends: no id, perhaps a position, always an Idempotency-Key."""
    with house.client(Role.GUARD, **{"Idempotency-Key": str(uuid.uuid4())}) as guard:
        first, again = (guard.post(f"{API}/sos", json={}).json() for _ in range(2))
    with house.client(Role.GUARD) as guard:
        other = guard.post(f"{API}/sos", json={"checkpoint": "no-such-place"}).json()

    assert first["id"] == again["id"] != other["id"]
    assert other["place"] == {"zh": "no-such-place", "en": "no-such-place"}


def test_a_call_for_help_is_kept_whatever_the_phones_clock_says(house: ApiHouse) -> None:
    """No database keeps the nanoseconds of the year 9999."""
    with house.client(Role.GUARD) as guard:
        called = guard.post(f"{API}/sos", json={"id": str(uuid.uuid4()), "device_ms": LAST_MS})
        told = guard.post(f"{API}/incidents", json=new(device_ms=LAST_MS))

    assert (called.status_code, told.status_code) == (200, 200), called.text
    assert called.json()["device_ms"] is None
    assert notices_of(house, called.json()["id"]) == ["sos.raised"]


@pytest.mark.parametrize("path", ["incidents", "work-requests", "work-orders", "alarms"])
def test_a_page_before_the_end_of_time_is_the_newest(house: ApiHouse, path: str) -> None:
    with house.client(Role.SUPERVISOR) as boss:
        found, newest = (boss.get(f"{API}/{path}", params=more) for more in ({"before_ms": LAST_MS}, {}))

    assert found.status_code == 200, found.text
    assert found.json()["items"] == newest.json()["items"]


def test_an_id_of_somebody_else_is_refused(house: ApiHouse) -> None:
    body = new()
    with house.client(Role.GUARD) as guard, house.client(Role.TECHNICIAN) as other:
        assert guard.post(f"{API}/incidents", json=body).status_code == 200
        problem_of(other.post(f"{API}/incidents", json=body), 409, "conflict")


def test_an_enrolled_phone_calls_for_help_after_its_session_has_ended(house: ApiHouse) -> None:
    admin = Person("p-root", "root", Role.ADMIN)
    with house.transactions.begin() as unit:
        unit.people.introduce(Person("guard-7", "陈默", Role.GUARD))
    code = phones.create_enrolment(house.transactions, admin, "guard-7", house.clock.now_ns())
    with house.client(None) as phone:
        made = phone.post(f"{API}/phones", json={"code": code, "label": "phone", "pin": "493817"}).json()
        phone.delete(f"{API}/session")
        assert "caretaker_session" not in phone.cookies
        reply = phone.post(f"{API}/sos", json={})
        shown = phone.get(f"{API}/incidents/{reply.json()['id']}")
        with house.client(Role.GUARD) as other:
            foreign = other.post(f"{API}/sos", json={}).json()["id"]
        problem_of(phone.get(f"{API}/incidents/{foreign}"), 401, "sign_in")
        problem_of(phone.get(f"{API}/incidents"), 401, "sign_in")
        hostile = phone.post(f"{API}/sos", json={}, headers={"Sec-Fetch-Site": "cross-site"})
        problem_of(hostile, 403, "cross_site")
        phones.withdraw(house.transactions, admin, made["phone"]["id"], house.clock.now_ns())
        problem_of(phone.post(f"{API}/sos", json={}), 401, "sign_in")

    assert (reply.status_code, shown.status_code) == (200, 200)
    assert (reply.json()["reporter_name"], reply.json()["phone"]) == ("陈默", made["phone"]["id"])


def test_it_is_taken_worked_on_and_closed_by_name_and_each_step_is_on_the_timeline(house: ApiHouse) -> None:
    body = new(measures="关了总阀", people="住户李某", photos=["ab" * 32])
    with (
        house.client(Role.GUARD) as guard,
        house.client(Role.TECHNICIAN) as hand,
        house.client(Role.SUPERVISOR) as boss,
    ):
        assert guard.post(f"{API}/incidents", json=body).json()["people"] == "住户李某"
        path = f"{API}/incidents/{body['id']}"
        problem_of(guard.post(f"{path}/take", json={}), 403, "not_allowed")
        problem_of(boss.post(f"{path}/close", json={"reason": "干了"}), 409, "conflict")
        taken = [boss.post(f"{path}/take", json={}).json() for _ in range(2)]
        with house.client(Role.MANAGER) as manager:
            late = problem_of(manager.post(f"{path}/take", json={}), 409, "taken")
            over = manager.post(f"{path}/take", json={"from": taken[0]["taken_by"]}).json()
        again = {"Idempotency-Key": str(uuid.uuid4())}
        for _ in range(2):
            hand.post(f"{path}/measures", json={"text": "抽水"}, headers=again)
        problem_of(boss.post(f"{path}/close", json={"reason": " "}), 422, "refused")
        closed = [boss.post(f"{path}/close", json={"reason": "已修复"}).json() for _ in range(2)]
        problem_of(hand.post(f"{path}/measures", json={"text": "x"}), 409, "conflict")
        seen = hand.get(path).json()

    assert (taken[0]["state"], taken[0]["taken_by_name"]) == ("handling", "the supervisor")
    assert late["facts"]["by"] == "the supervisor"
    assert over["taken_by_name"] == "the manager"
    assert (seen["state"], seen["reason"], seen["people"]) == ("closed", "已修复", None)
    assert closed[0]["people"] == "住户李某"
    assert [(line["action"], line["text"]) for line in seen["timeline"]] == [
        ("reported", None),
        ("measure", "关了总阀"),
        ("called", None),
        ("taken", None),
        ("taken", None),
        ("measure", "抽水"),
        ("closed", "已修复"),
    ]
    assert seen["timeline"][0]["photos"] == ["ab" * 32]
    assert notices_of(house, body["id"]) == [
        "incident.reported",
        "incident.taken",
        "incident.taken",
        "incident.noted",
        "incident.closed",
    ]


def test_nobody_answers_a_call_for_help_of_their_own(house: ApiHouse) -> None:
    with house.client(Role.SUPERVISOR) as boss, house.client(Role.ADMIN) as admin:
        made = boss.post(f"{API}/sos", json={}).json()
        problem_of(boss.post(f"{API}/incidents/{made['id']}/take", json={}), 409, "own_call")
        assert made["allowed_actions"] == []
        assert admin.post(f"{API}/incidents/{made['id']}/take", json={}).json()["state"] == "handling"


def test_people_trapped_in_a_lift_share_the_order_of_its_alarm(house: ApiHouse) -> None:
    alarm = house.raised("lift-1", "entrapment", "alarm_button", 1, 1)
    with house.client(Role.GUARD) as guard:
        told = new(kind="lift_entrapment", asset="lift-1", work_order=True)
        first = guard.post(f"{API}/incidents", json=told).json()
        again = guard.post(f"{API}/incidents", json=told).json()
        water = guard.post(f"{API}/incidents", json=new(asset="pump-1", work_order=True)).json()
        order = guard.get(f"{API}/work-orders/{water['work_order']}").json()

    assert first["work_order"] == again["work_order"] == alarm.work_order
    assert (order["asset"], order["fault"], order["detected_by"]) == ("pump-1", "incident:water", "request")
    assert [line["action"] for line in again["timeline"]].count("ordered") == 1


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ({"space": "b1-f1"}, "1 号楼 1 层"),
        ({"space": "b1-f1", "place": "消火栓旁"}, "1 号楼 1 层，消火栓旁"),
        ({"space": "no-such", "place": ""}, "no-such"),
        ({"asset": "no-such", "place": ""}, "no-such"),
        ({"place": " "}, None),
    ],
)
def test_a_place_is_told_in_words_and_one_we_do_not_know_is_no_reason_to_refuse(
    house: ApiHouse, where: dict[str, Any], place: str | None
) -> None:
    with house.client(Role.GUARD) as guard:
        made = guard.post(f"{API}/incidents", json=new(**where) if "place" in where else new(place="", **where)).json()

    assert (made["place"] or {"zh": None})["zh"] == place


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "sos"}, {"kind": "party"}, {"photos": ["x"]}, {"place": "x" * 201}, {"id": "1"}, {"people": 7}],
)
def test_what_is_no_report_is_refused_by_field(house: ApiHouse, wrong: dict[str, Any]) -> None:
    with house.client(Role.GUARD) as guard:
        answer = problem_of(guard.post(f"{API}/incidents", json=new() | wrong), 422, "refused")

    assert next(iter(wrong)) in str(answer["facts"])


def test_the_live_page_hears_of_it_at_once_and_learns_no_name_of_the_people_involved(house: ApiHouse) -> None:
    with (
        house.client(Role.SUPERVISOR, Accept="text/event-stream") as page,
        house.client(Role.GUARD) as guard,
        page.stream("GET", f"{API}/events", timeout=httpx.Timeout(10)) as stream,
    ):
        coming = events(stream)
        while next(coming).name != "values":
            pass
        body = new(kind="theft", people="王某", description="王某的电动车")
        guard.post(f"{API}/incidents", json=body)
        sent = time.monotonic()
        event = next(one for one in coming if one.name == "incident")
        took = time.monotonic() - sent

    assert event.body["facts"]["incident"] == body["id"]
    assert event.body["type"] == "incident.reported"
    assert "王某" not in repr(event.body)
    assert took < 8
