"""A refusal names the thing and the reason in the reader's language; who names no language gets the exact English."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.words_fields import PROBLEMS, field_problem
from caretaker.domain.people import Role
from tests.integration.api_house import ApiHouse, api_house, problem_of
from tooling.steps import ROOT

ZH = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}
EN = {"Accept-Language": "en-GB,en;q=0.9"}
KEY = {"Idempotency-Key": "0123456789abcdef"}
PLAN: dict[str, Any] = {
    "id": "night",
    "kind": "patrol",
    "title": {"zh": "夜巡", "en": "Night round"},
    "points": [{"checkpoint": "cp-pump"}],
    "rrule": "FREQ=DAILY",
    "starts_at": "22:00",
    "duration_s": 3600,
    "tolerance_s": 600,
    "valid_from": "2026-01-01",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with api_house(tmp_path_factory.mktemp("details")) as opened:
        yield opened


@pytest.fixture(scope="module")
def admin(house: ApiHouse) -> Iterator[httpx.Client]:
    with house.client(Role.ADMIN) as client:
        yield client


def details(client: httpx.Client, method: str, path: str, status: int, **request: Any) -> tuple[str, str]:
    """(Chinese, English) of the same request."""
    told = []
    for language in (ZH, EN):
        answer = client.request(method, f"/api/v1{path}", **request, headers={**KEY, **language})
        assert answer.status_code == status, answer.text
        told.append(problem_of(answer, status, answer.json()["code"])["detail"])
    return told[0], told[1]


def test_things_that_are_not_there(admin: httpx.Client) -> None:
    assert details(admin, "GET", "/assets/nobody", 404) == ("没有设备 nobody", "there is no asset nobody")
    assert details(admin, "GET", "/work-orders/wo-x", 404) == ("没有工单 wo-x", "there is no work order wo-x")
    assert details(admin, "GET", "/nothing", 404) == ("没有 /api/v1/nothing 这个地址", "there is no /api/v1/nothing")


def test_what_a_person_may_not_do(house: ApiHouse) -> None:
    with house.client(Role.GUARD) as guard:
        zh, en = details(guard, "GET", "/audit", 403)

    assert (zh, en) == (
        "the guard（保安）没有“查看审计记录”的权限",
        "the guard (guard) lacks the right to audit",
    )


def test_words_of_a_state_are_chinese_too(house: ApiHouse, admin: httpx.Client) -> None:
    house.say("pump-1", p_out=0.2)
    order = house.raised("pump-1", "low_pressure", "p_out", 0.2, 0.3).work_order

    assert details(admin, "POST", f"/work-orders/{order}/complete", 409, json={}) == (
        "工单现在是“待派”，不能报完工",
        "a work order that is open cannot complete",
    )
    assert details(admin, "POST", f"/work-orders/{order}/cancel", 422, json={}) == (
        "取消请写明原因",
        "to cancel, give a reason",
    )


def test_a_weak_password_and_a_wrong_recurrence(admin: httpx.Client) -> None:
    weak = {"id": "li", "name": "李强", "role": "guard", "password": "123"}
    zh, en = details(admin, "POST", "/people", 422, json=weak)
    assert (zh, en) == ("密码至少要 10 个字符", "a password needs at least 10 characters")

    zh, en = details(admin, "POST", "/round-plans", 422, json={**PLAN, "rrule": "FREQ=HOURLY"})
    assert zh.startswith("重复规则 'FREQ=HOURLY' 用不了：应有 FREQ=DAILY|")
    assert en.startswith("the recurrence 'FREQ=HOURLY' is not usable: expected FREQ=DAILY|")


@pytest.mark.parametrize(
    ("change", "zh", "en"),
    [
        ({"rrule": None}, "字段 rrule：应为文字", "field rrule: must be a text"),
        ({"points": []}, "字段 points：不能为空", "field points: must not be empty"),
        ({"duration_s": "long"}, "字段 duration_s：应为数字", "field duration_s: must be a number"),
        ({"colour": "red"}, "字段 colour：没有这个字段，请去掉", "field colour: is not known here; leave it out"),
        ({"order": "any"}, "字段 order：应为 'fixed'、'free'、'random' 之一", "field order: must be one of "),
        ({"title": "夜巡"}, "字段 title：应为 JSON 对象", "field title: must be a JSON object"),
    ],
)
def test_a_wrong_field_in_both_languages(admin: httpx.Client, change: dict[str, Any], zh: str, en: str) -> None:
    told = details(admin, "POST", "/round-plans", 422, json={**PLAN, **change})

    assert told[0] == zh
    assert told[1].startswith(en)


def test_broken_json_and_missing_fields(admin: httpx.Client) -> None:
    headers = {"Content-Type": "application/json", **KEY}
    broken = admin.post("/api/v1/round-plans", content=b'{"id": ', headers={**headers, **ZH}).json()
    empty = admin.post("/api/v1/round-plans", content=b"{}", headers={**headers, **ZH}).json()

    assert broken["detail"].startswith("字段 body (character 7)：不是正确的 JSON")
    assert "字段 rrule：必填；字段 " in empty["detail"]
    assert {field["problem"] for field in empty["facts"]["fields"]} == {"必填"}


def test_who_names_no_language_gets_the_english_of_the_logs(house: ApiHouse) -> None:
    with house.client(Role.ADMIN, **{"Accept-Language": ""}) as program:
        body = problem_of(program.get("/api/v1/assets/nobody"), 404, "not_found")

    assert body["detail"] == "there is no asset nobody"


# ---------------------------------------------------------------- nothing a schema can refuse is left without words

OF_SCHEMA = {
    "maxLength": {"string_too_long"},
    "minLength": {"string_too_short"},
    "pattern": {"string_pattern_mismatch"},
    "enum": {"enum", "literal_error"},
    "const": {"literal_error"},
    "minimum": {"greater_than_equal"},
    "maximum": {"less_than_equal"},
    "exclusiveMinimum": {"greater_than"},
    "exclusiveMaximum": {"less_than"},
    "maxItems": {"too_long"},
    "minItems": {"too_short"},
    "required": {"missing"},
    "additionalProperties": {"extra_forbidden", "dict_type"},
    "string": {"string_type", "string_unicode"},
    "integer": {"int_type", "int_parsing", "int_parsing_size", "int_from_float"},
    "number": {"float_type", "float_parsing", "finite_number"},
    "boolean": {"bool_type", "bool_parsing"},
    "array": {"list_type"},
    "object": {"model_type", "model_attributes_type", "dict_type"},
    "prefixItems": {"tuple_type"},
    "null": set(),
    "uniqueItems": set(),
}
WITHOUT_LIMIT = set("type title description default examples properties items anyOf $ref".split())


def test_every_limit_of_a_schema_has_its_words() -> None:
    shapes = json.loads((Path(ROOT) / "api/openapi.json").read_text("utf-8"))["components"]["schemas"]
    said: set[str] = set()

    def walk(shape: dict[str, Any]) -> None:
        said.update(set(shape) - WITHOUT_LIMIT, {shape["type"]} if "type" in shape else ())
        for inner in (*shape.get("properties", {}).values(), *shape.get("anyOf", ()), shape.get("items")):
            if inner:
                walk(inner)

    for shape in shapes.values():
        walk(shape)

    assert said <= set(OF_SCHEMA), "a limit that test and words_fields.py do not know yet"
    assert set().union(*(OF_SCHEMA[limit] for limit in said)) <= set(PROBLEMS)


def test_a_kind_of_error_without_words_keeps_its_own() -> None:
    unknown = {"type": "is_instance_of", "msg": "Input should be a Fraction"}
    zero = {"type": "greater_than", "msg": "", "ctx": {"gt": 0}}
    ours = {"type": "value_error", "msg": "", "ctx": {"error": ValueError("a person needs a name")}}

    assert field_problem(unknown, "zh") == "Input should be a Fraction"
    assert field_problem(zero, "zh") == "应大于 0"
    assert field_problem(ours, "zh") == "请填写姓名"
