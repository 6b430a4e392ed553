"""The console's rounds pages: what a supervisor sees of today's rounds, decides, prints and hands out."""

from __future__ import annotations

import time
import uuid
from typing import Any

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
