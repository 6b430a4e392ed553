"""The gate: which readings are accepted, which are refused and why, which come too late to be judged.

Works on columns; a Python object per reading exists only where something is refused or not newer than the last one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from caretaker.domain.assets import Point
from caretaker.domain.equipment import ValueType
from caretaker.domain.readings import EMPTY, HISTORICAL, I64, QUALITY_BITS, Quality, ReadingBatch
from caretaker.services.seen import Rows, Seen, fingerprints

SECOND: Final = 1_000_000_000
EARLIEST_NS: Final = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp()) * SECOND
"""No device of this house is older than the house; a clock that says less has never been set."""
MAX_AHEAD_NS: Final = 300 * SECOND
LARGEST: Final = 2.0**63
"""The plausible range of a point that declares none: beyond, an integer has lost digits on its way into a double."""
LATE_NS: Final = 60 * SECOND
"""Older than the newest of its point by more than this: stored, not judged."""
DELAYED_NS: Final = 300 * SECOND
"""On its way for longer than this: stored, not judged."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reading the gate keeps out. `reason` is a stable word: unknown_point, not_finite, implausible, future,
    too_old, same_time_other_value."""

    reason: str
    point: int
    at_ns: int
    value: float
    detail: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gate made of a batch: the accepted rows (with HISTORICAL set where due), refusals, silent repeats."""

    accepted: ReadingBatch
    refusals: Sequence[Refusal]
    duplicates: int
    historical: int
    slots: Rows


