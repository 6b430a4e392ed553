"""Inspection reports: look at the figures, make a file, find it again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.auth import Repeatable, needs
from api.endpoints.plans import day_of
from api.errors import Problem
from api.house import House, TheHouse
from api.paper.report_pdf import ReadPhoto, report_pdf
from api.paper.report_xlsx import report_xlsx
from api.schemas.checkpoints import Id
from api.schemas.common import Words
from api.schemas.plans import Day
from api.schemas.reports import ArchivedReport, FiguresShape, ReportArchive, ReportWanted
from api.words import Language, language_of
from caretaker.domain.errors import NotFound, TooMany
from caretaker.domain.people import Person, Right
from caretaker.domain.reports import Archived, Figures, Format, InspectionReport, Scope
from caretaker.ports import UnitOfWork
from caretaker.ports.reports import ReportFiles
from caretaker.services import reports

router = APIRouter(tags=["reports"])
Reporter = Annotated[Person, Depends(needs(Right.REPORT))]
Sha = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="hex SHA-256 of the file")]
MEDIA: Final = {
    Format.PDF: "application/pdf",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_PRESS: Final = threading.Lock()
_PATIENCE_S: Final = 45.0


@router.get("/reports/inspection", operation_id="previewInspectionReport")
def preview(
    person: Reporter,
    house: TheHouse,
    first: Annotated[Day, Query(alias="from")],
    last: Annotated[Day, Query(alias="to")],
    plan: Id | None = None,
    team: Id | None = None,
) -> FiguresShape:
    """The figures that a report of these days would open with; nothing is made or kept."""
    scope = Scope(day_of(first, "from"), day_of(last, "to"), plan, team)
    return _figures(_gather(house, scope, person).figures)


@router.post("/reports/inspection", operation_id="makeInspectionReport")
def make(body: ReportWanted, request: Request, person: Reporter, house: TheHouse, once: Repeatable) -> ArchivedReport:
    """Make a report and archive it: its file stays, and its SHA-256 is written in the audit trail.

    The file is then at `/reports/{id}`. The same Idempotency-Key again gives back the first one.
    """
    language: Language = body.language or language_of(request.headers.get("accept-language"))
    scope = Scope(day_of(body.first, "from"), day_of(body.last, "to"), body.plan, body.team)
    wanted = reports.Wanted(Format(body.format), language, scope)
    with _one_at_a_time():
        report = _gather(house, scope, person)
        data = _write(house, report, wanted)
        site, now_ns = house.estate.site.id, report.made_ns
        made = reports.keep(house.transactions, _files(house), site, data, wanted, person, now_ns, once)
    with house.transactions.begin(write=False) as unit:
        return _shape(made, *_names(unit, house))


@router.get("/reports", operation_id="listReports")
def list_reports(_person: Reporter, house: TheHouse) -> ReportArchive:
    """The newest 200 reports of this site, as the audit trail tells them."""
    found = reports.archive(house.transactions, house.estate.site.id)
    with house.transactions.begin(write=False) as unit:
        names = _names(unit, house)
    return ReportArchive(items=[_shape(report, *names) for report in found])


@router.get(
    "/reports/{report}",
    operation_id="getReport",
    response_class=Response,
    responses={200: {"content": {media: {} for media in MEDIA.values()}, "description": "the file as it was made"}},
)
def get_report(report: Sha, _person: Reporter, house: TheHouse) -> Response:
    """An archived report. 409 when its file is not what it was: then only a backup helps."""
    found, data = reports.fetch(house.transactions, _files(house), house.estate.site.id, report)
    name = f"caretaker-inspection-{found.scope.first}-{found.scope.last}.{found.format}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, max-age=31536000, immutable",
        "Content-Encoding": "identity",  # both formats are compressed already; doing it again would hold up everybody
    }
    return Response(data, media_type=MEDIA[found.format], headers=headers)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """A report is seconds of computing; two at once would make everything else wait twice as long. Raises TooMany."""
    if not _PRESS.acquire(timeout=_PATIENCE_S):
        raise TooMany("another report is being made; try again in a moment")
    try:
        yield
    finally:
        _PRESS.release()


def _gather(house: House, scope: Scope, person: Person) -> InspectionReport:
    with house.transactions.begin(write=False) as unit:
        return reports.gather(unit, house.estate, scope, person, house.clock.now_ns())


def _write(house: House, report: InspectionReport, wanted: reports.Wanted) -> bytes:
    language: Language = "zh" if wanted.language == "zh" else "en"
    if wanted.format is Format.XLSX:
        return report_xlsx(report, language)
    return report_pdf(report, language, _photos(house))


def _photos(house: House) -> ReadPhoto:
    return _none if house.photos is None else house.photos.read


def _none(sha256: str) -> bytes:
    raise NotFound("this process keeps no photos", photo=sha256)


def _files(house: House) -> ReportFiles:
    if house.reports is None:
        raise Problem(503, "unavailable", "this process keeps no reports")
    return house.reports


def _names(unit: UnitOfWork, house: House) -> tuple[dict[str, str], dict[str, Words], dict[str, Words]]:
    site = house.estate.site.id
    return (
        {person.id: person.name for person in unit.people.persons()},
        {plan.id: Words.needed(plan.title) for plan in unit.round_plans.list(site)},
        {team.id: Words.needed(team.title) for team in unit.teams.list(site)},
    )


def _shape(
    report: Archived, people: dict[str, str], plans: dict[str, Words], teams: dict[str, Words]
) -> ArchivedReport:
    scope = report.scope
    return ArchivedReport(
        id=report.sha256,
        format="pdf" if report.format is Format.PDF else "xlsx",
        language="zh" if report.language == "zh" else "en",
        first=scope.first.isoformat(),
        last=scope.last.isoformat(),
        plan=scope.plan,
        plan_title=None if scope.plan is None else plans.get(scope.plan),
        team=scope.team,
        team_title=None if scope.team is None else teams.get(scope.team),
        bytes=report.bytes,
        made_ms=report.made_ns // 1_000_000,
        made_by=people.get(report.made_by, report.made_by),
    )


def _figures(sums: Figures) -> FiguresShape:
    return FiguresShape(
        rounds={str(state): count for state, count in sums.rounds.items()},
        visits={str(state): count for state, count in sums.visits.items()},
        due=sums.due,
        made=sums.made,
        complete=sums.complete,
        punctual=sums.punctual,
        partly=sums.partly,
        scans=sums.scans,
        manual=sums.manual,
        marked=sums.marked,
        undecided=sums.undecided,
        rejected=sums.rejected,
        findings=sums.findings,
        photos=sums.photos,
        orders=sums.orders,
        repaired=sums.repaired,
        overdue=sums.overdue,
        repair_ms=None if sums.repair_ns is None else sums.repair_ns // 1_000_000,
        score=sums.score,
    )
