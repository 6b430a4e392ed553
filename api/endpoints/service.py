"""Health, quarantine, and the door for gateways that want an end-to-end acknowledgement."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from api.auth import Repeatable, Watcher, known, needs
from api.errors import Problem
from api.health import look
from api.house import TheHouse
from api.schemas.service import (
    Accepted,
    Health,
    Ingest,
    Quarantine,
    QuarantineItem,
    RefusedReading,
    SentReading,
)
from caretaker.domain.equipment import ValueType
from caretaker.domain.errors import CaretakerError, NotFound, Refused
from caretaker.domain.people import Person, Right
from caretaker.domain.readings import Quality, ReadingBatch
from caretaker.services.readings import Submission

router = APIRouter(tags=["service"])
MS = 1_000_000
Sender = Annotated[Person, Depends(needs(Right.SEND))]


@router.get("/health", operation_id="getHealth")
def get_health(request: Request, house: TheHouse) -> Health:
    """Each part with its age; open to everybody, facts and reasons only for signed-in people."""
    try:
        person = known(request, house)
    except CaretakerError:  # also when the database cannot say who asks: that is what health is for
        person = None
    found = look(house)
    return found if person is not None and person.may(Right.WATCH) else found.without_facts()


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
def ingest(body: Ingest, _person: Sender, house: TheHouse, once: Repeatable) -> Accepted:
    """Send readings; 200 means they are durable. Needs an Idempotency-Key: sending the same again changes nothing."""
    if once is None:
        raise Refused("send an Idempotency-Key with each new set of readings", field="Idempotency-Key")
    if house.accept is None:
        raise Problem(503, "no_gateway")
    device = house.estate.devices.get(body.device)
    if device is None:
        raise NotFound(f"there is no device {body.device}", device=body.device)
    now_ns = house.clock.now_ns()
    rows: list[tuple[int, int, float, int]] = []
    texts: dict[int, str] = {}
    for index, reading in enumerate(body.readings):
        asset, _, key = reading.point.rpartition(".")
        if not asset and len(device.watches) == 1:
            asset = device.watches[0].asset
        point = house.estate.by_key.get((asset, key))
        if point is None or all(watched.asset != asset for watched in device.watches):
            raise Refused(f"{body.device} has no point {reading.point}", field=f"readings.{index}.point")
        if isinstance(reading.value, str):
            texts[index] = reading.value
        value, quality = _value(reading, index, text=point.spec.type is ValueType.TEXT)
        rows.append((point.id, now_ns if reading.ts is None else reading.ts * MS, value, quality))
    points, times, values, qualities = zip(*rows, strict=True)
    batch = ReadingBatch.of(points, times, values, qualities, texts)
    outcome = house.accept(Submission(f"http {body.device}", batch, id=f"{once.key}:{once.fingerprint[:16]}"))
    return Accepted(
        accepted=outcome.accepted,
        duplicates=outcome.duplicates,
        refused=[RefusedReading(reason=refusal.reason, detail=refusal.detail) for refusal in outcome.refusals],
    )


def _value(reading: SentReading, index: int, *, text: bool) -> tuple[float, int]:
    quality, value = Quality[reading.q.upper()], reading.value
    field = f"readings.{index}.value"
    if value is None:
        if quality is not Quality.BAD:
            raise Refused("a reading without a value must have q = bad", field=field)
        return float("nan"), quality
    if isinstance(value, str) is not text:
        raise Refused(f"{reading.point} takes {'a text' if text else 'a number or bool'}", field=field)
    return float("nan") if isinstance(value, str) else float(value), quality
