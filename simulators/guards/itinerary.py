"""What somebody does on a round, honest or not: pure, so that live guards and tests with a clock of their own share it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from caretaker.domain.rounds.checkpoints import Place
from caretaker.domain.rounds.walking import walk_s

DETOUR: Final = 1.15
"""Nobody walks through walls: so much longer than the straight line."""
CLOCK_BACK_S: Final = 2400.0
"""Who comes late and hides it turns the phone's clock back by this."""


class Deed(StrEnum):
    """How a scan comes about. A manner of walking has the name of its worst deed."""

    HONEST = "honest"
    BOOTH = "booth"
    """Photographs of the codes, scanned in the booth one after the other."""
    PATIENT = "patient"
    """The same, at the pace of a walk: only doors, lifts and lamps can tell."""
    CLOCK = "clock"
    """The phone's clock was turned back before the scan."""
    COPIED = "copied"
    """The session was copied to somebody else's phone, which lacks the key."""
    FAVOUR = "favour"
    """Scanned for a colleague, on the colleague's round."""
    UNANSWERED = "unanswered"
    """Scanned and walked on: the questions were left out."""
    OLD_PHOTO = "old_photo"
    """A finding with a photo that was shown before."""
    SKIPPED = "skipped"
    """Not scanned at all."""
    ASLEEP = "asleep"
    """The whole round was not walked."""


TAINTED: Final = frozenset(
    {Deed.BOOTH, Deed.PATIENT, Deed.CLOCK, Deed.COPIED, Deed.FAVOUR, Deed.UNANSWERED, Deed.OLD_PHOTO}
)
"""Deeds by which a scan is not what it claims to be."""


@dataclass(frozen=True, slots=True)
class Part:
    """Who walks which plans in which manners, one manner a round, over and over."""

    person: str
    plans: tuple[str, ...]
    manners: tuple[Deed, ...] = (Deed.HONEST,)


@dataclass(frozen=True, slots=True)
class Step:
    """One stop: `way_s` on the way, then the scan, then `look_s` until it is sent. `there`: is anybody there at all?"""

    checkpoint: str
    way_s: float
    look_s: float
    there: bool
    deed: Deed


def itinerary(
    stops: Sequence[str], places: Mapping[str, Place], manner: Deed, dice: random.Random, *, start: str | None = None
) -> list[Step]:
    """The stops in this order, as somebody of this manner does them. `start`: where the way begins, None: nearby."""
    if manner is Deed.ASLEEP:
        return []
    left_out = _left_out(stops, manner, dice)
    steps: list[Step] = []
    here = start
    for row, stop in enumerate(stops):
        if row in left_out:
            continue
        deed = _deed(row, len(stops), manner)
        if deed is Deed.BOOTH:
            way_s, look_s = dice.uniform(2.0, 5.0), dice.uniform(1.0, 2.5)
        else:
            way_s, look_s = _way_s(places, here, stop, dice), dice.uniform(12.0, 24.0)
        there = deed not in (Deed.BOOTH, Deed.PATIENT, Deed.COPIED)
        steps.append(Step(stop, way_s, look_s, there, deed))
        here = stop
    return steps


def _left_out(stops: Sequence[str], manner: Deed, dice: random.Random) -> frozenset[int]:
    if manner is not Deed.SKIPPED or len(stops) < 2:
        return frozenset()
    return frozenset(dice.sample(range(1, len(stops)), max(1, len(stops) // 3)))


def _deed(row: int, stops: int, manner: Deed) -> Deed:
    """Who cheats by a trick begins honestly; who sits in the booth does so from the start."""
    if manner in (Deed.HONEST, Deed.SKIPPED):
        return Deed.HONEST
    if manner in (Deed.BOOTH, Deed.PATIENT):
        return manner
    if manner is Deed.FAVOUR:  # the last stop is a colleague's
        return manner if row == stops - 1 else Deed.HONEST
    return manner if row >= (stops + 1) // 2 else Deed.HONEST


def _way_s(places: Mapping[str, Place], start: str | None, stop: str, dice: random.Random) -> float:
    if start is None or start not in places or stop not in places:
        return dice.uniform(6.0, 14.0)
    usual = walk_s(places[start], places[stop]) * DETOUR
    return max(6.0, usual * dice.uniform(0.9, 1.35))
