"""A newcomer's first two minutes over the building's own https: install the CA, enrol a phone, scan a first point."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Error, Locator, expect

from caretaker.adapters.certificates import CertificateFolder
from caretaker.bootstrap import now_ns
from tests.e2e.house import House, violations
from tests.e2e.patrol import VIEW
from tests.e2e.test_phone_offline import answer
from tests.servers import CHROMIUM_ARGUMENTS, chromium_path, free_port
from tests.servers.base import need

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

NAME = "caretaker.lan"
PIN = "135790"


class SecureHouse(House):
    """`caretaker tls init --host caretaker.lan`, then `up` with both doors open to the network."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, [])
        self.https = free_port()
        CertificateFolder(folder / "data" / "tls").make((NAME,), now_ns())

    def command(self) -> Sequence[str]:
        doors = ("--http", f"0.0.0.0:{self.port}", "--https", f"0.0.0.0:{self.https}")
        return [*super().command(), *doors]


@pytest.fixture(scope="module")
def house(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureHouse]:
    with SecureHouse(tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest.fixture
def phone(browser: Browser, tmp_path: Path) -> Iterator[Any]:
    """Switches on a phone that finds the house by its name; with a CA installed, or without."""
    contexts: list[BrowserContext] = []

    def switch_on(authority: bytes | None) -> BrowserContext:
        folder = tmp_path / f"phone{len(contexts)}"
        trust = folder / ".pki" / "nssdb"
        trust.mkdir(parents=True)
        certutil = [need("libnss3-tools"), "-d", f"sql:{trust}"]
        subprocess.run([*certutil, "-N", "--empty-password"], check=True)
        if authority is not None:
            subprocess.run([*certutil, "-A", "-n", "building", "-t", "C,,"], input=authority, check=True)
        contexts.append(
            browser.browser_type.launch_persistent_context(
                str(folder / "profile"),
                executable_path=chromium_path(),
                args=[*CHROMIUM_ARGUMENTS, f"--host-resolver-rules=MAP {NAME} 127.0.0.1"],
                env={**os.environ, "HOME": str(folder)},
                viewport={"width": VIEW["width"], "height": VIEW["height"]},
                device_scale_factor=2,
                has_touch=True,
                is_mobile=True,
                locale="zh-CN",
            )
        )
        return contexts[-1]

    yield switch_on
    for context in contexts:
        context.close()


def read(code: Locator) -> str:
    """What a phone's camera reads from the screen."""
    found = zxingcpp.read_barcode(Image.open(BytesIO(code.screenshot())))
    assert found is not None
    return found.text


def test_a_newcomer_scans_a_first_point_by_https_and_an_unknown_ca_is_refused(
    house: SecureHouse, desk: BrowserContext, phone: Any
) -> None:
    assert f"https://{NAME}:{house.https}/m\n" in house.log()
    assert f"http://{NAME}:{house.port}/ca" in house.log()
    console = desk.new_page()
    console.goto(f"{house.url}/rounds")
    expect(console.get_by_test_id("first-point")).to_be_visible()
    console.get_by_test_id("first-labels").click()
    label = console.locator(".label").first
    expect(label).to_be_visible(timeout=20_000)
    short = "".join(filter(str.isdigit, label.locator(".digits").inner_text()))
    console.goto(f"{house.url}/phones")
    person = console.get_by_test_id("person")
    guard = person.locator("option", has_text="马超")  # nobody walks for him in the demo
    expect(guard).to_be_attached()
    person.select_option(label=guard.inner_text())
    console.get_by_test_id("make").click()
    code = console.get_by_test_id("code").locator("img")
    expect(code).to_be_visible()
    assert violations(console) == []
    install = read(code)
    console.get_by_test_id("to-enrol").click()
    enrol = read(code)
    assert (install, enrol.partition("#")[0]) == (
        f"http://{NAME}:{house.port}/ca",
        f"https://{NAME}:{house.https}/m/enrol",
    )

    # a phone that has not installed the CA: told so by the page, refused by the browser
    strange = phone(None).new_page()
    strange.goto(install)
    expect(strange.locator("#ready")).to_have_class("note warn")
    assert violations(strange) == []
    certificate = httpx.get(f"{house.url}/ca/caretaker-ca.crt").content
    with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
        strange.goto(enrol)

    page = phone(certificate).new_page()
    page.goto(install)
    expect(page.locator("#ready")).to_have_class("note yes")
    page.goto(enrol)
    assert page.evaluate("isSecureContext")
    worker = page.evaluate("navigator.serviceWorker.ready.then((registration) => registration.active.scriptURL)")
    assert worker == f"https://{NAME}:{house.https}/m-sw.js"
    page.get_by_test_id("new-pin").fill(PIN)
    page.get_by_test_id("same-pin").fill(PIN)
    page.get_by_test_id("enrol").click()
    console.get_by_test_id("trial").click(timeout=15_000)
    expect(console.get_by_test_id("ready").get_by_role("link")).to_be_visible()
    page.get_by_test_id("begin").click()
    expect(page.get_by_test_id("round")).to_have_text("试走", timeout=10_000)

    page.get_by_test_id("manual").click()
    for digit in short:
        page.get_by_test_id(f"key-{digit}").click()
    page.get_by_test_id("pad-ok").click()
    expect(page.get_by_test_id("confirmed")).to_be_visible()
    page.get_by_test_id("go-on").click()
    answer(page, 0)
    page.get_by_test_id("finish").click()
    console.get_by_test_id("ready").get_by_role("link").click()
    row = console.locator("[data-testid^=round-]", has_text="试走")
    expect(row).to_contain_text("1 / 3", timeout=20_000)
    cookies = {cookie["name"]: cookie["secure"] for cookie in page.context.cookies()}
    assert cookies == {"__Host-caretaker_session": True, "__Host-caretaker_phone": True}
