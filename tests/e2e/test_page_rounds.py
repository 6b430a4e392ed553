"""The console's rounds and incidents: what a supervisor sees of today's rounds, decides, prints, hands out, and who calls."""

from __future__ import annotations

import time
import uuid
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.e2e.house import House, violations
from tests.e2e.patrol import VIEW
from tests.e2e.test_phone_offline import enrol

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]


def call(page: Page, method: str, path: str, body: object = None) -> Any:
    """An API call with the page's session."""
    url = page.url.split("/", 3)
    origin = f"{url[0]}//{url[2]}"
    answer = page.request.fetch(
        f"{origin}/api/v1{path}",
        method=method,
        data=body,
        headers={"Origin": origin, "Content-Type": "application/json"},
    )
    assert answer.ok, f"{method} {path}: {answer.status} {answer.text()}"
    return answer.json()


def scan_of_a_guard(page: Page, house: House) -> str:
    """A guard sends a code that nobody printed; the id of the scan."""
    guard = {"name": "赵强", "role": "guard", "password": "walks-at-night-9"}
    person = call(page, "POST", "/people", guard)["id"]
    body = {
        "id": str(uuid.uuid4()),
        "token": "ct1.no-such-place.0.AAAAAAAAAAAAAAAAAAAAAA",
        "token_type": "printed",
        "device_ms": int(time.time() * 1000),
        "monotonic_ms": 1000.0,
        "boot": "b1",
        "counter": 1,
    }
    with httpx.Client(base_url=f"{house.url}/api/v1", headers={"Origin": house.url}, timeout=20) as phone:
        signed = phone.post("/session", json={"person": person, "password": guard["password"]})
        assert signed.status_code == 200, signed.text
        reply = phone.post("/scans", json=body)
    assert reply.status_code == 200, reply.text
    assert reply.json()["state"] == "marked", reply.text
    return str(reply.json()["id"])


def test_rounds_are_seen_a_doubtful_scan_comes_by_itself_and_is_decided(house: House, desk: BrowserContext) -> None:
    page = desk.new_page()
    page.goto(f"{house.url}/rounds")
    expect(page.locator("[data-testid^=round-]").first).to_be_visible(timeout=30_000)

    made = scan_of_a_guard(page, house)
    item = page.get_by_test_id(f"scan-{made}")
    expect(item).to_be_visible(timeout=10_000)
    expect(item).to_contain_text("二维码不是本系统签发的")
    assert violations(page) == []

    item.get_by_test_id("reject").click()
    page.get_by_test_id("confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("请写明不认可的理由")
    page.locator("#decide-comment").fill("标签是复印的")
    page.get_by_test_id("confirm").click()
    expect(item).to_have_count(0, timeout=10_000)
    decided = call(page, "GET", f"/scans/{made}")["decision"]
    assert (decided["accepted"], decided["comment"]) == (False, "标签是复印的")


def test_all_labels_are_printed_and_a_phone_gets_its_code(house: House, desk: BrowserContext) -> None:
    page = desk.new_page()
    page.goto(f"{house.url}/checkpoints")
    page.get_by_test_id("print").click()
    places = call(page, "GET", "/checkpoints")["items"]
    expect(page.locator(".label img")).to_have_count(len(places), timeout=20_000)
    page.wait_for_function("[...document.images].every((one) => one.complete)")
    assert page.evaluate("[...document.images].every((one) => one.complete && one.naturalWidth > 0)")
    assert violations(page) == []

    page.goto(f"{house.url}/phones")
    page.get_by_test_id("person").select_option(index=1)
    page.get_by_test_id("make").click()
    expect(page.get_by_test_id("code").locator("img")).to_be_visible(timeout=20_000)
    assert violations(page) == []


def test_a_plan_is_made_its_round_appears_and_an_edit_is_a_new_version(house: House, desk: BrowserContext) -> None:
    page = desk.new_page()
    page.goto(f"{house.url}/plans")
    page.get_by_test_id("new").click()
    page.get_by_test_id("title-zh").fill("车库夜查")
    page.get_by_test_id("manner-weekly").click()
    expect(page.get_by_test_id("starts").locator("li")).to_have_count(10)  # of every day, until a day is chosen
    for day in ("MO", "TU", "WE", "TH", "FR", "SA", "SU"):
        page.get_by_test_id(f"day-{day}").click()
    begins = datetime.now(ZoneInfo("Asia/Shanghai"))
    page.get_by_test_id("time-0").fill(f"{begins:%H:%M}")
    expect(page.get_by_test_id("sentence")).to_contain_text(f"{begins:%H:%M}")
    for place in ("garage-b1", "garage-b2"):
        page.get_by_test_id("choose-point").select_option(place)
    page.get_by_role("button", name="车库二层集水坑 上移").press("Enter")
    expect(page.get_by_test_id("points").locator("li").first).to_contain_text("车库二层集水坑")
    expect(page.get_by_role("button", name="车库二层集水坑 下移")).to_be_focused()
    assert violations(page) == []
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("versions").locator("li")).to_have_count(1)

    page.locator("#plan-tolerance").fill("600")  # more than the hour a round takes
    page.get_by_test_id("save").click()
    expect(page.get_by_text("宽限不能超过时限。")).to_be_visible()
    page.locator("#plan-tolerance").fill("7")
    page.get_by_test_id("save").click()
    newest = page.get_by_test_id("versions").locator("li").first
    expect(newest).to_contain_text("第 2 版")
    expect(newest).to_contain_text("宽限")
    kept = call(page, "GET", f"/round-plans/{page.url.rpartition('/')[2]}")
    assert (kept["version"], kept["tolerance_s"], kept["order"]) == (2, 420.0, "free")
    assert [point["checkpoint"] for point in kept["points"]] == ["garage-b2", "garage-b1"]

    page.goto(f"{house.url}/rounds")
    expect(page.locator("[data-testid^=round-]", has_text="车库夜查")).to_be_visible(timeout=15_000)
    page.goto(f"{house.url}/plans/{kept['id']}")
    page.get_by_test_id("on-off").click()
    expect(page.get_by_test_id("versions").locator("li")).to_have_count(3)
    assert call(page, "GET", f"/round-plans/{kept['id']}")["next_ms"] == []


