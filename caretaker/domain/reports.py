"""The inspection report: what was to be checked, what was checked, what was found, what was repaired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from statistics import median
from typing import Final

from caretaker.domain.assets import Site
from caretaker.domain.equipment import Priority, Text
from caretaker.domain.rounds.rounds import DONE, RoundState, VisitState
from caretaker.domain.rounds.scans import Answer, Reason, TokenType
from caretaker.domain.work_orders import OrderState

MADE: Final = "report.made"
"""The action under which the audit trail knows a report."""


class Format(StrEnum):
    """What sort of file."""

    PDF = "pdf"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class Scope:
    """Rounds that start on these local days (both inclusive), of all plans and teams or of one."""

    first: date
    last: date
    plan: str | None = None
    team: str | None = None

    @property
    def whole(self) -> bool:
        """Everything of the site, also scans that belong to no round?"""
        return self.plan is None and self.team is None


@dataclass(frozen=True, slots=True)
class Stop:
    """One visit as it was made or missed. `person`: name of who scanned; `doubts`: of the scan that counts."""

    sequence: int
    title: Text
    place: Text
    opens_ns: int
    closes_ns: int
    state: VisitState
    partly: bool
    scanned_ns: int | None = None
    person: str | None = None
    token: TokenType | None = None
    doubts: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Walk:
    """One round. `score`: percent, of a scored plan of which something was seen."""

    id: str
    plan: Text
    starts_ns: int
    ends_ns: int
    state: RoundState
    person: str | None
    team: Text | None
    ended_early: str | None
    stops: tuple[Stop, ...]
    score: float | None = None

    @property
    def done(self) -> int:
        """Stops that were visited."""
        return sum(stop.state in DONE for stop in self.stops)


@dataclass(frozen=True, slots=True)
class Found:
    """One answer that said not ok, with the order it led to."""

    at_ns: int
    title: Text
    place: Text
    ask: Text
    answer: Answer
    unit: str
    limits: tuple[float, float] | None
    photos: tuple[str, ...]
    priority: Priority
    person: str
    order: str | None


@dataclass(frozen=True, slots=True)
class Repair:
    """An order that a finding opened or joined. `told`: what was written when it was reported done."""

    id: str
    title: Text
    priority: Priority
    state: OrderState
    opened_ns: int
    started_ns: int | None
    completed_ns: int | None
    closed_ns: int | None
    due_ns: int | None
    assignee: str | None
    closed_by: str | None
    told: str | None


@dataclass(frozen=True, slots=True)
class Marked:
    """A scan that was doubted, and what a supervisor said of it (`accepted` None: nobody has yet)."""

    at_ns: int
    title: Text | None
    person: str
    doubts: tuple[Reason, ...]
    confidence: float
    accepted: bool | None
    decided_by: str | None
    decided_ns: int | None
    comment: str


@dataclass(frozen=True, slots=True)
class Figures:
    """The sums. `punctual`: share of the visits made that were on time; `complete`: share of those due that were made."""

    rounds: dict[RoundState, int]
    visits: dict[VisitState, int]
    partly: int
    scans: int
    manual: int
    marked: int
    undecided: int
    rejected: int
    findings: int
    orders: int
    repaired: int
    overdue: int
    repair_ns: int | None
    """Half of the repairs took at most this long, from order to done."""
    photos: int
    score: float | None

    @property
    def due(self) -> int:
        """Visits that should have been made by now."""
        return sum(count for state, count in self.visits.items() if state is not VisitState.DUE)

    @property
    def made(self) -> int:
        """Visits that were made."""
        return sum(self.visits[state] for state in DONE)

    @property
    def complete(self) -> float | None:
        """Share of the due ones."""
        return self.made / self.due if self.due else None

    @property
    def punctual(self) -> float | None:
        """Share of the made ones."""
        return self.visits[VisitState.ON_TIME] / self.made if self.made else None


@dataclass(frozen=True, slots=True)
class PlanSums:
    """Of the rounds of one plan."""

    plan: Text
    rounds: int
    finished: int
    due: int
    made: int
    on_time: int
    missed: int


@dataclass(frozen=True, slots=True)
class InspectionReport:
    """Everything, in the order in which it is told: walks by start, findings and marked scans by time, oldest first."""

    site: Site
    scope: Scope
    plan: Text | None
    team: Text | None
    made_ns: int
    made_by: str
    walks: tuple[Walk, ...]
    found: tuple[Found, ...]
    repairs: tuple[Repair, ...]
    marked: tuple[Marked, ...]
    figures: Figures

    @property
    def plans(self) -> Sequence[PlanSums]:
        """By plan, in the order in which they first began."""
        found: dict[Text, list[Walk]] = {}
        for walk in self.walks:
            if walk.state is not RoundState.CANCELLED:
                found.setdefault(walk.plan, []).append(walk)
        return [_plan_sums(plan, walks) for plan, walks in found.items()]

    @property
    def missed(self) -> Sequence[tuple[Walk, Stop]]:
        """Stops at which nobody was."""
        return [(walk, stop) for walk in self.walks for stop in walk.stops if stop.state is VisitState.MISSED]


def _plan_sums(plan: Text, walks: Sequence[Walk]) -> PlanSums:
    visits = Counter(stop.state for walk in walks for stop in walk.stops)
    return PlanSums(
        plan=plan,
        rounds=len(walks),
        finished=sum(walk.state is RoundState.FINISHED for walk in walks),
        due=visits.total() - visits[VisitState.DUE],
        made=sum(visits[state] for state in DONE),
        on_time=visits[VisitState.ON_TIME],
        missed=visits[VisitState.MISSED],
    )


def figures(
    walks: Sequence[Walk],
    found: Sequence[Found],
    repairs: Sequence[Repair],
    marked: Sequence[Marked],
    tokens: Iterable[TokenType],
    now_ns: int,
) -> Figures:
    """Add up. `tokens`: how each scan proved its place."""
    counted = Counter(tokens)
    visits = Counter(stop.state for walk in walks for stop in walk.stops)
    rounds = Counter(walk.state for walk in walks)
    took = [order.completed_ns - order.opened_ns for order in repairs if order.completed_ns is not None]
    scores = [walk.score for walk in walks if walk.score is not None]
    return Figures(
        rounds={state: rounds[state] for state in RoundState},
        visits={state: visits[state] for state in VisitState},
        partly=sum(stop.partly for walk in walks for stop in walk.stops),
        scans=counted.total(),
        manual=counted[TokenType.MANUAL],
        marked=len(marked),
        undecided=sum(scan.accepted is None for scan in marked),
        rejected=sum(scan.accepted is False for scan in marked),
        findings=len(found),
        orders=len(repairs),
        repaired=len(took),
        overdue=sum(_late(order, now_ns) for order in repairs),
        repair_ns=round(median(took)) if took else None,
        photos=len({sha for one in found for sha in one.photos}),
        score=sum(scores) / len(scores) if scores else None,
    )


def _late(order: Repair, now_ns: int) -> bool:
    """Done after its due time, or not done although it is over."""
    if order.due_ns is None or order.state is OrderState.CANCELLED:
        return False
    return (now_ns if order.completed_ns is None else order.completed_ns) > order.due_ns


@dataclass(frozen=True, slots=True)
class Archived:
    """A report as it was handed out. `sha256` (hex) names its file; `row`: where the audit trail says so."""

    row: int
    sha256: str
    format: Format
    language: str
    scope: Scope
    bytes: int
    made_ns: int
    made_by: str
