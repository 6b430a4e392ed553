"""The console's rounds pages: what a supervisor sees of today's rounds, decides, prints and hands out."""

from __future__ import annotations

import time
import uuid
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.house import House, violations

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
