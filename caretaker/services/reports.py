"""Inspection reports: facts gathered in one reading, files kept under their own hash, the hash kept in the audit trail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from caretaker.domain.assets import Estate
from caretaker.domain.audit import AuditEntry
from caretaker.domain.equipment import CheckSpec, Text
from caretaker.domain.errors import Conflict, NotFound, Refused
from caretaker.domain.people import Person
from caretaker.domain.reports import (
    MADE,
    Archived,
    Format,
    Found,
    InspectionReport,
    Marked,
    Repair,
    Scope,
    Stop,
    Walk,
    figures,
)
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.findings import Finding
from caretaker.domain.rounds.plans import RoundPlan
from caretaker.domain.rounds.rounds import Round, RoundState
from caretaker.domain.rounds.scans import Reason
from caretaker.domain.rounds.scores import score
from caretaker.domain.work_orders import OrderAction, WorkOrder
from caretaker.ports import Once, Transactions, UnitOfWork
from caretaker.ports.reports import ReportFiles
from caretaker.ports.rounds import KeptScan
from caretaker.recurrence import day_bounds
from caretaker.services.scans import checks_at

MOST_DAYS: Final = 100
MOST: Final = 20_000
"""Rounds, scans or findings of one report; more is refused, never cut off silently."""
SHOWN: Final = 200
_PAGE: Final = 500
_DONE: Final = str(OrderAction.COMPLETE)


class Changed(Conflict):
    """An archived file is not what it was."""

    code = "report_changed"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for."""

    format: Format
    language: str
    scope: Scope


def gather(unit: UnitOfWork, estate: Estate, scope: Scope, person: Person, now_ns: int) -> InspectionReport:
    """All facts of a report from one reading transaction. Raises Refused (too much, the wrong way round), NotFound."""
    if not 0 <= (scope.last - scope.first).days < MOST_DAYS:
        raise Refused(f"a report is about 1 to {MOST_DAYS} days, first day first", field="to")
    return _Gathering(unit, estate, scope, now_ns).report(person)


