"""Scans: take, list, decide; findings."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request

from api.auth import Watcher, needs
from api.endpoints.rounds import Walker, phone_of
from api.house import House, TheHouse
from api.schemas.scans import (
    DecideBody,
    FindingBrief,
    FindingList,
    ScanBody,
    ScanList,
    ScanReply,
    ScanShape,
    VisitState,
)
from api.views_rounds import RoundViews, check_shape, verdict_shape
from caretaker.domain.errors import NotFound
from caretaker.domain.people import Person, Right
from caretaker.domain.rounds.rounds import DONE
from caretaker.domain.rounds.scans import Anchor, Answer, Position, Scan, TokenType
from caretaker.services import scans
from caretaker.services.readings import Submission

router = APIRouter(tags=["rounds"])
Decider = Annotated[Person, Depends(needs(Right.DECIDE))]
MS: Final = 1_000_000
Limit = Annotated[int, Query(ge=1, le=1000)]


@router.post("/scans", operation_id="takeScan")
def take(request: Request, body: ScanBody, person: Walker, house: TheHouse) -> ScanReply:
    """Keep a scan with its answers. 200 means it is durable; the same `id` again changes nothing.

    What looks wrong is marked, not refused: the phone may forget a scan that was answered with 200.
    """
    now_ns = house.clock.now_ns()
    scan = _scan(body, house, person, phone_of(request, house) or "", now_ns)
    taken = scans.take(house.transactions, house.estate, scan, person, house.judge, now_ns)
    sent = _pass_on(house, taken, scan.id)
    with house.transactions.begin(write=False) as unit:
        return _reply(RoundViews(house, unit), taken, sent)


def _scan(body: ScanBody, house: House, person: Person, phone: str, now_ns: int) -> Scan:
    where, anchor = body.position, body.anchor
    return Scan(
        id=body.id,
        site=house.estate.site.id,
        person=person.id,
        phone=phone,
        token=body.token.strip(),
        token_type=TokenType(body.token_type),
        device_ns=body.device_ms * MS,
        monotonic_ms=body.monotonic_ms,
        boot=body.boot,
        counter=body.counter,
        previous=body.previous,
        signature=body.signature,
        round=body.round,
        checkpoint=body.checkpoint,
        position=None if where is None else Position(where.lat, where.lon, where.accuracy_m),
        anchor=None if anchor is None else Anchor(anchor.server_ms * MS, anchor.monotonic_ms, anchor.mac),
        answers=tuple(
            Answer(item.check, item.result, item.value, item.reason, tuple(item.photos)) for item in body.answers
        ),
        photos=tuple(body.photos),
        received_ns=now_ns,
    )


def _pass_on(house: House, taken: scans.Taken, scan_id: str) -> int | None:
    """Measured answers through the gate, also when the scan is repeated: the first try may have ended in between."""
    if taken.readings is None:
        return 0
    if house.accept is None:
        return None
    house.accept(Submission("scan", taken.readings, id=f"scan:{scan_id}"))
    return len(taken.readings)


def _reply(views: RoundViews, taken: scans.Taken, sent: int | None) -> ScanReply:
    kept, walk, place = taken.kept, taken.walk, taken.checkpoint
    verdict = kept.verdict
    if verdict is None:
        raise NotFound(f"the scan {kept.scan.id} has no verdict", scan=kept.scan.id)
    marked = verdict.suspicious or not verdict.accepted
    visit = taken.visit
    return ScanReply(
        id=kept.scan.id,
        state="duplicate" if taken.duplicate else "marked" if marked else "accepted",
        received_ms=kept.scan.received_ns // MS,
        checkpoint=kept.checkpoint,
        verdict=verdict_shape(verdict),
        visit=None
        if visit is None
        else VisitState(sequence=visit.sequence, state=str(visit.state), partly=visit.partly),
        round_state=None if walk is None else str(walk.state),
        done=None if walk is None else sum(stop.state in DONE for stop in walk.visits),
        total=None if walk is None else len(walk.visits),
        checks=[check_shape(check) for check in scans.checks_at(views.house.estate, place)],
        asset=views.asset_now(place.asset) if place is not None and place.asset is not None else None,
        findings=[
            FindingBrief(id=finding.id, check=finding.check, work_order=finding.work_order)
            for finding in taken.findings
        ],
        readings=sent,
    )


@router.get("/scans", operation_id="listScans")
def list_scans(
    _person: Watcher,
    house: TheHouse,
    round: str | None = None,
    person: str | None = None,
    checkpoint: str | None = None,
    suspicious: bool | None = None,
    undecided: bool | None = None,
    limit: Limit = 200,
) -> ScanList:
    """Newest first by the time we believe."""
    with house.transactions.begin(write=False) as unit:
        views = RoundViews(house, unit)
        found = unit.scans.list(
            views.site,
            round_id=round,
            person=person,
            checkpoint=checkpoint,
            suspicious=suspicious,
            undecided=undecided,
            limit=limit,
        )
        return ScanList(items=[views.scan(kept) for kept in found])


@router.get("/scans/{scan}", operation_id="getScan")
def get_scan(scan: str, _person: Watcher, house: TheHouse) -> ScanShape:
    """One scan with everything that speaks for or against it."""
    with house.transactions.begin(write=False) as unit:
        views = RoundViews(house, unit)
        kept = unit.scans.get(scan)
        if kept.scan.site != views.site:
            raise NotFound(f"there is no scan {scan}", scan=scan)
        return views.scan(kept)


@router.post("/scans/{scan}/decide", operation_id="decideScan")
def decide(scan: str, body: DecideBody, person: Decider, house: TheHouse) -> ScanShape:
    """A supervisor's word on a scan; audited. It makes or takes back the visit."""
    accept = body.decision == "accept"
    now_ns = house.clock.now_ns()
    taken = scans.decide(house.transactions, house.estate, scan, accept, body.comment, person, now_ns)
    with house.transactions.begin(write=False) as unit:
        return RoundViews(house, unit).scan(taken.kept)


@router.get("/findings", operation_id="listFindings")
def list_findings(
    _person: Watcher,
    house: TheHouse,
    round: str | None = None,
    checkpoint: str | None = None,
    scan: str | None = None,
    limit: Limit = 200,
) -> FindingList:
    """What was found, newest first, with the state of its order."""
    with house.transactions.begin(write=False) as unit:
        views = RoundViews(house, unit)
        found = unit.findings.list(views.site, round_id=round, checkpoint=checkpoint, scan=scan, limit=limit)
        return FindingList(items=[views.finding(finding) for finding in found])
