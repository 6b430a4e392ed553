"""Taking a scan: kept as it came, judged, its visit made, its answers turned into findings, orders and readings.

Everything in one transaction, once per id: a phone may send the same scan as often as it likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from caretaker.domain.assets import Estate
from caretaker.domain.equipment import CheckSpec
from caretaker.domain.errors import Conflict, NotAllowed, NotFound, Refused
from caretaker.domain.people import Person
from caretaker.domain.readings import MANUAL, Quality, ReadingBatch
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.findings import Finding, checks_of, measured, unanswered
from caretaker.domain.rounds.plans import RoundPlan
from caretaker.domain.rounds.rounds import Round, RoundState, Visit, opened, scanned, taken_back, visit_for
from caretaker.domain.rounds.scans import Scan, TokenType, Verdict
from caretaker.ports import Transactions, UnitOfWork
from caretaker.ports.rounds import Decision, KeptScan
from caretaker.services.findings import open_findings
from caretaker.services.rounds import round_facts


@dataclass(frozen=True, slots=True)
class Context:
    """What the judge of a scan gets besides: `visit` is the stop it would count for, `checks` what is asked there."""

    now_ns: int
    person: Person
    estate: Estate
    plan: RoundPlan | None
    visit: Visit | None
    checks: tuple[CheckSpec, ...]


class Judge(Protocol):
    """Says what a scan is worth. It may read through `unit`; it writes nothing.

    `walk`: the round the phone named, None when it named none or there is none of that name.
    `checkpoint`: the place the code stands for, None when it stands for none of this site. The code's MAC is not
    checked yet: that is the judge's.
    """

    def __call__(
        self, unit: UnitOfWork, scan: Scan, walk: Round | None, checkpoint: Checkpoint | None, context: Context, /
    ) -> Verdict:
        """The verdict; pure in everything but what it reads."""
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a scan. `readings`: measured answers, for the gate (empty: None)."""

    kept: KeptScan
    duplicate: bool
    checkpoint: Checkpoint | None
    walk: Round | None
    visit: Visit | None
    findings: Sequence[Finding]
    readings: ReadingBatch | None


def take(transactions: Transactions, estate: Estate, scan: Scan, person: Person, judge: Judge, now_ns: int) -> Taken:
    """Keep, judge, act. The same id again gives back what was found the first time and changes nothing.

    Raises Conflict when the id is somebody else's, DatabaseUnavailable (then nothing happened).
    """
    with transactions.begin() as unit:
        if not unit.scans.add(scan):
            kept = unit.scans.get(scan.id)
            if (kept.scan.person, kept.scan.site) != (scan.person, scan.site):
                raise Conflict(f"the scan id {scan.id} belongs to somebody else", scan=scan.id)
            return _taken(unit, estate, kept, duplicate=True)
        checkpoint = place_of(unit, scan)
        walk = _round(unit, scan)
        plan = None if walk is None else unit.round_plans.get(walk.site, walk.plan, walk.plan_version)
        visit = visit_for(walk, checkpoint.id) if walk is not None and checkpoint is not None else None
        checks = checks_at(estate, checkpoint)
        verdict = judge(unit, scan, walk, checkpoint, Context(now_ns, person, estate, plan, visit, checks))
        unit.scans.judge(
            scan.id, verdict, None if checkpoint is None else checkpoint.id, None if visit is None else visit.sequence
        )
        if verdict.accepted and walk is not None and plan is not None and visit is not None and visit.scan is None:
            walk = _visited(unit, plan, walk, visit, scan, verdict.at_ns, checks, now_ns)
        if checkpoint is not None:
            open_findings(unit, estate, scan, checkpoint, checks, person, verdict.at_ns, now_ns)
        kept = unit.scans.get(scan.id)
        taken = _taken(unit, estate, kept, duplicate=False)
        event = "scan.marked" if verdict.suspicious or not verdict.accepted else "scan.accepted"
        unit.outbox.add(f"{event}:{scan.id}", event, now_ns, scan_facts(taken, plan))
    return taken


def place_of(unit: UnitOfWork, scan: Scan) -> Checkpoint | None:
    """The checkpoint the code stands for, whoever made the code; None when it stands for none of this site."""
    token = scan.token.strip()
    match scan.token_type:
        case TokenType.MANUAL:
            return unit.checkpoints.find(scan.site, short_code=token)
        case TokenType.NFC:
            return unit.checkpoints.find(scan.site, nfc=token.lower())
        case _:
            parts = token.split(".")
            if len(parts) != 4 or parts[0] != "ct1":
                return None
            try:
                return unit.checkpoints.get(scan.site, parts[1])
            except NotFound:
                return None


