"""The physical alibi: what doors, gates, lights and lifts near a checkpoint said at that minute.

A checkpoint names its witnesses as `asset.point`. A change of that point near the time of the scan speaks for somebody
having been there. A name with `!` at its end must have changed (nobody gets there without opening that door): when its
readings cover the time and it did not move, it speaks against. Only what counts or switches bears witness: a temperature
or a current trembles whoever comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from caretaker.domain.assets import Estate, Point
from caretaker.domain.equipment import PointSpec, ValueType
from caretaker.domain.readings import QUALITY_BITS, Quality
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.scans import Witness
from caretaker.ports import ReadingStore, Series

BEFORE_NS: Final = 180 * 1_000_000_000
AFTER_NS: Final = 60 * 1_000_000_000
"""Three minutes on the way there, one minute after: the time of a short walk from the witness to the sticker."""
COVERED: Final = 3
"""So many good readings must lie in that time before silence counts as "did not move"."""
LATEST_NS: Final = 15 * 1_000_000_000
"""And the newest of them no longer before the scan than this, or than the point may be silent."""


def witnesses_of(store: ReadingStore, estate: Estate, checkpoint: Checkpoint, at_ns: int) -> Sequence[Witness]:
    """Who speaks for or against. Raises StoreUnavailable."""
    found: list[Witness] = []
    for name in checkpoint.witnesses:
        asset, _, key = name.removesuffix("!").partition(".")
        point = estate.by_key.get((asset, key))
        if point is None or not can_witness(point.spec):
            continue
        series = store.read(point.id, at_ns - BEFORE_NS, at_ns + AFTER_NS)
        witness = _hear(point, series, at_ns, must=name.endswith("!"))
        if witness is not None:
            found.append(witness)
    return found


def can_witness(spec: PointSpec) -> bool:
    """Does a change of this point mean that something happened?"""
    return spec.type is not ValueType.NUMBER or spec.quantity == "count"


def _hear(point: Point, series: Series, at_ns: int, *, must: bool) -> Witness | None:
    good = (np.asarray(series.quality) & QUALITY_BITS) != Quality.BAD
    times, values = series.times[good], series.values[good]
    if len(times) < 2:
        return None
    moved = np.flatnonzero(np.diff(values) != 0.0)
    if len(moved):
        nearest = int(moved[np.argmin(np.abs(times[moved + 1] - at_ns))]) + 1
        what = f"{point.asset}.{point.key}: {values[nearest - 1]:g} -> {values[nearest]:g}"
        return Witness(f"{point.asset}.{point.key}", int(times[nearest]), supports=True, what=what)
    # a device that fell silent before the scan has seen nothing, and so says nothing
    heard_ns = max(round(point.spec.stale_after_s * 1e9), LATEST_NS)
    if must and len(times) >= COVERED and times[0] <= at_ns - BEFORE_NS // 2 and times[-1] >= at_ns - heard_ns:
        what = f"{point.asset}.{point.key} stayed {values[0]:g}"
        return Witness(f"{point.asset}.{point.key}", int(times[-1]), supports=False, what=what)
    return None
