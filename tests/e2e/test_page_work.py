"""A fault becomes an alarm and a work order on an open page, and a person drives the order to its end."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.house import House

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

SOON_MS = 45_000


def _act(page: Page, action: str, words: str = "") -> None:
    """Press one of the order's buttons, say what is to be said, confirm, and wait until the dialog is gone."""
    page.get_by_test_id(f"do-{action}").click()
    dialog = page.get_by_role("dialog")
    if action == "assign":
        dialog.get_by_role("combobox").click()
        page.get_by_role("option").first.click()
    if words:
        dialog.locator("textarea").fill(words)
    dialog.get_by_test_id("confirm").click()
    expect(dialog).to_be_hidden()


@pytest.fixture
def page(desk: BrowserContext) -> Page:
    return desk.new_page()


def test_a_fault_appears_without_reload_and_its_order_is_driven_to_closed(house: House, page: Page) -> None:
    page.goto(house.url)
    expect(page.get_by_test_id("headline")).to_be_visible()
    page.evaluate("window.notReloaded = true")

    row = page.locator("[data-asset=gate-2][data-rule=forced_open]")
    expect(row).to_be_visible(timeout=SOON_MS)
    expect(row).to_contain_text("P1 紧急")
    expect(row).to_contain_text("无人确认")

    row.get_by_role("button", name="确认").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("textarea").fill("保安已到场")
    dialog.get_by_test_id("acknowledge").click()
    expect(dialog).to_be_hidden()
    expect(row).to_contain_text("管理员")
    expect(row.get_by_role("button", name="确认")).to_have_count(0)

    row.get_by_role("link", name="工单").click()
    state = page.get_by_test_id("state")
    expect(state).to_have_attribute("data-state", "open")
    _act(page, "assign")
    expect(state).to_have_attribute("data-state", "assigned")
    _act(page, "start")
    _act(page, "comment", "正在检查锁体")
    _act(page, "complete", "已重新上锁")
    expect(state).to_have_attribute("data-state", "completed")

    # The machine's word gates the human's: while the gate still stands open the order cannot be closed.
    close = page.get_by_test_id("close")
    expect(close).to_be_disabled()
    expect(page.get_by_test_id("verify")).to_contain_text("不能关单")
    expect(close).to_be_enabled(timeout=90_000)
    close.click()
    page.get_by_role("dialog").get_by_test_id("confirm").click()
    expect(state).to_have_attribute("data-state", "closed")
    history = page.get_by_test_id("history")
    for action in ("opened", "assign", "start", "comment", "complete", "close"):
        expect(history.locator(f"[data-action={action}]")).to_have_count(1)
    expect(history).to_contain_text("正在检查锁体")
    assert page.evaluate("window.notReloaded") is True


def test_an_order_whose_sensor_still_complains_closes_only_with_a_reason(house: House, page: Page) -> None:
    page.goto(f"{house.url}/alarms")
    row = page.locator("[data-asset=light-08][data-rule=earth_leakage]")
    expect(row).to_be_visible(timeout=SOON_MS)
    page.goto(f"{house.url}/work-orders")
    page.get_by_role("link", name="漏电").click()
    _act(page, "start")
    _act(page, "complete")
    expect(page.get_by_test_id("close")).to_be_disabled()
    expect(page.get_by_test_id("verify")).to_contain_text("不能关单")

    page.get_by_test_id("override").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_test_id("confirm").click()
    expect(dialog.get_by_role("alert")).to_contain_text("请写明内容")
    dialog.locator("textarea").fill("互感器损坏，已用钳表复测")
    dialog.get_by_test_id("confirm").click()

    expect(page.get_by_test_id("state")).to_have_attribute("data-state", "closed")
    expect(page.get_by_test_id("history")).to_contain_text("凭理由放行关单")
    expect(page.get_by_test_id("history")).to_contain_text("互感器损坏")


def test_a_value_changes_on_screen_within_a_second_and_nothing_moves(house: House, page: Page) -> None:
    page.goto(f"{house.url}/equipment/pump-1")
    value = page.get_by_test_id("point-p_out").locator(".val b")
    expect(value).not_to_have_text("—")
    before, box = value.inner_text(), page.get_by_test_id("point-p_out").bounding_box()

    ages = [
        page.evaluate(
            """() => new Promise(done => {
                const row = document.querySelector('[data-testid=point-p_out]')
                new MutationObserver((_, seen) => {
                    seen.disconnect()
                    setTimeout(() => done(row.querySelector('.age').textContent), 0)
                }).observe(row.querySelector('.val b'), {characterData: true, childList: true, subtree: true})
            })"""
        )
        for _ in range(5)
    ]

    # The age beside a value that has just changed is the time from the register to the screen.
    seconds = [float(age.removesuffix(" 秒前")) for age in ages]
    assert sorted(seconds)[2] < 1.0, ages
    assert value.inner_text() != before
    assert page.get_by_test_id("point-p_out").bounding_box() == box
    expect(page.get_by_test_id("point-p_out").locator(".age")).to_contain_text("秒前")
