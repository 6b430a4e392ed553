"""One comparison of one point: its truth, and the band of values in which that truth cannot change.

The band is what makes judging cheap: a reading inside the bands of its point changes nothing, and numpy can see that
for a whole batch at once. Truth and band are computed from the same expressions, so they never disagree by a rounding.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from math import inf, isfinite, nextafter
from typing import Final

from caretaker.domain.equipment import Op, Term
from caretaker.domain.errors import ConfigurationError

UNKNOWN: Final = -1
FALSE: Final = 0
TRUE: Final = 1

SECOND: Final = 1_000_000_000
NEVER: Final = (1 << 63) - 1
"""A time that does not come."""

ANCHORS: Final = 32
"""A rate keeps at most this many earlier readings, spread evenly over its window."""

RATES: Final = frozenset({Op.RISES, Op.FALLS})
SETS: Final = frozenset({Op.IS, Op.IS_NOT, Op.IN, Op.NOT_IN})

Band = tuple[float, float, int]
EMPTY_BAND: Final[Band] = (inf, -inf, NEVER)
"""No reading is quiet."""
OPEN_BAND: Final[Band] = (-inf, inf, NEVER)
"""Every finite reading is quiet."""


@dataclass(slots=True)
class Comparison:
    """A term bound to the rows of the point table, with its truth.

    row, relative   the point, and the point its limit is relative to (0: none)
    codes           sorted values of is, is_not, in, not_in
    anchors         (time, value), ascending: the readings a rate is measured against
    judgements      the numbers of the judgements that use it
    gate            an `unless` term: it holds itself in its deadband; others are held by their active alarm
    held            does the deadband apply now?
    """

    row: int
    key: str
    op: Op
    limit: float
    deadband: float
    codes: tuple[float, ...]
    window_ns: int
    relative: int
    gate: bool = False
    truth: int = UNKNOWN
    held: bool = False
    anchors: deque[tuple[int, float]] = field(default_factory=deque)
    judgements: list[int] = field(default_factory=list)

    @classmethod
    def bind(cls, term: Term, row: int, relative: int, *, gate: bool) -> Comparison:
        """A term with numbers in their place. Raises ConfigurationError for numbers that cannot be judged."""
        numbers = [float(term.value), float(term.deadband), float(term.within_s), *map(float, term.values)]
        if not all(map(isfinite, numbers)):
            raise ConfigurationError(f"{term.point}: limits, deadbands and times must be finite numbers")
        if term.deadband < 0:
            raise ConfigurationError(f"{term.point}: a deadband is not negative, found {term.deadband}")
        if term.op in RATES and term.within_s <= 0:
            raise ConfigurationError(f"{term.point}: {term.op} needs within_s above 0, found {term.within_s}")
        if term.op is Op.STALE and term.value <= 0:
            raise ConfigurationError(f"{term.point}: stale needs an age above 0 s, found {term.value}")
        codes = term.values if term.op in {Op.IN, Op.NOT_IN} else (term.value,) if term.op in SETS else ()
        window = term.value if term.op is Op.STALE else term.within_s
        return cls(
            row=row,
            key=term.point,
            op=term.op,
            limit=float(term.value),
            deadband=float(term.deadband),
            codes=tuple(sorted(map(float, codes))),
            window_ns=round(window * SECOND),
            relative=relative,
            gate=gate,
            truth=FALSE if term.op is Op.STALE else UNKNOWN,
        )

    def judge(self, value: float, base: float, at_ns: int) -> None:
        """Take a new value (NaN: unknown). `base` is the value the limit is relative to, 0 where there is none."""
        if value != value or base != base:
            self.truth, self.held = UNKNOWN, False
        elif self.op in SETS:
            self.truth = int((value in self.codes) == (self.op in {Op.IS, Op.IN}))
        else:
            if self.op in RATES:
                base = self._anchor(value, at_ns)
            self._compare(value, base)

    def hold(self, held: bool, value: float, base: float) -> None:
        """The alarm was raised or cleared: from now on the deadband applies, or does not. Looks again at the value."""
        if self.truth == UNKNOWN or self.op in SETS or self.op is Op.STALE:
            return
        self.held = held
        self._compare(value, self.anchors[0][1] if self.op in RATES else base)

    def band(self, value: float, base: float) -> Band:
        """(lowest, highest, until_ns): a finite reading within, taken before until_ns, leaves the truth as it is.

        `value` is the latest reading, `base` as in `judge`.
        """
        if base != base:
            return OPEN_BAND  # unknown whatever the value
        if self.truth == UNKNOWN:
            return EMPTY_BAND
        if self.op in SETS:
            return self._gap(value)
        until = NEVER
        if self.op in RATES:
            if not self.anchors:
                return EMPTY_BAND
            base = self.anchors[0][1]
            until = min(self.anchors[0][0] + self.window_ns + 1, self.anchors[-1][0] + self._spacing())
        falls = self.op in {Op.BELOW, Op.FALLS}
        edge, back = self._edges(base)
        turn = back if self.held else edge
        if self.truth == FALSE:
            return (turn, inf, until) if falls else (-inf, turn, until)
        return (-inf, nextafter(turn, -inf), until) if falls else (nextafter(turn, inf), inf, until)

    def _edges(self, base: float) -> tuple[float, float]:
        """(beyond this it is true; while held it is true beyond this)"""
        if self.op is Op.FALLS:
            return base - self.limit, base - self.limit + self.deadband
        edge = base + self.limit
        return edge, edge + self.deadband if self.op is Op.BELOW else edge - self.deadband

    def _compare(self, value: float, base: float) -> None:
        edge, back = self._edges(base)
        if self.op in {Op.BELOW, Op.FALLS}:
            value, edge, back = -value, -edge, -back
        self.truth = int(value > (back if self.held else edge))
        if self.gate:
            self.held = self.truth == TRUE

    def _gap(self, value: float) -> Band:
        if value in self.codes:
            return value, value, NEVER
        above = bisect_left(self.codes, value)
        low = nextafter(self.codes[above - 1], inf) if above else -inf
        high = nextafter(self.codes[above], -inf) if above < len(self.codes) else inf
        return low, high, NEVER

    def _spacing(self) -> int:
        return max(self.window_ns // (ANCHORS - 1), 1)

    def _anchor(self, value: float, at_ns: int) -> float:
        """The oldest kept reading inside the window that ends now; the reading itself when there is none."""
        anchors = self.anchors
        while anchors and anchors[0][0] < at_ns - self.window_ns:
            anchors.popleft()
        if not anchors or at_ns >= anchors[-1][0] + self._spacing():
            anchors.append((at_ns, value))
        return anchors[0][1]
