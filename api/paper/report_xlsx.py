"""The inspection report as a workbook: one sheet for each list, real dates and numbers. The only home of xlsxwriter.

Nothing that people typed becomes a formula or a link (reliability: a reason beginning with = is a sentence).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import xlsxwriter

from api.paper.report_pdf import decision_of, doubts_of, note_of
from api.paper.text import Tongue, plain
from api.words import Language
from api.words_report import ORDERS, PRIORITIES, SAID, TOKENS
from api.words_rounds import ROUNDS, VISITS
from caretaker.domain.reports import Figures, InspectionReport
from caretaker.domain.rounds.rounds import RoundState, VisitState
from caretaker.recurrence import local_time

LONGEST: Final = 32_767
"""Characters a cell holds."""
Value = str | int | float | datetime | None
_SAFE: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_DATE, _SHARE = "yyyy-mm-dd hh:mm", "0.0%"


def report_xlsx(report: InspectionReport, language: Language) -> bytes:
    """The workbook."""
    return _Book(report, Tongue(language, report.site.zone)).bytes()


class _Book:
    """A workbook being written."""

    def __init__(self, report: InspectionReport, say: Tongue) -> None:
        self._report, self._say = report, say
        self._out = io.BytesIO()
        self._book: Any = xlsxwriter.Workbook(self._out, _SAFE)
        self._title = f"{say(report.site.title)} {say(SAID['title'])}"
        self._book.set_properties(
            {
                "title": plain(self._title),
                "author": plain(report.made_by),
                "created": datetime.fromtimestamp(report.made_ns // 1_000_000_000, UTC).replace(tzinfo=None),
            }
        )
        wrap = {"valign": "top", "text_wrap": True}
        self._head = self._book.add_format({"bold": True, "bottom": 1, "valign": "top", "text_wrap": True})
        self._big = self._book.add_format({"bold": True, "font_size": 16})
        self._text = self._book.add_format(wrap)
        self._date = self._book.add_format({"valign": "top", "num_format": _DATE})
        self._share = self._book.add_format({"valign": "top", "num_format": _SHARE})

    def bytes(self) -> bytes:
        self._summary()
        self._rounds()
        self._visits()
        self._findings()
        self._repairs()
        self._marked()
        self._book.close()
        return self._out.getvalue()

    def _summary(self) -> None:
        report, say = self._report, self._say
        sheet = self._sheet("summary")
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 1, 46)
        self._write(sheet, 0, 0, self._title, self._big)
        period = say(SAID["period"]).format(first=say.day(report.scope.first), last=say.day(report.scope.last))
        made = say(SAID["made"]).format(at=say.at(report.made_ns, year=True), who=report.made_by)
        facts: list[tuple[str, Value]] = [
            ("", period),
            (say(SAID["plan"]), say(report.plan, say(SAID["all_plans"]))),
            (say(SAID["team"]), say(report.team, say(SAID["all_teams"]))),
            ("", made),
            ("", None),
            *self._figures(report.figures),
            ("", None),
            ("", say(SAID["proof"])),
        ]
        for row, (label, value) in enumerate(facts, start=1):
            self._write(sheet, row, 0, label, self._text)
            share = isinstance(value, float) and 0.0 <= value <= 1.0
            self._write(sheet, row, 1, value, self._share if share else self._text)

    def _figures(self, sums: Figures) -> Sequence[tuple[str, Value]]:
        say = self._say
        rows: list[tuple[str, Value]] = [
            (f"{say(SAID['rounds'])}: {say(ROUNDS[state])}", sums.rounds[state])
            for state in RoundState
            if sums.rounds[state]
        ]
        rows += [
            (f"{say(SAID['visits'])}: {say(VISITS[state])}", sums.visits[state])
            for state in VisitState
            if sums.visits[state]
        ]
        rows += [
            (say(SAID["visits"]) + " %", sums.complete),
            (say(SAID["punctual"]), sums.punctual),
            (say(SAID["is_partly"]), sums.partly),
            (say(SAID["findings"]), sums.findings),
            (say(SAID["repairs"]), sums.orders),
            (say(SAID["completed"]), sums.repaired),
            (say(SAID["repair_time"]), say.lasts(sums.repair_ns)),
            (say(SAID["marked"]), sums.marked),
            (say(SAID["undecided"]), sums.undecided),
            (say(SAID["manual"]), sums.manual),
            (say(SAID["photos"]), sums.photos),
        ]
        if sums.score is not None:
            rows.append((say(SAID["score"]), round(sums.score, 1) if sums.score > 1 else f"{sums.score:.1f}"))
        return rows

    def _rounds(self) -> None:
        say = self._say
        self._list(
            "rounds",
            "plan:28 starts:17 ends:17 state:12 person:14 team:16 done:8 total:10 score:8 note:40",
            [
                (
                    say(walk.plan),
                    self._local(walk.starts_ns),
                    self._local(walk.ends_ns),
                    say(ROUNDS[walk.state]),
                    walk.person,
                    say(walk.team),
                    walk.done,
                    len(walk.stops),
                    None if walk.score is None else round(walk.score, 1),
                    walk.ended_early,
                )
                for walk in self._report.walks
            ],
        )

    def _visits(self) -> None:
        say = self._say
        self._list(
            "visits_list",
            "plan:28 starts:17 number:6 point:28 place:24 opened_from:17 until:17 scanned:17 person:14 "
            "how:14 result:12 note:48",
            [
                (
                    say(walk.plan),
                    self._local(walk.starts_ns),
                    stop.sequence,
                    say(stop.title),
                    say(stop.place),
                    self._local(stop.opens_ns),
                    self._local(stop.closes_ns),
                    self._local(stop.scanned_ns),
                    stop.person,
                    None if stop.token is None else say(TOKENS[stop.token]),
                    say(VISITS[stop.state]),
                    note_of(stop, say),
                )
                for walk in self._report.walks
                for stop in walk.stops
            ],
        )

    def _findings(self) -> None:
        say = self._say
        self._list(
            "findings",
            "at:17 point:28 place:24 check:34 value:12 unit:8 low:8 high:8 reason:44 priority:10 "
            "person:14 photos:8 order:18",
            [
                (
                    self._local(found.at_ns),
                    say(found.title),
                    say(found.place),
                    say(found.ask),
                    None if isinstance(found.answer.value, bool) else found.answer.value,
                    found.unit,
                    None if found.limits is None else found.limits[0],
                    None if found.limits is None else found.limits[1],
                    found.answer.reason,
                    say(PRIORITIES[found.priority]),
                    found.person,
                    len(found.photos),
                    found.order,
                )
                for found in self._report.found
            ],
        )

    def _repairs(self) -> None:
        say = self._say
        self._list(
            "repairs",
            "order:18 what:44 priority:10 state:12 opened:17 begun:17 completed:17 closed:17 due_at:17 "
            "assignee:14 told:44",
            [
                (
                    order.id,
                    say(order.title),
                    say(PRIORITIES[order.priority]),
                    say(ORDERS[order.state]),
                    self._local(order.opened_ns),
                    self._local(order.started_ns),
                    self._local(order.completed_ns),
                    self._local(order.closed_ns),
                    self._local(order.due_ns),
                    order.assignee,
                    order.told,
                )
                for order in self._report.repairs
            ],
        )

    def _marked(self) -> None:
        say = self._say
        self._list(
            "marked",
            "at:17 point:28 person:14 doubts:52 confidence:10 decision:24 at:17 note:44",
            [
                (
                    self._local(scan.at_ns),
                    say(scan.title),
                    scan.person,
                    doubts_of(scan, say),
                    round(scan.confidence, 2),
                    decision_of(scan, say),
                    self._local(scan.decided_ns),
                    scan.comment,
                )
                for scan in self._report.marked
            ],
        )

    def _list(self, name: str, columns: str, rows: Sequence[Sequence[Value]]) -> None:
        """A sheet with a head that stays, a filter, and a page set-up that prints it. `columns`: word:width …"""
        sheet = self._sheet(name)
        heads = [column.split(":") for column in columns.split()]
        for at, (word, width) in enumerate(heads):
            sheet.set_column(at, at, int(width))
            self._write(sheet, 0, at, self._say(SAID[word]), self._head)
        for down, row in enumerate(rows, start=1):
            for at, value in enumerate(row):
                self._write(sheet, down, at, value, self._date if isinstance(value, datetime) else self._text)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(len(rows), 1), len(heads) - 1)
        sheet.repeat_rows(0)

    def _sheet(self, name: str) -> Any:
        sheet = self._book.add_worksheet(self._say(SAID[name])[:31])
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
        sheet.set_header("&L" + plain(self._title).replace("&", "&&")[:200])
        sheet.set_footer("&R&P / &N")
        return sheet

    def _write(self, sheet: Any, row: int, column: int, value: Value, style: Any) -> None:
        if value is None or value == "":
            return
        if isinstance(value, str):
            sheet.write_string(row, column, plain(value)[:LONGEST], style)
        elif isinstance(value, datetime):
            sheet.write_datetime(row, column, value, style)
        else:
            sheet.write_number(row, column, value, style)

    def _local(self, at_ns: int | None) -> datetime | None:
        """The wall time of the site: a workbook knows no zones."""
        return None if at_ns is None else local_time(at_ns, self._report.site.zone).replace(tzinfo=None)
