"""How the house is: from the parts' heartbeats, the journal, the store and the live view.

ok        every expected part beat within 15 s and none complains
degraded  a part complains (store away, journal filling, a broker lost …)
down      an expected part has not beaten for 15 s, or the database does not answer
"""

from __future__ import annotations

from typing import Final

from api.doors import Doors
from api.house import House
from api.schemas.service import Health, Part
from caretaker.domain.errors import CaretakerError

EXPECTED: Final = ("gateway", "ingest", "rules")
_CERTIFICATE_DAYS: Final = 14
"""A local one is renewed at 30; below this somebody has to look."""
SILENT_NS: Final = 15_000_000_000
_RANK: Final = {"ok": 0, "degraded": 1, "down": 2}


def look(house: House) -> Health:
    """The present state. Never raises: what cannot be asked is a part that is down, with the reason."""
    now_ns = house.clock.now_ns()
    parts: dict[str, Part] = {}
    try:
        with house.transactions.begin(write=False) as unit:
            beats = dict(unit.parts.all())
        parts["database"] = Part(status="ok", age_ms=0)
    except CaretakerError as away:
        beats = {}
        parts["database"] = Part(status="down", reason=away.message)
    for name in sorted({*EXPECTED, *beats}):
        parts[name] = _part(beats.get(name), now_ns)
    parts["journal"] = _journal(house)
    try:
        parts["store"] = Part(status="ok", age_ms=0, facts={"store": house.store.ping()})
    except CaretakerError as away:
        parts["store"] = Part(status="degraded", reason=away.message)
    problem = house.live.problem
    parts["api"] = Part(
        status="degraded" if problem else "ok", age_ms=0, reason=problem, facts={"lag_records": house.live.lag()}
    )
    if house.doors is not None and house.doors.https is not None:
        parts["https"] = _https(house.doors, now_ns)
    worst = max(parts.values(), key=lambda part: _RANK[part.status]).status
    return Health(status=worst, now_ms=now_ns // 1_000_000, version=house.version, demo=house.demo, parts=parts)


def _part(beat: tuple[int, object] | None, now_ns: int) -> Part:
    if beat is None:
        return Part(status="down", reason="has not started")
    at_ns, facts = beat
    told = dict(facts) if isinstance(facts, dict) else {}
    status, reason = str(told.pop("status", "ok")), told.pop("reason", None)
    age_ns = max(0, now_ns - at_ns)
    if age_ns > SILENT_NS:
        status, reason = "down", f"no heartbeat for {age_ns // 1_000_000_000} s"
    if status not in _RANK:
        status = "degraded"
    return Part(status=status, age_ms=age_ns // 1_000_000, reason=None if reason is None else str(reason), facts=told)


def _https(doors: Doors, now_ns: int) -> Part:
    """Phones are locked out by a certificate that has expired: said while there is time."""
    known = doors.known()
    if known is None:
        return Part(status="degraded", reason="its certificate cannot be read")
    days = known.days_left(now_ns)
    reason = f"its certificate has {days} days left" if days < _CERTIFICATE_DAYS else None
    return Part(status="degraded" if reason else "ok", age_ms=0, reason=reason, facts={"days_left": days})


def _journal(house: House) -> Part:
    try:
        depth = house.journal.depth()
    except CaretakerError as away:
        return Part(status="down", reason=away.message)
    used = depth.bytes / depth.limit_bytes if depth.limit_bytes else 0.0
    lag = {reader: depth.last - position for reader, position in depth.readers.items()}
    facts: dict[str, object] = {
        "records": depth.last - depth.first + 1,
        "bytes": depth.bytes,
        "limit_bytes": depth.limit_bytes,
        "behind": lag,
        "dropped": depth.dropped,
    }
    reason = None
    if used > 0.8:
        reason = (
            f"{used:.0%} of its limit is in use; the slowest reader is {max(lag, key=lambda r: lag[r], default='?')}"
        )
    elif depth.dropped:
        reason = f"{depth.dropped} records were dropped by the declared policy"
    return Part(status="degraded" if reason else "ok", age_ms=0, reason=reason, facts=facts)
