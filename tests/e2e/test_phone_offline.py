"""R26 and done-when 1: a whole round without signal, the phone killed twice, a line that breaks every few hundred bytes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.house import House
from tests.e2e.patrol import Desk, Line, Phone, guard_with_plan, phone_of, sit_down, snapshot, stickers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

POINTS = 12
PIN = "918273"


@pytest.fixture(scope="module")
def house(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("house"), []) as running:
        yield running


@pytest.fixture(scope="module")
def desk(house: House) -> Iterator[Desk]:
    with sit_down(house) as desk:
        yield desk


@pytest.fixture(scope="module")
def places(desk: Desk) -> Sequence[dict[str, Any]]:
    return [place for place in desk.call("GET", "/checkpoints")["items"] if not place["rotating"]][:POINTS]


@pytest.fixture
def line(house: House) -> Iterator[Line]:
    with Line((house.host, house.port)) as line:
        yield line


def enrol(page: Page, base: str, code: str) -> None:
    """Open the link, choose a PIN, wait for the rounds and for the page to be kept for offline."""
    page.goto(f"{base}/m/enrol#code={code}")
    page.get_by_test_id("new-pin").fill(PIN)
    page.get_by_test_id("same-pin").fill(PIN)
    page.get_by_test_id("enrol").click()
    expect(page.get_by_test_id("step-download")).to_have_attribute("data-done", "true")
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    page.get_by_test_id("begin").click()


def scan(page: Page) -> int:
    """Scan whatever sticker comes before the camera next; ms from the frame to the confirmation."""
    page.get_by_test_id("scan").click()
    expect(page.get_by_test_id("confirmed")).to_be_visible(timeout=15_000)
    took = page.get_by_test_id("confirmed").get_attribute("data-took")
    page.get_by_test_id("go-on").click()
    return int(took or "-1")


def answer(page: Page, number: int) -> None:
    """Every question: the first is not OK with a photo, numbers are given, the rest is normal."""
    expect(page.get_by_test_id("answered")).to_be_visible()  # counting does not wait
    checks = page.get_by_test_id("checks").locator(":scope > li")
    for row in range(checks.count()):
        check = checks.nth(row)
        if check.get_by_test_id("number").count():
            check.get_by_test_id("number").fill("1")
        elif row == 0 and check.get_by_test_id("not-ok").count():
            check.get_by_test_id("not-ok").click()
            photo(check.get_by_test_id("photo"), number)
            expect(check.get_by_test_id("shots").locator("img")).to_have_count(1)
        elif check.get_by_test_id("ok").count():
            check.get_by_test_id("ok").click()
        elif check.get_by_test_id("photo").count():
            photo(check.get_by_test_id("photo"), 1000 + number)
            expect(check.get_by_test_id("shots").locator("img")).to_have_count(1)


def photo(field: Any, number: int) -> None:
    field.set_input_files({"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": snapshot(number)})


def waiting(page: Page) -> int:
    return int(page.get_by_test_id("upload").get_attribute("data-waiting") or "-1")


def back(phone: Phone, base: str, *, offline: bool) -> Page:
    """Switch the phone on and open the page."""
    context = phone.switch_on()
    context.set_offline(offline)
    page = context.pages[0]
    page.goto(f"{base}/m")
    return page


def test_a_round_without_signal_arrives_once_in_order_with_both_times(
    desk: Desk, places: Sequence[dict[str, Any]], line: Line, browser: Browser, tmp_path: Path
) -> None:
    assert len(places) == POINTS
    guard = guard_with_plan(desk, "赵强", places)
    tokens = desk.tokens(places)
    video = stickers(tmp_path / "cam.y4m", [f"https://stickers.example/s/{token}" for token in tokens.values()])
    with phone_of(browser, tmp_path / "phone", video) as phone:
        page = phone.switch_on().pages[0]
        enrol(page, line.url, desk.enrolment(guard))
        phone.switch_off()  # enrolled yesterday: the browser has written its cookies down
        page = back(phone, line.url, offline=False)
        expect(page.get_by_test_id("round")).to_have_text("赵强的一轮")
        before_ms = time.time() * 1000
        times = []
        kills = 0

        phone.context.set_offline(True)  # type: ignore[union-attr]
        page.reload()
        for number in range(POINTS):
            expect(page.get_by_test_id("done")).to_have_text(str(number))
            times.append(scan(page))
            answer(page, number)
            expect(page.get_by_test_id("finish")).to_be_visible()  # what is shown as answered is on disk
            if number in (3, 8):  # in the middle of answering
                assert phone.kill() > 1
                kills += 1
                page = back(phone, line.url, offline=True)
                page.get_by_test_id("resume").click()
                expect(page.get_by_test_id("finish")).to_be_visible()
            page.get_by_test_id("finish").click()
        expect(page.get_by_test_id("done")).to_have_text(str(POINTS))
        expect(page.get_by_test_id("upload")).to_contain_text(f"{POINTS} 条待上传")
        offline_ms = time.time() * 1000
        assert desk.call("GET", f"/scans?person={guard}")["items"] == []

        line.cutting = True
        phone.context.set_offline(False)  # type: ignore[union-attr]
        twin = phone.context.new_page()  # type: ignore[union-attr]
        twin.goto(f"{line.url}/m")
        seen = [waiting(page)]
        end = time.monotonic() + 600
        while waiting(page) > 0:
            assert time.monotonic() < end, f"{seen} left after {line.cuts} cuts"
            for tab in (page, twin):  # what a phone says when a bar of signal comes and goes
                tab.evaluate("dispatchEvent(new Event('online'))")
            page.wait_for_timeout(120)
            assert page.get_by_test_id("sign-in").count() == 0
            if waiting(page) != seen[-1]:
                seen.append(waiting(page))
        line.cutting = False

        kept = sorted(desk.call("GET", f"/scans?person={guard}&limit=1000")["items"], key=lambda item: item["counter"])
        assert line.cuts > 30, "the line was not cut"
        assert kills == 2
        assert [item["counter"] for item in kept] == list(range(1, POINTS + 1))
        assert {item["checkpoint"] for item in kept} == set(tokens)
        received = [item["received_ms"] for item in kept]
        made = [item["device_ms"] for item in kept]
        assert received == sorted(received)
        assert made == sorted(made)
        assert all(before_ms <= at <= offline_ms for at in made)
        assert all(at >= offline_ms for at in received)
        reasons = {doubt["reason"] for item in kept for doubt in item["verdict"]["doubts"]}
        # The round was walked in seconds, and says so; nothing says that the phone's own record was touched.
        assert not reasons & {
            *("forged", "bad_signature", "unsigned", "broken_chain", "counter_gap", "replay", "duplicate"),
            *("two_phones", "clock_tampered", "old_photo", "not_your_round", "not_on_round", "skipped_checks"),
        }, reasons
        for item in kept:
            assert all(desk.http.get(f"/api/v1/photos/{sha}").status_code == 200 for sha in item["photos"])
        assert sum(len(item["photos"]) for item in kept) >= POINTS // 2
        assert sorted(seen, reverse=True) == seen, "the queue grew"
        assert max(times) <= 1000, times
        walk = desk.call("GET", f"/rounds?plan=plan-{guard}")["items"][0]
        assert re.fullmatch(r"finished|in_progress", walk["state"])
        findings = desk.call("GET", "/findings?limit=1000")["items"]
        mine = [finding for finding in findings if finding["scan"] in {item["id"] for item in kept}]
        assert mine
        assert len({finding["id"] for finding in mine}) == len(mine)
