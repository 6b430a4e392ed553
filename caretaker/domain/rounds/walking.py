"""Whose round it is, and how long the way between two checkpoints takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import hypot
from typing import Final

from caretaker.domain.people import Person, Right
from caretaker.domain.rounds.checkpoints import Place
from caretaker.domain.rounds.plans import PlanPoint, RoundPlan
from caretaker.domain.rounds.rounds import Round

WALK_M_S: Final = 1.2
"""Walking speed, metres a second: the design speed of pedestrian crossings (MUTCD 4E.06: 3.5 to 4 ft/s = 1.07 to 1.2)."""
FLOOR_S: Final = 20.0
"""One floor by stairs or a share of a lift ride, seconds: 3 m of height at about 0.15 m/s of climb."""


QUIET_S: Final = 900.0
"""Nobody is asked after earlier than this: looking closely, or a word with a resident, takes its time."""


def is_for(walk: Round, person: Person) -> bool:
    """Is it shown to this person as one to walk? Those of the person, of the person's team, and of nobody in particular.

    Who dispatches and is in no team (an administrator who tries things out) sees the rounds of all; anybody else without
    a team does not: what the phone offers is never marked as somebody else's round.
    """
    if walk.person is not None:
        return walk.person == person.id
    if walk.team is None or walk.team == person.team:
        return True
    return person.team is None and person.may(Right.DISPATCH)


def may_walk(walk: Round, person: Person) -> bool:
    """Does a scan of this person count without a doubt? For what is shown to the person, and for who dispatches."""
    return is_for(walk, person) or person.may(Right.DISPATCH)


def walk_s(start: Place, end: Place) -> float:
    """Seconds from one place to another at a usual pace, in a straight line: the true way is never shorter."""
    return hypot(end.x_m - start.x_m, end.y_m - start.y_m) / WALK_M_S + abs(end.level - start.level) * FLOOR_S


def last_sign_ns(walk: Round) -> int:
    """When the walker was last heard of: the newest scan, else the beginning."""
    times = [visit.scanned_ns for visit in walk.visits if visit.scanned_ns is not None]
    return max([*times, walk.opened_ns if walk.opened_ns is not None else walk.starts_ns])


def patience_ns(plan: RoundPlan, walk: Round, places: Mapping[str, Place]) -> int:
    """How long a walker may be silent: 1.5 times the time to the farthest stop that is left, at least `QUIET_S`."""
    stops = {point.checkpoint: point for point in plan.points}
    scanned = [visit for visit in walk.visits if visit.scanned_ns is not None]
    here = max(scanned, key=lambda visit: visit.scanned_ns or 0).checkpoint if scanned else None
    expected = 0.0
    for visit in walk.visits:
        if visit.scan is not None or here is None or here not in places or visit.checkpoint not in places:
            continue
        dwell = stops[here].least_dwell_s if here in stops else 0.0
        expected = max(expected, dwell + walk_s(places[here], places[visit.checkpoint]))
    return round(max(1.5 * expected, QUIET_S) * 1_000_000_000)


def walks_s(points: Sequence[PlanPoint], places: Mapping[str, Place]) -> tuple[float, ...]:
    """For each stop in this order: seconds from the one before (0 for the first). The plan's own number goes first.

    A stop whose place is unknown costs nothing: nobody is doubted for a map that has a hole.
    """
    found: list[float] = []
    for row, point in enumerate(points):
        before = points[row - 1].checkpoint if row else None
        if before is None:
            found.append(0.0)
        elif point.least_walk_s is not None:
            found.append(point.least_walk_s)
        elif before in places and point.checkpoint in places:
            found.append(walk_s(places[before], places[point.checkpoint]))
        else:
            found.append(0.0)
    return tuple(found)