class _Gathering:
    """One report being put together."""

    def __init__(self, unit: UnitOfWork, estate: Estate, scope: Scope, now_ns: int) -> None:
        self._unit, self._estate, self._scope, self._now_ns = unit, estate, scope, now_ns
        self._site = estate.site.id
        zone = estate.site.zone
        self._start, self._end = day_bounds(scope.first, zone)[0], day_bounds(scope.last, zone)[1]
        self._places: Mapping[str, Checkpoint] = {place.id: place for place in unit.checkpoints.list(self._site)}
        self._names = {person.id: person.name for person in unit.people.persons()}
        self._teams = {team.id: team.title for team in unit.teams.list(self._site)}
        self._plans: dict[tuple[str, int], RoundPlan] = {}

    def report(self, person: Person) -> InspectionReport:
        scope = self._scope
        plan = None if scope.plan is None else self._unit.round_plans.get(self._site, scope.plan).title
        team = None if scope.team is None else self._unit.teams.get(scope.team).title
        rounds = self._rounds()
        kept = self._scans(rounds)
        by_id = {each.scan.id: each for each in kept}
        walks = tuple(self._walk(walk, by_id) for walk in rounds)
        findings = self._findings({walk.id for walk in rounds})
        found = tuple(self._found(finding) for finding in findings)
        repairs = tuple(self._repairs(findings))
        marked = tuple(self._marked(each) for each in kept if _is_marked(each))
        tokens = [each.scan.token_type for each in kept]
        return InspectionReport(
            site=self._estate.site,
            scope=scope,
            plan=plan,
            team=team,
            made_ns=self._now_ns,
            made_by=person.name,
            walks=walks,
            found=found,
            repairs=repairs,
            marked=marked,
            figures=figures(walks, found, repairs, marked, tokens, self._now_ns),
        )

    def _rounds(self) -> Sequence[Round]:
        """Those that start in the stretch and are not still to come; what was called off is told too."""
        scope = self._scope
        found = self._unit.rounds.list(
            self._site, from_ns=self._start, to_ns=self._end, plan=scope.plan, limit=MOST + 1
        )
        _bound(found, "rounds")
        return [
            walk
            for walk in found
            if walk.starts_ns >= self._start
            and (scope.team is None or walk.team == scope.team)
            and not (walk.state is RoundState.SCHEDULED and walk.starts_ns > self._now_ns)
        ]

    def _scans(self, rounds: Sequence[Round]) -> Sequence[KeptScan]:
        """Those of the rounds, oldest first; of the whole site also those that belong to none."""
        wanted = {walk.id for walk in rounds}
        made = {visit.scan for walk in rounds for visit in walk.visits}
        until = max([self._end, *(visit.scanned_ns or 0 for walk in rounds for visit in walk.visits)]) + 1
        first = min([self._start, *(visit.scanned_ns or until for walk in rounds for visit in walk.visits)])
        kept = self._unit.scans.list(self._site, from_ns=first, to_ns=until, limit=MOST + 1)
        _bound(kept, "scans")
        mine = [
            each
            for each in kept
            if each.scan.round in wanted
            or each.scan.id in made
            or (self._scope.whole and each.scan.round is None and self._within(each))
        ]
        return mine[::-1]

    def _within(self, each: KeptScan) -> bool:
        return self._start <= _at(each) < self._end

    def _findings(self, rounds: set[str]) -> Sequence[Finding]:
        """Oldest first."""
        found = self._unit.findings.list(self._site, from_ns=self._start, to_ns=self._end, limit=MOST + 1)
        _bound(found, "findings")
        return [one for one in found if one.round in rounds or (self._scope.whole and one.round is None)][::-1]

    def _walk(self, walk: Round, scans: Mapping[str, KeptScan]) -> Walk:
        plan = self._plan(walk)
        stops = []
        for visit in walk.visits:
            kept = scans.get(visit.scan or "")
            place = self._places.get(visit.checkpoint)
            stops.append(
                Stop(
                    sequence=visit.sequence,
                    title=self._title(visit.checkpoint),
                    place=self._place(place),
                    opens_ns=visit.opens_ns,
                    closes_ns=visit.closes_ns,
                    state=visit.state,
                    partly=visit.partly,
                    scanned_ns=visit.scanned_ns,
                    person=None if kept is None else self._name(kept.scan.person),
                    token=None if kept is None else kept.scan.token_type,
                    doubts=() if kept is None else _doubts(kept),
                )
            )
        return Walk(
            id=walk.id,
            plan=plan.title,
            starts_ns=walk.starts_ns,
            ends_ns=walk.ends_ns,
            state=walk.state,
            person=None if walk.person is None else self._name(walk.person),
            team=None if walk.team is None else self._teams.get(walk.team, Text(walk.team, walk.team)),
            ended_early=walk.ended_early,
            stops=tuple(stops),
            score=self._score(plan, walk, scans),
        )

    def _score(self, plan: RoundPlan, walk: Round, scans: Mapping[str, KeptScan]) -> float | None:
        made = {visit.sequence: kept for visit in walk.visits if (kept := scans.get(visit.scan or "")) is not None}
        if not plan.scored or not made:
            return None
        answers = {sequence: kept.scan.answers for sequence, kept in made.items()}
        checks = {visit.checkpoint: self._checks(visit.checkpoint) for visit in walk.visits}
        return score(plan, walk, answers, checks).percent

    def _found(self, finding: Finding) -> Found:
        check = next((check for check in self._checks(finding.checkpoint) if check.id == finding.check), None)
        place = self._places.get(finding.checkpoint)
        return Found(
            at_ns=finding.at_ns,
            title=self._title(finding.checkpoint),
            place=self._place(place),
            ask=Text(finding.check, finding.check) if check is None else check.ask,
            answer=finding.answer,
            unit="" if check is None else check.unit,
            limits=None if check is None else check.limits,
            photos=finding.answer.photos,
            priority=finding.priority,
            person=self._name(finding.person),
            order=finding.work_order,
        )

    def _repairs(self, findings: Sequence[Finding]) -> Sequence[Repair]:
        """Each order once, in the order of its first finding."""
        repairs = []
        for order_id in dict.fromkeys(one.work_order for one in findings if one.work_order is not None):
            try:
                repairs.append(self._repair(self._unit.work_orders.get(order_id)))
            except NotFound:
                continue  # an order of another age of the database: its finding still names it
        return repairs

    def _repair(self, order: WorkOrder) -> Repair:
        told = [line.comment for line in self._unit.work_orders.history(order.id) if line.action == _DONE]
        return Repair(
            id=order.id,
            title=Text(order.title_zh, order.title_en),
            priority=order.priority,
            state=order.state,
            opened_ns=order.opened_ns,
            started_ns=order.started_ns,
            completed_ns=order.completed_ns,
            closed_ns=order.closed_ns,
            due_ns=order.due_ns,
            assignee=order.assignee,
            closed_by=order.closed_by,
            told=told[-1] if told else None,
        )

    def _marked(self, kept: KeptScan) -> Marked:
        decision = kept.decision
        return Marked(
            at_ns=_at(kept),
            title=None if kept.checkpoint is None else self._title(kept.checkpoint),
            person=self._name(kept.scan.person),
            doubts=_doubts(kept),
            confidence=0.0 if kept.verdict is None else kept.verdict.confidence,
            accepted=None if decision is None else decision.accepted,
            decided_by=None if decision is None else self._name(decision.by),
            decided_ns=None if decision is None else decision.at_ns,
            comment="" if decision is None else decision.comment,
        )

    def _plan(self, walk: Round) -> RoundPlan:
        key = (walk.plan, walk.plan_version)
        if key not in self._plans:
            self._plans[key] = self._unit.round_plans.get(self._site, *key)
        return self._plans[key]

    def _checks(self, checkpoint: str) -> Sequence[CheckSpec]:
        return checks_at(self._estate, self._places.get(checkpoint))

    def _title(self, checkpoint: str) -> Text:
        place = self._places.get(checkpoint)
        return Text(checkpoint, checkpoint) if place is None else place.title

    def _place(self, place: Checkpoint | None) -> Text:
        space = None if place is None else self._estate.spaces.get(place.space)
        return Text("", "") if space is None else space.title

    def _name(self, person: str) -> str:
        return self._names.get(person, person)


