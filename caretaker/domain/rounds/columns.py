"""Many rounds as columns: what a quarter of a year of walking says is counted in arrays, not in objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from caretaker.domain.rounds.rounds import DONE, RoundState, VisitState

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
ROUND_STATES: Final = tuple(RoundState)
VISIT_STATES: Final = tuple(VisitState)
MADE: Final = np.array([state in DONE for state in VISIT_STATES])
"""Number of a visit's state -> was it made?"""
QUARTER_NS: Final = 900 * 1_000_000_000
"""Every zone of today is a whole number of quarters from UTC, so a quarter of an hour lies in one local hour."""


@dataclass(frozen=True, slots=True)
class RoundColumns:
    """Rounds that were not called off, and their visits. All times are nanoseconds UTC.

    ids, plans, persons, places   what the numbers stand for
    plan, person, state, starts   one entry a round; `person` -1: nobody
    walk, place, opens, closes, scanned, visit, partly
                                  one entry a visit; `walk`: the row of its round; `scanned` 0: not scanned
    """

    ids: Sequence[str]
    plans: Sequence[str]
    persons: Sequence[str]
    places: Sequence[str]
    plan: I32
    person: I32
    state: I32
    starts: I64
    walk: I32
    place: I32
    opens: I64
    closes: I64
    scanned: I64
    visit: I32
    partly: Flags

    @property
    def made(self) -> Flags:
        """Which visits were made."""
        found: Flags = MADE[self.visit]
        return found


def by_quarter(times: I64, word: Callable[[int], int]) -> I64:
    """`word` (the local hour, the local day …) of each time, asked once for every quarter of an hour that occurs."""
    quarters, where = np.unique(times // QUARTER_NS, return_inverse=True)
    return np.array([word(int(quarter) * QUARTER_NS) for quarter in quarters], np.int64)[where]
