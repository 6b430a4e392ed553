"""What a scan is worth: a list of small checks, each of which knows one kind of cheating, and a verdict made of them.

Pure: everything that must be looked up (earlier scans, keys, photos, witnesses) comes in as `Facts`. A doubt is marked
and explained, never a reason to drop a scan; a supervisor decides.
"""
# ruff: noqa: ARG001  (all checks have one signature; each looks at what it needs)

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.codes import Checked
from caretaker.domain.rounds.plans import Order
from caretaker.domain.rounds.rounds import Round, Visit, VisitState
from caretaker.domain.rounds.scans import Doubt, Reason, Scan, TokenType, Verdict, Witness

S: Final = 1_000_000_000
CLOCK_S: Final = 120.0
"""A phone's clock may be wrong; what it may not do is change against the server's or its own monotonic clock."""
FIRST_CLOCK_S: Final = 300.0
"""Allowance for a phone whose usual error is not known yet."""
FAST: Final = 0.5
"""Part of the usual walking time (1.2 m/s) below which nobody honest comes: 2.4 m/s is a run."""
BATCH_POINTS: Final = 4
BATCH_S: Final = 45.0
DOUBLE_TAP_S: Final = 60.0
PHOTO_OLD_S: Final = 600.0
POSITION_SLACK_M: Final = 100.0
"""Indoors a phone's own accuracy is a hope; beyond twice that and this much more it is somewhere else."""
POSITION_WORST_M: Final = 200.0
EARTH_M: Final = 6_371_000.0