def checks_at(estate: Estate, checkpoint: Checkpoint | None) -> tuple[CheckSpec, ...]:
    """What is asked at a place."""
    if checkpoint is None:
        return ()
    known = checkpoint.asset is not None and checkpoint.asset in estate.assets
    return checks_of(checkpoint, estate.kind_of(checkpoint.asset) if known and checkpoint.asset else None)


def _round(unit: UnitOfWork, scan: Scan) -> Round | None:
    if scan.round is None:
        return None
    try:
        walk = unit.rounds.get(scan.round, lock=True)
    except NotFound:
        return None
    return walk if walk.site == scan.site else None


def _visited(
    unit: UnitOfWork,
    plan: RoundPlan,
    walk: Round,
    visit: Visit,
    scan: Scan,
    at_ns: int,
    checks: Sequence[CheckSpec],
    now_ns: int,
) -> Round:
    before = walk
    if walk.state is RoundState.SCHEDULED and walk.person in (None, scan.person):
        walk = opened(walk, scan.person, at_ns)
    elif walk.person is None:
        walk = replace(walk, person=scan.person)
    partly = bool(unanswered(checks, scan.answers))
    walk = scanned(plan, walk, visit.sequence, scan.id, at_ns, partly=partly, now_ns=now_ns)
    unit.rounds.save(walk)
    tell_round(unit, plan, before, walk, now_ns)
    return walk


def tell_round(unit: UnitOfWork, plan: RoundPlan, before: Round, after: Round, now_ns: int) -> None:
    """Write the event of a round's new state, if it has one."""
    if before.state is after.state:
        return
    over = before.state in (RoundState.MISSED, RoundState.INCOMPLETE)
    if over:
        event = "round.corrected"
    elif after.state is RoundState.IN_PROGRESS:
        event = "round.opened"
    else:
        event = f"round.{after.state}"
    facts = round_facts(after, plan)
    unit.outbox.add(f"{event}:{after.id}:{facts['done']}", event, now_ns, facts)
    if event == "round.finished" and before.state is RoundState.SCHEDULED:
        unit.outbox.add(f"round.opened:{after.id}:0", "round.opened", now_ns, facts)


def _taken(unit: UnitOfWork, estate: Estate, kept: KeptScan, *, duplicate: bool) -> Taken:
    """Read back from what is kept, so that a repeat is answered like the first time."""
    scan, verdict = kept.scan, kept.verdict
    walk = visit = checkpoint = None
    if scan.round is not None:
        try:
            walk = unit.rounds.get(scan.round)
        except NotFound:
            walk = None
    if walk is not None and kept.visit is not None:
        visit = next((stop for stop in walk.visits if stop.sequence == kept.visit), None)
    if kept.checkpoint is not None:
        checkpoint = unit.checkpoints.get(scan.site, kept.checkpoint)
    readings = None
    if verdict is not None and verdict.accepted and checkpoint is not None:
        readings = readings_of(estate, checkpoint, scan, verdict.at_ns)
    return Taken(kept, duplicate, checkpoint, walk, visit, unit.findings.list(scan.site, scan=scan.id), readings)


def readings_of(estate: Estate, checkpoint: Checkpoint, scan: Scan, at_ns: int) -> ReadingBatch | None:
    """Measured answers as readings of the asset's points, read by a person; None when there are none.

    The time is the scan's, so sending them twice is recognised at the gate.
    """
    asked = {check.id: check for check in checks_at(estate, checkpoint)}
    rows: list[tuple[int, float]] = []
    for answer in scan.answers:
        check = asked.get(answer.check)
        value = None if check is None else measured(check, answer)
        if check is None or value is None or checkpoint.asset is None or check.point is None:
            continue
        point = estate.by_key.get((checkpoint.asset, check.point))
        if point is not None and check.unit in ("", point.spec.unit):
            rows.append((point.id, value))
    if not rows:
        return None
    points, values = zip(*rows, strict=True)
    return ReadingBatch.of(points, [at_ns] * len(rows), values, [Quality.GOOD | MANUAL] * len(rows))


