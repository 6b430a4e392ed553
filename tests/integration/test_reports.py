"""Inspection reports: the figures are those of the rounds, the files are read back, the archive cannot be changed unseen."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import httpx
import openpyxl
import pypdfium2
import pytest
from typer.testing import CliRunner

from api.paper.report_pdf import THUMB_PIXELS
from benchmarks import report as bench_report
from benchmarks.month import Inventor, Month
from caretaker.adapters.photo_files import PhotoFolder
from caretaker.adapters.report_files import ReportFolder
from caretaker.adapters.sql import SqlTransactions
from caretaker.cli import app
from caretaker.domain.people import Person, Role
from caretaker.domain.reports import Scope
from caretaker.domain.rounds.rounds import VisitState
from caretaker.services import reports
from tests.integration.api_house import ApiHouse, api_house, problem_of

API = "/api/v1"
PLANS = ("night-patrol", "day-patrol", "equipment-daily", "cleaning-daily", "manager-daily")
WHO = Person("li-min", "李敏", Role.SUPERVISOR)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def house(folder: Path) -> Iterator[ApiHouse]:
    with api_house(folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def days() -> tuple[date, date]:
    """Three working days that are long over."""
    return date(2025, 3, 10), date(2025, 3, 12)


@pytest.fixture(scope="module")
def month(house: ApiHouse, folder: Path, days: tuple[date, date]) -> Month:
    inventor = Inventor(house.estate, PhotoFolder(folder / "photos", house.estate.site.zone), seed=7)
    inventor.set_up(house.transactions, house.clock.now_ns())
    return inventor.live(house.transactions, *days, photos=6, plans=PLANS)


@pytest.fixture(scope="module")
def chief(house: ApiHouse, month: Month) -> Iterator[httpx.Client]:
    with house.client(Role.SUPERVISOR) as client:
        client.timeout = httpx.Timeout(60)
        yield client


def body(days: tuple[date, date], format_: str, **more: str) -> dict[str, str]:
    return {"from": days[0].isoformat(), "to": days[1].isoformat(), "format": format_, **more}


def words_of(pdf: bytes) -> str:
    """Everything that can be searched in a document, without white space: a line's end is no space."""
    document = pypdfium2.PdfDocument(pdf)
    text = "".join("".join(page.get_textpage().get_text_range().split()) for page in document)
    document.close()
    return text


def images_of(pdf: bytes) -> list[tuple[int, int]]:
    """Width and height of every picture."""
    document = pypdfium2.PdfDocument(pdf)
    kind = pypdfium2.raw.FPDF_PAGEOBJ_IMAGE
    sizes = [thing.get_px_size() for page in document for thing in page.get_objects(filter=[kind])]
    document.close()
    return sizes


def made(client: httpx.Client, asked: dict[str, str]) -> bytes:
    answer = client.post(f"{API}/reports/inspection", json=asked)
    assert answer.status_code == 200, answer.text
    found = client.get(f"{API}/reports/{answer.json()['id']}")
    assert found.status_code == 200
    assert hashlib.sha256(found.content).hexdigest() == answer.json()["id"]
    return found.content


def test_the_figures_are_those_of_the_rounds(chief: httpx.Client, month: Month, days: tuple[date, date]) -> None:
    asked = {"from": days[0].isoformat(), "to": days[1].isoformat()}
    sums = chief.get(f"{API}/reports/inspection", params=asked).json()

    assert sum(sums["rounds"].values()) == month.walks
    assert sums["due"] == month.visits
    assert sums["made"] == sums["scans"] == month.scans
    assert sums["visits"]["missed"] == month.visits - month.scans
    assert sums["complete"] == pytest.approx(month.scans / month.visits)
    assert (sums["findings"], sums["photos"], sums["marked"]) == (month.findings, month.photos, month.marked)
    assert 0 < sums["repaired"] <= sums["orders"] <= sums["findings"]
    assert sums["repair_ms"] >= 1_800_000
    assert 0 < sums["score"] <= 100


