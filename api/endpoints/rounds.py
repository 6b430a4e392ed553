"""Rounds: what is walked today, the phone's packet, coverage and statistics."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from api.auth import Watcher, needs, session_of
from api.coverage import coverage_of, statistics_of, stops_of
from api.endpoints.plans import From, To, day_of, days
from api.house import House, TheHouse
from api.schemas.common import Words
from api.schemas.coverage import Coverage, Statistics, StopList
from api.schemas.rounds import EndBody, Me, PhoneSite, RoundList, RoundShape, Today
from api.views_rounds import RoundViews, counts_of
from api.words_rounds import catalogue
from caretaker.domain.errors import NotFound
from caretaker.domain.people import Person, Right
from caretaker.domain.rounds.chain import anchor_text
from caretaker.domain.rounds.rounds import Round, RoundState
from caretaker.domain.rounds.walking import is_for
from caretaker.recurrence import day_bounds, local_day
from caretaker.services import people, rounds

router = APIRouter(tags=["rounds"])
Walker = Annotated[Person, Depends(needs(Right.PATROL))]
HOUR = 3600 * 1_000_000_000
BEFORE_NS, AFTER_NS = 8 * HOUR, 24 * HOUR
"""What a phone takes along: the shift before, so that its rest can be sent, and a day ahead."""


@router.get("/rounds", operation_id="listRounds")
def list_rounds(
    _person: Watcher,
    house: TheHouse,
    day: Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}-\d{2}$", description="local day, default today")] = None,
    state: Annotated[list[RoundState] | None, Query(description="repeat for several")] = None,
    person: str | None = None,
    plan: str | None = None,
) -> RoundList:
    """The rounds that touch a day; `counts` by state before the filter by state."""
    zone = house.estate.site.zone
    chosen = local_day(house.clock.now_ns(), zone) if day is None else day_of(day, "day")
    start, end = day_bounds(chosen, zone)
    with house.transactions.begin(write=False) as unit:
        views = RoundViews(house, unit)
        found = unit.rounds.list(views.site, from_ns=start, to_ns=end, plan=plan, person=person, limit=2000)
        items = [views.round(walk) for walk in found if state is None or walk.state in state]
    return RoundList(items=items, counts=counts_of([str(walk.state) for walk in found]))


@router.get("/rounds/coverage", operation_id="getCoverage")
def get_coverage(_person: Watcher, house: TheHouse, from_: From = None, to: To = None) -> Coverage:
    """Each point by the hour of the day, with its longest gap; default the last 7 days."""
    start, end = _span(house, from_, to)
    with house.transactions.begin(write=False) as unit:
        return coverage_of(RoundViews(house, unit), start, end)


@router.get("/rounds/statistics", operation_id="getRoundStatistics")
def get_statistics(_person: Watcher, house: TheHouse, from_: From = None, to: To = None) -> Statistics:
    """By plan and by person; default the last 7 days."""
    start, end = _span(house, from_, to)
    with house.transactions.begin(write=False) as unit:
        return statistics_of(RoundViews(house, unit), start, end)


@router.get("/rounds/visits", operation_id="listVisits")
def list_visits(
    _person: Watcher,
    house: TheHouse,
    checkpoint: str,
    hour: Annotated[int | None, Query(ge=0, le=23, description="local hour in which the window opens")] = None,
    from_: From = None,
    to: To = None,
) -> StopList:
    """The visits of one point, made and missed, newest first; default the last 7 days, at most 500."""
    start, end = _span(house, from_, to)
    with house.transactions.begin(write=False) as unit:
        return stops_of(RoundViews(house, unit), checkpoint, start, end, hour)


@router.get("/rounds/{round_id}", operation_id="getRound")
def get_round(round_id: str, _person: Watcher, house: TheHouse) -> RoundShape:
    """One round with its stops."""
    with house.transactions.begin(write=False) as unit:
        walk = unit.rounds.get(round_id)
        if walk.site != house.estate.site.id:
            raise NotFound(f"there is no round {round_id}", round=round_id)
        return RoundViews(house, unit).round(walk)


@router.post("/rounds/{round_id}/open", operation_id="openRound")
def open_round(round_id: str, person: Walker, house: TheHouse) -> RoundShape:
    """Begin; the same person again changes nothing."""
    site = house.estate.site.id
    return _shape(house, rounds.open_round(house.transactions, site, round_id, person, house.clock.now_ns()))


@router.post("/rounds/{round_id}/end", operation_id="endRound")
def end_round(round_id: str, body: EndBody, person: Walker, house: TheHouse) -> RoundShape:
    """Done; stops that are left need a reason."""
    site, now_ns = house.estate.site.id, house.clock.now_ns()
    return _shape(house, rounds.end_round(house.transactions, site, round_id, person, body.reason, now_ns))


@router.get("/m/today", operation_id="getToday")
def get_today(request: Request, person: Walker, house: TheHouse) -> Today:
    """Everything the phone of this person needs to walk without a network."""
    now_ns = house.clock.now_ns()
    site = house.estate.site
    phone = phone_of(request, house)
    with house.transactions.begin(write=False) as unit:
        views = RoundViews(house, unit)
        near = unit.rounds.list(site.id, from_ns=now_ns - BEFORE_NS, to_ns=now_ns + AFTER_NS, limit=500)
        mine = [walk for walk in near if walk.state is not RoundState.CANCELLED and is_for(walk, person)]
        wanted = {visit.checkpoint for walk in mine for visit in walk.visits}
        return Today(
            now_ms=now_ns // 1_000_000,
            anchor=_anchor(house, phone, now_ns),
            person=Me(id=person.id, name=person.name, role=person.role, team=person.team),
            phone=phone,
            site=PhoneSite(id=site.id, title=Words.needed(site.title), zone=site.zone),
            rounds=[views.round(walk) for walk in mine],
            checkpoints=views.phone_points(place for place in views.checkpoints.values() if place.id in wanted),
            words=catalogue(),
        )


def _anchor(house: House, phone: str | None, now_ns: int) -> str | None:
    if phone is None or house.keys is None:
        return None
    return anchor_text(house.keys.keys(house.estate.site.id)[0], phone, now_ns // 1_000_000)


def phone_of(request: Request, house: House) -> str | None:
    """The enrolled phone this session runs on."""
    secret = session_of(request)
    if secret is None:
        return None
    with house.transactions.begin(write=False) as unit:
        found = unit.people.find(people.digest(secret), "session")
    return None if found is None else found.phone


def _span(house: House, first: str | None, last: str | None) -> tuple[int, int]:
    zone = house.estate.site.zone
    if first is None and last is None:
        last = local_day(house.clock.now_ns(), zone).isoformat()
    start, end = days(house, first, last, 6)
    return day_bounds(start, zone)[0], day_bounds(end, zone)[1]


def _shape(house: House, walk: Round) -> RoundShape:
    with house.transactions.begin(write=False) as unit:
        return RoundViews(house, unit).round(walk)
