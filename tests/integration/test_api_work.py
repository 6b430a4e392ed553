"""Alarms and work orders over HTTP: seen by name, driven through their life, closed only when proven, acted on once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest

from caretaker.domain.alarms import Alarm
from caretaker.domain.people import Role
from caretaker.services.alarms import RESET_REQUESTED
from tests.integration.api_house import ApiHouse, api_house, problem_of


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with api_house(tmp_path_factory.mktemp("work")) as opened:
        yield opened


@pytest.fixture(scope="module")
def guard(house: ApiHouse) -> Iterator[httpx.Client]:
    with house.client(Role.GUARD) as client:
        yield client


@pytest.fixture(scope="module")
def technician(house: ApiHouse) -> Iterator[httpx.Client]:
    with house.client(Role.TECHNICIAN) as client:
        yield client


@pytest.fixture(scope="module")
def chief(house: ApiHouse) -> Iterator[httpx.Client]:
    with house.client(Role.SUPERVISOR) as client:
        yield client


@pytest.fixture
def alarm(house: ApiHouse) -> Iterator[Alarm]:
    """The low zone's outlet pressure is low now; the order it opened is finished afterwards."""
    house.clock.advance(60)
    house.say("pump-1", p_out=0.2)
    raised = house.raised("pump-1", "low_pressure", "p_out", 0.2, 0.3)
    yield raised
    with house.transactions.begin() as unit:
        still = unit.alarms.get(raised.id).active
    if still:
        house.clock.advance(1)
        house.cleared("pump-1", "low_pressure")
    with house.client(Role.ADMIN) as admin:
        path = f"/api/v1/work-orders/{raised.work_order}"
        for action in {
            "open": ["cancel"],
            "assigned": ["cancel"],
            "in_progress": ["hold", "cancel"],
            "on_hold": ["cancel"],
            "completed": ["close"],
        }.get(admin.get(path).json()["state"], []):
            answer = admin.post(f"{path}/{action}", json={"reason": "test over", "override": action == "close"})
            assert answer.status_code == 200, answer.text


def order_path(alarm: Alarm) -> str:
    return f"/api/v1/work-orders/{alarm.work_order}"


def test_an_alarm_shows_its_evidence_and_its_order(house: ApiHouse, guard: httpx.Client, alarm: Alarm) -> None:
    shown = guard.get(f"/api/v1/alarms/{alarm.id}").json()
    assert (shown["asset"], shown["rule"], shown["priority"], shown["active"]) == (
        "pump-1",
        "low_pressure",
        "high",
        True,
    )
    assert shown["state"] == "unacknowledged"
    (proof,) = shown["evidence"]
    assert (proof["key"], proof["value"], proof["limit"], proof["unit"]) == ("p_out", 0.2, 0.3, "MPa")
    assert shown["work_order"] == alarm.work_order
    listed = guard.get("/api/v1/alarms?active=true&asset=pump-1").json()
    assert [item["id"] for item in listed["items"]] == [alarm.id]
    assert listed["counts"]["high"] == 1
    assert guard.get("/api/v1/alarms?active=true&priority=low").json()["items"] == []
    assert guard.get(f"/api/v1/alarms?before_ms={shown['raised_ms']}&active=true").json()["items"] == []


def test_the_second_to_acknowledge_is_told_who_was_first(
    guard: httpx.Client, chief: httpx.Client, alarm: Alarm
) -> None:
    path = f"/api/v1/alarms/{alarm.id}/acknowledge"
    done = guard.post(path, json={"comment": "已通知维保"}).json()
    assert (done["acknowledged_by"], done["comment"], done["state"]) == ("the guard", "已通知维保", "acknowledged")
    body = problem_of(chief.post(path, json={"comment": "me too"}), 409, "conflict")
    assert "the guard" in body["detail"]
    assert body["facts"]["by"] == "the guard"
    assert guard.get(f"/api/v1/alarms/{alarm.id}").json()["comment"] == "已通知维保"


