"""The public door over HTTP: who stands before a sticker learns little, and a report becomes one work order."""

from __future__ import annotations

import hashlib
import io
import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image

from caretaker.adapters.sql import SqlTransactions
from caretaker.domain.people import Role
from caretaker.domain.work_requests import CONTACT_KEPT_NS
from rules.rounds import RoundKeeper
from tests.integration.api_house import ApiHouse, api_house, problem_of

API = "/api/v1"
HOUR_S = 3600.0


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with api_house(tmp_path_factory.mktemp("door")) as house:
        with house.client(Role.SUPERVISOR) as client:
            for name, more in (("lift", {"asset": "lift-1"}), ("hall", {}), ("torn", {"asset": "lift-2"})):
                title = {"zh": f"点位 {name}", "en": f"Point {name}"}
                body = {"id": name, "title": title, "space": "b1-f1", "use_kind_checks": False, **more}
                assert client.post(f"{API}/checkpoints", json=body).status_code == 200
        yield house


@pytest.fixture
def house(opened: ApiHouse) -> ApiHouse:
    """Some hours later, so that no test is refused for what another one sent."""
    opened.clock.advance(2 * HOUR_S)
    return opened


@pytest.fixture
def public(house: ApiHouse) -> Iterator[httpx.Client]:
    with house.client(None) as client:
        yield client


@pytest.fixture
def boss(house: ApiHouse) -> Iterator[httpx.Client]:
    with house.client(Role.SUPERVISOR) as client:
        yield client


def token(house: ApiHouse, name: str) -> str:
    with house.client(Role.SUPERVISOR) as client:
        (label,) = client.get(f"{API}/labels", params={"checkpoints": name}).json()["items"]
    return str(label["url"]).rpartition("/s/")[2]


def said(fault: str, **more: Any) -> dict[str, Any]:
    return {"key": str(uuid.uuid4()), "fault": fault, "description": "坏了 / broken", **more}


def report(client: httpx.Client, code: str, body: dict[str, Any], address: str = "203.0.113.9") -> dict[str, Any]:
    answer = client.post(f"{API}/stickers/{code}/work-requests", json=body, headers={"X-Forwarded-For": address})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def picture(colour: str = "red") -> tuple[str, bytes]:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "JPEG")
    return hashlib.sha256(out.getvalue()).hexdigest(), out.getvalue()


def put(client: httpx.Client, code: str, key: str, sha: str, data: bytes) -> httpx.Response:
    path = f"{API}/stickers/{code}/work-requests/{key}/photo/{sha}"
    return client.put(path, content=data, headers={"Content-Type": "image/jpeg"})


