"""A display made in the console shows a code that a phone checks in by, and a tag held to the phone checks in too.

The platform's Web NFC (`NDEFReader`) exists on Android only: here a stand-in is injected that gives what the W3C text says,
a `reading` event with a `serialNumber`. What a real phone's radio does is not tried.
"""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect

from caretaker.adapters.key_ring import KeyRing
from caretaker.domain.people import Role
from caretaker.domain.rounds.codes import Checked, check
from caretaker.domain.rounds.scans import TokenType
from tests.e2e.house import violations
from tests.e2e.patrol import VIEW
from tests.e2e.test_phone_offline import enrol
from tests.integration.api_house import ApiHouse, api_house
from tests.integration.test_rounds_api import begin
from tooling.page import STATIC

pytestmark = [pytest.mark.faults, pytest.mark.timeout(150)]

BUDGET = 15_000
"""Bytes, gzip: everything the display loads."""
OLD_TABLET = """
delete window.fetch; delete window.AbortController; delete navigator.wakeLock
delete Crypto.prototype.randomUUID
Object.defineProperty(Crypto.prototype, 'subtle', {value: undefined})
"""
"""What an old browser lacks, and any browser on plain http."""
NEWER_THAN_2017 = re.compile(r"\?\?|\?\.[A-Za-z_(\[]|\.\.\.[a-z]+[,}]|\bcatch\s*\{|\*\*=|\|\|=|&&=")
STAND_IN = """
window.NDEFReader = class extends EventTarget {
    async scan({signal}) { window.tagReader = this; signal.throwIfAborted() }
}
window.holdTag = serial => window.tagReader.dispatchEvent(Object.assign(new Event('reading'), {serialNumber: serial}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("display")


@pytest.fixture(scope="module")
def house(built: None, folder: Path) -> Iterator[ApiHouse]:
    with api_house(folder, Path(STATIC)) as opened:
        with opened.client(Role.ADMIN) as client:
            begin(opened, client, points=("lobby", "gate"))
            person = {"id": "qian", "name": "钱进", "role": "guard"}
            assert client.post("/api/v1/people", json=person).status_code == 201
        yield opened


@pytest.fixture
def boss(house: ApiHouse) -> Iterator[httpx.Client]:
    with house.client(Role.SUPERVISOR) as client:
        yield client


def link_from_console(house: ApiHouse, page: Page) -> str:
    """What a supervisor does: a tag for the gate, a display for the lobby."""
    page.goto(f"{house.base}/sign-in#code={house.link(Role.SUPERVISOR)}")
    page.wait_for_url(lambda url: "sign-in" not in url)
    page.goto(f"{house.base}/checkpoints")
    page.get_by_test_id("checkpoint-gate").get_by_test_id("tokens-open").click()
    page.get_by_test_id("tag").fill("04:A2:2B:1C:55:80:8")
    expect(page.get_by_test_id("save")).to_be_enabled()
    page.get_by_test_id("tag").fill("04:A2:2B:XY")
    expect(page.get_by_test_id("save")).to_be_disabled()
    page.get_by_test_id("tag").fill("04:A2:2B:1C:55:80:80")
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("checkpoint-gate")).to_contain_text("有 NFC")
    page.get_by_test_id("tokens").get_by_role("button", name="关闭").click()
    expect(page.get_by_test_id("tokens")).to_be_hidden()
    page.get_by_test_id("checkpoint-lobby").get_by_test_id("tokens-open").click()
    expect(page.get_by_test_id("make-link")).to_have_count(0)
    page.get_by_test_id("rotating").check()
    page.get_by_test_id("save").click()
    page.get_by_test_id("make-link").click()
    expect(page.get_by_test_id("display-link").locator("img")).to_be_visible()
    assert violations(page) == []
    return page.get_by_test_id("display-url").inner_text()


def codes_in(picture: bytes) -> list[str]:
    with Image.open(io.BytesIO(picture)) as image:
        return [code.text for code in zxingcpp.read_barcodes(image.convert("L"))]


def test_the_display_is_small_may_do_little_and_is_written_for_old_browsers(house: ApiHouse) -> None:
    with house.client(None, **{"Accept-Encoding": "identity"}) as http:
        page = http.get("/display/lobby")
        needed = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
        weight = {name: len(gzip.compress(http.get(name).content, 6)) for name in ("/display/lobby", *needed)}
        scripts = "".join(http.get(name).text for name in needed if name.endswith(".js"))

    policy = page.headers["content-security-policy"]
    assert sum(weight.values()) <= BUDGET, weight
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert scripts
    assert NEWER_THAN_2017.findall(scripts) == []


def test_a_phone_checks_in_by_the_display_and_by_a_tag(
    house: ApiHouse, folder: Path, boss: httpx.Client, browser: Browser
) -> None:
    trouble: list[str] = []
    desk = browser.new_context(locale="zh-CN", viewport=ViewportSize(width=1280, height=900))
    link = link_from_console(house, desk.new_page())
    desk.close()

    tablet = browser.new_context(locale="zh-CN", viewport=ViewportSize(width=800, height=1280))
    tablet.add_init_script(OLD_TABLET)
    wall = tablet.new_page()
    wall.on("pageerror", lambda error: trouble.append(str(error)))
    wall.on("console", lambda line: trouble.append(line.text) if "Content Security" in line.text else None)
    wall.on("request", lambda asked: trouble.append(asked.url) if link.partition("#")[2] in asked.url else None)
    wall.clock.install()
    wall.goto(link)
    expect(wall.get_by_test_id("title")).to_have_text("lobby")
    expect(wall.get_by_test_id("left")).to_contain_text("秒后换码")
    expect(wall.get_by_test_id("qr")).to_be_visible()
    wall.wait_for_function("document.querySelector('.qr').naturalWidth > 0")
    trouble += violations(wall)
    seen = wall.screenshot()
    (text,) = codes_in(seen)

    code = boss.post("/api/v1/people/qian/enrolment").json()["code"]
    pocket = browser.new_context(
        locale="zh-CN",
        viewport=ViewportSize(width=VIEW["width"], height=VIEW["height"]),
        has_touch=True,
        is_mobile=True,
    )
    pocket.add_init_script(STAND_IN)
    phone = pocket.new_page()
    phone.on("pageerror", lambda error: trouble.append(str(error)))
    enrol(phone, house.base, code)
    phone.get_by_test_id("scan").click()
    phone.get_by_test_id("still").set_input_files({"name": "wall.png", "mimeType": "image/png", "buffer": seen})
    expect(phone.get_by_test_id("confirmed-title")).to_have_text("lobby", timeout=15_000)
    phone.get_by_test_id("go-on").click()

    phone.get_by_test_id("scan").click()
    tag = phone.get_by_test_id("tag")
    expect(tag).to_contain_text("浏览器会先问是否允许")
    tag.click()
    expect(tag).to_have_attribute("data-state", "on")
    trouble += violations(phone)
    phone.evaluate("holdTag('04:ff:ff:ff:ff:ff:ff')")
    expect(phone.get_by_role("alert").filter(has_text="NFC")).to_contain_text("不是今天巡检里的点")
    phone.evaluate("holdTag('04:A2:2B:1C:55:80:80')")
    expect(phone.get_by_test_id("confirmed-title")).to_have_text("gate")
    phone.get_by_test_id("go-on").click()
    expect(phone.get_by_test_id("upload")).to_have_attribute("data-waiting", "0")
    pocket.close()

    tablet.set_offline(True)
    wall.clock.run_for(65_000)
    expect(wall.get_by_test_id("blank")).to_contain_text("现在没有可用的码")
    expect(wall.get_by_test_id("qr")).to_be_hidden()
    expect(wall.get_by_test_id("lost")).to_contain_text("没有连上服务器")
    assert codes_in(wall.screenshot()) == []
    trouble += violations(wall)
    tablet.set_offline(False)
    wall.clock.run_for(5000)
    expect(wall.get_by_test_id("qr")).to_be_visible()
    wall.goto(link[:-3] + ("AAA" if not link.endswith("AAA") else "BBB"))
    expect(wall.get_by_test_id("blank")).to_contain_text("认不出来")
    expect(wall.get_by_test_id("qr")).to_be_hidden()
    tablet.close()

    scans = boss.get("/api/v1/scans", params={"person": "qian"}).json()["items"]
    assert {(scan["checkpoint"], scan["token_type"]) for scan in scans} == {("lobby", "rotating"), ("gate", "nfc")}
    with house.transactions.begin(write=False) as unit:
        places = list(unit.checkpoints.list("demo"))
    keys = KeyRing(folder / "keys").keys("demo")
    now_ns = house.clock.now_ns()
    assert check(text, TokenType.ROTATING, "demo", places, keys, now_ns) == Checked("lobby", TokenType.ROTATING)
    assert check("04a22b1c558080", TokenType.NFC, "demo", places, keys, now_ns) == Checked("gate", TokenType.NFC)
    assert trouble == []
