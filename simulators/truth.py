"""Ground truth: which fault was planted when, and when its condition first went out on the wire.

JSON lines, appended at once and complete in themselves. A fault has an `id` and up to three lines, `event` telling why:

    begin  the fault acts           {"id", "event", "asset", "fault", "point", "rule", "priority", "start_ms"}
    shown  its condition was sent   ... and "sent_ms": the first message (or Modbus answer) that satisfies the expected rule
    end    the fault is over        ... and "end_ms"

A guard's deed is one line, `id` naming the scan (or `<round>/<checkpoint>` where none was made):

    deed   a stop of a round        {"id", "event", "person", "round", "checkpoint", "deed", "there", "at_ms"}

Times are milliseconds since 1970-01-01 UTC. The last line of an id says everything; `read_truth` gives just those.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, TextIO

from caretaker.domain.equipment import Op, RuleSpec, Term
from simulators.models.physics import Value

DEED: Final = "deed"
_UNJUDGED: Final = frozenset({Op.RISES, Op.FALLS, Op.STALE})


@dataclass(slots=True)
class Truth:
    """One planted fault."""

    id: int
    asset: str
    fault: str
    point: str | None
    rule: str | None
    priority: str | None
    start_ms: int
    sent_ms: int | None = None
    end_ms: int | None = None


class TruthFile:
    """Appends to a file (or keeps nothing when there is none)."""

    def __init__(self, path: Path | None) -> None:
        self._stream: TextIO | None = path.open("w", encoding="utf-8", buffering=1) if path else None

    def write(self, event: str, truth: Truth) -> None:
        """One line."""
        if self._stream is not None:
            self._stream.write(json.dumps({"event": event, **asdict(truth)}, ensure_ascii=False) + "\n")

    def tell(self, line: Mapping[str, object]) -> None:
        """A line of another kind; `read_truth` passes it over."""
        if self._stream is not None:
            self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Release the file."""
        if self._stream is not None:
            self._stream.close()


def read_truth(path: Path) -> list[Truth]:
    """The newest state of every planted fault, in order of their beginning."""
    newest: dict[int, Truth] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = json.loads(line)
        if fields.pop("event") == DEED:
            continue
        newest[fields["id"]] = Truth(**fields)
    return list(newest.values())


def read_deeds(path: Path) -> list[Mapping[str, object]]:
    """What guards did, in order: how each scan came about, and which stops were left out."""
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [fields for fields in lines if fields["event"] == DEED]


def holds(rule: RuleSpec, sent: Mapping[str, Value]) -> bool | None:
    """Does a rule's condition hold for the values that were last sent? None: cannot be said from values alone.

    A judgement of our own, from the words of the kind, so that a mistake of the rule engine cannot hide in it.
    """
    if any(term.op in _UNJUDGED for term in (*rule.terms, *rule.unless)):
        return None
    verdicts = [_term(term, sent) for term in rule.terms]
    if any(_term(term, sent) is True for term in rule.unless):
        return False
    if rule.any_of:
        return True if True in verdicts else None if None in verdicts else False
    return False if False in verdicts else None if None in verdicts else True


def _term(term: Term, sent: Mapping[str, Value]) -> bool | None:
    if term.point not in sent or isinstance(sent[term.point], str):
        return None
    value, limit = float(sent[term.point]), term.value
    if term.relative_to is not None:
        if term.relative_to not in sent:
            return None
        limit += float(sent[term.relative_to])
    if math.isnan(value) or math.isnan(limit):
        return None
    match term.op:
        case Op.ABOVE:
            return value > limit
        case Op.BELOW:
            return value < limit
        case Op.IS:
            return value == limit
        case Op.IS_NOT:
            return value != limit
        case Op.IN:
            return value in term.values
        case Op.NOT_IN:
            return value not in term.values
    return None
