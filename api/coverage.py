"""Which points were visited when, and how plans and people do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from statistics import fmean

import numpy as np

from api.schemas.common import Words, ms
from api.schemas.coverage import Coverage, CoverageRow, Statistics, StatisticsRow, StopList, StopRow, WeekRow
from api.views_rounds import RoundViews
from caretaker.domain.rounds.columns import ROUND_STATES, Flags, RoundColumns
from caretaker.domain.rounds.coverage import HOURS, PlaceCover, cover
from caretaker.domain.rounds.rounds import RoundState
from caretaker.domain.rounds.tallies import Tally, Week, tally, weeks
from caretaker.ports.rounds import Tallied
from caretaker.recurrence import local_time

_MOST = 500
_SCHEDULED = ROUND_STATES.index(RoundState.SCHEDULED)
_NONE = (0,) * HOURS


def coverage_of(views: RoundViews, start_ns: int, end_ns: int) -> Coverage:
    """Every point of the site in [start, end)."""
    now_ns = views.house.clock.now_ns()
    zone = views.house.estate.site.zone
    columns = views.unit.rounds.columns(views.site, start_ns, end_ns)
    found = list(cover(columns, start_ns, end_ns, now_ns, lambda at_ns: local_time(at_ns, zone).hour))
    visited = {row.place for row in found}
    edge = max(start_ns, min(end_ns, now_ns))
    found += [
        PlaceCover(place, _NONE, _NONE, _NONE, _NONE, None, start_ns, edge, None)
        for place in views.checkpoints
        if place not in visited
    ]
    return Coverage(
        from_ms=start_ns // 1_000_000,
        to_ms=end_ns // 1_000_000,
        items=[
            CoverageRow(
                checkpoint=row.place,
                title=views.title(row.place),
                planned=list(row.planned),
                made=list(row.made),
                missed=list(row.missed),
                seen=list(row.seen),
                last_ms=ms(row.last_ns),
                gap_from_ms=row.gap_from_ns // 1_000_000,
                gap_to_ms=row.gap_to_ns // 1_000_000,
                allowed_ms=ms(row.allowed_ns),
            )
            for row in found
        ],
    )


def stops_of(views: RoundViews, checkpoint: str, start_ns: int, end_ns: int, hour: int | None) -> StopList:
    """The visits of one point whose window opens in [start, end), at one local hour of the day or at any."""
    zone = views.house.estate.site.zone
    now_ns = views.house.clock.now_ns()
    found = views.unit.rounds.stops(views.site, checkpoint, start_ns, min(end_ns, now_ns + 1))
    chosen = [stop for stop in found if hour is None or local_time(stop.visit.opens_ns, zone).hour == hour]
    return StopList(
        items=[
            StopRow(
                round=stop.round,
                title=views.plan_title(stop.plan, stop.plan_version),
                sequence=stop.visit.sequence,
                opens_ms=stop.visit.opens_ns // 1_000_000,
                closes_ms=stop.visit.closes_ns // 1_000_000,
                state=str(stop.visit.state),
                scan=stop.visit.scan,
                scanned_ms=ms(stop.visit.scanned_ns),
                person=stop.person,
                person_name=None if stop.person is None else views.name(stop.person),
            )
            for stop in chosen[:_MOST]
        ]
    )


def statistics_of(views: RoundViews, start_ns: int, end_ns: int) -> Statistics:
    """By plan and person. Rounds count by when they start; rounds still to come do not count."""
    zone = views.house.estate.site.zone
    now_ns = views.house.clock.now_ns()
    columns = views.unit.rounds.columns(views.site, start_ns, end_ns)
    coming = (columns.state == _SCHEDULED) & (columns.starts > now_ns)
    chosen: Flags = (columns.starts >= start_ns) & (columns.starts < end_ns) & ~coming
    scans = views.unit.scans.tally(views.site, start_ns, end_ns)
    found = views.unit.findings.tally(views.site, start_ns, end_ns)
    by_plan = tally(columns, columns.plan, len(columns.plans), chosen)
    by_person = tally(columns, columns.person, len(columns.persons), chosen)
    by_week = weeks(columns, chosen, lambda at_ns: local_time(at_ns, zone).date().toordinal())
    scores = _scores(views, columns, chosen, start_ns, end_ns)
    plans = {name: one for name, one in zip(columns.plans, by_plan, strict=True) if one.rounds}
    persons = dict(zip(columns.persons, by_person, strict=True))
    everybody = sorted(
        {name for name, one in persons.items() if one.rounds} | {each.person for each in (*scans, *found)}
    )
    nothing = Tally({}, {}, 0, None)
    return Statistics(
        from_ms=start_ns // 1_000_000,
        to_ms=end_ns // 1_000_000,
        plans=[
            _row(
                name,
                views.plan_title(name),
                one,
                [each for each in scans if each.plan == name],
                sum(each.count for each in found if each.plan == name),
                by_week.get(name, ()),
                scores.get(name),
            )
            for name, one in plans.items()
        ],
        persons=[
            _row(
                name,
                Words(zh=views.name(name), en=views.name(name)),
                persons.get(name, nothing),
                [each for each in scans if each.person == name],
                sum(each.count for each in found if each.person == name),
            )
            for name in everybody
        ],
    )


def _row(
    id_: str,
    title: Words,
    one: Tally,
    scans: Iterable[Tallied],
    findings: int,
    by_week: Sequence[Week] = (),
    score: float | None = None,
) -> StatisticsRow:
    sums: Counter[str] = Counter()
    for each in scans:
        sums.update(scans=each.count, marked=each.marked, manual=each.manual)
    return StatisticsRow(
        id=id_,
        title=title,
        rounds=dict(one.rounds),
        visits=dict(one.visits),
        partly=one.partly,
        scans=sums["scans"],
        marked=sums["marked"],
        manual=sums["manual"],
        findings=findings,
        punctual=None if one.punctual is None else round(one.punctual, 4),
        pace_s=None if one.pace_ns is None else round(one.pace_ns / 1e9, 1),
        weeks=[WeekRow(day=date.fromordinal(week.day).isoformat(), rounds=dict(week.rounds)) for week in by_week],
        score=score,
    )


def _scores(views: RoundViews, columns: RoundColumns, chosen: Flags, start_ns: int, end_ns: int) -> dict[str, float]:
    """plan -> the mean percent of its rounds that have a score."""
    found: dict[str, float] = {}
    for plan in views.unit.round_plans.list(views.site):
        if not plan.scored or plan.id not in columns.plans:
            continue
        mine = chosen & (columns.plan == columns.plans.index(plan.id))
        wanted = {columns.ids[row] for row in np.flatnonzero(mine).tolist()}
        most = len(columns.ids) + 1000  # all of them, and what began before the range and reaches into it
        walks = views.unit.rounds.list(views.site, from_ns=start_ns, to_ns=end_ns, plan=plan.id, limit=most)
        scores = [views.score_of(walk) for walk in walks if walk.id in wanted]
        percents = [score.percent for score in scores if score is not None and score.percent is not None]
        if percents:
            found[plan.id] = round(fmean(percents), 1)
    return found
