"""Who may do what: every route of api/openapi.json against every role, held to a table. A new route needs a row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import pytest

from caretaker.domain.people import Person, Role
from caretaker.services import people
from tests.factories import ROOT
from tests.integration.api_house import ApiHouse, api_house

ROLES: Final = (None, *Role)
OPEN, PEOPLE, HANDS, CHIEFS, SENDER, SIGNED = "open", "people", "hands", "chiefs", "sender", "signed"
ADMINS, TRUSTED = "admins", "trusted"
MAY: Final = {
    OPEN: set(ROLES),
    SIGNED: set(Role),
    PEOPLE: set(Role) - {Role.DEVICE},
    HANDS: {Role.TECHNICIAN, Role.SUPERVISOR, Role.ADMIN},
    CHIEFS: {Role.SUPERVISOR, Role.MANAGER, Role.ADMIN},
    SENDER: {Role.DEVICE},
    ADMINS: {Role.ADMIN},
    TRUSTED: {Role.MANAGER, Role.ADMIN},
}
# Written by hand, from issue and glossary, not from the code: it is the other side of the comparison.
TABLE: Final = {
    "GET /api/v1/health": OPEN,
    "POST /api/v1/session": OPEN,
    "GET /api/v1/session": SIGNED,
    "DELETE /api/v1/session": SIGNED,
    "GET /api/v1/people": PEOPLE,
    "POST /api/v1/people": ADMINS,
    "PATCH /api/v1/people/{person}": ADMINS,
    "POST /api/v1/people/{person}/enrolment": CHIEFS,
    "GET /api/v1/teams": PEOPLE,
    "POST /api/v1/teams": CHIEFS,
    "GET /api/v1/shifts": PEOPLE,
    "POST /api/v1/shifts": CHIEFS,
    "POST /api/v1/phones": OPEN,
    "GET /api/v1/phones": PEOPLE,
    "DELETE /api/v1/phones/{phone}": PEOPLE,
    "GET /api/v1/audit": TRUSTED,
    "GET /api/v1/site": PEOPLE,
    "GET /api/v1/kinds": PEOPLE,
    "GET /api/v1/kinds/{kind}": PEOPLE,
    "GET /api/v1/assets": PEOPLE,
    "GET /api/v1/assets/{asset}": PEOPLE,
    "GET /api/v1/assets/{asset}/readings": PEOPLE,
    "GET /api/v1/points/{point}/readings": PEOPLE,
    "GET /api/v1/alarms": PEOPLE,
    "GET /api/v1/alarms/{alarm}": PEOPLE,
    "POST /api/v1/alarms/{alarm}/acknowledge": PEOPLE,
    "POST /api/v1/alarms/{alarm}/reset": PEOPLE,
    "GET /api/v1/work-orders": PEOPLE,
    "GET /api/v1/work-orders/{order}": PEOPLE,
    "GET /api/v1/work-orders/{order}/history": PEOPLE,
    "POST /api/v1/work-orders/{order}/comments": PEOPLE,
    "POST /api/v1/work-orders/{order}/assign": CHIEFS,
    "POST /api/v1/work-orders/{order}/start": HANDS,
    "POST /api/v1/work-orders/{order}/hold": HANDS,
    "POST /api/v1/work-orders/{order}/resume": HANDS,
    "POST /api/v1/work-orders/{order}/complete": HANDS,
    "POST /api/v1/work-orders/{order}/reopen": CHIEFS,
    "POST /api/v1/work-orders/{order}/close": CHIEFS,
    "POST /api/v1/work-orders/{order}/cancel": CHIEFS,
    "GET /api/v1/work-requests": PEOPLE,
    "GET /api/v1/work-requests/{request}": PEOPLE,
    "POST /api/v1/work-requests/{request}/refuse": CHIEFS,
    "GET /api/v1/stickers/{token}": OPEN,
    "POST /api/v1/stickers/{token}/work-requests": OPEN,
    "GET /api/v1/stickers/{token}/work-requests/{key}": OPEN,
    "PUT /api/v1/stickers/{token}/work-requests/{key}/photo/{sha256}": OPEN,
    "GET /api/v1/checkpoints": PEOPLE,
    "GET /api/v1/checkpoints/{checkpoint}": PEOPLE,
    "POST /api/v1/checkpoints": CHIEFS,
    "PATCH /api/v1/checkpoints/{checkpoint}": CHIEFS,
    "POST /api/v1/checkpoints/{checkpoint}/reprint": CHIEFS,
    "POST /api/v1/checkpoints/{checkpoint}/display": CHIEFS,
    "GET /api/v1/displays/{checkpoint}": OPEN,
    "GET /api/v1/labels": CHIEFS,
    "GET /api/v1/labels.pdf": CHIEFS,
    "GET /api/v1/reports": CHIEFS,
    "GET /api/v1/reports/inspection": CHIEFS,
    "POST /api/v1/reports/inspection": CHIEFS,
    "GET /api/v1/reports/{report}": CHIEFS,
    "GET /api/v1/round-plans": PEOPLE,
    "GET /api/v1/round-plans/{plan}": PEOPLE,
    "GET /api/v1/round-plans/{plan}/occurrences": PEOPLE,
    "GET /api/v1/round-plans/{plan}/versions": PEOPLE,
    "POST /api/v1/round-plans/preview": CHIEFS,
    "POST /api/v1/round-plans": CHIEFS,
    "PATCH /api/v1/round-plans/{plan}": CHIEFS,
    "GET /api/v1/rounds": PEOPLE,
    "GET /api/v1/rounds/coverage": PEOPLE,
    "GET /api/v1/rounds/statistics": PEOPLE,
    "GET /api/v1/rounds/visits": PEOPLE,
    "GET /api/v1/rounds/{round_id}": PEOPLE,
    "POST /api/v1/rounds/{round_id}/open": PEOPLE,
    "POST /api/v1/rounds/{round_id}/end": PEOPLE,
    "GET /api/v1/m/today": PEOPLE,
    "POST /api/v1/scans": PEOPLE,
    "GET /api/v1/scans": PEOPLE,
    "GET /api/v1/scans/{scan}": PEOPLE,
    "POST /api/v1/scans/{scan}/decide": CHIEFS,
    "GET /api/v1/findings": PEOPLE,
    "POST /api/v1/sos": PEOPLE,
    "POST /api/v1/incidents": PEOPLE,
    "GET /api/v1/incidents": PEOPLE,
    "GET /api/v1/incidents/{incident}": PEOPLE,
    "POST /api/v1/incidents/{incident}/take": CHIEFS,
    "POST /api/v1/incidents/{incident}/measures": PEOPLE,
    "POST /api/v1/incidents/{incident}/close": CHIEFS,
    "GET /api/v1/handovers": PEOPLE,
    "GET /api/v1/handovers/current": PEOPLE,
    "GET /api/v1/handovers/{handover}": PEOPLE,
    "POST /api/v1/handovers/{handover}/sign": PEOPLE,
    "PUT /api/v1/photos/{sha256}": PEOPLE,
    "GET /api/v1/photos/{sha256}": PEOPLE,
    "GET /api/v1/quarantine": PEOPLE,
    "GET /api/v1/events": PEOPLE,
    "POST /api/v1/ingest": SENDER,
}
BODIES: Final = {
    "POST /api/v1/session": {"code": "no-such-code"},
    "POST /api/v1/phones": {"code": "no-such-code"},
    "POST /api/v1/people": {"id": "matrix", "name": "矩阵", "role": "guard"},
    "PATCH /api/v1/people/{person}": {"name": "矩阵二"},
    "POST /api/v1/teams": {"id": "matrix", "title": {"zh": "队", "en": "team"}},
    "POST /api/v1/shifts": {
        "team": "none",
        "title": {"zh": "班", "en": "shift"},
        "weekdays": [0],
        "starts": "08:00",
        "ends": "20:00",
    },
    "POST /api/v1/ingest": {"device": "nobody", "readings": [{"point": "p", "value": 1}]},
    "POST /api/v1/alarms/{alarm}/acknowledge": {"comment": "seen"},
    "POST /api/v1/work-orders/{order}/comments": {"comment": "seen"},
    "POST /api/v1/sos": {},
    "POST /api/v1/incidents": {"kind": "water"},
    "POST /api/v1/incidents/{incident}/take": {},
    "POST /api/v1/incidents/{incident}/measures": {"text": "shut the valve"},
    "POST /api/v1/incidents/{incident}/close": {"reason": "dry"},
}
ACT: Final = {"assignee": "王海涛", "comment": "c", "reason": "r"}


def routes() -> list[str]:
    """METHOD path of every operation; `{action}` spelled out."""
    paths = json.loads((ROOT / "api" / "openapi.json").read_text("utf-8"))["paths"]
    found = []
    for path, operations in paths.items():
        for method, operation in operations.items():
            actions = [part["schema"] for part in operation.get("parameters", ()) if part["name"] == "action"]
            names = _enum(actions[0]) if actions else [""]
            found += [f"{method.upper()} {path.replace('{action}', name)}" for name in names]
    return found


def _enum(schema: dict) -> list[str]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schemas = json.loads((ROOT / "api" / "openapi.json").read_text("utf-8"))["components"]["schemas"]
        return list(schemas[name]["enum"])
    return list(schema["enum"])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with api_house(tmp_path_factory.mktemp("access")) as opened:
        with opened.transactions.begin() as unit:
            unit.people.introduce(Person("matrix", "矩阵", Role.GUARD, sites=(opened.estate.site.id,)))
        yield opened


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert sorted(routes()) == sorted(TABLE)


def test_a_route_without_a_row_is_found() -> None:
    """The comparison bites: leave one out and it differs."""
    assert sorted(routes()) != sorted(set(TABLE) - {"POST /api/v1/ingest"})


@pytest.mark.parametrize("role", ROLES, ids=str)
def test_each_role_reaches_exactly_what_its_row_says(house: ApiHouse, role: Role | None) -> None:
    """A stranger hears 401, a known person without the right 403, everybody else anything but those two."""
    wrong = []
    with house.client(role, **{"Idempotency-Key": f"matrix-{role}"}) as client:
        for route in routes():
            method, path = route.split()
            for name, value in {"kind": "elevator", "asset": "lift-1", "point": "1"}.items():
                path = path.replace(f"{{{name}}}", value)
            path = path.replace("{person}", "matrix").replace("{phone}", "ph-0")
            path = path.replace("{alarm}", "al_0").replace("{order}", "WO-0")
            if path.endswith("/readings"):
                path += "?from_ms=0&to_ms=1000&points=floor"
            body = BODIES.get(route, ACT if "work-orders" in path else None) if method in ("POST", "PATCH") else None
            if path.endswith("/events"):
                with client.stream(method, path) as answer:
                    status, code = answer.status_code, ""
            else:
                answer = client.request(method, path, json=body)
                is_json = answer.content and "json" in answer.headers.get("content-type", "")
                says = answer.json() if is_json else {}
                status, code = answer.status_code, says.get("code", "")
            let_in = status not in (401, 403) or code == "sign_in_code"
            expected = role in MAY[TABLE[route]]
            kept_out = status == (401 if role is None else 403)
            if let_in is not expected or (not expected and not kept_out):
                wrong.append((route, status, code))
    assert wrong == []


def test_a_wrong_or_expired_token_is_a_stranger(house: ApiHouse) -> None:
    short = people.create_token(house.transactions, Role.ADMIN, "short", house.clock.now_ns(), life_ns=1_000_000_000)
    with house.client(None) as client:
        for token, expected in ((short, 200), ("x" * 43, 401), ("x", 401), ("令牌".encode().decode("latin-1"), 401)):
            answer = client.get("/api/v1/site", headers={b"Authorization": f"Bearer {token}".encode("latin-1")})
            assert answer.status_code == expected, token
        house.clock.advance(2)
        assert client.get("/api/v1/site", headers={"Authorization": f"Bearer {short}"}).status_code == 401
