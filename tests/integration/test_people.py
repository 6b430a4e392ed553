"""People over HTTP: passwords, phones, PINs, teams, sites, and the trail they leave."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from caretaker.domain.people import Person, Role
from caretaker.ports import Credential
from caretaker.services import people, staff
from tests.integration.api_house import ApiHouse, api_house, problem_of

SESSION = "/api/v1/session"
GOOD = "梧桐树下-三只花猫在睡"
OTHER = "correct horse battery"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with api_house(tmp_path_factory.mktemp("people")) as opened:
        yield opened


@pytest.fixture
def house(shared: ApiHouse) -> ApiHouse:
    """The shared house two hours later: wrong tries of the test before are forgiven. Each test has its own people."""
    shared.clock.advance(7200)
    return shared


def known(house: ApiHouse, person: str, role: Role, password: str | None = GOOD, sites: tuple[str, ...] = ()) -> Person:
    someone = Person(person, f"name of {person}", role, sites=sites)
    staff.add_person(house.transactions, "test", someone, house.clock.now_ns(), password=password)
    return someone


def enter(client: httpx.Client, person: str, password: str = GOOD) -> httpx.Response:
    return client.post(SESSION, json={"person": person, "password": password})


def jwk() -> dict[str, str]:
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    x, y = (base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode() for n in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "ext": True}  # type: ignore[dict-item]


def invite(house: ApiHouse, person: str, role: Role = Role.SUPERVISOR) -> str:
    with house.client(role) as boss:
        answer = boss.post(f"/api/v1/people/{person}/enrolment")
        assert answer.status_code == 201, answer.text
        assert answer.json()["url"].endswith(f"/m/enrol#code={answer.json()['code']}")
        return str(answer.json()["code"])


def actions(house: ApiHouse) -> list[tuple[str, str, str]]:
    with house.transactions.begin(write=False) as unit:
        return [(row.actor, row.action, row.subject) for row in unit.audit.list(after=0, limit=1000)]


def test_a_password_signs_in_by_id_or_by_name(house: ApiHouse) -> None:
    known(house, "li-1", Role.SUPERVISOR)
    with house.client(None) as client:
        assert enter(client, "li-1").json()["person"]["id"] == "li-1"
        assert client.get(SESSION).json()["phone"] is None
        first = client.cookies["caretaker_session"]
        assert enter(client, "name of li-1").status_code == 200
        assert client.cookies["caretaker_session"] != first
        client.cookies.clear()
        stale = {"Cookie": f"caretaker_session={first}"}
        assert client.get(SESSION, headers=stale).status_code == 401, "the earlier session of this browser is over"
    assert actions(house)[-1] == ("li-1", "sign_in", "li-1")


def test_the_hash_is_argon2id_with_the_costs_of_owasp(house: ApiHouse) -> None:
    known(house, "li-2", Role.SUPERVISOR)
    with house.transactions.begin(write=False) as unit:
        kept = unit.passwords.get("li-2", "password")
    found = re.fullmatch(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$.*", kept or "")
    assert found is not None
    assert (int(found[1]) >= 19_456, int(found[2]) >= 2, int(found[3])) == (True, True, 1)


def test_a_stranger_and_a_wrong_password_hear_the_same(house: ApiHouse) -> None:
    known(house, "li-3", Role.SUPERVISOR)
    with house.client(None) as client:
        nobody, wrong = enter(client, "nobody"), enter(client, "li-3", "wrong password")
    problem_of(nobody, 401, "sign_in_password")
    assert nobody.json() == wrong.json()
    assert ("?", "sign_in.refused", "li-3") in actions(house)


def test_the_sixth_wrong_try_waits_and_a_restart_forgives_nothing(tmp_path: Path) -> None:
    with api_house(tmp_path) as house:
        known(house, "li-4", Role.SUPERVISOR)
        with house.client(None) as client:
            for _ in range(5):
                problem_of(enter(client, "li-4", "wrong password"), 401, "sign_in_password")
            answer = enter(client, "li-4")
            problem_of(answer, 429, "too_many")
            assert 1 <= int(answer.headers["Retry-After"]) <= 60
    with api_house(tmp_path) as again:
        again.clock.advance(1)
        with again.client(None) as client:
            problem_of(enter(client, "li-4"), 429, "too_many")
            again.clock.advance(61)
            assert enter(client, "li-4").status_code == 200


def test_weak_passwords_are_refused(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as admin:
        for weak in ("short", "1234567890", "Password2024!", "zhangzhangzhang", "name of zhang-5", "aaaaaaaaaaaa"):
            body = {"id": "zhang-5", "name": "name of zhang-5", "role": "guard", "password": weak}
            answer = admin.post("/api/v1/people", json=body)
            problem_of(answer, 422, "refused")
            assert answer.json()["facts"]["field"] == "password", weak


def test_adding_twice_is_once_and_a_taken_id_is_a_conflict(house: ApiHouse) -> None:
    body = {"id": "zhang-6", "name": "张伟", "role": "guard"}
    with house.client(Role.ADMIN) as admin:
        assert [admin.post("/api/v1/people", json=body).status_code for _ in range(2)] == [201, 201]
        problem_of(admin.post("/api/v1/people", json=body | {"name": "李伟"}), 409, "conflict")
        key = {"Idempotency-Key": "k1"}
        ids = {
            admin.post("/api/v1/people", json={"name": "王五", "role": "guard"}, headers=key).json()["id"] for _ in "ab"
        }
        assert len(ids) == 1
    assert [row[1:] for row in actions(house)].count(("person.add", "zhang-6")) == 1


@pytest.mark.parametrize(
    "change", [{"password": OTHER}, {"role": "technician"}, {"active": False}, {"pin": "502716"}], ids=str
)
def test_password_role_pin_and_deactivation_end_all_sessions_at_once(house: ApiHouse, change: dict) -> None:
    li = f"li-{next(iter(change))}"
    known(house, li, Role.GUARD)
    with house.client(None) as client, house.client(Role.ADMIN) as admin:
        assert enter(client, li).status_code == 200
        assert admin.patch(f"/api/v1/people/{li}", json={"name": "李新"}).status_code == 200
        assert client.get(SESSION).status_code == 200, "a new name ends nothing"
        assert admin.patch(f"/api/v1/people/{li}", json=change).status_code == 200
        assert client.get(SESSION).status_code == 401


def test_who_changes_the_own_password_proves_it_and_stays_signed_in(house: ApiHouse) -> None:
    known(house, "li-9", Role.GUARD)
    with house.client(None) as client, house.client(None) as elsewhere:
        assert enter(client, "li-9").status_code == enter(elsewhere, "li-9").status_code == 200
        problem_of(client.patch("/api/v1/people/li-9", json={"password": OTHER}), 422, "refused")
        body = {"password": OTHER, "current_password": "something else"}
        problem_of(client.patch("/api/v1/people/li-9", json=body), 403, "not_allowed")
        assert client.patch("/api/v1/people/li-9", json=body | {"current_password": GOOD}).status_code == 200
        assert client.get(SESSION).status_code == 200
        assert elsewhere.get(SESSION).status_code == 401
        problem_of(client.patch("/api/v1/people/li-9", json={"role": "admin"}), 403, "not_allowed")


def test_the_last_administrator_stays(house: ApiHouse) -> None:
    known(house, "boss", Role.ADMIN)
    with house.client(None) as client:
        enter(client, "boss")
        problem_of(client.patch("/api/v1/people/boss", json={"active": False}), 409, "conflict")
        known(house, "second", Role.ADMIN)
        assert client.patch("/api/v1/people/boss", json={"active": False}).status_code == 200


def test_people_of_another_site_find_nothing_here(house: ApiHouse) -> None:
    known(house, "far-11", Role.ADMIN, sites=("elsewhere",))
    token = "t" * 43
    with house.transactions.begin() as unit:
        far = unit.people.get("far-11")
        unit.people.add(Credential(people.digest(token), far, "token", 0, None))
    with house.client(None) as client, house.client(Role.ADMIN) as admin:
        problem_of(enter(client, "far-11"), 404, "not_found")
        for path in ("site", "people", "alarms", "work-orders", "audit", "session"):
            answer = client.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 404, path
        assert "far-11" not in {person["id"] for person in admin.get("/api/v1/people").json()["items"]}
        problem_of(admin.patch("/api/v1/people/far-11", json={"name": "x"}), 404, "not_found")


def test_a_phone_is_enrolled_once_and_its_pin_signs_in(house: ApiHouse) -> None:
    known(house, "zhang-12", Role.GUARD, None)
    code, key = invite(house, "zhang-12"), jwk()
    body = {"code": code, "public_key": key, "label": "小米 14", "pin": "502716"}
    with house.client(None) as phone, house.client(None) as thief:
        done = phone.post("/api/v1/phones", json=body)
        assert done.status_code == 201, done.text
        phone_id = done.json()["phone"]["id"]
        assert done.json()["phone"]["signed"] is True
        assert phone.get(SESSION).json()["phone"] == phone_id
        again = phone.post("/api/v1/phones", json=body)
        assert again.json()["phone"]["id"] == phone_id, "the answer was lost, the phone asks again"
        problem_of(thief.post("/api/v1/phones", json=body | {"public_key": jwk()}), 401, "sign_in_code")
        phone.delete(SESSION)
        assert phone.get(SESSION).status_code == 401
        problem_of(thief.post(SESSION, json={"phone": phone_id, "pin": "502716"}), 401, "phone_unknown")
        assert phone.post(SESSION, json={"phone": phone_id, "pin": "502716"}).json()["phone"] == phone_id
        assert [item["id"] for item in phone.get("/api/v1/phones").json()["items"]] == [phone_id]
        with house.transactions.begin(write=False) as unit:
            assert unit.phones.get(phone_id).public_key == {name: key[name] for name in ("kty", "crv", "x", "y")}


def test_five_wrong_pins_end_the_phone(house: ApiHouse) -> None:
    known(house, "zhang-13", Role.GUARD, None)
    body = {"code": invite(house, "zhang-13"), "public_key": None, "label": "old phone", "pin": "502716"}
    with house.client(None) as phone:
        phone_id = phone.post("/api/v1/phones", json=body).json()["phone"]["id"]
        for left in (4, 3, 2, 1, 0):
            answer = phone.post(SESSION, json={"phone": phone_id, "pin": "000001"})
            problem_of(answer, 401, "sign_in_pin")
            assert answer.json()["facts"]["tries_left"] == left
        problem_of(phone.post(SESSION, json={"phone": phone_id, "pin": "502716"}), 401, "phone_unknown")
        assert phone.get(SESSION).status_code == 401, "the session that was open is over too"
        problem_of(phone.post("/api/v1/phones", json=body), 401, "sign_in_code")
        fresh = body | {"code": invite(house, "zhang-13")}
        assert phone.post("/api/v1/phones", json=fresh).status_code == 201
    assert ("?", "phone.withdraw", phone_id) in actions(house)


def test_nobody_enrols_a_phone_for_somebody_above(house: ApiHouse) -> None:
    known(house, "chief", Role.ADMIN)
    with house.client(Role.SUPERVISOR) as supervisor:
        problem_of(supervisor.post("/api/v1/people/chief/enrolment"), 403, "not_allowed")


def test_a_withdrawn_phone_is_out_at_once(house: ApiHouse) -> None:
    known(house, "zhang-15", Role.GUARD, None)
    body = {"code": invite(house, "zhang-15"), "public_key": jwk(), "label": "p", "pin": "502716"}
    with house.client(None) as phone, house.client(Role.SUPERVISOR) as boss, house.client(Role.TECHNICIAN) as peer:
        phone_id = phone.post("/api/v1/phones", json=body).json()["phone"]["id"]
        assert peer.get("/api/v1/phones").json()["items"] == []
        with house.client(Role.GUARD) as guard:
            problem_of(guard.delete(f"/api/v1/phones/{phone_id}"), 403, "not_allowed")
        assert boss.delete(f"/api/v1/phones/{phone_id}").json()["withdrawn_by"].startswith("token-")
        assert phone.get(SESSION).status_code == 401
        problem_of(phone.post("/api/v1/phones", json=body), 401, "sign_in_code")


def test_teams_and_shifts_say_who_is_on_duty(house: ApiHouse) -> None:
    with house.client(Role.SUPERVISOR) as boss:
        team = {"id": "night", "title": {"zh": "夜班队", "en": "Night team"}}
        assert boss.post("/api/v1/teams", json=team).status_code == 201
        shift: dict[str, object] = {"id": "all-day", "team": "night", "title": {"zh": "全天", "en": "All day"}}
        shift |= {"weekdays": list(range(7)), "starts": "08:00", "ends": "08:00"}
        assert boss.post("/api/v1/shifts", json=shift).status_code == 201
        problem_of(boss.post("/api/v1/shifts", json=shift | {"team": "none"}), 422, "refused")
        problem_of(boss.post("/api/v1/shifts", json=shift | {"weekdays": [7]}), 422, "refused")
    with house.client(Role.ADMIN) as admin:
        body = {"id": "zhang-16", "name": "张伟", "role": "guard", "team": "night"}
        assert admin.post("/api/v1/people", json=body).status_code == 201
        problem_of(admin.post("/api/v1/people", json={"name": "x", "role": "guard", "team": "none"}), 422, "refused")
        found = admin.get("/api/v1/shifts").json()["items"]
        assert [item["on_duty"]["persons"] for item in found] == [["zhang-16"]]
        assert found[0]["on_duty"]["ends_ms"] - found[0]["on_duty"]["starts_ms"] == 86_400_000
        assert admin.get("/api/v1/teams").json()["items"][0]["members"] == ["zhang-16"]


def test_deeds_at_the_desk_are_in_the_trail_and_the_trail_is_whole(house: ApiHouse) -> None:
    with house.client(Role.MANAGER) as manager, house.client(Role.SUPERVISOR) as boss:
        asset, rule = next((a, r) for a in house.estate.assets for r in house.estate.rules_of(a) if r.work_order)
        order = house.raised(asset, rule.id, rule.terms[0].point, 0.0, 1.0).work_order
        assert boss.post(f"/api/v1/work-orders/{order}/assign", json={"assignee": "王海涛"}).status_code == 200
        assert boss.post(f"/api/v1/work-orders/{order}/comments", json={"comment": "马上"}).status_code == 200
        items = manager.get("/api/v1/audit").json()["items"]
        assert [row["action"] for row in items[:2]] == ["work_order.comment", "work_order.assign"]
        assert items[0]["actor_name"] == "the supervisor"
        assert items[1]["before"] == {"assignee": None, "state": "open"}
        assert items[1]["after"]["assignee"] == "王海涛"
        assert manager.get(f"/api/v1/audit?after={items[1]['id']}").json()["items"] == items[:1]
    with house.transactions.begin(write=False) as unit:
        assert unit.audit.check().flaw is None
