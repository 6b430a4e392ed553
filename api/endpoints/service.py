"""Health, quarantine, and the door for gateways that want an end-to-end acknowledgement."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from api.auth import Watcher, anybody, needs
from api.errors import Problem, SignInNeeded
from api.health import look
from api.house import TheHouse
from api.schemas.service import Accepted, Health, Ingest, Quarantine, QuarantineItem, SentReading
from caretaker.domain.errors import NotFound, Refused
from caretaker.domain.people import Person, Right
from caretaker.domain.readings import Quality, ReadingBatch

router = APIRouter(tags=["service"])
MS = 1_000_000
Sender = Annotated[Person, Depends(needs(Right.SEND))]


@router.get("/health", operation_id="getHealth")
def get_health(request: Request, house: TheHouse) -> Health:
    """Each part with its age; open to everybody, facts and reasons only for signed-in people."""
    try:
        anybody(request, house)
    except (SignInNeeded, Problem):
        return look(house).without_facts()
    return look(house)


@router.get("/quarantine", operation_id="listQuarantine")
def list_quarantine(_person: Watcher, house: TheHouse, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Quarantine:
    """What was refused and why, newest first."""
    kept = house.journal.quarantined(1000)
    items = [
        QuarantineItem(
            at_ms=item.at_ns // MS,
            source=item.source,
            reason=item.reason,
            detail=item.detail,
            excerpt=item.excerpt.decode("utf-8", "backslashreplace"),
        )
        for item in kept[:limit]
    ]
    return Quarantine(items=items, counters=dict(Counter(item.reason for item in kept)))


@router.post("/ingest", operation_id="ingest")
def ingest(body: Ingest, _person: Sender, house: TheHouse) -> Accepted:
    """Send readings; 200 means they are durable. Sending the same again changes nothing."""
    if house.accept is None:
        raise Problem(503, "no_gateway")
    device = house.estate.devices.get(body.device)
    if device is None:
        raise NotFound(f"there is no device {body.device}", device=body.device)
    now_ns = house.clock.now_ns()
    rows = []
    for index, reading in enumerate(body.readings):
        asset, _, key = reading.point.rpartition(".")
        if not asset and len(device.watches) == 1:
            asset = device.watches[0].asset
        point = house.estate.by_key.get((asset, key))
        if point is None or all(watched.asset != asset for watched in device.watches):
            raise Refused(f"{body.device} has no point {reading.point}", field=f"readings.{index}.point")
        rows.append((point.id, now_ns if reading.ts is None else reading.ts * MS, *_value(reading, index)))
    points, times, values, quality = zip(*rows, strict=True)
    house.accept(ReadingBatch.of(points, times, values, quality))
    return Accepted(accepted=len(rows))


def _value(reading: SentReading, index: int) -> tuple[float, int]:
    quality = Quality[reading.q.upper()]
    if reading.value is None and quality is not Quality.BAD:
        raise Refused("a reading without a value must have q = bad", field=f"readings.{index}.value")
    return float("nan") if reading.value is None else float(reading.value), quality