@pytest.mark.parametrize("language", ("zh", "en"))
def test_the_pdf_tells_all_of_it_in_text_that_can_be_searched(
    house: ApiHouse, chief: httpx.Client, month: Month, days: tuple[date, date], language: str
) -> None:
    pdf = made(chief, body(days, "pdf", language=language))
    text = words_of(pdf)
    with house.transactions.begin(write=False) as unit:
        report = reports.gather(unit, house.estate, Scope(*days), WHO, house.clock.now_ns())

    def said(words: str) -> bool:
        return "".join(words.split()) in text

    assert said("锦澜花园巡检报告" if language == "zh" else "Jinlan Garden Inspection report")
    names = {getattr(stop.title, language) for walk in report.walks for stop in walk.stops}
    assert len(names) > 20
    assert [name for name in names if not said(name)] == []
    assert all(said(getattr(found.ask, language)) and said(found.answer.reason or "") for found in report.found)
    assert all(said(order.id) and said(order.told or "") for order in report.repairs)
    assert text.count("漏巡" if language == "zh" else "Missed") >= len(report.missed) > 0
    assert all(said(walk.person or "") for walk in report.walks)
    photos = images_of(pdf)
    assert len(photos) == month.photos > 0
    assert max(max(size) for size in photos) <= THUMB_PIXELS


@pytest.mark.parametrize("language", ("zh", "en"))
def test_the_workbook_holds_a_row_for_everything_with_real_dates(
    chief: httpx.Client, month: Month, days: tuple[date, date], language: str
) -> None:
    book = openpyxl.load_workbook(io.BytesIO(made(chief, body(days, "xlsx", language=language))))
    rows = [sheet.max_row - 1 for sheet in book.worksheets[1:]]

    assert rows[:3] == [month.walks, month.visits, month.findings]
    assert rows[4] == month.marked
    visits = book.worksheets[2]
    assert visits.freeze_panes == "A2"
    assert visits["B2"].is_date
    assert days[0] <= visits["B2"].value.date() <= days[1]
    assert isinstance(visits["C2"].value, int | float)
    for sheet in book.worksheets:
        assert not any(cell.data_type == "f" or cell.hyperlink for row in sheet.iter_rows() for cell in row)
        assert all(dimension.width >= 6 for dimension in sheet.column_dimensions.values())


def test_one_plan_or_one_team_alone(house: ApiHouse, month: Month, days: tuple[date, date]) -> None:
    now_ns = house.clock.now_ns()
    with house.transactions.begin(write=False) as unit:
        everything = reports.gather(unit, house.estate, Scope(*days), WHO, now_ns)
        plan = reports.gather(unit, house.estate, Scope(*days, plan="night-patrol"), WHO, now_ns)
        team = reports.gather(unit, house.estate, Scope(*days, team="cleaning"), WHO, now_ns)
    nights = [walk for walk in everything.walks if walk.id.startswith("night-patrol@")]
    assert plan.walks == tuple(nights)
    assert plan.plan is not None
    assert plan.plan.zh == nights[0].plan.zh
    assert plan.figures.made == sum(walk.done for walk in nights)
    assert {one.order for one in plan.found} < {one.order for one in everything.found}
    assert {walk.team for walk in team.walks} == {team.team}
    assert 0 < len(team.walks) < len(everything.walks)


def test_what_cannot_be_reported_is_refused(chief: httpx.Client, days: tuple[date, date]) -> None:
    first, last = (day.isoformat() for day in days)
    for asked in ({"from": last, "to": first}, {"from": "2020-01-01", "to": last}, {"from": "2026-02-30", "to": last}):
        problem_of(chief.get(f"{API}/reports/inspection", params=asked), 422, "refused")
    problem_of(
        chief.get(f"{API}/reports/inspection", params={"from": first, "to": last, "plan": "moon"}), 404, "not_found"
    )
    problem_of(chief.post(f"{API}/reports/inspection", json=body(days, "docx")), 422, "refused")
    problem_of(chief.get(f"{API}/reports/{'0' * 64}"), 404, "not_found")


def test_days_without_rounds_make_a_report_that_says_so(chief: httpx.Client) -> None:
    text = words_of(made(chief, body((date(2020, 2, 1), date(2020, 2, 29)), "pdf", language="zh")))
    assert "这段时间没有巡检" in text
    assert "没有发现问题" in text


def test_a_request_sent_twice_makes_one_report(chief: httpx.Client, days: tuple[date, date]) -> None:
    key = {"Idempotency-Key": "one-report"}
    asked = body(days, "xlsx", plan="cleaning-daily")
    one = chief.post(f"{API}/reports/inspection", json=asked, headers=key).json()
    before = len(chief.get(f"{API}/reports").json()["items"])
    again = chief.post(f"{API}/reports/inspection", json=asked, headers=key).json()
    assert again == one
    assert len(chief.get(f"{API}/reports").json()["items"]) == before
    problem_of(chief.post(f"{API}/reports/inspection", json=body(days, "pdf"), headers=key), 422, "refused")