def test_sos_without_signal_is_kept_seen_by_the_console_taken_and_the_phone_says_who_comes(
    house: House, desk: BrowserContext, browser: Browser
) -> None:
    page = desk.new_page()
    page.goto(f"{house.url}/board")
    expect(page.get_by_test_id("link")).to_have_attribute("data-state", "live", timeout=30_000)
    pocket = browser.new_context(
        locale="zh-CN", viewport=ViewportSize(width=VIEW["width"], height=VIEW["height"]), is_mobile=True
    )
    phone = pocket.new_page()
    enrol(phone, house.url, call(page, "POST", "/people/zhang-wei/enrolment")["code"])
    pocket.clear_cookies(name="caretaker_session")  # the session ended in the night
    pocket.set_offline(True)
    phone.get_by_test_id("sos").click()
    phone.get_by_test_id("sos-send").click()
    state = phone.get_by_test_id("report-state")
    expect(state).to_have_attribute("data-state", "here", timeout=15_000)
    phone.reload()
    expect(state).to_have_attribute("data-state", "here")
    expect(page.get_by_test_id("call-bar")).to_have_count(0)

    pocket.set_offline(False)
    phone.evaluate("dispatchEvent(new Event('online'))")
    expect(state).to_have_attribute("data-state", "told", timeout=15_000)
    bar = page.get_by_test_id("call-bar")
    expect(bar.get_by_role("alert")).to_contain_text("张伟")
    assert page.title().startswith("❗")
    assert violations(page) == []
    items = call(page, "GET", "/incidents")["items"]
    assert [(one["kind"], one["state"]) for one in items] == [("sos", "reported")]

    bar.get_by_test_id(f"take-{items[0]['id']}").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("state")).to_have_attribute("data-state", "handling")
    expect(bar).to_have_count(0)
    expect(state).to_have_attribute("data-state", "taken", timeout=15_000)
    expect(state).to_contain_text(call(page, "GET", f"/incidents/{items[0]['id']}")["taken_by_name"])
    assert violations(page) == []
    assert violations(phone) == []

    page.get_by_test_id("do-close").click()
    page.get_by_test_id("confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("请写几个字")
    page.locator("#incident-words").fill("误按，人没事")
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("state")).to_have_attribute("data-state", "closed")
    pocket.close()
