"""Signing in and out: links that work once, cookies no script sees, pages of other sites kept out, guessing slowed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager

import httpx
import pytest

from caretaker.domain.errors import DatabaseUnavailable
from caretaker.domain.people import Role
from caretaker.ports import Transactions, UnitOfWork
from caretaker.services import people
from tests.factories import ROOT
from tests.integration.api_house import ApiHouse, api_house, events, problem_of

SESSION = "/api/v1/session"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with api_house(tmp_path_factory.mktemp("sessions")) as opened:
        yield opened


def test_a_link_signs_in_once(house: ApiHouse) -> None:
    code = house.link(Role.SUPERVISOR, "李敏")
    with house.client(None) as first, house.client(None) as second:
        answer = first.post(SESSION, json={"code": code})
        assert answer.status_code == 200
        person = answer.json()["person"]
        assert (person["name"], person["role"]) == ("李敏", "supervisor")
        assert "close" in person["rights"]
        assert first.get(SESSION).json()["person"] == person
        problem_of(second.post(SESSION, json={"code": code}), 401, "sign_in_code")
        assert second.get(SESSION).status_code == 401


def test_a_link_is_good_for_fifteen_minutes(house: ApiHouse) -> None:
    early, late = house.link(Role.GUARD), house.link(Role.GUARD)
    with house.client(None) as client:
        house.clock.advance(14 * 60)
        assert client.post(SESSION, json={"code": early}).status_code == 200
        house.clock.advance(2 * 60)
        problem_of(client.post(SESSION, json={"code": late}), 401, "sign_in_code")


def test_the_cookie_is_for_the_browser_alone(house: ApiHouse) -> None:
    with house.client(None) as client:
        plain = client.post(SESSION, json={"code": house.link(Role.GUARD)}).headers["set-cookie"]
        behind_tls = client.post(
            SESSION, json={"code": house.link(Role.GUARD)}, headers={"X-Forwarded-Proto": "https"}
        ).headers["set-cookie"]
    for cookie in (plain, behind_tls):
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
    assert plain.startswith("caretaker_session=")
    assert "Secure" not in plain
    assert behind_tls.startswith("__Host-caretaker_session=")
    assert "Secure" in behind_tls


def test_the_session_is_new_at_each_sign_in_and_only_its_digest_is_kept(house: ApiHouse) -> None:
    with house.browser(Role.GUARD) as client:
        first = client.cookies["caretaker_session"]
        client.post(SESSION, json={"code": house.link(Role.GUARD)})
        second = client.cookies["caretaker_session"]
    assert first != second
    assert len(second) >= 43  # 256 bits in base64
    with house.transactions.begin(write=False) as unit:
        assert unit.people.find(people.digest(second), "session") is not None
    database = b"".join(
        path.read_bytes()
        for path in (ROOT / str(house.transactions.url.removeprefix("sqlite:///"))).parent.glob("*.db*")
    )
    assert people.digest(second) in database
    assert second.encode() not in database


def test_signing_out_ends_the_session_at_once(house: ApiHouse) -> None:
    with house.browser(Role.GUARD) as client:
        cookie = client.cookies["caretaker_session"]
        assert client.delete(SESSION).status_code == 204
        assert "caretaker_session" not in client.cookies
        with house.client(None, Cookie=f"caretaker_session={cookie}") as thief:
            problem_of(thief.get(SESSION), 401, "sign_in")


def test_signing_out_ends_the_open_stream_within_a_moment(house: ApiHouse) -> None:
    with house.browser(Role.GUARD) as client, client.stream("GET", "/api/v1/events") as answer:
        told = events(answer)
        assert next(told).name == "hello"
        assert client.delete(SESSION).status_code == 204
        for _ in told:  # the server ends it; a stream that went on would run into the client's timeout
            pass


def test_a_session_falls_asleep_and_ends(house: ApiHouse) -> None:
    with house.browser(Role.GUARD) as idle, house.browser(Role.GUARD) as busy:
        for _ in range(14):
            house.clock.advance(12 * 3600 - 60)
            status = busy.get(SESSION).status_code
            assert status == 200
        assert idle.get(SESSION).status_code == 401
        house.clock.advance(2 * 3600)
        assert busy.get(SESSION).status_code == 401, "seven days are the most, however busy"


class Full:
    """The house's database on a disk that takes nothing more."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def begin(self, *, write: bool = True) -> AbstractContextManager[UnitOfWork]:
        if write:
            raise DatabaseUnavailable("disk full")
        return self._transactions.begin(write=False)

    def migrate(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def test_a_full_disk_signs_nobody_out(house: ApiHouse) -> None:
    with house.browser(Role.GUARD) as client:
        secret = client.cookies["caretaker_session"]
    house.clock.advance(120)
    person = people.who(Full(house.transactions), secret, "session", house.clock.now_ns())
    assert person is not None
    assert person.role is Role.GUARD


def test_a_token_works_until_it_is_no_session(house: ApiHouse) -> None:
    """A token in a cookie is nobody, a session as a bearer neither."""
    with house.browser(Role.GUARD) as client:
        secret = client.cookies["caretaker_session"]
    with house.client(None) as stranger:
        assert stranger.get(SESSION, headers={"Authorization": f"Bearer {secret}"}).status_code == 401
        cookie = {"Cookie": f"caretaker_session={house.token(Role.ADMIN)}"}
        assert stranger.get(SESSION, headers=cookie).status_code == 401


def test_a_page_can_be_opened_with_a_token(house: ApiHouse) -> None:
    with house.client(None) as client:
        assert client.post(SESSION, json={"token": house.token(Role.MANAGER)}).json()["person"]["role"] == "manager"
        assert client.get("/api/v1/site").status_code == 200


@pytest.mark.parametrize("body", [{}, {"code": "12345678", "token": "12345678"}, {"code": {"$ne": None}}, {"code": ""}])
def test_sign_in_takes_one_secret_of_the_right_shape(house: ApiHouse, body: dict) -> None:
    with house.client(None) as client:
        problem_of(client.post(SESSION, json=body), 422, "refused")


def test_guessing_is_slowed_and_others_are_not_locked_out(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Five wrong tries at once, then one in twelve seconds; right ones from the same address cost nothing."""
    with api_house(tmp_path_factory.mktemp("throttle")) as fresh, fresh.client(None) as client:
        for _ in range(8):  # a shift signs in at one console
            assert client.post(SESSION, json={"code": fresh.link(Role.GUARD)}).status_code == 200
        for _ in range(5):
            assert client.post(SESSION, json={"code": "wrong-code"}).status_code == 401
        answer = client.post(SESSION, json={"code": "wrong-code"})
        problem_of(answer, 429, "too_many")
        assert 1 <= int(answer.headers["retry-after"]) <= 12
        fresh.clock.advance(13)
        assert client.post(SESSION, json={"code": fresh.link(Role.GUARD)}).status_code == 200


def unsafe_routes() -> list[tuple[str, str]]:
    paths = json.loads((ROOT / "api" / "openapi.json").read_text("utf-8"))["paths"]
    return [
        (method.upper(), path.replace("{action}", "start").replace("{alarm}", "al_0").replace("{order}", "WO-0"))
        for path, operations in paths.items()
        for method in operations
        if method not in ("get", "head")
    ]


FOREIGN = {
    "another site says so": {"Sec-Fetch-Site": "cross-site"},
    "a neighbour of the same site": {"Sec-Fetch-Site": "same-site"},
    "a foreign Origin": {"Origin": "https://evil.example"},
    "an opaque Origin": {"Origin": "null"},
    "an Origin that begins like ours": {"Origin": "http://127.0.0.1.evil.example"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN.keys())
@pytest.mark.parametrize(("method", "path"), unsafe_routes())
def test_no_other_site_can_act_with_our_cookie(
    signed_in: httpx.Client, method: str, path: str, headers: dict[str, str]
) -> None:
    body = {"code": "12345678"} if path == SESSION and method == "POST" else {}
    answer = signed_in.request(method, path, json=body, headers=headers)
    problem_of(answer, 403, "cross_site")


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
@pytest.mark.parametrize(("method", "path"), unsafe_routes())
def test_no_form_can_act_with_our_cookie(signed_in: httpx.Client, method: str, path: str, media: str) -> None:
    """Forms are what a foreign page can send without asking; also chunked, without a length."""
    for content in (b'{"comment":"x"}', iter([b'{"comment":"x"}'])):
        answer = signed_in.request(method, path, content=content, headers={"Content-Type": media})
        assert answer.status_code in (415, 422), answer.text
        assert answer.json()["code"] in ("content_type", "refused")
    assert signed_in.get(SESSION).status_code == 200


@pytest.fixture(scope="module")
def signed_in(house: ApiHouse) -> Iterator[httpx.Client]:
    with house.browser(Role.ADMIN) as client:
        yield client


def test_our_own_page_may(house: ApiHouse) -> None:
    with house.browser(Role.GUARD) as client:
        for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": house.base}, {}):
            answer = client.post("/api/v1/alarms/al_0/acknowledge", json={"comment": ""}, headers=headers)
            assert answer.status_code == 404, "let in: there is only no such alarm"