def test_a_request_sent_again_acts_once_and_is_answered_as_done(guard: httpx.Client, alarm: Alarm) -> None:
    path = f"/api/v1/alarms/{alarm.id}/acknowledge"
    key = {"Idempotency-Key": f"ack-{alarm.id}"}
    first = guard.post(path, json={"comment": "seen"}, headers=key)
    again = guard.post(path, json={"comment": "seen"}, headers=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    problem_of(guard.post(path, json={"comment": "seen"}, headers={"Idempotency-Key": "another"}), 409, "conflict")
    other = problem_of(guard.post(path, json={"comment": "other words"}, headers=key), 422, "refused")
    assert other["facts"]["field"] == "Idempotency-Key"


def test_keys_of_two_people_do_not_meet(technician: httpx.Client, chief: httpx.Client, alarm: Alarm) -> None:
    key = {"Idempotency-Key": f"same-{alarm.id}"}
    assert technician.post(order_path(alarm) + "/start", json={}, headers=key).status_code == 200
    answer = chief.post(order_path(alarm) + "/start", json={}, headers=key)
    problem_of(answer, 409, "conflict")


def test_a_deed_that_failed_may_be_tried_again_under_its_key(
    house: ApiHouse, technician: httpx.Client, chief: httpx.Client, alarm: Alarm
) -> None:
    key = {"Idempotency-Key": f"close-{alarm.id}"}
    for action in ("start", "complete"):
        technician.post(f"{order_path(alarm)}/{action}", json={})
    problem_of(chief.post(order_path(alarm) + "/close", json={}, headers=key), 409, "sensor_still_bad")
    house.clock.advance(5)
    house.say("pump-1", p_out=0.45)
    house.cleared("pump-1", "low_pressure")
    wait_for(chief, "pump-1", "p_out", 0.45)
    for _ in range(3):
        closed = chief.post(order_path(alarm) + "/close", json={}, headers=key)
        assert closed.status_code == 200, closed.text
    history = chief.get(order_path(alarm) + "/history").json()["items"]
    assert [entry["action"] for entry in history].count("close") == 1


def wait_for(client: httpx.Client, asset: str, key: str, value: float) -> None:
    for _ in range(2000):
        points = client.get(f"/api/v1/assets/{asset}").json()["points"]
        if next(point for point in points if point["key"] == key)["value"] == value:
            return
    pytest.fail(f"{asset}.{key} never became {value}")


def test_an_order_lives_from_open_to_closed(
    house: ApiHouse, guard: httpx.Client, technician: httpx.Client, chief: httpx.Client, alarm: Alarm
) -> None:
    path = order_path(alarm)
    order = guard.get(path).json()
    assert (order["state"], order["asset"], order["detected_by"], order["priority"]) == (
        "open",
        "pump-1",
        "alarm",
        "high",
    )
    assert order["allowed_actions"] == ["assign", "start", "cancel"]
    assert [item["id"] for item in order["alarms"]] == [alarm.id]

    steps: tuple[tuple[httpx.Client, str, dict[str, Any], str], ...] = (
        (chief, "assign", {"assignee": "王海涛"}, "assigned"),
        (technician, "start", {}, "in_progress"),
        (technician, "hold", {"reason": "等备件"}, "on_hold"),
        (technician, "resume", {}, "in_progress"),
        (technician, "complete", {"comment": "换了止回阀"}, "completed"),
    )
    for client, action, body, state in steps:
        house.clock.advance(10)
        answer = client.post(f"{path}/{action}", json=body)
        assert (answer.status_code, answer.json().get("state")) == (200, state), answer.text

    problem_of(technician.post(f"{path}/close", json={}), 403, "not_allowed")
    refused = problem_of(chief.post(f"{path}/close", json={}), 409, "sensor_still_bad")
    assert refused["facts"]["alarms"] == [alarm.id]
    (reason,) = guard.get(path).json()["verification"]["reasons"]
    assert (reason["code"], reason["limit"], reason["unit"]) == ("sensor_still_bad", 0.3, "MPa")

    house.clock.advance(10)
    house.say("pump-1", p_out=0.46)
    house.cleared("pump-1", "low_pressure")
    wait_for(guard, "pump-1", "p_out", 0.46)
    assert guard.get(path).json()["verification"] == {"can_close": True, "reasons": []}
    closed = chief.post(f"{path}/close", json={"comment": "压力恢复"}).json()
    assert (closed["state"], closed["closed_by"], closed["allowed_actions"]) == ("closed", "the supervisor", [])
    assert closed["started_ms"] < closed["completed_ms"] < closed["closed_ms"]

    history = guard.get(f"{path}/history").json()["items"]
    told = [(entry["actor"], entry["action"]) for entry in history]
    assert told == [
        ("caretaker", "opened"),
        ("the supervisor", "assign"),
        ("the technician", "start"),
        ("the technician", "hold"),
        ("the technician", "resume"),
        ("the technician", "complete"),
        ("caretaker", "recovered"),
        ("the supervisor", "close"),
    ]
    assert history[3]["comment"] == "等备件"
    assert all(a["at_ms"] <= b["at_ms"] for a, b in pairwise(history))
    problem_of(chief.post(f"{path}/start", json={}), 409, "conflict")


def test_a_silent_sensor_proves_nothing(
    house: ApiHouse, technician: httpx.Client, chief: httpx.Client, alarm: Alarm
) -> None:
    """The alarm has cleared, then the sensor stopped: a supervisor must say why the order may be closed."""
    house.cleared("pump-1", "low_pressure")
    for action in ("start", "complete"):
        technician.post(f"{order_path(alarm)}/{action}", json={})
    house.clock.advance(3600)
    problem_of(chief.post(order_path(alarm) + "/close", json={}), 409, "sensor_silent")


def test_a_supervisor_may_override_with_a_reason_and_nobody_else(
    guard: httpx.Client, technician: httpx.Client, chief: httpx.Client, alarm: Alarm
) -> None:
    path = order_path(alarm)
    for action in ("start", "complete"):
        technician.post(f"{path}/{action}", json={})
    override = {"override": True, "reason": "传感器已拆下送检"}
    problem_of(technician.post(f"{path}/close", json=override), 403, "not_allowed")
    without = problem_of(chief.post(f"{path}/close", json={"override": True}), 422, "refused")
    assert without["facts"]["field"] == "reason"
    assert chief.post(f"{path}/close", json=override).json()["state"] == "closed"
    last = guard.get(f"{path}/history").json()["items"][-1]
    assert (last["action"], last["comment"]) == ("close", "传感器已拆下送检")
    assert last["facts"] == {"from": "completed", "to": "closed", "override": True, "against": [alarm.id]}


def test_a_remark_stands_in_the_history_with_its_author(guard: httpx.Client, alarm: Alarm) -> None:
    hostile = '<svg onload=alert(1)> =1+1 "; DROP TABLE work_orders;--'
    assert guard.post(f"{order_path(alarm)}/comments", json={"comment": hostile}).status_code == 200
    last = guard.get(f"{order_path(alarm)}/history").json()["items"][-1]
    assert (last["actor"], last["action"], last["comment"]) == ("the guard", "comment", hostile)
    problem_of(guard.post(f"{order_path(alarm)}/comments", json={"comment": "  "}), 422, "refused")


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [("assign", {}, "assignee"), ("assign", {"assignee": " "}, "assignee"), ("cancel", {}, "reason")],
)
def test_what_a_step_needs_is_asked_for_by_name(
    chief: httpx.Client, alarm: Alarm, action: str, body: dict, field: str
) -> None:
    assert problem_of(chief.post(f"{order_path(alarm)}/{action}", json=body), 422, "refused")["facts"]["field"] == field