def test_the_archive_lists_what_was_made_and_by_whom(chief: httpx.Client, days: tuple[date, date]) -> None:
    new = chief.post(f"{API}/reports/inspection", json=body(days, "pdf", plan="night-patrol", language="en")).json()
    listed = chief.get(f"{API}/reports").json()["items"][0]
    assert listed == new
    assert (listed["format"], listed["language"], listed["plan"]) == ("pdf", "en", "night-patrol")
    assert listed["plan_title"]["zh"]
    assert (listed["first"], listed["last"]) == (days[0].isoformat(), days[1].isoformat())
    assert listed["made_by"] == "the supervisor"


@pytest.mark.parametrize("wound", ("changed", "removed", "swapped"))
def test_a_changed_report_is_found_out(tmp_path: Path, wound: str) -> None:
    """By who downloads it, and by `caretaker audit verify`, which names it and ends with 1."""
    with api_house(tmp_path) as house, house.client(Role.MANAGER) as client:
        client.timeout = httpx.Timeout(60)
        asked = [body((date(2026, 1, 1), date(2026, 1, day)), "xlsx") for day in (2, 3)]
        ids = [client.post(f"{API}/reports/inspection", json=each).json()["id"] for each in asked]
        transactions = house.transactions
        assert reports.verify(transactions, ReportFolder(tmp_path / "reports")) == (2, [])
        first, second = (tmp_path / "reports" / name[:2] / f"{name}.xlsx" for name in ids)
        if wound == "changed":
            first.chmod(0o600)
            data = bytearray(first.read_bytes())
            data[len(data) // 2] ^= 1
            first.write_bytes(data)
        elif wound == "removed":
            first.unlink()
        else:
            second.replace(first)
        count, flaws = reports.verify(transactions, ReportFolder(tmp_path / "reports"))
        assert count == 2
        assert any(ids[0][:12] in flaw for flaw in flaws)
        answer = client.get(f"{API}/reports/{ids[0]}")
        if wound == "removed":
            problem_of(answer, 404, "not_found")
        else:
            problem_of(answer, 409, "report_changed")


def test_the_command_that_verifies_the_trail_verifies_the_archive_too(tmp_path: Path) -> None:
    from caretaker import bootstrap
    from caretaker.config import load
    from caretaker.domain.reports import Format

    settings = load(data=tmp_path)
    transactions = bootstrap.open_transactions(settings, owner=True)
    files = bootstrap.report_folder(settings)
    wanted = reports.Wanted(Format.PDF, "zh", Scope(date(2026, 1, 1), date(2026, 1, 2)))
    kept = reports.keep(transactions, files, "demo", b"%PDF-1.4", wanted, WHO, time.time_ns())
    transactions.close()

    whole = CliRunner().invoke(app, ["audit", "verify", "--data", str(tmp_path)])
    path = tmp_path / "reports" / kept.sha256[:2] / f"{kept.sha256}.pdf"
    path.chmod(0o600)
    path.write_bytes(b"%PDF-1.5")
    broken = CliRunner().invoke(app, ["audit", "verify", "--data", str(tmp_path)])

    assert whole.exit_code == 0, whole.output
    assert broken.exit_code == 1
    assert kept.sha256[:12] in broken.output


def test_the_writer_is_free_while_a_report_is_made(
    tmp_path: Path, house: ApiHouse, month: Month, days: tuple[date, date]
) -> None:
    """Gathering reads only: a scan that comes in meanwhile is written at once, and the report keeps what it began with."""
    other = SqlTransactions(house.transactions.url, owner=False)
    try:
        with house.transactions.begin(write=False) as unit:
            before = reports.gather(unit, house.estate, Scope(*days), WHO, house.clock.now_ns())
            with other.begin() as writing:
                writing.people.introduce(Person("new-one", "新来的", Role.GUARD))
            after = reports.gather(unit, house.estate, Scope(*days), WHO, house.clock.now_ns())
    finally:
        other.close()
    assert after.figures == before.figures
    assert before.figures.visits[VisitState.MISSED] == len(before.missed)


def test_the_benchmark_makes_a_whole_report() -> None:
    found = bench_report.run(days=2, photos=2)
    assert (found.visits > 150, found.photos) == (True, 2)
    assert min(found.pdf_kb, found.xlsx_kb) > 10
