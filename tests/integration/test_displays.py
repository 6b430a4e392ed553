"""The display over HTTP: a code for who holds the link, and nothing for anybody else."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
import zxingcpp

from caretaker.adapters.key_ring import KeyRing
from caretaker.domain.people import Role
from caretaker.domain.rounds.codes import Checked, check
from caretaker.domain.rounds.scans import Reason, TokenType
from tests.integration.api_house import MS, ApiHouse, api_house, problem_of
from tests.integration.test_labels import drawn
from tests.integration.test_rounds_api import begin

API = "/api/v1"
TAG = "04a22b1c558080"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("displays")


@pytest.fixture(scope="module")
def opened(folder: Path) -> Iterator[ApiHouse]:
    with api_house(folder, proven=True) as opened:
        with opened.client(Role.SUPERVISOR) as client:
            for name, rotating in (("lobby", True), ("roof", True), ("paper", False), ("switched", True)):
                title = {"zh": f"点位 {name}", "en": f"Point {name}"}
                body = {"id": name, "title": title, "space": "b1-f1", "use_kind_checks": False, "rotating": rotating}
                assert client.post(f"{API}/checkpoints", json=body).status_code == 200
        yield opened


@pytest.fixture
def house(opened: ApiHouse) -> ApiHouse:
    """Some minutes later, so that no test is refused for what another one tried."""
    opened.clock.advance(600)
    return opened


@pytest.fixture
def boss(house: ApiHouse) -> Iterator[httpx.Client]:
    with house.client(Role.SUPERVISOR) as client:
        yield client


@pytest.fixture
def wall(house: ApiHouse) -> Iterator[httpx.Client]:
    """The tablet: nobody's session, nobody's token."""
    with house.client(None) as client:
        yield client


def secret_of(boss: httpx.Client, name: str) -> str:
    answer = boss.post(f"{API}/checkpoints/{name}/display")
    assert answer.status_code == 200, answer.text
    path, _, secret = str(answer.json()["url"]).partition("#")
    assert path.endswith(f"/display/{name}")
    return secret


def look(wall: httpx.Client, name: str, secret: str) -> httpx.Response:
    return wall.get(f"{API}/displays/{name}", headers={"X-Caretaker-Display": secret})


def judged(house: ApiHouse, folder: Path, text: str, later_s: float = 0.0) -> Checked:
    """What the judge holds of a code that was scanned so much later than now."""
    with house.transactions.begin(write=False) as unit:
        places = list(unit.checkpoints.list("demo"))
    at_ns = house.clock.now_ns() + round(later_s * 1e9)
    return check(text, TokenType.ROTATING, "demo", places, KeyRing(folder / "keys").keys("demo"), at_ns)


def test_the_shown_code_is_read_and_believed_within_the_drift_and_stale_after(
    house: ApiHouse, folder: Path, boss: httpx.Client, wall: httpx.Client
) -> None:
    house.clock.advance(30 - house.clock.now_ns() / 1e9 % 30 + 4)  # 4 s into a step
    answer = look(wall, "lobby", secret_of(boss, "lobby"))

    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    (code,) = zxingcpp.read_barcodes(drawn(told["svg"]))
    assert code.text == told["url"] == f"{house.base}/s/{told['url'].rpartition('/')[2]}"
    assert told["ends_ms"] - told["now_ms"] == pytest.approx(26_000, abs=5)
    assert told["void_ms"] - told["ends_ms"] == 30_000
    assert told["link_ends_ms"] is None
    for later_s in (-33, 0, 26, 55):
        assert judged(house, folder, code.text, later_s) == Checked("lobby", TokenType.ROTATING)
    for later_s in (-36, 57, 3600):
        assert judged(house, folder, code.text, later_s).doubt is Reason.STALE_ROTATING_CODE


def doubts_of(client: httpx.Client, house: ApiHouse, token: str, kind: str) -> tuple[str | None, set[str]]:
    """What the house says to a scan of this code now: the place, and every doubt."""
    body = {
        "id": str(uuid.uuid4()),
        "token": token,
        "token_type": kind,
        "device_ms": house.clock.now_ns() // MS,
        "monotonic_ms": house.clock.now_ns() / MS,
        "boot": "b1",
        "counter": 1,
    }
    answer = client.post(f"{API}/scans", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return found["checkpoint"], {doubt["reason"] for doubt in found["verdict"]["doubts"]}


def test_a_scan_of_the_display_counts_and_a_late_one_or_one_of_the_old_sticker_is_doubted(
    house: ApiHouse, boss: httpx.Client, wall: httpx.Client
) -> None:
    codes = {str(Reason.FORGED), str(Reason.STALE_ROTATING_CODE), str(Reason.WITHDRAWN_CODE)}
    token = look(wall, "lobby", secret_of(boss, "lobby")).json()["url"].rpartition("/s/")[2]
    (label,) = boss.get(f"{API}/labels", params={"checkpoints": "lobby"}).json()["items"]
    boss.patch(f"{API}/checkpoints/lobby", json={"nfc": TAG})

    place, fresh = doubts_of(boss, house, token, "rotating")
    assert (place, fresh & codes) == ("lobby", set())
    house.clock.advance(90)
    place, late = doubts_of(boss, house, token, "rotating")
    assert (place, late & codes) == ("lobby", {"stale_rotating_code"})
    place, printed = doubts_of(boss, house, label["url"].rpartition("/s/")[2], "printed")
    assert (place, printed & codes) == ("lobby", {"stale_rotating_code"})
    place, held = doubts_of(boss, house, TAG.upper(), "nfc")
    assert (place, held & codes) == ("lobby", set())
    place, strange = doubts_of(boss, house, "04ffffffffffff", "nfc")
    assert (place, strange & codes) == (None, {"forged"})


def test_each_step_has_its_own_code(house: ApiHouse, boss: httpx.Client, wall: httpx.Client) -> None:
    secret = secret_of(boss, "lobby")
    first = look(wall, "lobby", secret).json()["url"]
    again = look(wall, "lobby", secret).json()["url"]
    house.clock.advance(30)

    assert first == again != look(wall, "lobby", secret).json()["url"]


def test_nothing_is_told_but_the_code_and_where_it_hangs(
    house: ApiHouse, boss: httpx.Client, wall: httpx.Client
) -> None:
    assert boss.patch(f"{API}/checkpoints/lobby", json={"nfc": TAG}).status_code == 200
    short = boss.get(f"{API}/checkpoints/lobby").json()["short_code"]
    secret = secret_of(boss, "lobby")
    answer = look(wall, "lobby", secret)

    assert set(answer.json()) == {
        *("site", "zone", "title", "space_title", "url", "svg", "now_ms", "ends_ms", "void_ms", "link_ends_ms")
    }
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    assert secret not in answer.text
    assert f'"{short}"' not in answer.text
    assert TAG not in answer.text
    for path in ("/checkpoints", "/m/today", "/rounds", "/labels"):  # the secret opens no other door
        refused = wall.get(API + path, headers={"X-Caretaker-Display": secret, "Authorization": f"Bearer {secret}"})
        assert refused.status_code == 401, path


def test_a_wrong_secret_hears_the_same_as_for_a_place_that_does_not_exist(
    house: ApiHouse, boss: httpx.Client, wall: httpx.Client
) -> None:
    roof = secret_of(boss, "roof")
    answers = [
        *(look(wall, "lobby", "x" * 43), look(wall, "lobby", ""), look(wall, "lobby", roof)),
        *(look(wall, "no-such-place", "x" * 43), look(wall, "paper", "x" * 43)),
    ]

    assert len({str(problem_of(answer, 404, "display_unknown")) for answer in answers}) == 1
    assert look(wall, "lobby", "x" * 65).status_code == 422


def test_a_secret_in_the_address_is_not_taken(boss: httpx.Client, wall: httpx.Client) -> None:
    secret = secret_of(boss, "lobby")

    problem_of(wall.get(f"{API}/displays/lobby", params={"secret": secret}), 404, "display_unknown")


def test_a_reprint_withdraws_the_link_and_a_new_one_works(boss: httpx.Client, wall: httpx.Client) -> None:
    secret = secret_of(boss, "roof")
    assert look(wall, "roof", secret).status_code == 200

    assert boss.post(f"{API}/checkpoints/roof/reprint").status_code == 200

    problem_of(look(wall, "roof", secret), 404, "display_withdrawn")
    assert look(wall, "roof", secret_of(boss, "roof")).status_code == 200


def test_only_a_rotating_place_has_a_display(boss: httpx.Client, wall: httpx.Client) -> None:
    problem_of(boss.post(f"{API}/checkpoints/paper/display"), 409, "display_off")
    problem_of(boss.post(f"{API}/checkpoints/nowhere/display"), 404, "not_found")
    secret = secret_of(boss, "switched")
    assert boss.patch(f"{API}/checkpoints/switched", json={"rotating": False}).status_code == 200

    told = problem_of(look(wall, "switched", secret), 409, "display_off")
    assert "switch it on" in told["detail"]


def test_guessing_is_slowed_down_and_reading_is_not(boss: httpx.Client, wall: httpx.Client) -> None:
    secret = secret_of(boss, "lobby")
    assert {look(wall, "lobby", secret).status_code for _ in range(40)} == {200}

    tried = [look(wall, "lobby", "y" * 43) for _ in range(31)]
    assert [answer.status_code for answer in tried] == [404] * 30 + [429]
    assert int(tried[-1].headers["retry-after"]) >= 1


def test_each_link_that_is_made_is_in_the_trail_without_its_secret(house: ApiHouse, boss: httpx.Client) -> None:
    secret = secret_of(boss, "lobby")

    with house.transactions.begin(write=False) as unit:
        (entry, *_) = unit.audit.list(action="display.linked", subject="lobby")
    assert entry.after is not None
    assert '"code_version":0' in entry.after
    assert secret not in str(entry)


def test_a_phone_is_told_a_tag_only_as_a_hash(house: ApiHouse, boss: httpx.Client) -> None:
    begin(house, boss, points=("tagged",), tagged={"nfc": TAG[::-1]})
    today = boss.get(f"{API}/m/today")

    assert today.json()["checkpoints"]["tagged"]["nfc_sha256"] == sha256(TAG[::-1].encode()).hexdigest()
    assert TAG[::-1] not in today.text
