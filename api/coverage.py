"""Which points were visited when, and how plans and people do."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from api.schemas.common import Words
from api.schemas.rounds import Coverage, CoverageRow, Statistics, StatisticsRow
from api.views_rounds import RoundViews
from caretaker.domain.rounds.findings import Finding
from caretaker.domain.rounds.rounds import DONE, Round, RoundState, VisitState
from caretaker.domain.rounds.scans import TokenType
from caretaker.ports.rounds import KeptScan
from caretaker.recurrence import local_time

MOST = 20_000
HOURS = 24


def coverage_of(views: RoundViews, start_ns: int, end_ns: int) -> Coverage:
    """Every point of the site in [start, end)."""
    zone = views.house.estate.site.zone
    now_ns = min(end_ns, views.house.clock.now_ns())
    done: dict[str, list[int]] = defaultdict(lambda: [0] * HOURS)
    missed: dict[str, list[int]] = defaultdict(lambda: [0] * HOURS)
    times: dict[str, list[int]] = defaultdict(list)
    for walk in _rounds(views, start_ns, end_ns):
        for visit in walk.visits:
            if visit.scanned_ns is not None and start_ns <= visit.scanned_ns < end_ns:
                done[visit.checkpoint][local_time(visit.scanned_ns, zone).hour] += 1
                times[visit.checkpoint].append(visit.scanned_ns)
            elif visit.state is VisitState.MISSED and start_ns <= visit.closes_ns < end_ns:
                missed[visit.checkpoint][local_time(visit.closes_ns, zone).hour] += 1
    rows = [
        CoverageRow(
            checkpoint=place,
            title=views.title(place),
            done=done[place],
            missed=missed[place],
            last_ms=max(times[place]) // 1_000_000 if times[place] else None,
            longest_gap_ms=_gap([start_ns, *sorted(times[place]), max(now_ns, start_ns)]) // 1_000_000,
        )
        for place in dict.fromkeys([*views.checkpoints, *done, *missed])
    ]
    rows.sort(key=lambda row: (-sum(row.missed), -row.longest_gap_ms))
    return Coverage(from_ms=start_ns // 1_000_000, to_ms=end_ns // 1_000_000, items=rows)


def _gap(times: Sequence[int]) -> int:
    return max((late - early for early, late in pairwise(times)), default=0)


def _rounds(views: RoundViews, start_ns: int, end_ns: int) -> Iterable[Round]:
    found = views.unit.rounds.list(views.site, from_ns=start_ns, to_ns=end_ns, limit=MOST)
    return [walk for walk in found if walk.state is not RoundState.CANCELLED]


@dataclass(slots=True)
class _Tally:
    """Of one plan or person."""

    rounds: Counter[str] = field(default_factory=Counter)
    visits: Counter[str] = field(default_factory=Counter)
    partly: int = 0
    scans: int = 0
    marked: int = 0
    manual: int = 0
    findings: int = 0

    def add_round(self, walk: Round) -> None:
        self.rounds[str(walk.state)] += 1
        self.visits.update(str(visit.state) for visit in walk.visits)
        self.partly += sum(visit.partly for visit in walk.visits)

    def add_scan(self, kept: KeptScan) -> None:
        self.scans += 1
        self.marked += kept.verdict is not None and (kept.verdict.suspicious or not kept.verdict.accepted)
        self.manual += kept.scan.token_type is TokenType.MANUAL

    def row(self, id_: str, title: Words) -> StatisticsRow:
        done = sum(self.visits[str(state)] for state in DONE)
        return StatisticsRow(
            id=id_,
            title=title,
            rounds=dict(self.rounds),
            visits=dict(self.visits),
            partly=self.partly,
            scans=self.scans,
            marked=self.marked,
            manual=self.manual,
            findings=self.findings,
            punctual=round(self.visits[str(VisitState.ON_TIME)] / done, 4) if done else None,
        )


def statistics_of(views: RoundViews, start_ns: int, end_ns: int) -> Statistics:
    """By plan and person. Rounds count by when they start; rounds still to come do not count."""
    now_ns = views.house.clock.now_ns()
    plans: dict[str, _Tally] = defaultdict(_Tally)
    persons: dict[str, _Tally] = defaultdict(_Tally)
    titles: dict[str, Words] = {}
    plan_of: dict[str, str] = {}
    for walk in _rounds(views, start_ns, end_ns):
        if not start_ns <= walk.starts_ns < end_ns or (walk.state is RoundState.SCHEDULED and walk.starts_ns > now_ns):
            continue
        plan_of[walk.id] = walk.plan
        titles[walk.plan] = Words.needed(views.plan_of(walk).title)
        plans[walk.plan].add_round(walk)
        if walk.person is not None:
            persons[walk.person].add_round(walk)
    for kept in views.unit.scans.list(views.site, from_ns=start_ns, to_ns=end_ns, limit=MOST):
        persons[kept.scan.person].add_scan(kept)
        if kept.scan.round in plan_of:
            plans[plan_of[kept.scan.round]].add_scan(kept)
    found: Sequence[Finding] = views.unit.findings.list(views.site, from_ns=start_ns, to_ns=end_ns, limit=MOST)
    for finding in found:
        persons[finding.person].findings += 1
        if finding.round in plan_of:
            plans[plan_of[finding.round]].findings += 1
    return Statistics(
        plans=[plans[key].row(key, titles[key]) for key in sorted(plans)],
        persons=[persons[key].row(key, Words(zh=views.name(key), en=views.name(key))) for key in sorted(persons)],
    )