def _at(kept: KeptScan) -> int:
    return kept.scan.received_ns if kept.verdict is None else kept.verdict.at_ns


def _is_marked(kept: KeptScan) -> bool:
    return kept.verdict is not None and (kept.verdict.suspicious or not kept.verdict.accepted)


def _doubts(kept: KeptScan) -> tuple[Reason, ...]:
    return () if kept.verdict is None else tuple(doubt.reason for doubt in kept.verdict.doubts)


def _bound(found: Sequence[object], what: str) -> None:
    if len(found) > MOST:
        raise Refused(f"these days have more than {MOST:,} {what}; choose fewer days, or one plan", field="to")


# ---- the archive


def keep(
    transactions: Transactions,
    files: ReportFiles,
    site: str,
    data: bytes,
    made: Wanted,
    person: Person,
    now_ns: int,
    once: Once | None = None,
) -> Archived:
    """Archive a report: the file first, durable; then its hash in the audit trail, which nobody changes unseen.

    A request repeated under the same key gives back what the first one made. Raises Unavailable.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    files.write(sha256, str(made.format), data)
    with transactions.begin() as unit:
        new = once is None or unit.repeats.claim(once, now_ns)
        if new:
            facts = _facts_of(made) | {"sha256": sha256, "bytes": len(data)}
            unit.audit.append(now_ns, person.id, MADE, sha256, site=site, after=facts)
    with transactions.begin(write=False) as unit:
        for report in _newest(unit, site):
            mine = report.made_by == person.id and Wanted(report.format, report.language, report.scope) == made
            if report.sha256 == sha256 or (mine and not new):
                return report
    raise NotFound(f"the audit trail does not know the report {sha256[:12]}", report=sha256)


def archive(transactions: Transactions, site: str) -> Sequence[Archived]:
    """The newest reports."""
    with transactions.begin(write=False) as unit:
        return list(_newest(unit, site))


def fetch(transactions: Transactions, files: ReportFiles, site: str, sha256: str) -> tuple[Archived, bytes]:
    """A report as it was handed out. Raises NotFound, Changed when the file is not what the trail says."""
    with transactions.begin(write=False) as unit:
        entries = unit.audit.list(action=MADE, subject=sha256, site=site, limit=1)
    report = archived(entries[0]) if entries else None
    if report is None:
        raise NotFound(f"there is no report {sha256[:12]}", report=sha256)
    data = files.read(sha256, str(report.format))
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Changed(f"the file of the report {sha256[:12]} was changed after it was made", report=sha256)
    return report, data


def verify(transactions: Transactions, files: ReportFiles) -> tuple[int, Sequence[str]]:
    """Hold every archived file against the audit trail: how many there are, and a sentence for each that is not whole."""
    flaws: list[str] = []
    count, after = 0, 0
    while True:
        with transactions.begin(write=False) as unit:
            entries = unit.audit.list(action=MADE, after=after, limit=_PAGE)
        for entry in entries:
            count += 1
            flaw = _flaw(files, archived(entry))
            if flaw is not None:
                flaws.append(f"report {entry.subject[:12]} (row {entry.id}) {flaw}")
        if not entries:
            return count, flaws
        after = entries[-1].id


def _flaw(files: ReportFiles, report: Archived | None) -> str | None:
    if report is None:
        return "is not told in words we know"
    try:
        data = files.read(report.sha256, str(report.format))
    except NotFound:
        return "has no file: it was removed or renamed"
    return None if hashlib.sha256(data).hexdigest() == report.sha256 else "has a file that was changed"


def _newest(unit: UnitOfWork, site: str) -> Iterator[Archived]:
    for entry in unit.audit.list(action=MADE, site=site, limit=SHOWN):
        report = archived(entry)
        if report is not None:
            yield report


def _facts_of(made: Wanted) -> dict[str, object]:
    scope = made.scope
    return {
        "format": str(made.format),
        "language": made.language,
        "first": scope.first.isoformat(),
        "last": scope.last.isoformat(),
        "plan": scope.plan,
        "team": scope.team,
    }


def archived(entry: AuditEntry) -> Archived | None:
    """What a row of the trail says of a report; None when somebody wrote something else there."""
    try:
        facts = json.loads(entry.after or "")
        scope = Scope(
            date.fromisoformat(facts["first"]), date.fromisoformat(facts["last"]), facts["plan"], facts["team"]
        )
        return Archived(
            row=entry.id,
            sha256=facts["sha256"],
            format=Format(facts["format"]),
            language=facts["language"],
            scope=scope,
            bytes=facts["bytes"],
            made_ns=entry.at_ns,
            made_by=entry.actor,
        )
    except (ValueError, KeyError, TypeError):
        return None
