"""The scores of scored rounds, from the answers that are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from caretaker.domain.assets import Estate
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.plans import RoundPlan
from caretaker.domain.rounds.rounds import Round
from caretaker.domain.rounds.scans import Answer
from caretaker.domain.rounds.scores import Score, score
from caretaker.ports import UnitOfWork
from caretaker.services.scans import checks_at

_MOST = 5000


def score_of(
    unit: UnitOfWork, estate: Estate, places: Mapping[str, Checkpoint], plan: RoundPlan, walk: Round
) -> Score | None:
    """None for a plan that is not scored, and for a round of which nothing was seen."""
    made = {visit.scan: visit.sequence for visit in walk.visits if visit.scan is not None}
    if not plan.scored or not made:
        return None
    kept = unit.scans.list(walk.site, round_id=walk.id, limit=_MOST)
    answers: dict[int, Sequence[Answer]] = {
        made[each.scan.id]: each.scan.answers for each in kept if each.scan.id in made
    }
    checks = {place: checks_at(estate, places.get(place)) for place in {visit.checkpoint for visit in walk.visits}}
    return score(plan, walk, answers, checks)
