"""`bench report`: an inspection report over a month of the demo's rounds, with photos, as PDF and as workbook."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final, TypeVar

from api.paper.report_pdf import report_pdf
from api.paper.report_xlsx import report_xlsx
from benchmarks.month import Inventor
from caretaker import bootstrap
from caretaker.adapters.photo_files import PhotoFolder
from caretaker.config import load
from caretaker.domain.people import Person, Role
from caretaker.domain.reports import Scope
from caretaker.services import reports

FIRST: Final = date(2026, 3, 1)
PLANS: Final = (
    *("night-patrol", "day-patrol", "equipment-daily", "equipment-weekly", "cleaning-daily", "greening-weekly"),
    *("manager-daily", "manager-monthly"),
)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Figures:
    """CPU seconds of each step, and what came out."""

    visits: int
    photos: int
    gather_cpu_s: float
    pdf_cpu_s: float
    pdf_kb: int
    xlsx_cpu_s: float
    xlsx_kb: int


def run(days: int = 31, photos: int = 60) -> Figures:
    """One report; the rounds before it are not measured."""
    with tempfile.TemporaryDirectory(prefix="caretaker-bench-") as folder:
        settings = load(data=Path(folder))
        transactions = bootstrap.open_transactions(settings, owner=True)
        try:
            bootstrap.set_up(settings, transactions)
            estate = bootstrap.read_estate(settings, transactions)
            pictures = PhotoFolder(settings.data / "photos", estate.site.zone)
            inventor = Inventor(estate, pictures)
            now_ns = bootstrap.now_ns()
            inventor.set_up(transactions, now_ns)
            scope = Scope(FIRST, FIRST + timedelta(days=days - 1))
            told = inventor.live(transactions, scope.first, scope.last, photos=photos, plans=PLANS)
            who = Person("bench", "bench", Role.SUPERVISOR)
            with transactions.begin(write=False) as unit:
                gathered, gather_s = _timed(lambda: reports.gather(unit, estate, scope, who, now_ns))
            pdf, pdf_s = _timed(lambda: report_pdf(gathered, "zh", pictures.read))
            xlsx, xlsx_s = _timed(lambda: report_xlsx(gathered, "zh"))
        finally:
            transactions.close()
    return Figures(told.visits, told.photos, gather_s, pdf_s, len(pdf) // 1000, xlsx_s, len(xlsx) // 1000)


def _timed(do: Callable[[], _T]) -> tuple[_T, float]:
    began = time.process_time()
    done = do()
    return done, round(time.process_time() - began, 2)