def scan_facts(taken: Taken, plan: RoundPlan | None) -> dict[str, object]:
    """What a notice about a scan says."""
    scan, verdict = taken.kept.scan, taken.kept.verdict
    facts: dict[str, object] = {
        "scan": scan.id,
        "site": scan.site,
        "person": scan.person,
        "checkpoint": taken.kept.checkpoint,
        "title": None
        if taken.checkpoint is None
        else {"zh": taken.checkpoint.title.zh, "en": taken.checkpoint.title.en},
        "at_ms": scan.received_ns // 1_000_000 if verdict is None else verdict.at_ns // 1_000_000,
        "confidence": None if verdict is None else verdict.confidence,
        "doubts": [] if verdict is None else [str(doubt.reason) for doubt in verdict.doubts],
        "visit": None if taken.visit is None else {"sequence": taken.visit.sequence, "state": str(taken.visit.state)},
        "findings": len(taken.findings),
    }
    if taken.walk is not None and plan is not None:
        facts["round"] = taken.walk.id
        facts["progress"] = round_facts(taken.walk, plan)
    return facts


def decide(
    transactions: Transactions, estate: Estate, scan_id: str, accept: bool, comment: str, person: Person, now_ns: int
) -> Taken:
    """A supervisor's word on a scan, with its effect on the visit; audited. The same word twice changes nothing.

    Raises NotFound, NotAllowed (one's own scan), Refused (a rejection needs words), Conflict (decided otherwise before).
    """
    with transactions.begin() as unit:
        kept = unit.scans.get(scan_id)
        if kept.scan.site != estate.site.id:
            raise NotFound(f"there is no scan {scan_id}", scan=scan_id)
        if kept.scan.person == person.id:
            raise NotAllowed("nobody decides on a scan of their own", scan=scan_id)
        if kept.decision is not None:
            if kept.decision.accepted is not accept:
                raise Conflict(f"{scan_id} was decided by {kept.decision.by}", scan=scan_id)
            return _taken(unit, estate, kept, duplicate=True)
        if not accept and not comment.strip():
            raise Refused("to reject a scan, say why", field="comment")
        decision = Decision(accept, person.id, now_ns, comment.strip())
        unit.scans.decide(scan_id, decision)
        _apply(unit, estate, replace(kept, decision=decision), now_ns)
        unit.audit.append(
            now_ns,
            person.id,
            "scan.decided",
            scan_id,
            site=kept.scan.site,
            before={"accepted": kept.counts},
            after={"accepted": accept, "comment": comment.strip(), "person": kept.scan.person},
        )
        taken = _taken(unit, estate, unit.scans.get(scan_id), duplicate=False)
        plan = None if taken.walk is None else _plan(unit, taken.walk)
        facts = scan_facts(taken, plan) | {"accepted": accept, "by": person.name, "comment": comment.strip()}
        unit.outbox.add(f"scan.decided:{scan_id}", "scan.decided", now_ns, facts)
    return taken


def _plan(unit: UnitOfWork, walk: Round) -> RoundPlan:
    return unit.round_plans.get(walk.site, walk.plan, walk.plan_version)


def _apply(unit: UnitOfWork, estate: Estate, kept: KeptScan, now_ns: int) -> None:
    """Make or take back the visit."""
    scan, verdict = kept.scan, kept.verdict
    walk = _round(unit, scan)
    if walk is None or kept.visit is None or verdict is None:
        return
    plan, before = _plan(unit, walk), walk
    visit = next((stop for stop in walk.visits if stop.sequence == kept.visit), None)
    if visit is None:
        return
    if not kept.counts and visit.scan == scan.id:
        walk = taken_back(plan, walk, scan.id, now_ns)
        others = unit.scans.list(scan.site, round_id=walk.id, limit=5000)
        mine = [kept_too for kept_too in others if kept_too.visit == kept.visit and kept_too.scan.id != scan.id]
        heir = next((other for other in reversed(mine) if other.counts), None)
        if heir is not None and heir.verdict is not None:
            walk = _count(unit, estate, plan, walk, heir, now_ns)
    elif kept.counts and visit.scan is None:
        walk = _count(unit, estate, plan, walk, kept, now_ns)
    if walk != before:
        unit.rounds.save(walk)
        tell_round(unit, plan, before, walk, now_ns)


def _count(unit: UnitOfWork, estate: Estate, plan: RoundPlan, walk: Round, kept: KeptScan, now_ns: int) -> Round:
    at_ns = kept.scan.received_ns if kept.verdict is None else kept.verdict.at_ns
    checkpoint = None if kept.checkpoint is None else unit.checkpoints.get(walk.site, kept.checkpoint)
    partly = bool(unanswered(checks_at(estate, checkpoint), kept.scan.answers))
    return scanned(plan, walk, kept.visit or 0, kept.scan.id, at_ns, partly=partly, now_ns=now_ns)