WEIGHT: Final[Mapping[Reason, float]] = {
    Reason.FORGED: 1.0,
    Reason.OTHER_SITE: 1.0,
    Reason.BAD_SIGNATURE: 0.95,
    Reason.BROKEN_CHAIN: 0.9,
    Reason.REPLAY: 0.9,
    Reason.NOT_YOUR_ROUND: 0.85,
    Reason.WITHDRAWN_CODE: 0.8,
    Reason.EXPIRED_KEY: 0.7,
    Reason.STALE_ROTATING_CODE: 0.85,
    Reason.BATCH: 0.85,
    Reason.TOO_FAST: 0.75,
    Reason.TWO_PHONES: 0.75,
    Reason.SHARED_SIGN_IN: 0.75,
    Reason.CLOCK_TAMPERED: 0.75,
    Reason.POSITION_SPOOFED: 0.7,
    Reason.FAR_AWAY: 0.7,
    Reason.CONTRADICTED: 0.6,
    Reason.COUNTER_GAP: 0.5,
    Reason.OLD_PHOTO: 0.5,
    Reason.SKIPPED_CHECKS: 0.5,
    Reason.NOT_ON_ROUND: 0.3,
    Reason.MANUAL_CODE: 0.25,
    Reason.UNSIGNED: 0.2,
    Reason.OUT_OF_ORDER: 0.1,
    Reason.EARLY: 0.1,
    Reason.LATE: 0.05,
    Reason.DUPLICATE: 0.0,
}
"""How much each reason takes from the confidence. House values, to be corrected by what supervisors decide."""
SUSPICIOUS: Final = 0.5
"""A reason of at least this weight asks for a supervisor's decision; lighter ones only explain."""
REFUSED: Final = frozenset(
    {Reason.FORGED, Reason.OTHER_SITE, Reason.BAD_SIGNATURE, Reason.BROKEN_CHAIN, Reason.REPLAY, Reason.DUPLICATE}
    | {Reason.NOT_YOUR_ROUND, Reason.WITHDRAWN_CODE, Reason.EXPIRED_KEY, Reason.STALE_ROTATING_CODE}
)
"""With one of these the scan is kept and shown but does not count as a visit until somebody decides so."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier scan as far as judging needs it. `at_ns`: the time we believed then."""

    scan: str
    phone: str
    person: str
    checkpoint: str | None
    token: str
    at_ns: int
    device_ns: int
    monotonic_ms: float
    boot: str
    counter: int
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """A photo of this scan. `taken_ns`: by its own record, None when it has none; `used_before`: in which scan."""

    sha256: str
    taken_ns: int | None
    used_before: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What was looked up for one scan.

    signature   True right, False wrong, None unsigned (plain http has no key)
    previous_hash  hash of this phone's last scan; last_counter: its number (None: first scan)
    anchor_ok   True: the server's time anchor is genuine, for this phone
    usual_offset_s  this phone's usual (wall clock - our time), None when unknown
    earlier     scans of this person or this phone in the last hours, oldest first
    least_walk_s   seconds from one checkpoint to another, at the very least
    required    ids of the checks that must be answered here
    """

    checked: Checked
    checkpoint: Checkpoint | None
    round: Round | None
    order: Order
    tolerance_s: float
    may_walk: bool
    signature: bool | None
    previous_hash: str | None
    last_counter: int | None
    anchor_ok: bool
    usual_offset_s: float | None
    earlier: Sequence[Earlier]
    least_walk_s: Callable[[str, str], float]
    required: frozenset[str] = frozenset()
    photos: Sequence[PhotoFacts] = ()
    witnesses: Sequence[Witness] = ()
    other_signed_in: Sequence[str] = field(default_factory=tuple)
    """Other phones on which this person is active at this moment."""


def believed_ns(scan: Scan, facts: Facts) -> int:
    """When the scan happened, by the best clock there is: the server's anchor carried on by the phone's monotonic
    clock; else this phone's last scan carried on in the same boot; else the phone's wall clock, never after arrival."""
    if facts.anchor_ok and scan.anchor is not None and scan.monotonic_ms >= scan.anchor.monotonic_ms:
        return _not_after(scan.anchor.server_ns + round((scan.monotonic_ms - scan.anchor.monotonic_ms) * 1e6), scan)
    before = _last_of_phone(scan, facts)
    if before is not None and before.boot == scan.boot and scan.monotonic_ms >= before.monotonic_ms:
        return _not_after(before.at_ns + round((scan.monotonic_ms - before.monotonic_ms) * 1e6), scan)
    return _not_after(scan.device_ns - round((facts.usual_offset_s or 0.0) * S), scan)


def _not_after(at_ns: int, scan: Scan) -> int:
    return min(at_ns, scan.received_ns) if scan.received_ns else at_ns


def judge(scan: Scan, facts: Facts) -> Verdict:
    """The verdict on one scan."""
    at_ns = believed_ns(scan, facts)
    doubts: list[Doubt] = []
    for look in CHECKS:
        doubts.extend(look(scan, facts, at_ns))
    confidence = math.prod(1.0 - WEIGHT[doubt.reason] for doubt in doubts)
    supporting = sum(witness.supports for witness in facts.witnesses)
    if supporting and confidence < 1.0:
        confidence += (1.0 - confidence) * min(0.3, 0.15 * supporting) * (confidence > 0.0)
    reasons = {doubt.reason for doubt in doubts}
    return Verdict(
        accepted=not reasons & REFUSED,
        suspicious=any(WEIGHT[reason] >= SUSPICIOUS for reason in reasons),
        confidence=round(confidence, 3),
        at_ns=at_ns,
        doubts=tuple(doubts),
        witnesses=tuple(facts.witnesses),
    )


def visit_state(verdict: Verdict) -> VisitState:
    """What the stop becomes by an accepted scan."""
    reasons = {doubt.reason for doubt in verdict.doubts}
    if Reason.OUT_OF_ORDER in reasons:
        return VisitState.OUT_OF_ORDER
    if Reason.LATE in reasons:
        return VisitState.LATE
    return VisitState.EARLY if Reason.EARLY in reasons else VisitState.ON_TIME


# ---- the checks: (scan, facts, believed time) -> doubts


def _code(scan: Scan, facts: Facts, at_ns: int) -> list[Doubt]:
    doubt = facts.checked.doubt
    return [] if doubt is None else [Doubt(doubt, dict(facts.checked.facts))]


def _identity(scan: Scan, facts: Facts, at_ns: int) -> list[Doubt]:
    """The phone's key, its counter and the chain over what it wrote."""
    found: list[Doubt] = []
    if facts.signature is False:
        found.append(Doubt(Reason.BAD_SIGNATURE))
    elif facts.signature is None:
        found.append(Doubt(Reason.UNSIGNED))
    if facts.last_counter is not None:
        expected = facts.last_counter + 1
        if scan.counter <= facts.last_counter:
            found.append(Doubt(Reason.REPLAY, {"counter": scan.counter, "last": facts.last_counter}))
        else:
            if scan.counter > expected:
                found.append(Doubt(Reason.COUNTER_GAP, {"counter": scan.counter, "expected": expected}))
            if scan.previous != facts.previous_hash:
                found.append(Doubt(Reason.BROKEN_CHAIN))
    elif scan.counter == 1 and scan.previous:
        found.append(Doubt(Reason.BROKEN_CHAIN))
    return found


