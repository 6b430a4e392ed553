"""Input that nobody should send: each gets one clear refusal that names it, nothing gets a 500, nothing is lost."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Iterator

import httpx
import pytest

from caretaker.domain.people import Role
from caretaker.wire import decode_batch
from tests.factories import ROOT
from tests.integration.api_house import MS, ApiHouse, api_house, problem_of

INGEST = "/api/v1/ingest"
ACK = "/api/v1/alarms/al_0/acknowledge"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with api_house(tmp_path_factory.mktemp("hostile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def admin(house: ApiHouse) -> Iterator[httpx.Client]:
    with house.client(Role.ADMIN) as client:
        yield client


@pytest.fixture(scope="module")
def device(house: ApiHouse) -> Iterator[httpx.Client]:
    with house.client(Role.DEVICE) as client:
        yield client


def key() -> dict[str, str]:
    return {"Idempotency-Key": os.urandom(8).hex()}


def post(client: httpx.Client, path: str, raw: bytes, **headers: str) -> httpx.Response:
    return client.post(path, content=raw, headers={"Content-Type": "application/json", **headers})


WRONG_BODIES = {
    "no JSON": (b"{comment: 1}", 422, "body"),
    "half of a JSON": (b'{"comment": "x', 422, "body"),
    "a list": (b"[]", 422, "body"),
    "a number for a text": (b'{"comment": 5}', 422, "comment"),
    "an unknown field": (b'{"comment": "", "role": "admin"}', 422, "role"),
    "too long a text": (b'{"comment": "' + b"x" * 2001 + b'"}', 422, "comment"),
    "half a character": (rb'{"comment": "\ud800"}', 422, "comment"),
    "not UTF-8": (b'{"comment": "\xff\xfe"}', 400, ""),
    "100,000 brackets deep": (b'{"comment": ' + b"[" * 100_000, 400, ""),
    "nothing": (b"", 422, "body"),
    "1 MB and one byte": (b'{"comment": "' + b"x" * 1_000_000 + b'"}', 413, ""),
}


@pytest.mark.parametrize(("raw", "status", "field"), WRONG_BODIES.values(), ids=WRONG_BODIES.keys())
def test_a_wrong_body_is_refused_by_name(admin: httpx.Client, raw: bytes, status: int, field: str) -> None:
    body = problem_of(post(admin, ACK, raw), status, "too_large" if status == 413 else "refused")
    assert any(field in found["field"] for found in body["facts"].get("fields", [{"field": ""}])), body


def test_a_body_that_lies_about_its_length_is_cut_off(house: ApiHouse, admin: httpx.Client) -> None:
    """Chunked, so that no length is declared: 1 MB is read, not 50."""
    sent = 0

    def flood() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(50):
            sent += 1 << 20
            yield b"x" * (1 << 20)

    try:
        answer = admin.post(ACK, content=flood(), headers={"Content-Type": "application/json"})
    except httpx.TransportError:
        assert sent < 50 << 20, "the connection was closed on the flood"
    else:
        problem_of(answer, 413, "too_large")
    assert admin.get("/api/v1/site").status_code == 200


def test_a_compressed_body_is_not_unpacked(admin: httpx.Client) -> None:
    problem_of(post(admin, ACK, b"\x1f\x8b", **{"Content-Encoding": "gzip"}), 415, "encoding")


def test_the_same_refusal_in_both_languages(house: ApiHouse, admin: httpx.Client) -> None:
    titles = {}
    for said, language in (("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"), ("en-GB,en", "en"), ("fr", "zh-CN"), ("", "zh-CN")):
        answer = admin.get("/api/v1/assets/nobody", headers={"Accept-Language": said})
        assert answer.headers["content-language"] == language
        titles[language] = problem_of(answer, 404, "not_found")["title"]
    assert titles == {"zh-CN": "没有找到", "en": "Not found"}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_an_unknown_address_of_the_api_is_404_whatever_the_method(admin: httpx.Client, method: str) -> None:
    for path in ("/api/v1/nothing", "/api", "/api/v2/site", "/api/v1/session/x"):
        body = problem_of(admin.request(method, path), 404, "not_found")
        assert path in body["detail"]


def test_a_wrong_method_is_405(admin: httpx.Client) -> None:
    for method, path in (("PUT", "/api/v1/alarms"), ("DELETE", "/api/v1/site"), ("GET", INGEST), ("POST", "/")):
        problem_of(admin.request(method, path), 405, "method")


@pytest.mark.parametrize(
    "path",
    [
        "/..%2f..%2f..%2fetc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2f..%2fapp.py",
        "/..\\..\\caretaker.db",
        "/caretaker.db%00.jpg",
        "//etc/passwd",
    ],
)
def test_no_file_outside_the_page_is_served(house: ApiHouse, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", int(house.base.rpartition(":")[2]), timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status in (200, 400, 404, 503)
    assert b"root:" not in body
    assert b"import" not in body


def test_every_answer_carries_the_security_headers(admin: httpx.Client) -> None:
    for path in ("/", "/api/v1/site", "/api/v1/nothing"):
        headers = admin.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


ODD = ["", "-1", "1e999", "NaN", "[]", "'", "\\", "\x7f", "٣", "💥", "a" * 3000, "9" * 400, "../..", "'; DROP TABLE alarms;--",
       "%00"]  # fmt: skip


def test_no_odd_parameter_of_any_route_makes_a_500(house: ApiHouse, admin: httpx.Client) -> None:
    """Every parameter of the contract with every odd value, one at a time."""
    paths = json.loads((ROOT / "api" / "openapi.json").read_text("utf-8"))["paths"]
    usual = {"from_ms": "0", "to_ms": "1000", "points": "speed", "action": "start", "asset": "lift-1", "point": "1"}
    wrong, tried = [], 0
    for path, operations in paths.items():
        if path.endswith("/events"):
            continue
        for method, operation in operations.items():
            names = [p for p in operation.get("parameters", ()) if p["in"] in ("path", "query")]
            for parameter in names:
                for odd in ODD:
                    target, query = path, {}
                    for other in names:
                        value = odd if other is parameter else usual.get(other["name"], "1")
                        if other["in"] == "path":
                            target = target.replace(
                                f"{{{other['name']}}}", httpx.QueryParams({"v": value}).__str__()[2:]
                            )
                        elif other is parameter or other.get("required"):
                            query[other["name"]] = value
                    answer = admin.request(method, target, params=query or None, json={} if method == "post" else None)
                    tried += 1
                    if answer.status_code >= 500 or "Traceback" in answer.text:
                        wrong.append((method, target[:80], parameter["name"], odd[:20], answer.status_code))
    assert wrong == []
    assert tried > 300
    assert admin.get("/api/v1/site").status_code == 200


# ---- POST /ingest, for gateways that want an end-to-end acknowledgement


def test_200_means_it_is_in_the_journal_and_a_repeat_changes_nothing(house: ApiHouse, device: httpx.Client) -> None:
    now = house.clock.now_ns() // MS
    body = {
        "device": "lift-1-box",
        "readings": [{"point": "speed", "value": 1.5, "ts": now}, {"point": "light_on", "value": True}],
    }
    mine = key()
    before = house.journal.last(0)
    answer = device.post(INGEST, json=body, headers=mine)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 2, "duplicates": 0, "refused": []})
    (record,) = house.journal.read(0, before)
    batch = decode_batch(record.payload)
    ids = [house.estate.by_key["lift-1", name].id for name in ("speed", "light_on")]
    assert (batch.points.tolist(), batch.values.tolist()) == (ids, [1.5, 1.0])
    assert batch.times.tolist() == [now * MS, house.clock.now_ns()]
    house.clock.advance(1)
    assert device.post(INGEST, json=body, headers=mine).status_code == 200
    assert house.journal.last(0) == before + 1, "the repeat wrote nothing, although one reading had no time of its own"


def test_what_the_gate_refuses_is_said_and_lies_in_quarantine(
    house: ApiHouse, device: httpx.Client, admin: httpx.Client
) -> None:
    now = house.clock.now_ns() // MS
    readings = [
        {"point": "motor_temp", "value": 55.0, "ts": now},
        {"point": "motor_temp", "value": 9000.0, "ts": now + 1},
        {"point": "motor_temp", "value": 1.7e308, "ts": now + 2},
        {"point": "motor_temp", "value": 50, "ts": now + 86_400_000},
        {"point": "motor_temp", "value": 50, "ts": 0},
    ]
    answer = device.post(INGEST, json={"device": "lift-1-box", "readings": readings}, headers=key()).json()
    assert answer["accepted"] == 1
    assert [item["reason"] for item in answer["refused"]] == ["implausible", "implausible", "future", "too_old"]
    assert all("lift-1.motor_temp" in item["detail"] for item in answer["refused"])
    kept = admin.get("/api/v1/quarantine").json()
    assert kept["counters"] == {"implausible": 2, "future": 1, "too_old": 1}
    assert {item["source"] for item in kept["items"]} == {"http lift-1-box"}


INGEST_WRONG = {
    "unknown device": ('{"device":"nobody","readings":[{"point":"p","value":1}]}', 404, "nobody"),
    "a point of another device": ('{"device":"lift-1-box","readings":[{"point":"p_out","value":1}]}', 422, "p_out"),
    "another device's asset": ('{"device":"lift-1-box","readings":[{"point":"pump-1.p_out","value":1}]}', 422, "p_out"),
    "NaN": ('{"device":"lift-1-box","readings":[{"point":"speed","value":NaN}]}', 422, "readings.0.value"),
    "infinity": ('{"device":"lift-1-box","readings":[{"point":"speed","value":1e999}]}', 422, "readings.0.value"),
    "400 digits": (f'{{"device":"lift-1-box","readings":[{{"point":"speed","value":{"9" * 400}}}]}}', 422, "readings.0.value"),
    "5,000 digits": (f'{{"device":"lift-1-box","readings":[{{"point":"speed","value":{"9" * 5000}}}]}}', 400, ""),
    "a text for a number": ('{"device":"lift-1-box","readings":[{"point":"speed","value":"1"}]}', 422, "readings.0.value"),
    "an object": ('{"device":"lift-1-box","readings":[{"point":"speed","value":{}}]}', 422, "readings.0.value"),
    "no value": ('{"device":"lift-1-box","readings":[{"point":"speed"}]}', 422, "q = bad"),
    "a time past int64": ('{"device":"lift-1-box","readings":[{"point":"speed","value":1,"ts":1%s}]}' % ("0" * 20), 422, "ts"),
    "a negative time": ('{"device":"lift-1-box","readings":[{"point":"speed","value":1,"ts":-1}]}', 422, "ts"),
    "a quality of its own": ('{"device":"lift-1-box","readings":[{"point":"speed","value":1,"q":"great"}]}', 422, "q"),
    "no readings": ('{"device":"lift-1-box","readings":[]}', 422, "readings"),
    "5,001 readings": (json.dumps({"device": "d", "readings": [{"point": "p", "value": 1}] * 5001}), 422, "readings"),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "status", "named"), INGEST_WRONG.values(), ids=INGEST_WRONG.keys())
def test_a_wrong_ingest_is_refused_whole_and_by_name(
    house: ApiHouse, device: httpx.Client, raw: str, status: int, named: str
) -> None:
    before = house.journal.last(0)
    answer = post(device, INGEST, raw.encode(), **key())
    body = problem_of(answer, status, "not_found" if status == 404 else "refused")
    assert named in json.dumps(body, ensure_ascii=False)
    assert house.journal.last(0) == before


def test_ingest_without_a_key_is_refused(device: httpx.Client) -> None:
    body = {"device": "lift-1-box", "readings": [{"point": "speed", "value": 1.0}]}
    assert problem_of(device.post(INGEST, json=body), 422, "refused")["facts"]["field"] == "Idempotency-Key"
    for odd in ("", "a b", "x" * 129):
        problem_of(device.post(INGEST, json=body, headers={"Idempotency-Key": odd}), 422, "refused")


def test_a_text_point_takes_text_and_a_bad_one_nothing(house: ApiHouse, device: httpx.Client) -> None:
    before = house.journal.last(0)
    readings = [{"point": "last_plate", "value": "浙A·12345"}, {"point": "temp", "q": "bad"}]
    answer = device.post(INGEST, json={"device": "gate-1-ctl", "readings": readings}, headers=key())
    assert answer.json()["accepted"] == 2, answer.text
    batch = decode_batch(house.journal.read(0, before)[0].payload)
    assert dict(batch.texts) == {0: "浙A·12345"}
    assert batch.quality.tolist() == [0, 2]
