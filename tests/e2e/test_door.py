"""The sticker's page at phone size: a stranger reports with a photo, the next one sees it and joins, the guard checks in."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from caretaker.domain.people import Role
from tests.e2e.house import violations
from tests.e2e.patrol import VIEW
from tests.e2e.test_phone_offline import enrol
from tests.integration.api_house import ApiHouse, api_house
from tooling.page import STATIC

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

BUDGET = 40_000
"""Bytes, gzip: everything the page loads."""
PLAIN_HTTP = """
delete Crypto.prototype.randomUUID
Object.defineProperty(Crypto.prototype, 'subtle', {value: undefined})
"""
"""What a browser takes away on http that is not this machine's own."""


@pytest.fixture(scope="module")
def house(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with api_house(tmp_path_factory.mktemp("door"), Path(STATIC)) as opened:
        with opened.client(Role.ADMIN) as client:
            for name, asset in (("lift", "lift-1"), ("hall", None)):
                title = {"zh": f"点位{name}", "en": f"Point {name}"}
                body = {"id": name, "title": title, "space": "b1-f1", "asset": asset, "use_kind_checks": False}
                assert client.post("/api/v1/checkpoints", json=body).status_code == 200
            assert (
                client.post("/api/v1/people", json={"id": "qian", "name": "钱进", "role": "guard"}).status_code == 201
            )
        yield opened


@pytest.fixture
def boss(house: ApiHouse) -> Iterator[httpx.Client]:
    with house.client(Role.SUPERVISOR) as client:
        yield client


def sticker(boss: httpx.Client, name: str) -> str:
    (label,) = boss.get("/api/v1/labels", params={"checkpoints": name}).json()["items"]
    return str(label["url"])


def pocket(browser: Browser, locale: str, light: Any) -> BrowserContext:
    context = browser.new_context(
        locale=locale,
        color_scheme=light,
        viewport={"width": VIEW["width"], "height": VIEW["height"]},
        has_touch=True,
        is_mobile=True,
    )
    context.add_init_script(PLAIN_HTTP)
    return context


def look(page: Page, trouble: list[str], screen: str) -> None:
    trouble.extend(f"{screen}: {found}" for found in violations(page))
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        trouble.append(f"{screen}: wider than the phone")
    if screen.startswith("en"):
        foreign = re.sub("中文|点位|门关到一半又打开", "", page.inner_text("body"))
        trouble.extend(f"{screen}: {line}" for line in foreign.splitlines() if re.search("[一-鿿]", line))


def picture() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((1800, 1350), 80).convert("RGB").save(out, "JPEG")
    return out.getvalue()


def test_the_page_is_small_and_may_do_less_than_any_other(house: ApiHouse) -> None:
    with house.client(None, **{"Accept-Encoding": "identity"}) as http:
        page = http.get("/s/ct1.anything")
        needed = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
        weight = {name: len(gzip.compress(http.get(name).content, 6)) for name in ("/s/x", *needed)}

    policy = page.headers["content-security-policy"]
    assert sum(weight.values()) <= BUDGET, weight
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert (page.headers["cache-control"], page.headers["x-robots-tag"]) == ("no-cache", "noindex")
    assert "serviceWorker" not in "".join(Path(STATIC, name[1:]).read_text("utf-8") for name in needed if ".js" in name)


def test_a_stranger_reports_with_a_photo_and_the_next_one_sees_it_and_joins(
    house: ApiHouse, boss: httpx.Client, browser: Browser
) -> None:
    trouble: list[str] = []
    address = sticker(boss, "lift")
    first = pocket(browser, "zh-CN", "light")
    page = first.new_page()
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda line: trouble.append(line.text) if "Content Security" in line.text else None)
    page.goto(address)
    expect(page.get_by_test_id("place")).to_have_text(house.estate.assets["lift-1"].title.zh)
    expect(page.get_by_test_id("standing")).to_contain_text("目前没有")
    look(page, trouble, "zh form")
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("trouble")).to_have_text("请选哪里不对")
    page.get_by_role("radio", name="门机故障").check()
    page.get_by_test_id("description").fill("门关到一半又打开")
    page.get_by_test_id("photo").set_input_files({"name": "p.jpg", "mimeType": "image/jpeg", "buffer": picture()})
    expect(page.locator(".preview img")).to_be_visible()
    first.set_offline(True)
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("trouble")).to_contain_text("没有连上服务器")
    first.set_offline(False)
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("photo-state")).to_have_attribute("data-state", "kept")
    look(page, trouble, "zh done")
    number = page.get_by_test_id("number").inner_text().split()[-1]
    kept = page.url

    (order,) = boss.get("/api/v1/work-orders").json()["items"]
    (request,) = boss.get("/api/v1/work-requests").json()["items"]
    assert (order["id"], order["detected_by"], order["fault"]) == (number, "request", "door-fault")
    assert (request["description"], request["work_order"]) == ("门关到一半又打开", number)
    with Image.open(io.BytesIO(boss.get(f"/api/v1/photos/{request['photo']}").content)) as photo:
        assert photo.size == (1600, 1200)

    boss.post(f"/api/v1/work-orders/{number}/start", json={})
    second = pocket(browser, "en-GB", "dark")
    page = second.new_page()
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.goto(address)
    expect(page.get_by_test_id("standing")).to_contain_text("Door fault")
    expect(page.get_by_test_id("standing")).to_contain_text("Being repaired")
    expect(page.get_by_test_id("standing")).to_contain_text("Should be fixed by")
    look(page, trouble, "en form")
    page.get_by_role("radio", name="Door fault").check()
    page.get_by_test_id("description").fill("The door bites")
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("done")).to_contain_text("Somebody reported the same before")
    expect(page.get_by_test_id("number")).to_contain_text(number)
    look(page, trouble, "en done")
    second.close()
    assert [entry["action"] for entry in boss.get(f"/api/v1/work-orders/{number}/history").json()["items"]] == [
        *("opened", "photo", "start", "joined")
    ]

    boss.post(f"/api/v1/work-requests/{request['id']}/refuse", json={"reason": "维保单位今天会来"})
    page = first.new_page()
    page.goto(address)  # by what this phone remembers
    expect(page.get_by_test_id("mine")).to_contain_text("物业说明：维保单位今天会来")
    first.close()
    third = pocket(browser, "zh-CN", "light")
    page = third.new_page()
    page.goto(kept)  # by the link alone
    expect(page.get_by_test_id("mine")).to_contain_text("未受理")
    page.goto(address[:-1] + ("A" if address[-1] != "A" else "B"))
    expect(page.get_by_test_id("unreadable")).to_contain_text("不能用它报修")
    expect(page.get_by_test_id("form")).to_have_count(0)
    look(page, trouble, "zh forged")
    third.close()

    assert trouble == []


