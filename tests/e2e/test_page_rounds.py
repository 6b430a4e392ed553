"""The console's rounds and incidents: what a supervisor sees of today's rounds, decides, prints, hands out, and who calls;
coverage, statistics and the handover sheet."""

from __future__ import annotations

import hashlib
import time
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pypdfium2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from caretaker.adapters.sql import SqlTransactions
from caretaker.domain.rounds.rounds import SECOND, RoundState, VisitState, make
from tests.e2e.house import House, violations
from tests.e2e.patrol import VIEW
from tests.e2e.test_phone_offline import enrol, photo

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]
ZONE = ZoneInfo("Asia/Shanghai")
PLAN = "night-patrol"


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
    phone.get_by_test_id("sos-back").click()
    phone.get_by_test_id("incident").click()
    phone.get_by_test_id("kind-water").click()
    phone.get_by_test_id("where").select_option("-")
    phone.get_by_test_id("place").fill("3 号楼后门")
    photo(phone.get_by_test_id("photo"), 77)
    expect(phone.locator(".shots img")).to_have_count(1)
    phone.get_by_test_id("report").click()
    expect(state).to_have_attribute("data-state", "here")
    phone.goto(f"{house.url}/m#/sos")

    pocket.set_offline(False)
    phone.evaluate("dispatchEvent(new Event('online'))")
    expect(state).to_have_attribute("data-state", "told", timeout=15_000)
    bar = page.get_by_test_id("call-bar")
    expect(bar.get_by_role("alert")).to_contain_text("张伟")
    assert page.title().startswith("❗")
    assert violations(page) == []
    water, sos = call(page, "GET", "/incidents?reporter=zhang-wei")["items"]
    assert [(one["kind"], one["state"]) for one in (water, sos)] == [("water", "reported"), ("sos", "reported")]
    assert water["place"]["zh"] == "3 号楼后门"

    bar.get_by_test_id(f"take-{sos['id']}").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("state")).to_have_attribute("data-state", "handling")
    expect(bar).to_have_count(0)
    expect(state).to_have_attribute("data-state", "taken", timeout=15_000)
    expect(state).to_contain_text(call(page, "GET", f"/incidents/{sos['id']}")["taken_by_name"])
    assert violations(page) == []
    assert violations(phone) == []

    page.get_by_test_id("do-close").click()
    page.get_by_test_id("confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("请写几个字")
    page.locator("#incident-words").fill("误按，人没事")
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("state")).to_have_attribute("data-state", "closed")
    pocket.close()


def walked_before(house: House, days: int = 3) -> None:
    """Rounds of the last nights, written as the house writes them: one stop missed each time, the first round whole."""
    transactions = SqlTransactions(f"sqlite:///{house.folder / 'data' / 'caretaker.db'}", owner=False)
    with transactions.begin() as unit:
        plan = unit.round_plans.get("demo", PLAN)
        for back in range(1, days + 1):
            for hour in (20, 22):
                start = datetime.now(ZONE).replace(hour=hour, minute=0, second=0, microsecond=0) - timedelta(days=back)
                at_ns = round(start.timestamp()) * SECOND
                walk = make(plan, at_ns, start.strftime("%Y%m%dT%H%M"))
                visits = tuple(
                    replace(stop, state=VisitState.MISSED)
                    if (hour, stop.sequence) == (22, 2)
                    else replace(
                        stop, state=VisitState.ON_TIME, scan=f"{walk.id}/{stop.sequence}", scanned_ns=at_ns + 60
                    )
                    for stop in walk.visits
                )
                state = RoundState.FINISHED if hour == 20 else RoundState.INCOMPLETE
                ended = at_ns + 3600 * SECOND
                done = replace(walk, visits=visits, state=state, person="zhang-wei", opened_ns=at_ns, closed_ns=ended)
                unit.rounds.add(done)
    transactions.close()


def test_the_map_says_where_nobody_came_and_leads_to_the_round(house: House, desk: BrowserContext) -> None:
    walked_before(house)
    days = [(datetime.now(ZONE) - timedelta(days=back)).date() for back in (3, 1)]
    span = f"from={days[0]}&to={days[1]}"  # what happens today is not ours
    page = desk.new_page()
    page.goto(f"{house.url}/rounds/coverage?{span}")
    lacking = page.locator("[data-testid=heat] td.many button")
    expect(lacking).to_have_count(1, timeout=30_000)
    expect(lacking).to_have_text("0/3")
    expect(lacking).to_have_attribute("aria-label", "0/3 3 号楼大堂，22:00 起的时段：应巡 3 次，已巡 0，漏巡 3")
    assert page.locator("[data-testid=heat] [tabindex='0']").count() == 1  # one stop for the whole map …
    page.locator("[data-testid=heat] [tabindex='0']").focus()
    before = page.evaluate("document.activeElement.dataset.cell")
    page.keyboard.press("ArrowDown")  # … and the arrows for the rest
    assert page.evaluate("document.activeElement.dataset.cell") != before
    assert violations(page) == []

    lacking.click()
    visits = page.get_by_test_id("visits").locator("li")
    expect(visits.filter(has_text="漏巡")).to_have_count(3)
    assert "point=b3-lobby" in page.url  # the view can be sent to somebody
    visits.filter(has_text="漏巡").first.get_by_role("link").click()
    expect(page.get_by_test_id("stops").locator("tbody tr")).to_have_count(12)
    expect(page.locator("[data-testid=stops] .chip.p1")).to_have_count(1)
    assert violations(page) == []

    page.goto(f"{house.url}/rounds/statistics?{span}")
    row = page.get_by_test_id("plans").get_by_role("row", name="夜间安全巡逻")
    expect(row).to_contain_text("50%")
    page.get_by_test_id("plans").get_by_role("button", name="漏点").click()
    expect(page.get_by_test_id("plans").locator("th[aria-sort=descending]")).to_have_count(1)
    with page.expect_download() as saved:
        page.get_by_role("button", name="下载 CSV").first.click()
    text = Path(saved.value.path()).read_text("utf-8-sig")
    assert "夜间安全巡逻" in text
    assert violations(page) == []