def _replay(scan: Scan, facts: Facts, at_ns: int) -> list[Doubt]:
    """A rotating code is good for one scan by one phone; another's use of the same step is a passed-on picture."""
    if facts.checked.type is not TokenType.ROTATING:
        return []
    used = [each for each in facts.earlier if each.token == scan.token and each.scan != scan.id]
    return [Doubt(Reason.REPLAY, {"first_used_by": used[0].phone})] if used else []


def _clock(scan: Scan, facts: Facts, at_ns: int) -> list[Doubt]:
    """Wall clock against the server's time, and against the phone's own monotonic clock."""
    usual = facts.usual_offset_s
    offset_s = (scan.device_ns - at_ns) / S
    allowed = FIRST_CLOCK_S if usual is None else CLOCK_S
    if abs(offset_s - (usual or 0.0)) > allowed:
        return [Doubt(Reason.CLOCK_TAMPERED, {"off_s": round(offset_s), "usual_s": usual and round(usual)})]
    if scan.received_ns and (scan.device_ns - scan.received_ns) / S > allowed + (usual or 0.0):
        return [Doubt(Reason.CLOCK_TAMPERED, {"ahead_s": round((scan.device_ns - scan.received_ns) / S)})]
    before = _last_of_phone(scan, facts)
    if before is not None and before.boot == scan.boot:
        wall_s = (scan.device_ns - before.device_ns) / S
        ran_s = (scan.monotonic_ms - before.monotonic_ms) / 1e3
        if abs(wall_s - ran_s) > CLOCK_S:
            return [Doubt(Reason.CLOCK_TAMPERED, {"wall_s": round(wall_s), "monotonic_s": round(ran_s)})]
    elif before is not None and scan.device_ns < before.device_ns - CLOCK_S * S:
        return [Doubt(Reason.CLOCK_TAMPERED, {"back_s": round((before.device_ns - scan.device_ns) / S)})]
    return []


def _round(scan: Scan, facts: Facts, at_ns: int) -> list[Doubt]:
    """Whose round, which stop, when, in which order."""
    walk, checkpoint = facts.round, facts.checked.checkpoint
    if walk is None or checkpoint is None:
        return []
    if not facts.may_walk:
        return [Doubt(Reason.NOT_YOUR_ROUND, {"person": walk.person or walk.team})]
    visit = next((each for each in walk.visits if each.checkpoint == checkpoint), None)
    if visit is None:
        return [Doubt(Reason.NOT_ON_ROUND, {"checkpoint": checkpoint})]
    if visit.scan is not None and visit.scan != scan.id:
        return [Doubt(Reason.DUPLICATE, {"first": visit.scan})]
    return _window(visit, at_ns, facts.tolerance_s) + _order(walk, visit, facts.order)


def _window(visit: Visit, at_ns: int, tolerance_s: float) -> list[Doubt]:
    if at_ns < visit.opens_ns - tolerance_s * S:
        return [Doubt(Reason.EARLY, {"early_s": round((visit.opens_ns - at_ns) / S)})]
    if at_ns > visit.closes_ns + tolerance_s * S:
        return [Doubt(Reason.LATE, {"late_s": round((at_ns - visit.closes_ns) / S)})]
    return []


def _order(walk: Round, visit: Visit, order: Order) -> list[Doubt]:
    if order is Order.FREE:
        return []
    expected = min((v.sequence for v in walk.visits if v.scan is None), default=visit.sequence)
    if visit.sequence == expected:
        return []
    return [Doubt(Reason.OUT_OF_ORDER, {"sequence": visit.sequence, "expected": expected})]


def _speed(scan: Scan, facts: Facts, at_ns: int) -> list[Doubt]:
    """From the last place to this one faster than anybody walks; and many places in no time."""
    checkpoint = facts.checked.checkpoint
    if checkpoint is None:
        return []
    mine = [e for e in facts.earlier if e.person == scan.person and e.checkpoint is not None and e.scan != scan.id]
    found: list[Doubt] = []
    before = max((e for e in mine if e.at_ns <= at_ns), key=lambda e: (e.at_ns, e.counter), default=None)
    if before is not None and before.checkpoint is not None and before.checkpoint != checkpoint:
        took_s, least_s = _between_s(before, scan, at_ns), facts.least_walk_s(before.checkpoint, checkpoint)
        if took_s < FAST * least_s:
            reason = Reason.TOO_FAST if before.phone == scan.phone else Reason.TWO_PHONES
            seen = {"took_s": round(took_s, 1), "least_s": round(least_s), "from": before.checkpoint}
            found.append(Doubt(reason, seen))
    lately = {e.checkpoint for e in mine if abs(at_ns - e.at_ns) <= BATCH_S * S} | {checkpoint}
    if len(lately) >= BATCH_POINTS:
        found.append(Doubt(Reason.BATCH, {"points": len(lately), "within_s": BATCH_S}))
    return found