def test_whoever_works_here_checks_in_by_the_same_sticker(
    house: ApiHouse, boss: httpx.Client, browser: Browser
) -> None:
    code = boss.post("/api/v1/people/qian/enrolment").json()["code"]
    address = sticker(boss, "hall")
    context = pocket(browser, "zh-CN", "light")
    page = context.new_page()
    page.goto(address)
    page.get_by_test_id("check-in").click()
    expect(page.get_by_role("alert")).to_contain_text("先登记这台手机")

    enrol(page, house.base, code)
    page.goto(address)
    page.get_by_test_id("check-in").click()
    expect(page.get_by_test_id("confirmed")).to_be_visible()
    page.get_by_test_id("go-on").click()
    page.goto("about:blank")
    page.goto(f"{house.base}/m#sticker={sticker(boss, 'lift').rpartition('/s/')[2]}")
    expect(page.get_by_test_id("asked")).to_contain_text("打卡？")  # a link from elsewhere checks nobody in unasked
    expect(page.get_by_test_id("confirmed")).to_have_count(0)
    page.get_by_test_id("asked-yes").click()
    expect(page.get_by_test_id("confirmed")).to_be_visible()
    page.get_by_test_id("go-on").click()
    expect(page.get_by_test_id("upload")).to_have_attribute("data-waiting", "0")
    context.close()

    scans = boss.get("/api/v1/scans", params={"person": "qian"}).json()["items"]
    assert {(scan["checkpoint"], scan["token_type"]) for scan in scans} == {("hall", "printed"), ("lift", "printed")}