def ending_shift(page: Page) -> str:
    """A team whose shift ends within the hour, and the one after it; the id of its handover."""
    team = f"watch-{int(time.time())}"
    end = datetime.now(ZONE) + timedelta(minutes=30)
    call(page, "POST", "/teams", {"id": team, "title": {"zh": "门岗", "en": "Gate post"}})
    for name, first, last in (("old", end - timedelta(hours=7), end), ("new", end, end + timedelta(hours=7))):
        body = {
            "id": f"{team}-{name}",
            "team": team,
            "title": {"zh": "早班", "en": "Early shift"},
            "weekdays": [*range(7)],
        }
        call(page, "POST", "/shifts", body | {"starts": first.strftime("%H:%M"), "ends": last.strftime("%H:%M")})
    return f"{team}-old@{(end - timedelta(hours=7)):%Y%m%d}"


def test_a_shift_is_handed_over_by_two_people_and_printed(house: House, desk: BrowserContext, tmp_path: Path) -> None:
    page = desk.new_page()
    page.goto(f"{house.url}/handovers")
    boss = {"name": "钱进", "role": "supervisor", "password": "takes-over-at-8"}
    person = call(page, "POST", "/people", boss)["id"]
    name = ending_shift(page)
    page.goto(f"{house.url}/handovers/{name}")
    expect(page.get_by_test_id("state")).to_have_text("未交班", timeout=20_000)
    page.locator("#remarks").fill("东门钥匙在前台")
    sign = page.get_by_test_id("sign")
    for _ in range(5):  # an alarm may come in between; then the page shows it first
        sign.click()
        page.wait_for_timeout(600)
        if page.get_by_test_id("state").inner_text() != "未交班":
            break
    expect(page.get_by_test_id("state")).to_have_text("已交班，待接班", timeout=10_000)
    expect(page.get_by_test_id("sheet")).to_contain_text("东门钥匙在前台")
    expect(sign).to_have_count(0)
    assert violations(page) == []

    with httpx.Client(base_url=f"{house.url}/api/v1", headers={"Origin": house.url}, timeout=20) as other:
        assert other.post("/session", json={"person": person, "password": boss["password"]}).status_code == 200
        sheet = other.get(f"/handovers/{name}").json()
        answer = other.post(f"/handovers/{name}/sign", json={"side": "incoming", "saw": sheet["sha256"]})
        assert answer.status_code == 200, answer.text
    expect(page.get_by_test_id("incoming")).to_contain_text("钱进", timeout=30_000)

    page.emulate_media(media="print")
    expect(page.locator(".shell-nav")).to_be_hidden()
    expect(page.get_by_test_id("changes")).to_be_hidden()
    page.pdf(path=tmp_path / "light.pdf", prefer_css_page_size=True)
    page.emulate_media(media="print", color_scheme="dark")  # who works in the dark prints on white all the same
    page.pdf(path=tmp_path / "dark.pdf", prefer_css_page_size=True)
    printed, dark = (pypdfium2.PdfDocument(tmp_path / f"{name}.pdf") for name in ("light", "dark"))
    width, height = printed[0].get_size()
    words = "".join(one.get_textpage().get_text_range() for one in printed)
    alike = np.array_equal(*(paper[0].render().to_numpy() for paper in (printed, dark)))
    printed.close()
    dark.close()
    assert (round(width), round(height)) == (595, 842)  # A4
    assert "锦澜花园" in words
    assert sheet["sha256"][:16] in "".join(words.split())
    assert alike
    page.emulate_media(media="screen", color_scheme="light")

    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="English").click()
    expect(page.get_by_test_id("state")).to_have_text("Taken over")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(page) == []


def test_a_report_is_made_from_its_figures_and_found_again_in_the_archive(house: House, desk: BrowserContext) -> None:
    page = desk.new_page()
    page.goto(f"{house.url}/rounds")
    page.get_by_test_id("to-reports").click()
    expect(page.get_by_test_id("figures")).to_contain_text("漏巡点次", timeout=20_000)
    assert violations(page) == []

    page.get_by_role("button", name="本周").click()
    page.get_by_test_id("plan").select_option("night-patrol")
    with page.expect_download(timeout=60_000) as loading:
        page.get_by_test_id("make-pdf").click()
    (kept,) = call(page, "GET", "/reports")["items"]
    assert loading.value.suggested_filename == f"caretaker-inspection-{kept['first']}-{kept['last']}.pdf"
    assert hashlib.sha256(loading.value.path().read_bytes()).hexdigest() == kept["id"]
    row = page.get_by_test_id(f"report-{kept['id']}")
    expect(row).to_contain_text("夜间安全巡逻")

    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(page) == []
