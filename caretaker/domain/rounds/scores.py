"""The score of a scored round (日检、周检、月评): what was as it should be, out of what was looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from caretaker.domain.equipment import CheckSpec, CheckType
from caretaker.domain.rounds.findings import Outcome, outcome, required
from caretaker.domain.rounds.plans import RoundPlan
from caretaker.domain.rounds.rounds import Round
from caretaker.domain.rounds.scans import Answer


class Why(StrEnum):
    """Why points were lost."""

    NOT_OK = "not_ok"
    GRADED = "graded"
    """The answer is a mark, and not the best one."""
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Lost:
    """Points that a check did not bring."""

    checkpoint: str
    sequence: int
    check: str
    lost: float
    worth: float
    why: Why
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """Points out of `worth`.

    excluded  checks that could not be done, with a reason: nobody gains or loses by them
    unseen    stops that were not visited: they are told beside the score, for a score of what nobody saw would be made up
    """

    points: float
    worth: float
    lost: tuple[Lost, ...]
    excluded: int
    unseen: int

    @property
    def percent(self) -> float | None:
        """0 … 100; None when nothing was worth a point."""
        return 100.0 * self.points / self.worth if self.worth > 0 else None


def score(
    plan: RoundPlan,
    walk: Round,
    answers: Mapping[int, Sequence[Answer]],
    checks: Mapping[str, Sequence[CheckSpec]],
) -> Score:
    """The score of a round so far. `answers`: by the stop's sequence; `checks`: what is asked at each checkpoint.

    A question that was added after the visit costs nothing; one that was taken away since still counts as answered.
    """
    lost: list[Lost] = []
    points = worth = 0.0
    excluded = unseen = 0
    for visit in walk.visits:
        if visit.scan is None:
            unseen += 1
            continue
        given = {answer.check: answer for answer in answers.get(visit.sequence, ())}
        asked = {check.id: check for check in checks.get(visit.checkpoint, ())}
        for name in dict.fromkeys([*asked, *given]):
            check, answer = asked.get(name), given.get(name)
            may_cost = visit.partly and check is not None and required(check)
            share = share_of(check, answer, unanswered=0.0 if may_cost else None)
            weight = weight_of(plan, visit.checkpoint, name)
            if share is None or weight <= 0:
                excluded += answer is not None and answer.result == Outcome.CANNOT and weight > 0
                continue
            points, worth = points + weight * share, worth + weight
            if share < 1.0:
                why = _why(check, answer)
                lost.append(Lost(visit.checkpoint, visit.sequence, name, weight * (1 - share), weight, why, answer))
    lost.sort(key=lambda item: (-item.lost, item.sequence))
    return Score(points, worth, tuple(lost), excluded, unseen)


def weight_of(plan: RoundPlan, checkpoint: str, check: str) -> float:
    """What a check is worth: 1, unless the plan says otherwise, for this checkpoint before for all."""
    found = {weight.checkpoint: weight.points for weight in plan.weights if weight.check == check}
    return found.get(checkpoint, found.get(None, 1.0))


def share_of(check: CheckSpec | None, answer: Answer | None, *, unanswered: float | None) -> float | None:
    """Which share of its points an answer brings, 0 … 1; None: it does not count."""
    if check is None:  # asked then, not any more: the answer's own word
        return None if answer is None else {"ok": 1.0, "not_ok": 0.0}.get(answer.result)
    if not required(check):
        return None
    said = outcome(check, answer)
    if said is Outcome.CANNOT:
        return None
    if said is Outcome.UNANSWERED or answer is None:
        return unanswered
    mark = _mark(check, answer) if check.graded else None
    if mark is not None:
        return mark
    return 1.0 if said is Outcome.OK else 0.0


def _mark(check: CheckSpec, answer: Answer) -> float | None:
    """A graded answer: a number as a share of its upper limit, a choice by its rank from the best to the worst."""
    value = answer.value
    if check.type is CheckType.NUMBER and check.limits is not None and check.limits[1] > 0:
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            return None
        return min(max(value / check.limits[1], 0.0), 1.0)
    if check.type is CheckType.CHOICE and len(check.choices) > 1:
        ranks = [rank for rank, choice in enumerate(check.choices) if value in (choice.zh, choice.en)]
        return 1.0 - ranks[0] / (len(check.choices) - 1) if ranks else None
    return None


def _why(check: CheckSpec | None, answer: Answer | None) -> Why:
    if check is not None and outcome(check, answer) is Outcome.UNANSWERED:
        return Why.UNANSWERED
    graded = check is not None and check.graded and answer is not None and _mark(check, answer) is not None
    return Why.GRADED if graded else Why.NOT_OK
