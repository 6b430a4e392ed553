"""All rules of an estate, bound to one table of points."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from math import inf, nan
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from caretaker.domain.assets import Estate
from caretaker.domain.equipment import Op, RuleSpec, Term, ValueType
from caretaker.domain.errors import ConfigurationError
from caretaker.domain.readings import F64, I64, U8
from caretaker.domain.rules.terms import FALSE, NEVER, SECOND, TRUE, UNKNOWN, Comparison
from caretaker.domain.rules.types import RuleRef

LONG_AGO: Final = -NEVER


@dataclass(slots=True)
class Judgement:
    """One rule as it judges one asset, with its state.

    since_ns, since_accepted_ns   when the verdict left the state it is in (device time, acceptance time); None: it did not
    due_ns                        since_ns + delay, NEVER without a running delay
    changed_ns                    `at_ns` of the last transition; the next one is later
    generation                    changes with every started or dropped delay, so that old timers are recognised
    """

    number: int
    ref: RuleRef
    terms: tuple[Comparison, ...]
    gates: tuple[Comparison, ...]
    any_of: bool
    on_ns: int
    off_ns: int
    latched: bool
    fingerprint: str
    rows: tuple[int, ...]
    active: bool = False
    since_ns: int | None = None
    since_accepted_ns: int = 0
    due_ns: int = NEVER
    changed_ns: int = LONG_AGO
    generation: int = 0
    disabled: bool = False

    @property
    def delay_ns(self) -> int:
        """The delay that applies now: before raising, or before clearing."""
        return self.off_ns if self.active else self.on_ns

    def gated(self) -> bool:
        """Does an `unless` term hold? An unknown gate does not silence a rule."""
        return any(gate.truth == TRUE for gate in self.gates)

    def verdict(self) -> int:
        """TRUE, FALSE or UNKNOWN by Kleene's logic: unknown only where the unknown terms decide."""
        if self.gated():
            return FALSE
        truths = [term.truth for term in self.terms]
        decides = TRUE if self.any_of else FALSE
        if decides in truths:
            return decides
        return UNKNOWN if UNKNOWN in truths else TRUE - decides


