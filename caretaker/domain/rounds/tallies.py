"""How plans and people do: rounds and visits counted, the pace between stops, week by week."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from caretaker.domain.rounds.columns import I32, I64, ROUND_STATES, VISIT_STATES, Flags, RoundColumns, by_quarter
from caretaker.domain.rounds.rounds import DONE, VisitState


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one plan or person. `pace_ns`: the median time from one stop to the next within a round, None below two stops."""

    rounds: Mapping[str, int]
    visits: Mapping[str, int]
    partly: int
    pace_ns: int | None

    @property
    def punctual(self) -> float | None:
        """The share of the visits made that were on time."""
        done = sum(self.visits.get(str(state), 0) for state in DONE)
        return self.visits.get(str(VisitState.ON_TIME), 0) / done if done else None


@dataclass(frozen=True, slots=True)
class Week:
    """Rounds of one plan that began in one week. `day`: the ordinal of its local Monday."""

    day: int
    rounds: Mapping[str, int]


def tally(columns: RoundColumns, group: I32, count: int, chosen: Flags) -> Sequence[Tally]:
    """One for each number below `count`. `group`: one entry a round, -1 none; `chosen`: the rounds that count."""
    group = np.where(chosen, group, -1)
    rounds = _table(group, columns.state, count, len(ROUND_STATES))
    visit_group = group[columns.walk]
    visits = _table(visit_group, columns.visit, count, len(VISIT_STATES))
    partly = np.bincount(visit_group[columns.partly & (visit_group >= 0)], minlength=count)
    paces = _paces(columns, group, count)
    return [
        Tally(
            {str(state): int(n) for state, n in zip(ROUND_STATES, rounds[row], strict=True) if n},
            {str(state): int(n) for state, n in zip(VISIT_STATES, visits[row], strict=True) if n},
            int(partly[row]),
            paces[row],
        )
        for row in range(count)
    ]


def weeks(columns: RoundColumns, chosen: Flags, day_of: Callable[[int], int]) -> Mapping[str, Sequence[Week]]:
    """plan -> its weeks, oldest first. `day_of`: the ordinal of the local day of a moment (1 is a Monday)."""
    found: dict[str, list[Week]] = {}
    days = by_quarter(columns.starts, day_of)
    mondays = days - (days - 1) % 7
    for number, plan in enumerate(columns.plans):
        mine = chosen & (columns.plan == number)
        for monday in np.unique(mondays[mine]):
            states = np.bincount(columns.state[mine & (mondays == monday)], minlength=len(ROUND_STATES))
            counted = {str(state): int(n) for state, n in zip(ROUND_STATES, states, strict=True) if n}
            found.setdefault(plan, []).append(Week(int(monday), counted))
    return found


def _table(group: I32, value: I32, groups: int, values: int) -> I64:
    mine = group >= 0
    cells = group[mine].astype(np.int64) * values + value[mine]
    table: I64 = np.bincount(cells, minlength=groups * values).reshape(groups, values)
    return table


def _paces(columns: RoundColumns, group: I32, count: int) -> Sequence[int | None]:
    """The median step between two scans of the same round, for each group."""
    done = columns.scanned > 0
    walk, at = columns.walk[done], columns.scanned[done]
    order = np.lexsort((at, walk))
    walk, at = walk[order], at[order]
    same = walk[1:] == walk[:-1]
    steps, owner = np.diff(at)[same], group[walk[1:][same]]
    found: list[int | None] = [None] * count
    order = np.argsort(owner, kind="stable")
    steps, owner = steps[order], owner[order]
    edges = np.searchsorted(owner, np.arange(count + 1))
    for number in range(count):
        mine = steps[edges[number] : edges[number + 1]]
        if len(mine):
            found[number] = int(np.median(mine))
    return found
