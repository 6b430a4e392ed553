"""One house per module, so that its faults come when that module looks, and one signed-in session copied into every
context of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, StorageState, expect

from tests.e2e.house import House
from tooling import page as built_page
from tooling.steps import only_one

expect.set_options(timeout=10_000)
"""A slow machine is no failure; what must be quick is measured by the test that says so."""
FORCED_OPEN = {"at": "14s", "asset": "gate-2", "fault": "forced_open", "for": "28s"}
"""A critical alarm within 2 s; over a few seconds after the fault."""
LEAKAGE = {"at": "18s", "asset": "light-08", "fault": "leakage"}
"""A high alarm that stays."""


@pytest.fixture(scope="session")
def built() -> None:
    """The page as of these sources; one worker builds, the other waits."""
    with only_one():
        if built_page.ready():
            return
        if not built_page.packages_ready(dev=True):
            built_page.install_packages(dev=True)
        built_page.build()


@pytest.fixture(scope="module")
def house(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("house"), [FORCED_OPEN, LEAKAGE]) as running:
        yield running


@pytest.fixture(scope="module")
def cookies(house: House, browser: Browser) -> StorageState:
    """A session got by opening the printed link; the code works once."""
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(house.link())
    page.wait_for_selector("[data-testid=headline]")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def desk(cookies: StorageState, browser: Browser) -> Iterator[BrowserContext]:
    """A desktop browser of somebody who is signed in and reads Chinese."""
    context = browser.new_context(
        locale="zh-CN", viewport={"width": 1440, "height": 900}, color_scheme="light", storage_state=cookies
    )
    yield context
    context.close()
