"""Which points were visited at which hour, which were not, and how long each was left alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from caretaker.domain.rounds.columns import I32, I64, VISIT_STATES, Flags, RoundColumns, by_quarter
from caretaker.domain.rounds.rounds import VisitState

HOURS: Final = 24
_MISSED: Final = VISIT_STATES.index(VisitState.MISSED)


@dataclass(frozen=True, slots=True)
class PlaceCover:
    """One point over a stretch of time.

    planned, made, missed   visits by the local hour in which their window opens; planned = made + missed + still due
    seen                    visits made by the local hour of the scan
    last_ns                 the newest visit in the stretch
    gap_from_ns, gap_to_ns  the longest time without a visit (the edges of the stretch count as visits)
    allowed_ns              the longest time without a visit that the plans themselves allow; None: no plan goes here
    """

    place: str
    planned: tuple[int, ...]
    made: tuple[int, ...]
    missed: tuple[int, ...]
    seen: tuple[int, ...]
    last_ns: int | None
    gap_from_ns: int
    gap_to_ns: int
    allowed_ns: int | None

    @property
    def gap_ns(self) -> int:
        """How long it was left alone."""
        return self.gap_to_ns - self.gap_from_ns

    @property
    def strain(self) -> float:
        """The longest gap as a multiple of what the plans allow; 0 where no plan goes."""
        return self.gap_ns / self.allowed_ns if self.allowed_ns else 0.0


def cover(
    columns: RoundColumns, start_ns: int, end_ns: int, now_ns: int, hour_of: Callable[[int], int]
) -> Sequence[PlaceCover]:
    """Every point that a round of the stretch goes to, the most neglected first.

    Visits count by when their window opens, those still to come do not. `hour_of`: the local hour of a moment.
    """
    edge = max(start_ns, min(end_ns, now_ns))
    mine = (columns.opens >= start_ns) & (columns.opens < end_ns) & (columns.opens <= now_ns)
    place, opens = columns.place[mine], columns.opens[mine]
    closes, made = columns.closes[mine], columns.made[mine]
    missed = columns.visit[mine] == _MISSED
    seen = (columns.scanned >= start_ns) & (columns.scanned < end_ns) & columns.made
    seen_place, seen_at = columns.place[seen], columns.scanned[seen]
    count = len(columns.places)
    hours = place.astype(np.int64) * HOURS + by_quarter(opens, hour_of)
    seen_hours = seen_place.astype(np.int64) * HOURS + by_quarter(seen_at, hour_of)
    planned, made_then, missed_then, seen_then = (
        _count(cells, count) for cells in (hours, hours[made], hours[missed], seen_hours)
    )
    gap_from, gap_to, last = _gaps(seen_place, seen_at, count, start_ns, edge)
    allowed = _allowed(place, opens, np.minimum(closes, edge), count, start_ns, edge)
    planned_at_all = np.bincount(place, minlength=count) > 0
    touched = planned_at_all | (np.bincount(seen_place, minlength=count) > 0)
    rows = [
        PlaceCover(
            columns.places[number],
            planned=_row(planned, number),
            made=_row(made_then, number),
            missed=_row(missed_then, number),
            seen=_row(seen_then, number),
            last_ns=int(last[number]) or None,
            gap_from_ns=int(gap_from[number]),
            gap_to_ns=int(gap_to[number]),
            allowed_ns=int(allowed[number]) if planned_at_all[number] else None,
        )
        for number in np.flatnonzero(touched).tolist()
    ]
    return sorted(rows, key=lambda row: (-row.strain, -sum(row.missed), row.place))


def _count(cells: I64, places: int) -> I64:
    table: I64 = np.bincount(cells, minlength=places * HOURS).reshape(places, HOURS)
    return table


def _row(table: I64, number: int) -> tuple[int, ...]:
    return tuple(int(n) for n in table[number])


def _gaps(place: I32, at: I64, count: int, start_ns: int, edge_ns: int) -> tuple[I64, I64, I64]:
    """Per place: the ends of its longest gap, and its newest visit (0: none)."""
    every = np.arange(count)
    places = np.concatenate([place, every, every])
    times = np.concatenate([np.minimum(at, edge_ns), np.full(count, start_ns), np.full(count, edge_ns)])
    order = np.lexsort((times, places))
    places, times = places[order], times[order]
    inside = places[1:] == places[:-1]
    where, before, after = places[1:][inside], times[:-1][inside], times[1:][inside]
    widest = np.lexsort((before, -(after - before), where))
    first = np.unique(where[widest], return_index=True)[1]
    last = np.zeros(count, np.int64)
    np.maximum.at(last, place, at)
    return before[widest][first], after[widest][first], last


def _allowed(place: I32, opens: I64, closes: I64, count: int, start_ns: int, edge_ns: int) -> I64:
    """Per place: from the opening of one window to the end of the next, at most. Whoever comes at the first moment of one
    window and the last of the next has kept the plan."""
    order = np.lexsort((opens, place))
    place, opens, closes = place[order], opens[order], closes[order]
    first: Flags = np.ones(len(place), np.bool_)
    first[1:] = place[1:] != place[:-1]
    begins = np.where(first, start_ns, np.roll(opens, 1)) if len(place) else opens
    found = np.zeros(count, np.int64)
    np.maximum.at(found, place, closes - begins)
    final: Flags = np.roll(first, -1) if len(place) else first
    np.maximum.at(found, place[final], edge_ns - opens[final])
    return found
