"""The judge of a process that has no site keys: round, person, window, order and checks, but nothing about the code.

It never says that a scan is proven: without keys its confidence is at most `UNPROVEN`.
"""

from __future__ import annotations

from typing import Final

from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.findings import unanswered
from caretaker.domain.rounds.plans import Order
from caretaker.domain.rounds.rounds import Round, VisitState, timed
from caretaker.domain.rounds.scans import Doubt, Reason, Scan, TokenType, Verdict
from caretaker.ports import UnitOfWork
from caretaker.services.scans import Context

UNPROVEN: Final = 0.5
MOST_AHEAD_NS: Final = 5 * 60 * 1_000_000_000
_SERIOUS: Final = frozenset({Reason.FORGED, Reason.OTHER_SITE, Reason.NOT_ON_ROUND, Reason.NOT_YOUR_ROUND})


def judge(
    _unit: UnitOfWork, scan: Scan, walk: Round | None, checkpoint: Checkpoint | None, context: Context
) -> Verdict:
    """See `services.scans.Judge`. Early, late and out of order are doubts of the visit, not of the person."""
    at_ns = min(scan.device_ns, scan.received_ns)
    doubts: list[Doubt] = []
    if checkpoint is None:
        doubts.append(Doubt(Reason.FORGED, {"token_type": str(scan.token_type)}))
    if scan.device_ns > scan.received_ns + MOST_AHEAD_NS:
        doubts.append(Doubt(Reason.CLOCK_TAMPERED, {"ahead_s": (scan.device_ns - scan.received_ns) // 1_000_000_000}))
    if scan.token_type is TokenType.MANUAL:
        doubts.append(Doubt(Reason.MANUAL_CODE))
    if scan.round is not None and (walk is None or (checkpoint is not None and context.visit is None)):
        doubts.append(Doubt(Reason.NOT_ON_ROUND, {"round": scan.round}))
    if walk is not None and walk.person not in (None, scan.person):
        doubts.append(Doubt(Reason.NOT_YOUR_ROUND, {"person": walk.person}))
    doubts += _of_visit(walk, context, at_ns)
    missing = unanswered(context.checks, scan.answers)
    if missing:
        doubts.append(Doubt(Reason.SKIPPED_CHECKS, {"checks": list(missing)}))
    suspicious = any(doubt.reason in _SERIOUS | {Reason.CLOCK_TAMPERED} for doubt in doubts)
    return Verdict(
        accepted=not any(doubt.reason in (Reason.FORGED, Reason.NOT_ON_ROUND) for doubt in doubts),
        suspicious=suspicious,
        confidence=0.1 if suspicious else UNPROVEN,
        at_ns=at_ns,
        doubts=tuple(doubts),
    )


def _of_visit(walk: Round | None, context: Context, at_ns: int) -> list[Doubt]:
    visit, plan = context.visit, context.plan
    if walk is None or visit is None or plan is None:
        return []
    if visit.scan is not None:
        return [Doubt(Reason.DUPLICATE, {"scan": visit.scan})]
    window = {"opens_ms": visit.opens_ns // 1_000_000, "closes_ms": visit.closes_ns // 1_000_000}
    match timed(visit, at_ns, plan.tolerance_s):
        case VisitState.EARLY:
            return [Doubt(Reason.EARLY, window)]
        case VisitState.LATE:
            return [Doubt(Reason.LATE, window)]
    done = max((stop.sequence for stop in walk.visits if stop.scan is not None), default=0)
    if plan.order is not Order.FREE and visit.sequence != done + 1:
        return [Doubt(Reason.OUT_OF_ORDER, {"expected": done + 1, "found": visit.sequence})]
    return []
