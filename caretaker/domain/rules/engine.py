"""RuleEngine: readings in, transitions out. Pure: the state is its own, time is passed in.

Meaning:
- A term is true beyond its limit; once the alarm is raised, until the value is back by the deadband (a gate holds itself
  so). It is unknown before the first reading and while the reading is bad; after unknown the deadband is forgotten.
- The verdict is all (or any) of the terms; unknown only where unknown terms decide. A true `unless` term makes it false.
- True for on_delay raises at `since + delay`, false for off_delay clears. The time between is measured by the devices'
  clock from reading to reading, and by the acceptance clock where no reading comes (the last value is held).
- Unknown neither raises nor clears: a running delay is dropped.
- Readings older than the last judged one of their point, and *historical* ones, are never judged.
- Readings of one asset with one time are one fact: they are applied together, then judged.

Most readings change nothing. Each point has a band in which that is certain (terms.py); numpy finds the others.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Final

import numpy as np
import numpy.typing as npt

from caretaker.domain.assets import Estate
from caretaker.domain.equipment import Op
from caretaker.domain.readings import HISTORICAL, Quality, ReadingBatch
from caretaker.domain.rules import state
from caretaker.domain.rules.program import LONG_AGO, Judgement, compile_rules
from caretaker.domain.rules.terms import EMPTY_BAND, FALSE, NEVER, OPEN_BAND, TRUE, UNKNOWN, Comparison
from caretaker.domain.rules.types import Change, Evidence, RuleRef, Transition

_UNQUIET: Final = int(Quality.BAD) | HISTORICAL
_STALE, _DELAY = 0, 1
Rows = npt.NDArray[np.int64]


def _floats(column: npt.NDArray[np.float64]) -> memoryview[float]:
    """The same memory, twice as fast to index one by one."""
    return memoryview(column)  # type: ignore[arg-type]  # numpy does not tell the types of its buffers


def _integers(column: npt.NDArray[np.int64] | npt.NDArray[np.uint8]) -> memoryview[int]:
    return memoryview(column)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class TermView:
    """A term as it stands: `truth` None is unknown; `value` None is text, bad or never read."""

    point: int
    key: str
    op: Op
    limit: float | None
    codes: tuple[float, ...]
    value: float | None
    quality: int
    at_ns: int | None
    truth: bool | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a rule says what it says: for the page and the closing gate. `since_ns`: a delay has been running since."""

    ref: RuleRef
    active: bool
    verdict: bool | None
    gated: bool
    since_ns: int | None
    terms: tuple[TermView, ...]
    gates: tuple[TermView, ...]