class Gate:
    """Judges batches against the points of an estate and what was accepted before. Not thread-safe: one owner."""

    def __init__(self, points: Iterable[Point], retention_ns: int) -> None:
        known = sorted(points, key=lambda point: point.id)
        self._ids = np.array([point.id for point in known] or [-1], np.int64)  # -1: no uint32 equals it
        self._names = [f"{point.asset}.{point.key}" for point in known]
        ranges = [point.spec.range or (-LARGEST, LARGEST) for point in known] or [(-LARGEST, LARGEST)]
        self._low = np.array([low for low, _ in ranges], np.float64)
        self._high = np.array([high for _, high in ranges], np.float64)
        self._is_text = np.array([point.spec.type is ValueType.TEXT for point in known] or [False], np.bool_)
        self._retention_ns = retention_ns
        self._seen = Seen(len(self._ids))

    def judge(self, batch: ReadingBatch, now_ns: int) -> Judged:
        """Decide, remembering nothing: call `remember` when the accepted rows are durable."""
        if not len(batch):
            return Judged(EMPTY, (), 0, 0, np.empty(0, np.int64))
        oldest = max(EARLIEST_NS, now_ns - self._retention_ns)
        slots, known = self._slots(batch)
        refusals: list[Refusal] = []
        if not self._plainly_good(batch, slots, known, oldest, now_ns):
            batch, slots = self._admitted(batch, slots, known, oldest, now_ns, refusals)
        batch, slots, duplicates = self._once(batch, slots, refusals, now_ns)
        batch, historical = self._flagged(batch, slots, now_ns)
        return Judged(batch, refusals, duplicates, historical, slots)

    def _plainly_good(self, batch: ReadingBatch, slots: Rows, known: np.ndarray, oldest: int, now_ns: int) -> bool:
        """Only finite numbers inside their ranges and times: nearly every batch. NaN is inside no range."""
        values, times = batch.values, batch.times
        inside = (values >= self._low[slots]) & (values <= self._high[slots]) & known
        return (
            bool(inside.all())
            and times.min() >= oldest
            and times.max() <= now_ns + MAX_AHEAD_NS
            and not (batch.texts or (batch.quality & QUALITY_BITS == Quality.BAD).any() or self._is_text[slots].any())
        )

    def _admitted(
        self, batch: ReadingBatch, slots: Rows, known: np.ndarray, oldest: int, now_ns: int, refusals: list[Refusal]
    ) -> tuple[ReadingBatch, Rows]:
        """The rows that may pass; a refusal for each other one."""
        batch = self._blanked(batch)
        bad = (batch.quality & QUALITY_BITS) == Quality.BAD
        finite = np.isfinite(batch.values) | bad
        if batch.texts or self._is_text.any():
            worded = np.zeros(len(batch), np.bool_)
            worded[list(batch.texts)] = True
            finite = np.where(self._is_text[slots], worded | bad, finite)
        with np.errstate(invalid="ignore"):
            implausible = (batch.values < self._low[slots]) | (batch.values > self._high[slots])
        good = known.copy()
        for reason, ok in (
            ("unknown_point", known),
            ("not_finite", finite),
            ("implausible", ~implausible),
            ("future", batch.times <= now_ns + MAX_AHEAD_NS),
            ("too_old", batch.times >= oldest),
        ):
            if not ok.all():
                wrong = good & ~ok if reason != "unknown_point" else ~ok
                refusals.extend(self._refusal(reason, batch, slots, int(row), now_ns) for row in np.flatnonzero(wrong))
                good &= ok
        return (batch, slots) if good.all() else (batch.take(good), slots[good])

    def remember(self, judged: Judged) -> None:
        """The accepted rows are durable."""
        if len(judged.accepted):
            self._seen.add(judged.slots, judged.accepted.times, fingerprints(judged.accepted))

    def warm(self, batches: Iterable[ReadingBatch]) -> None:
        """Recall what was accepted before this process began: the journal's tail, oldest first."""
        for batch in batches:
            slots, known = self._slots(batch)
            if not known.all():
                batch, slots = batch.take(known), slots[known]
            self._seen.add(slots, np.array(batch.times), np.array(fingerprints(batch)))

    def _slots(self, batch: ReadingBatch) -> tuple[Rows, np.ndarray]:
        slots = np.minimum(np.searchsorted(self._ids, batch.points), len(self._ids) - 1)
        return slots, self._ids[slots] == batch.points

    @staticmethod
    def _blanked(batch: ReadingBatch) -> ReadingBatch:
        """A bad reading has no value."""
        bad = (batch.quality & QUALITY_BITS) == Quality.BAD
        if not bad.any() or bool(np.isnan(batch.values[bad]).all()):
            return batch
        values = np.where(bad, np.nan, batch.values)
        return ReadingBatch(batch.points, batch.times, values, batch.quality, batch.texts)

    def _once(
        self, batch: ReadingBatch, slots: Rows, refusals: list[Refusal], now_ns: int
    ) -> tuple[ReadingBatch, Rows, int]:
        """Without the readings that were seen before, in earlier batches or in this one."""
        if not len(batch):
            return batch, slots, 0
        order = np.argsort(slots, kind="stable")
        by_slot, times = slots[order], batch.times[order]
        first = np.empty(len(order), np.bool_)
        first[0] = True
        np.not_equal(by_slot[1:], by_slot[:-1], out=first[1:])
        before: I64 = np.empty(len(order), np.int64)
        before[1:] = times[:-1]
        before[first] = self._seen.newest[by_slot[first]]
        suspect = times <= before
        if not suspect.any():
            return batch, slots, 0
        rows = np.sort(order[np.isin(by_slot, np.unique(by_slot[suspect]))])
        prints = fingerprints(batch)
        found, values = self._seen.find(slots[rows], batch.times[rows])
        keep = np.ones(len(batch), np.bool_)
        duplicates = 0
        here: dict[tuple[int, int], float] = {}
        for row, was_seen, seen_value in zip(rows.tolist(), found.tolist(), values.tolist(), strict=True):
            at = (int(slots[row]), int(batch.times[row]))
            said = float(prints[row])
            earlier = seen_value if was_seen else here.setdefault(at, said) if at in here else None
            if earlier is None:
                here[at] = said
                continue
            keep[row] = False
            if earlier == said or (earlier != earlier and said != said):
                duplicates += 1
            else:
                refusals.append(
                    self._refusal("same_time_other_value", batch, slots, row, now_ns, f"accepted {earlier:g}")
                )
        return batch.take(keep), slots[keep], duplicates

    def _flagged(self, batch: ReadingBatch, slots: Rows, now_ns: int) -> tuple[ReadingBatch, int]:
        """HISTORICAL where the reading is late; a clock that ran ahead once does not make honest readings late."""
        newest = np.minimum(self._seen.newest[slots], now_ns)
        # compared without subtracting from the lowest int64, which would wrap
        late = (batch.times + LATE_NS < newest) | (batch.times < now_ns - DELAYED_NS)
        quality = batch.quality | late.astype(np.uint8) * np.uint8(HISTORICAL) if late.any() else batch.quality
        historical = int(np.count_nonzero(quality & HISTORICAL))
        return ReadingBatch(batch.points, batch.times, batch.values, quality, batch.texts), historical

    def _refusal(self, reason: str, batch: ReadingBatch, slots: Rows, row: int, now_ns: int, more: str = "") -> Refusal:
        point, at_ns, value = int(batch.points[row]), int(batch.times[row]), float(batch.values[row])
        slot = int(slots[row])
        name = f"point {point}" if reason == "unknown_point" else self._names[slot]
        detail = {
            "unknown_point": f"{name} is not in the estate",
            "not_finite": f"{name} = {value} is no value",
            "implausible": f"{name} = {value:g} lies outside its plausible range",
            "future": f"{name} is {(at_ns - now_ns) / SECOND:.0f} s ahead of our clock (limit {MAX_AHEAD_NS // SECOND} s)",
            "too_old": f"{name} is {(now_ns - at_ns) / SECOND / 86400:.1f} days old, before what is kept",
            "same_time_other_value": f"{name} = {value:g} for a time that has another value: {more}",
        }[reason]
        return Refusal(reason, point, at_ns, value, detail)