def history(boss: httpx.Client, order: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = boss.get(f"{API}/work-orders/{order}/history").json()["items"]
    return items


def finish(house: ApiHouse, order: str) -> None:
    with house.client(Role.ADMIN) as admin:
        for action in ("start", "complete", "close"):
            answer = admin.post(f"{API}/work-orders/{order}/{action}", json={"reason": "done"})
            assert answer.status_code == 200, answer.text


def test_a_sticker_tells_the_place_and_nothing_of_what_is_inside(house: ApiHouse, public: httpx.Client) -> None:
    house.say("lift-1", floor=7.0)
    answer = public.get(f"{API}/stickers/{token(house, 'lift')}")

    told = answer.json()
    assert answer.status_code == 200
    assert told["code"] == "valid"
    assert [step["en"] for step in told["way"]][-1] == house.estate.spaces["b1-f1"].title.en
    assert told["asset"]["zh"] == house.estate.assets["lift-1"].title.zh
    assert set(told) == {"site", "zone", "title", "way", "asset", "code", "standing", "faults"}
    assert told["faults"][0]["id"] == "entrapment"
    assert told["faults"][-1] == {"id": "other", "title": {"zh": "其他问题", "en": "Something else"}}
    assert answer.headers["cache-control"] == "no-store"
    assert "lift-1" not in answer.text  # no id of ours, no reading, no device


def test_what_is_being_repaired_is_told_in_plain_words_without_names_or_alarms(
    house: ApiHouse, public: httpx.Client, boss: httpx.Client
) -> None:
    alarm = house.raised("lift-2", "entrapment", "occupied", 1.0, 1.0)
    boss.post(f"{API}/work-orders/{alarm.work_order}/assign", json={"assignee": "王海涛"})

    answer = public.get(f"{API}/stickers/{token(house, 'torn')}")

    (one,) = answer.json()["standing"]
    assert (one["title"]["en"], one["progress"], one["due_ms"] > 0) == ("People trapped", "waiting", True)
    assert set(one) == {"title", "progress", "due_ms"}
    assert "王海涛" not in answer.text
    assert alarm.id not in answer.text


def test_what_strangers_cannot_see_is_only_an_equipment_fault_and_told_once(
    house: ApiHouse, public: httpx.Client, boss: httpx.Client
) -> None:
    body = {"id": "gate", "title": {"zh": "门", "en": "gate"}, "space": "gate-north", "asset": "gate-1"}
    boss.post(f"{API}/checkpoints", json=body)
    faults = ("forced-open", "credential-attack", "held-open")
    rules = {rule.fault: rule for rule in house.estate.rules_of("gate-1") if rule.fault in faults and rule.work_order}
    for rule in rules.values():
        term = rule.terms[0]
        house.raised("gate-1", rule.id, term.point, 1.0, 1.0)

    told = public.get(f"{API}/stickers/{token(house, 'gate')}")

    titles = sorted(one["title"]["en"] for one in told.json()["standing"])
    assert len(rules) == 3
    assert titles == ["Equipment fault", "Held open"]
    assert "orced" not in told.text
    assert "ttack" not in told.text


def test_a_report_opens_one_order_and_the_next_one_joins_it(
    house: ApiHouse, public: httpx.Client, boss: httpx.Client
) -> None:
    code = token(house, "lift")
    first = said("door-fault", name="李先生", phone="138 0013 8000")
    made = report(public, code, first)
    again = report(public, code, first)
    house.clock.advance(1)
    second = report(public, code, said("door-fault", description="门一直开着"), "203.0.113.10")

    order = boss.get(f"{API}/work-orders/{made['number']}").json()
    assert (made["joined"], made["progress"], made["photo"]) == (False, "waiting", "none")
    assert again == made
    assert (second["number"], second["joined"]) == (made["number"], True)
    assert (order["detected_by"], order["asset"], order["fault"]) == ("request", "lift-1", "door-fault")
    assert [(entry["action"], entry["comment"]) for entry in history(boss, order["id"])] == [
        ("opened", "坏了 / broken"),
        ("joined", "门一直开着"),
    ]
    listed = boss.get(f"{API}/work-requests", params={"work_order": order["id"]}).json()["items"]
    assert [item["contact"] for item in listed] == [None, {"name": "李先生", "phone": "138 0013 8000"}]
    read = public.get(f"{API}/stickers/{code}/work-requests/{first['key']}").json()
    assert read == made
    finish(house, made["number"])
    assert public.get(f"{API}/stickers/{code}/work-requests/{first['key']}").json()["progress"] == "closed"
    assert report(public, code, said("door-fault"))["number"] != made["number"]


def test_a_plain_place_has_a_short_list_and_stands_as_a_space(
    house: ApiHouse, public: httpx.Client, boss: httpx.Client
) -> None:
    code = token(house, "hall")
    made = report(public, code, said("water"))

    assert boss.get(f"{API}/work-orders/{made['number']}").json()["asset"] == "space:b1-f1"
    assert public.get(f"{API}/stickers/{code}").json()["standing"][0]["title"]["zh"] == "漏水或积水"
    refusal = public.post(f"{API}/stickers/{code}/work-requests", json=said("entrapment"))
    assert problem_of(refusal, 422, "refused")["facts"]["field"] == "fault"


def test_names_and_numbers_stay_with_the_request_and_are_forgotten_in_time(
    house: ApiHouse, public: httpx.Client, boss: httpx.Client
) -> None:
    code = token(house, "lift")
    body = said("levelling", name="赵小姐", phone="+86 139-1111-2222")
    made = report(public, code, body)
    with house.transactions.begin(write=False) as unit:
        notices = [notice.facts for notice in unit.outbox.since(0, 5000)]
        trail = [entry.after for entry in unit.audit.list(limit=1000)]
    told = json.dumps([notices, trail, history(boss, made["number"]), made], ensure_ascii=False)
    with house.client(Role.GUARD) as guard:
        (seen,) = guard.get(f"{API}/work-requests", params={"work_order": made["number"]}).json()["items"]

    assert any(facts.get("request") == seen["id"] for facts in notices)
    assert "赵小姐" not in told
    assert "139-1111" not in told
    assert body["key"] not in told + json.dumps(seen)
    assert seen["contact"] is None
    house.clock.advance(CONTACT_KEPT_NS / 1e9 + 1)
    (late,) = boss.get(f"{API}/work-requests", params={"work_order": made["number"]}).json()["items"]
    assert late["contact"] is None
    RoundKeeper(house.transactions, house.estate.site, house.clock).keep()
    with house.transactions.begin(write=False) as unit:
        assert unit.work_requests.get(seen["id"]).contact is None


def test_a_refused_report_says_so_and_takes_its_order_with_it(
    house: ApiHouse, public: httpx.Client, boss: httpx.Client
) -> None:
    code = token(house, "lift")
    one, two = said("intercom"), said("intercom")
    number = report(public, code, one)["number"]
    report(public, code, two)
    ids = [item["id"] for item in boss.get(f"{API}/work-requests", params={"work_order": number}).json()["items"]]

    def refuse(which: str, reason: str = "对讲今天在检修 / under test today") -> httpx.Response:
        return boss.post(f"{API}/work-requests/{which}/refuse", json={"reason": reason})

    problem_of(refuse(ids[0], "  "), 422, "refused")
    assert refuse(ids[0]).json()["progress"] == "refused"
    assert boss.get(f"{API}/work-orders/{number}").json()["state"] == "open"  # somebody else's report still stands
    problem_of(refuse(ids[0]), 409, "conflict")
    assert refuse(ids[1]).status_code == 200

    order = boss.get(f"{API}/work-orders/{number}").json()
    read = public.get(f"{API}/stickers/{code}/work-requests/{one['key']}").json()
    with house.transactions.begin(write=False) as unit:
        trail = [entry.subject for entry in unit.audit.list(limit=1000) if entry.action == "work_request.refused"]
    assert order["state"] == "cancelled"
    assert (read["progress"], read["due_ms"]) == ("refused", None)
    assert read["refused_reason"] == "对讲今天在检修 / under test today"
    assert "supervisor" not in json.dumps(read)
    assert sorted(trail) == sorted(ids)


def test_a_refusal_leaves_an_order_alone_that_an_alarm_stands_behind(
    house: ApiHouse, public: httpx.Client, boss: httpx.Client
) -> None:
    alarm = house.raised("lift-3", "entrapment", "occupied", 1.0, 1.0)
    body = {"id": "third", "title": {"zh": "三", "en": "three"}, "space": "b2-f1", "asset": "lift-3"}
    boss.post(f"{API}/checkpoints", json=body)
    made = report(public, token(house, "third"), said("entrapment"))
    (item,) = boss.get(f"{API}/work-requests", params={"work_order": made["number"]}).json()["items"]
    boss.post(f"{API}/work-requests/{item['id']}/refuse", json={"reason": "误报"})

    assert made["number"] == alarm.work_order
    assert boss.get(f"{API}/work-orders/{made['number']}").json()["state"] == "open"


def test_only_an_announced_photo_is_taken_once_and_shows_in_the_history(
    house: ApiHouse, public: httpx.Client, boss: httpx.Client
) -> None:
    code = token(house, "lift")
    sha, data = picture()
    body = said("car-lighting", photo=sha)
    made = report(public, code, body)
    other, foreign = picture("blue")

    problem_of(put(public, code, body["key"], other, foreign), 422, "refused")
    problem_of(put(public, code, str(uuid.uuid4()), sha, data), 404, "not_found")
    problem_of(put(public, token(house, "hall"), body["key"], sha, data), 404, "not_found")
    problem_of(put(public, code, body["key"], sha, foreign), 422, "refused")
    assert made["photo"] == "awaited"
    for _ in range(2):
        assert put(public, code, body["key"], sha, data).json()["photo"] == "kept"

    (entry,) = [entry for entry in history(boss, made["number"]) if entry["action"] == "photo"]
    (item,) = boss.get(f"{API}/work-requests", params={"work_order": made["number"]}).json()["items"]
    assert entry["facts"]["photos"] == [sha] == [item["photo"]]
    assert boss.get(f"{API}/photos/{sha}").headers["content-type"] == "image/jpeg"
    problem_of(public.get(f"{API}/photos/{sha}"), 401, "sign_in")


def test_a_photo_of_3_mb_passes_the_door_and_more_does_not(house: ApiHouse, public: httpx.Client) -> None:
    code = token(house, "lift")
    sha, _ = picture()
    body = said("other", photo=sha)
    report(public, code, body)

    problem_of(put(public, code, body["key"], sha, b"x" * 2_900_000), 422, "refused")
    problem_of(put(public, code, body["key"], sha, b"x" * 3_000_001), 413, "too_large")


def test_a_withdrawn_sticker_still_reports_and_a_forged_one_does_not(
    house: ApiHouse, public: httpx.Client, boss: httpx.Client
) -> None:
    old = token(house, "hall")
    boss.post(f"{API}/checkpoints/hall/reprint")
    forged = [old[:-1] + ("A" if old[-1] != "A" else "B"), old.replace("hall", "lift"), "ct1.nowhere.0." + "A" * 22]

    assert public.get(f"{API}/stickers/{old}").json()["code"] == "withdrawn"
    assert report(public, old, said("dirty"))["progress"] == "waiting"
    for wrong in (*forged, "ct1", "x" * 200, "%00", "ct1.hall.0." + "é" * 22):
        body = problem_of(public.get(f"{API}/stickers/{wrong}"), 404, "sticker_unknown")
        assert body["detail"] == "this code was not signed by this house"  # the same whatever is wrong
        problem_of(public.post(f"{API}/stickers/{wrong}/work-requests", json=said("other")), 404, "sticker_unknown")
    problem_of(public.get(f"{API}/stickers/{'x' * 201}"), 422, "refused")


def test_reports_are_limited_by_address_and_repeats_are_not_counted(house: ApiHouse, public: httpx.Client) -> None:
    code = token(house, "lift")
    bodies = [said("e-bike") for _ in range(6)]
    for body in (*bodies, *bodies):
        report(public, code, body)
    path = f"{API}/stickers/{code}/work-requests"

    def seventh(language: str) -> httpx.Response:
        said_by = {"X-Forwarded-For": "203.0.113.9", "Accept-Language": language}
        return public.post(path, json=said("e-bike"), headers=said_by)

    refusal = problem_of(seventh("zh-CN"), 429, "too_many_reports")
    assert "报修太频繁" in refusal["title"]
    assert "Too many reports" in problem_of(seventh("en"), 429, "too_many_reports")["title"]
    assert 0 < int(seventh("en").headers["retry-after"]) <= 60
    report(public, code, said("e-bike"), "203.0.113.77")
    house.clock.advance(61)
    report(public, code, said("e-bike"))


def test_a_place_takes_no_flood_and_one_sender_cannot_use_it_up(house: ApiHouse, public: httpx.Client) -> None:
    code = token(house, "torn")
    path = f"{API}/stickers/{code}/work-requests"
    statuses = []
    for n in range(30):  # one household has 2^64 addresses
        from_ = {"X-Forwarded-For": f"2001:db8:1:1::{n + 1:x}"}
        statuses.append(public.post(path, json=said("other"), headers=from_).status_code)
    assert statuses.count(201) == 6
    statuses = []
    for n in range(20):
        from_ = {"X-Forwarded-For": f"198.51.100.{n + 1}"}
        statuses.append(public.post(path, json=said("other"), headers=from_).status_code)
    assert statuses.count(201) == 14
    assert statuses[-1] == 429
    report(public, token(house, "hall"), said("water"), "198.51.100.20")  # another place is open to the same sender


def test_looking_is_limited_too(house: ApiHouse, public: httpx.Client) -> None:
    path = f"{API}/stickers/ct1.nowhere.0.{'A' * 22}"
    statuses = [public.get(path, headers={"X-Forwarded-For": "192.0.2.1"}).status_code for _ in range(130)]

    assert statuses.count(404) == 120
    assert statuses[-1] == 429


HOSTILE = {
    "no key": ({"fault": "other", "description": "x"}, "key"),
    "a key that is no UUID": (said("other", key="1"), "key"),
    "an upper-case UUID": (said("other", key=str(uuid.uuid4()).upper()), "key"),
    "nothing said": (said("other", description=""), "description"),
    "a NUL": (said("other", description="a\0b"), "description"),
    "1,001 characters": (said("other", description="长" * 1001), "description"),
    "a fault of another kind": (said("flooding"), "fault"),
    "a fault that is a path": (said("../../x"), "fault"),
    "a mode that nobody outside can see": (said("rope"), "fault"),
    "a photo that is no digest": (said("other", photo="x"), "photo"),
    "letters in the number": (said("other", phone="<script>"), "phone"),
    "a line break in the name": (said("other", name="a\nb"), "name"),
    "a long name": (said("other", name="长" * 65), "name"),
    "a field of the staff's": (said("other", priority="critical"), "priority"),
    "a list": ([], "body"),
    "nothing but brackets": ({"key": [[[[[]]]]]}, "key"),
}


@pytest.mark.parametrize(("body", "field"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_report_is_refused_by_name_and_leaves_nothing(
    house: ApiHouse, public: httpx.Client, body: Any, field: str
) -> None:
    with house.transactions.begin(write=False) as unit:
        before = unit.outbox.last_id()
    answer = public.post(f"{API}/stickers/{token(house, 'lift')}/work-requests", json=body)

    refusal = problem_of(answer, 422, "refused")
    assert field in json.dumps(refusal)
    with house.transactions.begin(write=False) as unit:
        assert unit.outbox.last_id() == before


def test_a_stranger_sends_20_kb_at_most(house: ApiHouse, public: httpx.Client) -> None:
    path = f"{API}/stickers/{token(house, 'lift')}/work-requests"
    longest = said("other", description="\N{SMILING FACE WITH SUNGLASSES}" * 1000, name="长" * 64)
    report(public, token(house, "lift"), longest)

    problem_of(public.post(path, json=said("other", description="x" * 20_000)), 413, "too_large")


def test_spaces_alone_are_no_description_and_a_key_is_for_one_report(house: ApiHouse, public: httpx.Client) -> None:
    code = token(house, "lift")
    blank = public.post(f"{API}/stickers/{code}/work-requests", json=said("other", description=" \n "))
    problem_of(blank, 422, "refused")
    body = said("dirty-or-damaged")
    report(public, code, body)
    other = public.post(f"{API}/stickers/{code}/work-requests", json=body | {"description": "something else"})

    assert problem_of(other, 422, "refused")["facts"]["field"] == "key"


def test_another_site_cannot_send_reports_through_somebodys_browser(house: ApiHouse, public: httpx.Client) -> None:
    path = f"{API}/stickers/{token(house, 'lift')}/work-requests"
    foreign = public.post(path, json=said("other"), headers={"Origin": "https://evil.example"})
    form = public.post(path, content=b"fault=other", headers={"Content-Type": "application/x-www-form-urlencoded"})

    problem_of(foreign, 403, "cross_site")
    problem_of(form, 415, "content_type")


def test_the_same_report_from_many_threads_at_once_is_one(house: ApiHouse) -> None:
    from concurrent.futures import ThreadPoolExecutor

    code, body = token(house, "hall"), said("door")
    with house.client(None) as client, ThreadPoolExecutor(6) as pool:
        numbers = {found["number"] for found in pool.map(lambda _: report(client, code, body), range(6))}
    with house.client(Role.ADMIN) as admin:
        items = admin.get(f"{API}/work-requests", params={"limit": 1000}).json()["items"]

    assert len(numbers) == 1
    assert isinstance(house.transactions, SqlTransactions)
    assert sum(item["work_order"] in numbers for item in items) == 1