@dataclass(slots=True)
class PointTable:
    """What is known of each judged point, in columns. Row 0 stands for every point that no rule looks at.

    low, high, until   a good reading in [low, high] before `until` changes nothing
    at, value, quality the last judged reading
    fresh              acceptance time of the last acceptable reading, -1 before engine start
    known              is the last reading acceptable?
    """

    ids: npt.NDArray[np.int64]
    asset: npt.NDArray[np.int64]
    text: npt.NDArray[np.bool_]
    low: F64
    high: F64
    until: I64
    at: I64
    value: F64
    quality: U8
    fresh: I64
    known: npt.NDArray[np.bool_]
    lookup: npt.NDArray[np.int64]
    """point id -> row; the last element is for ids beyond"""

    @classmethod
    def of(cls, ids: list[int], assets: list[int], texts: list[bool]) -> PointTable:
        """A table for these points; row 0 is added."""
        n = len(ids) + 1
        lookup = np.zeros(max(ids, default=0) + 2, np.int64)
        lookup[ids] = np.arange(1, n)
        table = cls(
            ids=np.array([0, *ids], np.int64),
            asset=np.array([0, *assets], np.int64),
            text=np.array([False, *texts], np.bool_),
            low=np.full(n, inf),
            high=np.full(n, -inf),
            until=np.full(n, NEVER, np.int64),
            at=np.full(n, LONG_AGO, np.int64),
            value=np.full(n, nan),
            quality=np.zeros(n, np.uint8),
            fresh=np.full(n, -1, np.int64),
            known=np.zeros(n, np.bool_),
            lookup=lookup,
        )
        table.low[0], table.high[0] = -inf, inf
        return table

    def rows(self, points: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """Point ids -> rows."""
        found: npt.NDArray[np.int64] = self.lookup.take(points, mode="clip")
        return found


@dataclass(slots=True)
class Program:
    """The compiled rules. The three lists by row answer: what must be looked at when this point speaks?"""

    table: PointTable
    judgements: list[Judgement]
    terms_of: list[tuple[Comparison, ...]]
    judgements_of: list[tuple[Judgement, ...]]
    stale: list[Comparison]
    disabled: dict[RuleRef, str] = field(default_factory=dict)


def fingerprint(rule: RuleSpec) -> str:
    """Sixteen hex digits that change when the rule judges differently (not when its words change)."""
    meaning = (rule.terms, rule.unless, rule.any_of, rule.on_delay_s, rule.off_delay_s, rule.latched)
    return blake2b(repr(meaning).encode(), digest_size=8).hexdigest()


def compile_rules(estate: Estate) -> Program:
    """All effective rules of all assets. A rule that cannot be bound is left out and told in `disabled`."""
    ids: list[int] = []
    assets: list[int] = []
    texts: list[bool] = []
    row_of: dict[tuple[str, str], int] = {}
    numbers = {asset: number for number, asset in enumerate(estate.assets, 1)}
    judgements: list[Judgement] = []
    disabled: dict[RuleRef, str] = {}

    def row(asset: str, key: str) -> int:
        point = estate.by_key.get((asset, key))
        if point is None:
            raise ConfigurationError(f"asset {asset} has no point {key}")
        if (asset, key) not in row_of:
            ids.append(point.id)
            assets.append(numbers[asset])
            texts.append(point.spec.type is ValueType.TEXT)
            row_of[asset, key] = len(ids)
        return row_of[asset, key]

    def bind(asset: str, term: Term, *, gate: bool) -> Comparison:
        relative = row(asset, term.relative_to) if term.relative_to else 0
        if relative and term.op not in {Op.ABOVE, Op.BELOW}:
            raise ConfigurationError(f"{term.point}: relative_to goes with above and below, not with {term.op}")
        return Comparison.bind(term, row(asset, term.point), relative, gate=gate)

    for asset in estate.assets:
        for rule in estate.rules_of(asset):
            ref = RuleRef(asset, rule.id)
            try:
                judgements.append(_judgement(len(judgements), ref, rule, bind))
            except (ConfigurationError, TypeError, ValueError) as wrong:
                disabled[ref] = str(wrong)
    return _link(PointTable.of(ids, assets, texts), judgements, disabled)


class _Bind(Protocol):
    def __call__(self, asset: str, term: Term, *, gate: bool) -> Comparison: ...


def _judgement(number: int, ref: RuleRef, rule: RuleSpec, bind: _Bind) -> Judgement:
    terms = tuple(bind(ref.asset, term, gate=False) for term in rule.terms)
    gates = tuple(bind(ref.asset, term, gate=True) for term in rule.unless)
    if not terms:
        raise ConfigurationError(f"rule {rule.id} has no terms")
    if rule.on_delay_s < 0 or rule.off_delay_s < 0:
        raise ConfigurationError(f"rule {rule.id}: delays are not negative")
    rows = {row for term in (*terms, *gates) for row in (term.row, term.relative) if row}
    return Judgement(
        number=number,
        ref=ref,
        terms=terms,
        gates=gates,
        any_of=rule.any_of,
        on_ns=round(rule.on_delay_s * SECOND),
        off_ns=round(rule.off_delay_s * SECOND),
        latched=rule.latched,
        fingerprint=fingerprint(rule),
        rows=tuple(sorted(rows)),
    )


def _link(table: PointTable, judgements: list[Judgement], disabled: dict[RuleRef, str]) -> Program:
    terms: list[list[Comparison]] = [[] for _ in table.ids]
    users: list[list[Judgement]] = [[] for _ in table.ids]
    stale: list[Comparison] = []
    for judgement in judgements:
        for term in (*judgement.terms, *judgement.gates):
            term.judgements.append(judgement.number)
            terms[term.row].append(term)
            if term.relative and term.relative != term.row:
                terms[term.relative].append(term)
            if term.op is Op.STALE:
                stale.append(term)
        for row in judgement.rows:
            users[row].append(judgement)
    return Program(table, judgements, [tuple(t) for t in terms], [tuple(u) for u in users], stale, disabled)
