"""Who may see the page, in which language and colours, with which senses, and what it says when the line is cut."""

from __future__ import annotations

import gzip
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect

from tests.e2e.house import House, violations

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

ROUTES = (
    *("/", "/board", "/board?by=floor", "/equipment/lift-2", "/equipment/pump-1"),
    *("/alarms", "/alarms?show=all", "/work-orders", "/incidents", "/status", "/no-such-page"),
)


@pytest.fixture
def page(desk: BrowserContext) -> Page:
    return desk.new_page()


def test_nothing_is_shown_without_a_session_and_a_wrong_code_says_what_to_do(house: House, browser: Browser) -> None:
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(f"{house.url}/alarms")

    expect(page).to_have_url(f"{house.url}/sign-in?back=/alarms")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_text("请先输入登录码")).to_be_visible()
    page.get_by_label("登录码").fill("not-a-code-of-ours")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_contain_text("401 sign_in_code")
    expect(page.get_by_role("alert")).to_contain_text("新链接")
    assert violations(page) == []
    context.close()


def test_a_used_link_does_not_open_the_door_again(house: House, cookies: StorageState, browser: Browser) -> None:
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()

    page.goto(house.link())

    expect(page.get_by_role("alert")).to_be_visible()
    assert "code=" not in page.url, "the code must not stay in the address"
    context.close()


def test_english_is_one_click_away_and_remembered(house: House, page: Page) -> None:
    page.goto(house.url)
    expect(page.get_by_role("link", name="总览")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "zh-CN"

    page.get_by_role("button", name="English").click()

    expect(page.get_by_role("link", name="Overview")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "en"
    page.reload()
    expect(page.get_by_role("link", name="Overview")).to_be_visible()
    expect(page.get_by_test_id("demo")).to_contain_text("Demo data")


@pytest.mark.parametrize(
    ("locale", "scheme", "width"), [("zh-CN", "light", 1440), ("en-US", "dark", 1440), ("zh-CN", "dark", 390)]
)
def test_axe_finds_nothing_serious_and_nothing_overflows(
    house: House, cookies: StorageState, browser: Browser, locale: str, scheme: str, width: int
) -> None:
    context = browser.new_context(
        locale=locale,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": 900},
        storage_state=cookies,
    )
    page = context.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))

    for route in ROUTES:
        page.goto(house.url + route)
        page.wait_for_selector("main h1, main .empty")
        page.wait_for_timeout(400)
        trouble += [f"{route}: {found}" for found in violations(page)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            trouble.append(f"{route}: wider than the screen")

    context.close()
    assert trouble == []


def test_the_first_view_loads_at_most_250_kb_of_script(house: House, page: Page) -> None:
    """Measured as gzip would carry it, whatever the server does."""
    bodies: list[bytes] = []
    page.on("response", lambda got: bodies.append(got.body()) if got.url.endswith(".js") else None)

    page.goto(house.url)
    expect(page.get_by_test_id("headline")).to_be_visible()
    page.wait_for_timeout(500)

    size = sum(len(gzip.compress(body)) for body in bodies)
    assert bodies
    assert size <= 250_000, f"{size / 1000:.0f} KB in {len(bodies)} files"


def test_the_policy_of_the_page_allows_no_foreign_and_no_inline_script(house: House) -> None:
    policy = httpx.get(house.url).headers["content-security-policy"]

    scripts = next(part for part in policy.split(";") if part.strip().startswith("script-src"))
    assert scripts.split() == ["script-src", "'self'"]


def test_the_alarm_dialog_works_from_the_keyboard(house: House, page: Page) -> None:
    page.goto(f"{house.url}/alarms?show=unacknowledged")
    button = page.get_by_role("button", name="确认", exact=True).first
    expect(button).to_be_visible(timeout=45_000)

    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(button).to_be_focused()


def test_a_cut_line_is_visible_and_heals_by_itself(built: None, tmp_path: Path, browser: Browser) -> None:
    with House(tmp_path / "house", []) as house:
        context = browser.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.goto(house.link())
        expect(page.get_by_test_id("link")).to_have_attribute("data-state", "live")
        page.evaluate("window.notReloaded = true")

        house.kill9()

        expect(page.get_by_test_id("lost")).to_contain_text("连接已中断", timeout=5000)
        first = page.get_by_test_id("lost").inner_text()
        page.wait_for_timeout(1500)
        assert page.get_by_test_id("lost").inner_text() != first, "the seconds stand still"
        expect(page.get_by_test_id("link")).to_have_attribute("data-state", "lost")

        house.start()

        expect(page.get_by_test_id("lost")).to_be_hidden(timeout=30_000)
        expect(page.get_by_test_id("link")).to_have_attribute("data-state", "live")
        assert page.evaluate("window.notReloaded") is True
        context.close()
