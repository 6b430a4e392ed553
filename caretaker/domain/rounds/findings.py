"""Checks and their answers: what is asked, what was said, what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from caretaker.domain.equipment import CheckSpec, CheckType, EquipmentKind, Priority
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.scans import Answer


class Outcome(StrEnum):
    """What an answer means."""

    OK = "ok"
    NOT_OK = "not_ok"
    CANNOT = "cannot"
    """Could not be checked, with a reason."""
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Finding:
    """A check answered not ok; it becomes a fault and a work order.

    id       `<scan>/<check>`: the same answer never opens two
    asset    of the checkpoint; None where it marks a space
    answer   as given
    priority the gravest a rule gives this fault, else medium
    """

    id: str
    site: str
    scan: str
    round: str | None
    checkpoint: str
    check: str
    asset: str | None
    space: str
    fault: str
    answer: Answer
    priority: Priority
    person: str
    at_ns: int
    work_order: str | None = None


def checks_of(checkpoint: Checkpoint, kind: EquipmentKind | None) -> tuple[CheckSpec, ...]:
    """The questions at a checkpoint: those of its asset's kind first, then its own (an own one replaces its namesake)."""
    own = {check.id for check in checkpoint.checks}
    of_kind = kind.checks if kind is not None and checkpoint.use_kind_checks else ()
    return tuple(check for check in of_kind if check.id not in own) + checkpoint.checks


def required(check: CheckSpec) -> bool:
    """Must it be answered for the visit to be whole? Remarks need not be."""
    return check.type is not CheckType.TEXT


def outcome(check: CheckSpec, answer: Answer | None) -> Outcome:
    """What an answer means; what the phone called it counts only where the value does not say more.

    A number outside its limits is not ok whatever was ticked; an answer of the wrong sort is no answer.
    """
    if answer is None:
        return Outcome.UNANSWERED
    if answer.result == Outcome.CANNOT:
        return Outcome.CANNOT if (answer.reason or "").strip() else Outcome.UNANSWERED
    if answer.result == Outcome.NOT_OK:
        return Outcome.NOT_OK
    if answer.result != Outcome.OK:
        return Outcome.UNANSWERED
    match check.type:
        case CheckType.NUMBER:
            return _number(check, answer.value)
        case CheckType.PHOTO:
            return Outcome.OK if answer.photos else Outcome.UNANSWERED
        case CheckType.CHOICE:
            known = {text for choice in check.choices for text in (choice.zh, choice.en)}
            return Outcome.OK if answer.value is None or str(answer.value) in known else Outcome.UNANSWERED
        case _:
            return Outcome.OK


def _number(check: CheckSpec, value: float | str | bool | None) -> Outcome:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return Outcome.UNANSWERED
    if check.limits is not None and not check.limits[0] <= value <= check.limits[1]:
        return Outcome.NOT_OK
    return Outcome.OK


def unanswered(checks: Sequence[CheckSpec], answers: Sequence[Answer]) -> tuple[str, ...]:
    """Ids of required checks without an answer: the visit is then only partly done."""
    given = {answer.check: answer for answer in answers}
    return tuple(
        check.id for check in checks if required(check) and outcome(check, given.get(check.id)) is Outcome.UNANSWERED
    )


def measured(check: CheckSpec, answer: Answer) -> float | None:
    """The answer as a reading of the check's point, None when it is none."""
    if check.point is None or answer.result not in (Outcome.OK, Outcome.NOT_OK):
        return None
    if check.type is CheckType.YES_NO:
        return float(check.expect is (answer.result == Outcome.OK))
    value = answer.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return float(value) if check.type is CheckType.NUMBER else None