def test_the_list_counts_by_state_and_filters(guard: httpx.Client, chief: httpx.Client, alarm: Alarm) -> None:
    chief.post(f"{order_path(alarm)}/assign", json={"assignee": "周建国"})
    listed = guard.get("/api/v1/work-orders?state=assigned&state=open&asset=pump-1&assignee=周建国").json()
    assert [item["id"] for item in listed["items"]] == [alarm.work_order]
    assert listed["counts"]["assigned"] == 1
    assert guard.get("/api/v1/work-orders?state=open").json()["items"] == []
    problem_of(guard.get("/api/v1/work-orders?state=lost"), 422, "refused")
    asset = guard.get("/api/v1/assets/pump-1").json()
    assert (asset["open_orders"], asset["worst"], asset["alarms"]["high"]) == (1, "high", 1)


def test_a_latched_alarm_is_reset_through_the_outbox_once(house: ApiHouse, guard: httpx.Client, alarm: Alarm) -> None:
    """The API asks, the rules process answers; a plain alarm cannot be reset."""
    house.clock.advance(1)
    trip = house.raised("pump-2", "pump_trip_1", "fault_1", 1.0, 1.0)
    key = {"Idempotency-Key": "reset-1"}
    for _ in range(2):
        answer = guard.post(f"/api/v1/alarms/{trip.id}/reset", headers=key)
        assert (answer.status_code, answer.json()["active"]) == (202, True)
    with house.transactions.begin(write=False) as unit:
        asked = [notice for notice in unit.outbox.since(0) if notice.event == RESET_REQUESTED]
    assert [(notice.facts["alarm"], notice.facts["by"]) for notice in asked] == [(trip.id, "the guard")]
    problem_of(guard.post(f"/api/v1/alarms/{alarm.id}/reset"), 409, "conflict")