def _between_s(before: Earlier, scan: Scan, at_ns: int) -> float:
    """Seconds between two scans; by the monotonic clock where one phone made both in one boot."""
    if before.phone == scan.phone and before.boot == scan.boot:
        return (scan.monotonic_ms - before.monotonic_ms) / 1e3
    return (at_ns - before.at_ns) / S


def _company(scan: Scan, facts: Facts, at_ns: int) -> list[Doubt]:
    """One person on several phones at once."""
    phones = {e.phone for e in facts.earlier if e.person == scan.person and abs(at_ns - e.at_ns) < 1800 * S}
    phones = (phones | set(facts.other_signed_in)) - {scan.phone}
    return [Doubt(Reason.SHARED_SIGN_IN, {"phones": len(phones) + 1})] if phones else []


def _position(scan: Scan, facts: Facts, at_ns: int) -> list[Doubt]:
    """Where the phone says it is: respected where it is meant, doubted where it is too good to be true."""
    here = scan.position
    if here is None:
        return []
    if here.accuracy_m < 1.0 or any(
        e.lat == here.lat and e.lon == here.lon and e.checkpoint != facts.checked.checkpoint
        for e in facts.earlier
        if e.phone == scan.phone and e.scan != scan.id and e.lat is not None
    ):
        return [Doubt(Reason.POSITION_SPOOFED, {"accuracy_m": here.accuracy_m})]
    place = facts.checkpoint.place if facts.checkpoint else None
    if place is None or place.lat is None or place.lon is None or here.accuracy_m > POSITION_WORST_M:
        return []
    away_m = distance_m(here.lat, here.lon, place.lat, place.lon)
    if away_m > 2 * here.accuracy_m + POSITION_SLACK_M:
        return [Doubt(Reason.FAR_AWAY, {"away_m": round(away_m), "accuracy_m": round(here.accuracy_m)})]
    return []


def _answers(scan: Scan, facts: Facts, at_ns: int) -> list[Doubt]:
    """Required checks left out; photos that are not from here and now."""
    found: list[Doubt] = []
    missing = facts.required - {answer.check for answer in scan.answers}
    if missing:
        found.append(Doubt(Reason.SKIPPED_CHECKS, {"missing": sorted(missing)}))
    for photo in facts.photos:
        if photo.used_before is not None:
            found.append(Doubt(Reason.OLD_PHOTO, {"photo": photo.sha256[:12], "used_in": photo.used_before}))
        elif photo.taken_ns is not None and abs(scan.device_ns - photo.taken_ns) > PHOTO_OLD_S * S:
            age_s = round((scan.device_ns - photo.taken_ns) / S)
            found.append(Doubt(Reason.OLD_PHOTO, {"photo": photo.sha256[:12], "age_s": age_s}))
    return found


def _alibi(scan: Scan, facts: Facts, at_ns: int) -> list[Doubt]:
    """What doors, gates, lights and lifts say about that minute."""
    against = [witness for witness in facts.witnesses if not witness.supports]
    return [Doubt(Reason.CONTRADICTED, {"by": [w.point for w in against], "what": against[0].what})] if against else []


def _last_of_phone(scan: Scan, facts: Facts) -> Earlier | None:
    mine = [e for e in facts.earlier if e.phone == scan.phone and e.scan != scan.id and e.counter < scan.counter]
    return max(mine, key=lambda e: e.counter, default=None)


def distance_m(lat: float, lon: float, lat2: float, lon2: float) -> float:
    """Metres along the sphere."""
    p, q = math.radians(lat), math.radians(lat2)
    h = math.sin((q - p) / 2) ** 2 + math.cos(p) * math.cos(q) * math.sin(math.radians(lon2 - lon) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(h))


CHECKS: Final = (_code, _identity, _replay, _clock, _round, _speed, _company, _position, _answers, _alibi)
