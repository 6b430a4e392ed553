"""Paper: lines break where they may, sums are right, and nothing that people type becomes a formula, a link or a failure."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

import openpyxl
import pypdfium2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from api.paper.flow import BOTTOM, FULL, Column, Flow
from api.paper.report_pdf import THUMB_PIXELS, report_pdf, thumbnail
from api.paper.report_xlsx import LONGEST, report_xlsx
from api.paper.sheet import Sheet, Type
from api.paper.text import Tongue, pieces, plain
from api.words import Language
from caretaker.domain.assets import Site
from caretaker.domain.equipment import Priority, Text
from caretaker.domain.errors import NotFound
from caretaker.domain.reports import Found, InspectionReport, Marked, Repair, Scope, Stop, Walk, figures
from caretaker.domain.rounds.rounds import RoundState, VisitState
from caretaker.domain.rounds.scans import Answer, Reason, TokenType
from caretaker.domain.work_orders import OrderState

HOUR = 3600 * 1_000_000_000
START = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * 1_000_000_000
NASTY = (
    '=HYPERLINK("http://a.example","x")',
    "+1+1",
    "-2",
    "@SUM(A1)",
    "\t=1+1",
    "http://a.example/",
    "mailto:a@b.example",
    "_x0041_",
    "&L&D",
    "x" * 40_000,
    "",
    " ",
    "\x00\x07\ud800\ufffe",
    "🚒 着火",
    "שלום عربي",
    "12/31",
    "1E5",
)


def report(*texts: str, value: float | str | None = 12.5) -> InspectionReport:
    """A small report that says each text somewhere."""
    given = count()

    def text() -> str:
        return texts[next(given) % len(texts)]

    def stop(number: int, state: VisitState, token: TokenType | None = TokenType.PRINTED) -> Stop:
        at = None if state is VisitState.MISSED else START + number * HOUR
        return Stop(
            number, Text(text(), text()), Text(text(), text()), START, START + 9 * HOUR, state, False, at, text(), token
        )

    walks = (
        Walk(
            "a@1",
            Text(text(), text()),
            START,
            START + 9 * HOUR,
            RoundState.INCOMPLETE,
            text(),
            Text(text(), text()),
            text(),
            (stop(1, VisitState.ON_TIME), stop(2, VisitState.LATE), stop(3, VisitState.MISSED, None)),
            score=81.25,
        ),
    )
    answer = Answer("c", "not_ok", value, text(), ("ab" * 32,))
    found = (
        Found(
            START + HOUR,
            Text(text(), text()),
            Text(text(), text()),
            Text(text(), text()),
            answer,
            "bar",
            (1.0, 9.5),
            answer.photos,
            Priority.HIGH,
            text(),
            "WO-1",
        ),
    )
    repairs = (
        Repair(
            "WO-1",
            Text(text(), text()),
            Priority.HIGH,
            OrderState.COMPLETED,
            START,
            START + HOUR,
            START + 3 * HOUR,
            None,
            START + 2 * HOUR,
            text(),
            None,
            text(),
        ),
    )
    marked = (
        Marked(START + HOUR, None, text(), (Reason.TOO_FAST,), 0.25, False, text(), START + HOUR, text()),
        Marked(START + HOUR, Text(text(), text()), text(), (Reason.REPLAY,), 0.5, None, None, None, ""),
    )
    tokens = (TokenType.PRINTED, TokenType.MANUAL)
    return InspectionReport(
        site=Site("s", Text(text(), text()), "Asia/Shanghai"),
        scope=Scope(date(2026, 11, 1), date(2026, 11, 30)),
        plan=None,
        team=Text(text(), text()),
        made_ns=START + 30 * 24 * HOUR,
        made_by=text(),
        walks=walks,
        found=found,
        repairs=repairs,
        marked=marked,
        figures=figures(walks, found, repairs, marked, tokens, START + 30 * 24 * HOUR),
    )


def no_photo(sha256: str) -> bytes:
    raise NotFound("not sent yet", photo=sha256)


def cells(data: bytes) -> list[Any]:
    book = openpyxl.load_workbook(io.BytesIO(data))
    return [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]


def test_the_sums_of_a_report() -> None:
    sums = report("x").figures
    assert (sums.due, sums.made, sums.complete, sums.punctual) == (3, 2, 2 / 3, 0.5)
    assert (sums.scans, sums.manual, sums.marked, sums.undecided, sums.rejected) == (2, 1, 2, 1, 1)
    assert (sums.orders, sums.repaired, sums.overdue, sums.repair_ns) == (1, 1, 1, 3 * HOUR)
    assert (sums.findings, sums.photos, sums.score) == (1, 1, 81.25)
    (plan,) = report("x").plans
    assert (plan.rounds, plan.finished, plan.due, plan.made, plan.on_time, plan.missed) == (1, 0, 3, 2, 1, 1)


def test_sums_of_nothing_are_not_made_up() -> None:
    sums = figures((), (), (), (), (), 0)
    assert (sums.complete, sums.punctual, sums.repair_ns, sums.score) == (None, None, None, None)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(max_size=60), min_size=1, max_size=30), st.sampled_from(("zh", "en")))
def test_whatever_people_type_stays_text_in_the_workbook(texts: list[str], language: str) -> None:
    found = cells(report_xlsx(report(*texts, value=texts[0]), "zh" if language == "zh" else "en"))
    assert not any(cell.data_type == "f" or cell.hyperlink for cell in found)
    values = {cell.value for cell in found if isinstance(cell.value, str)}
    index = 0 if language == "zh" else 1
    shown = [stop.title for walk in report(*texts).walks for stop in walk.stops]
    for title in shown:
        said = plain((title.zh, title.en)[index])[:LONGEST]
        assert said == "" or said in values, repr(said)


def test_the_known_tricks_stay_text_in_the_workbook() -> None:
    found = cells(report_xlsx(report(*NASTY), "zh"))
    assert not any(cell.data_type == "f" or cell.hyperlink for cell in found)
    values = {cell.value for cell in found}
    assert {NASTY[0], "+1+1", "-2", "@SUM(A1)", "http://a.example/", "_x0041_"} <= values
    assert max(len(value) for value in values if isinstance(value, str)) == LONGEST


def test_numbers_and_times_stay_numbers_and_times_in_the_workbook() -> None:
    found = cells(report_xlsx(report("x"), "en"))
    assert 12.5 in [cell.value for cell in found if cell.data_type == "n"]
    assert "2026-11-01 08:00:00" in [str(cell.value) for cell in found if cell.is_date]  # midnight UTC, in Shanghai


@pytest.mark.parametrize(
    ("language", "texts", "said"),
    [("zh", NASTY, "照片未上传"), ("en", ("🚒 着火 +1+1",), "着火+1+1"), ("en", ("x",), "Photonotsentyet")],
)
def test_whatever_people_type_is_drawn_on_paper(language: Language, texts: tuple[str, ...], said: str) -> None:
    """With a photo that has not arrived."""
    document = pypdfium2.PdfDocument(report_pdf(report(*texts), language, no_photo))
    text = "".join("".join(page.get_textpage().get_text_range().split()) for page in document)
    document.close()
    assert said in text


def test_lines_break_around_chinese_and_after_spaces_but_not_before_a_closing_mark() -> None:
    assert pieces("水泵房，门口 AL-01 ok") == ["水", "泵", "房，", "门", "口 ", "AL-01 ", "ok"]
    sheet = Sheet("t", "zh")
    sheet.add_page()
    type_ = Type(3)
    for text in ("一号楼十八层电梯厅，东侧。" * 4, "a few words in English, then more " * 4, "x" * 200):
        lines = sheet.wrap(text, 30, type_)
        assert all(sheet.width(line, type_) <= 30 for line in lines)
        assert "".join("".join(lines).split()) == "".join(text.split())
        assert not any(line.startswith(("，", "。")) for line in lines)
    short = sheet.wrap("一号楼十八层电梯厅" * 9, 30, type_, most=2)
    assert len(short) == 2
    assert short[1].endswith("…")
    assert sheet.width(short[1], type_) <= 30
    assert sheet.bytes().startswith(b"%PDF-")


def test_a_long_table_repeats_its_head_and_keeps_to_the_page() -> None:
    flow = Flow(Sheet("t", "en"))
    flow.table(
        [Column("Head", FULL / 2), Column("Other", FULL / 2, right=True)], [(f"row {n}", str(n)) for n in range(150)]
    )
    assert flow.y <= BOTTOM
    document = pypdfium2.PdfDocument(flow.finish("head", "tail", lambda page, pages: f"{page} of {pages}"))
    texts = [page.get_textpage().get_text_range() for page in document]
    document.close()
    assert len(texts) > 2
    assert all("Head" in text and "Other" in text for text in texts)
    assert [f"{page} of {len(texts)}" in text for page, text in enumerate(texts, start=1)] == [True] * len(texts)
    assert sum(text.count("row ") for text in texts) == 150


def test_lengths_and_shares_in_words() -> None:
    zh, en = Tongue("zh", "Asia/Shanghai"), Tongue("en", "Asia/Shanghai")
    assert [zh.lasts(round(hours * HOUR)) for hours in (0.5, 3.5, 50)] == ["30 分钟", "3 小时 30 分", "2 天 2 小时"]
    assert [en.lasts(round(hours * HOUR)) for hours in (0.5, 3.5, 50)] == ["30 min", "3 h 30 min", "2 d 2 h"]
    assert [en.share(part) for part in (None, 0.0, 0.0001, 0.5, 0.9999, 1.0)] == [
        "",
        "0 %",
        "0.1 %",
        "50.0 %",
        "99.9 %",
        "100 %",
    ]
    assert zh.day(date(2026, 11, 5)) == "2026 年 11 月 5 日"


def test_a_thumbnail_is_small() -> None:
    out = io.BytesIO()
    Image.new("RGB", (2048, 1536), "red").save(out, "JPEG")
    with Image.open(io.BytesIO(thumbnail(out.getvalue()))) as small:
        assert small.size == (THUMB_PIXELS, THUMB_PIXELS * 3 // 4)