class RuleEngine:
    """Judges all assets of an estate. Not thread-safe: one thread owns it.

    disabled   rule -> why it does not run
    late       readings that were older than the last judged one of their point
    """

    def __init__(self, estate: Estate) -> None:
        program = compile_rules(estate)
        self._program = program
        self._table = program.table
        self.disabled: dict[RuleRef, str] = program.disabled
        self.late = 0
        self._by_ref = {judgement.ref: judgement for judgement in program.judgements}
        self._timers: list[tuple[int, int, int, int]] = []
        self._stale_rows = np.array([term.row for term in program.stale], np.int64)
        self._stale_ns = np.array([term.window_ns for term in program.stale], np.int64)
        self._stale_next = LONG_AGO
        self._started = False
        table = program.table
        self._low, self._high = _floats(table.low), _floats(table.high)
        self._until, self._at, self._fresh = _integers(table.until), _integers(table.at), _integers(table.fresh)
        self._value, self._quality = _floats(table.value), _integers(table.quality)

    # ------------------------------------------------------------------ readings

    def evaluate(self, batch: ReadingBatch, accepted_ns: int) -> list[Transition]:
        """Judge a batch that was accepted at `accepted_ns`. Timers due by then come first."""
        out = self.advance(accepted_ns)
        if not len(batch):
            return out
        table = self._table
        rows = table.rows(batch.points)
        values, times, quality = batch.values, batch.times, batch.quality
        quiet = values >= table.low[rows]
        quiet &= values <= table.high[rows]
        quiet &= times >= table.at[rows]
        quiet &= times < table.until[rows]
        quiet &= (quality & _UNQUIET) == 0
        if not quiet.all():
            mixed = self._sort_out(batch, rows, quiet)
            if mixed is not None:
                self._keep(rows[quiet], times[quiet], values[quiet], quality[quiet], accepted_ns)
                out += self._in_order(batch, rows, mixed, accepted_ns)
                return out
            rows, times, values, quality = rows[quiet], times[quiet], values[quiet], quality[quiet]
        self._keep(rows, times, values, quality, accepted_ns)
        return out

    def _sort_out(self, batch: ReadingBatch, rows: Rows, quiet: npt.NDArray[np.bool_]) -> Rows | None:
        """The batch rows to be judged one by one, in order (None: none). Takes them out of `quiet`.

        Every reading of an asset on which something may change goes that way, because its bands may change too.
        """
        table = self._table
        loud = np.flatnonzero(~quiet)
        at = rows[loud]
        flags = batch.quality[loud]
        judged = (at != 0) & ((flags & HISTORICAL) == 0)
        late = judged & (batch.times[loud] < table.at[at])
        self.late += int(np.count_nonzero(late))
        bad = (flags & Quality.BAD) != 0
        bad |= np.isnan(batch.values[loud]) & ~table.text[at]
        repeated = judged & ~late & bad & ~table.known[at] & (batch.times[loud] < table.until[at])
        assets = table.asset[at[judged & ~late & ~repeated]]
        if assets.size:
            touched = np.zeros(int(table.asset.max()) + 1, np.bool_)
            touched[assets] = True
            mixed = touched[table.asset[rows]]
            quiet &= ~mixed
            calm = repeated & ~mixed[loud]
        else:
            mixed, calm = None, repeated
        if calm.any():  # still bad: nothing to judge, but the page wants to know when it was last heard
            chosen = loud[calm]
            np.maximum.at(table.at, rows[chosen], batch.times[chosen])
            table.quality[rows[chosen]] = batch.quality[chosen]
        return None if mixed is None else np.flatnonzero(mixed)

    def _keep(
        self, rows: Rows, times: Rows, values: npt.NDArray[np.float64], quality: npt.NDArray[np.uint8], accepted_ns: int
    ) -> None:
        """Remember quiet readings. For a repeated row numpy keeps the last one given."""
        table = self._table
        table.at[rows] = times
        table.value[rows] = values
        table.quality[rows] = quality
        table.fresh[rows] = accepted_ns
        behind = np.flatnonzero((table.at[rows] < times) & (rows != 0))
        for index in behind.tolist():  # the batch itself was out of order
            row = int(rows[index])
            if times[index] >= table.at[row]:
                table.at[row], table.value[row], table.quality[row] = times[index], values[index], quality[index]
        table.at[0] = LONG_AGO

    def _in_order(self, batch: ReadingBatch, rows: Rows, chosen: Rows, accepted_ns: int) -> list[Transition]:
        """Judge the chosen batch rows one after another, asset by asset; transitions in the order of the batch."""
        table = self._table
        chosen = chosen[np.argsort(table.asset[rows[chosen]], kind="stable")]
        found: list[tuple[int, Transition]] = []
        fact: dict[int, tuple[float, int]] = {}
        fact_ns = fact_asset = last = 0
        at, low, high, until = self._at, self._low, self._high, self._until
        columns = zip(
            chosen.tolist(),
            rows[chosen].tolist(),
            table.asset[rows[chosen]].tolist(),
            batch.times[chosen].tolist(),
            batch.values[chosen].tolist(),
            batch.quality[chosen].tolist(),
            strict=True,
        )
        for index, row, asset, time, value, quality in columns:
            if fact and (asset != fact_asset or time != fact_ns or row in fact):
                found += [(last, transition) for transition in self._judge(fact, fact_ns, accepted_ns)]
                fact = {}
            if quality & HISTORICAL:
                continue
            if time < at[row]:
                self.late += 1
                continue
            if low[row] <= value <= high[row] and time < until[row] and not quality & _UNQUIET:
                at[row], self._value[row], self._quality[row] = time, value, quality
                self._fresh[row] = accepted_ns
                continue
            fact[row] = (value, quality)
            fact_ns, fact_asset, last = time, asset, index
        if fact:
            found += [(last, transition) for transition in self._judge(fact, fact_ns, accepted_ns)]
        found.sort(key=lambda pair: pair[0])
        return [transition for _, transition in found]

    def _judge(self, fact: Mapping[int, tuple[float, int]], at_ns: int, accepted_ns: int) -> list[Transition]:
        """Take readings of one asset and one time: timers that end by then, values, terms, verdicts, bands."""
        program = self._program
        found = {user.number: user for row in fact for user in program.judgements_of[row]}
        users = [found[number] for number in sorted(found)]
        out = [self._fire(user, accepted_ns) for user in users if user.due_ns < at_ns and not user.disabled]
        terms: dict[int, Comparison] = {}
        for row, (value, quality) in fact.items():
            bad = bool(quality & Quality.BAD)
            self._at[row], self._quality[row] = at_ns, quality
            self._value[row] = nan if bad else value
            self._table.known[row] = not bad and not isnan(value)
            acceptable = not bad and (not isnan(value) or bool(self._table.text[row]))
            if acceptable:
                self._fresh[row] = accepted_ns
            for term in program.terms_of[row]:
                if term.op is not Op.STALE:
                    terms[id(term)] = term
                elif acceptable:
                    term.truth = FALSE
        for term in terms.values():
            term.judge(self._value[term.row], self._base(term), at_ns)
            if term.truth == TRUE and not term.gate:
                term.held = program.judgements[term.judgements[0]].active
        for user in users:
            out += self._settle(user, at_ns, accepted_ns, accepted_ns)
        self._refresh({row for user in users for row in user.rows})
        return out

    # ------------------------------------------------------------------ time

    def advance(self, now_ns: int) -> list[Transition]:
        """Let the acceptance clock come to `now_ns`: ends delays without data, finds points that fell silent."""
        table = self._table
        if not self._started:
            self._started = True
            table.fresh[table.fresh < 0] = now_ns
        timers = self._timers
        if now_ns >= self._stale_next:
            self._find_stale(now_ns)
        out: list[Transition] = []
        while timers and timers[0][0] <= now_ns:
            if timers[0][1] == _DELAY and timers[0][0] == now_ns:
                break  # a reading of this very moment may still end it
            due, what, number, generation = heapq.heappop(timers)
            if what == _STALE:
                term = self._program.stale[number]
                term.truth = TRUE
                users = [self._program.judgements[user] for user in term.judgements]
                for user in users:
                    out += self._settle(user, due, due, now_ns)
                self._refresh({row for user in users for row in user.rows})
                continue
            user = self._program.judgements[number]
            if user.generation == generation and user.since_ns is not None:
                out.append(self._fire(user, now_ns))
                self._refresh(set(user.rows))
        return out

    def _find_stale(self, now_ns: int) -> None:
        """Put the points that are silent by now among the timers, and remember when to look again."""
        if not self._stale_rows.size:
            self._stale_next = NEVER
            return
        due = self._table.fresh[self._stale_rows] + self._stale_ns
        already = np.array([term.truth == TRUE for term in self._program.stale])
        due[already] = NEVER
        for number in np.flatnonzero(due <= now_ns).tolist():
            heapq.heappush(self._timers, (int(due[number]), _STALE, number, 0))
        waiting = due[due > now_ns]
        shortest = int(self._stale_ns.min())
        # a point that speaks from now on is silent at the earliest after the shortest limit
        self._stale_next = min(int(waiting.min()) if waiting.size else NEVER, now_ns + shortest)

    # ------------------------------------------------------------------ verdicts

    def _settle(self, user: Judgement, at_ns: int, accepted_ns: int, seen_ns: int) -> list[Transition]:
        """Hold the verdict against the state: start, keep or drop the delay; without one, change at once."""
        if user.disabled:
            return []
        try:
            verdict = user.verdict()
        except (ArithmeticError, LookupError, TypeError, ValueError) as wrong:
            user.disabled = True
            self._drop(user)
            self.disabled[user.ref] = f"{type(wrong).__name__}: {wrong}"
            return []
        wanted = FALSE if user.active else TRUE
        if verdict != wanted or (user.active and user.latched):
            self._drop(user)
            return []
        if user.since_ns is not None:
            return [self._fire(user, seen_ns)] if user.due_ns <= at_ns else []
        user.since_ns, user.since_accepted_ns = max(at_ns, user.changed_ns), accepted_ns
        user.generation += 1
        if user.delay_ns == 0:
            return [self._fire(user, seen_ns)]
        user.due_ns = user.since_ns + user.delay_ns
        heapq.heappush(self._timers, (accepted_ns + user.delay_ns, _DELAY, user.number, user.generation))
        return []

    def _drop(self, user: Judgement) -> None:
        if user.since_ns is not None:
            user.since_ns, user.due_ns = None, NEVER
            user.generation += 1

    def _fire(self, user: Judgement, seen_ns: int) -> Transition:
        """The delay is over: change sides. `at_ns` of one judgement always grows, so an alarm's id is its own."""
        since = user.since_ns if user.since_ns is not None else user.changed_ns
        at_ns = max(since + user.delay_ns, user.changed_ns + 1)
        evidence = self._evidence(user)
        self._turn(user, active=not user.active)
        user.changed_ns = at_ns
        self._drop(user)
        change = Change.RAISED if user.active else Change.CLEARED
        return Transition(user.ref, change, since, at_ns, seen_ns, evidence)

    def _turn(self, user: Judgement, *, active: bool) -> None:
        """Active or not; an active alarm holds its terms in their deadbands."""
        user.active = active
        for term in user.terms:
            term.hold(active, self._value[term.row], self._base(term))

    def _evidence(self, user: Judgement) -> tuple[Evidence, ...]:
        views = (self._view(term) for term in user.terms)
        return tuple(Evidence(v.point, v.key, v.at_ns or 0, v.value, v.quality, v.limit) for v in views)

    def _base(self, term: Comparison) -> float:
        if not term.relative:
            return 0.0
        return float(self._value[term.relative]) if self._table.known[term.relative] else nan

    def _refresh(self, rows: set[int]) -> None:
        """Work out the bands of these points anew."""
        table = self._table
        for row in rows:
            low, high, until = OPEN_BAND
            for term in self._program.terms_of[row]:
                if term.op is Op.STALE:
                    band = EMPTY_BAND if term.truth == TRUE else OPEN_BAND
                elif not table.known[row]:
                    band = EMPTY_BAND
                elif term.relative == row:
                    band = (self._value[row], self._value[row], NEVER)
                else:
                    band = term.band(self._value[row], self._base(term))
                low, high, until = max(low, band[0]), min(high, band[1]), min(until, band[2])
            for user in self._program.judgements_of[row]:
                until = min(until, user.due_ns)
            self._low[row], self._high[row], self._until[row] = low, high, until

    # ------------------------------------------------------------------ people and pages

    def active(self) -> list[RuleRef]:
        """The conditions that hold an alarm open."""
        return [user.ref for user in self._program.judgements if user.active]

    def refs(self) -> Collection[RuleRef]:
        """Every rule that is judged."""
        return self._by_ref.keys()

    def explain(self, ref: RuleRef) -> Explanation:
        """The rule's terms against their limits, now. Raises KeyError for a rule that is not judged."""
        user = self._by_ref[ref]
        verdict = user.verdict()
        return Explanation(
            ref=ref,
            active=user.active,
            verdict=None if verdict == UNKNOWN else verdict == TRUE,
            gated=user.gated(),
            since_ns=user.since_ns,
            terms=tuple(map(self._view, user.terms)),
            gates=tuple(map(self._view, user.gates)),
        )

    def _view(self, term: Comparison) -> TermView:
        table, row = self._table, term.row
        value, base, at = float(table.value[row]), self._base(term), int(table.at[row])
        return TermView(
            point=int(table.ids[row]),
            key=term.key,
            op=term.op,
            limit=None if isnan(base) else term.limit + base,
            codes=term.codes,
            value=None if isnan(value) else value,
            quality=int(table.quality[row]),
            at_ns=None if at == LONG_AGO else at,
            truth=None if term.truth == UNKNOWN else term.truth == TRUE,
        )

    def reset(self, ref: RuleRef, now_ns: int) -> list[Transition]:
        """A person resets a latched alarm: clears it when its condition is gone, else nothing happens. Raises KeyError."""
        user = self._by_ref[ref]
        if not user.active or not user.latched or user.verdict() != FALSE:
            return []
        user.since_ns = max(now_ns - user.off_ns, user.changed_ns)
        return [self._fire(user, now_ns)]

    # ------------------------------------------------------------------ restart

    def resume(self, now_ns: int, last_ns: int) -> None:
        """The house stood still from `last_ns` to `now_ns`: that time counts neither for delays nor for silence.

        Call once after a restart, when everything accepted before it has been evaluated.
        """
        gap = max(now_ns - last_ns, 0)
        for user in self._program.judgements:
            if user.since_ns is not None:
                user.since_accepted_ns += gap
        np.maximum(self._table.fresh, now_ns, out=self._table.fresh)
        self._started = True
        self._rewind()

    def reconcile(self, active: Mapping[RuleRef, int], now_ns: int) -> list[Transition]:
        """Take over which alarms are open (rule -> raised_ns): the database is right about that, also after a rule changed."""
        out: list[Transition] = []
        for user in self._program.judgements:
            raised_ns = active.get(user.ref)
            if (raised_ns is not None) == user.active:
                continue
            self._drop(user)
            self._turn(user, active=raised_ns is not None)
            user.changed_ns = max(user.changed_ns, raised_ns or LONG_AGO)
            heard = max((self._at[row] for row in user.rows), default=LONG_AGO)
            if heard != LONG_AGO:
                out += self._settle(user, heard, now_ns, now_ns)
            self._refresh(set(user.rows))
        return out

    def snapshot(self) -> bytes:
        """The whole state."""
        return state.dump(self._program)

    def restore(self, data: bytes) -> None:
        """Take a snapshot's state for the points and rules that are still the same. Raises ValueError for other bytes."""
        state.load(self._program, data)
        self._started = bool((self._table.fresh[1:] >= 0).all())
        self._rewind()

    def _rewind(self) -> None:
        """Timers and bands anew from the state."""
        waiting: Sequence[Judgement] = [user for user in self._program.judgements if user.since_ns is not None]
        self._timers = [(u.since_accepted_ns + u.delay_ns, _DELAY, u.number, u.generation) for u in waiting]
        heapq.heapify(self._timers)
        self._stale_next = LONG_AGO
        self._refresh(set(range(1, len(self._table.ids))))
