"""The present: the newest reading of every point, followed from the journal, and what changed since when.

Clients keep no queue here. Each remembers the last change it was told; a slow browser simply skips states that were
overtaken, so its memory cost is one number.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import structlog

from caretaker.domain.assets import Estate, Point
from caretaker.domain.errors import CaretakerError, PositionLost, Unavailable
from caretaker.domain.readings import HISTORICAL, MANUAL, QUALITY_BITS, Quality, ReadingBatch
from caretaker.ports import Journal, ReadingStore
from caretaker.wire import decode_batch

_log = structlog.get_logger(__name__)
_PARTITION = 0
_TAIL_RECORDS = 5000
"""How much of the journal is read at start, on top of the store's latest values."""
_FILL_AGAIN_S = 2.0
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Now:
    """What a point says now. `at_ns` and `received_ns` are 0 when it never spoke; `value` is None for text and bad."""

    value: float | None
    text: str | None
    quality: Quality
    flags: int
    at_ns: int
    received_ns: int

    @property
    def source(self) -> str:
        """live, manual or historical."""
        if self.flags & MANUAL:
            return "manual"
        return "historical" if self.flags & HISTORICAL else "live"


class Live:
    """Columns over all points of the estate. `apply` is called by one thread, everything else by any."""

    def __init__(self, estate: Estate, journal: Journal, store: ReadingStore) -> None:
        self._journal, self._store = journal, store
        self._ids = np.array(sorted(estate.points), np.uint32)
        size = int(self._ids[-1]) + 1 if len(self._ids) else 1
        self._row = np.full(size, -1, np.int32)
        self._row[self._ids] = np.arange(len(self._ids), dtype=np.int32)
        n = len(self._ids)
        self._value = np.full(n, np.nan)
        self._at = np.zeros(n, np.int64)
        self._received = np.zeros(n, np.int64)
        self._quality = np.full(n, Quality.BAD, np.uint8)
        self._text: dict[int, str] = {}
        self._changed = np.zeros(n, np.int64)
        self._sequence = 1  # 0 is the sequence of one who has been told nothing
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._position = 0
        self._problem: str | None = None
        self._thread = threading.Thread(target=self._follow, name="live", daemon=True)

    @property
    def sequence(self) -> int:
        """Grows with every record applied."""
        return self._sequence

    @property
    def problem(self) -> str | None:
        """Why the present may be incomplete, or None."""
        return self._problem

    def start(self) -> None:
        """Follow the journal on a thread, on top of what the store knows; a store that is away is asked again."""
        filled = self._fill()
        last = self._journal.last(_PARTITION)
        self._position = max(self._journal.first(_PARTITION) - 1, last - _TAIL_RECORDS)
        self._thread.start()
        if not filled:  # on a thread of its own: a store that hangs must not hold up what the journal says
            threading.Thread(target=self._fill_later, name="live-fill", daemon=True).start()

    def _fill_later(self) -> None:
        while not self._stop.wait(_FILL_AGAIN_S) and not self._fill():
            pass

    def _fill(self) -> bool:
        """Take the store's latest values where nothing newer is known; False when it is away."""
        try:
            found = self._store.latest([int(point) for point in self._ids])
        except Unavailable as away:
            self._problem = away.message
            return False
        with self._lock:
            self._sequence += 1
            for latest in found:
                row = int(self._row[latest.point])
                if latest.at_ns <= self._at[row]:
                    continue
                self._value[row] = np.nan if latest.value is None else latest.value
                self._at[row] = self._received[row] = latest.at_ns
                self._quality[row] = latest.quality
                self._changed[row] = self._sequence
                if latest.text is not None:
                    self._text[row] = latest.text
        return True

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(3)

    def lag(self) -> int:
        """Journal records not yet applied."""
        return max(0, self._journal.last(_PARTITION) - self._position)

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                self._step()
            except PositionLost as lost:
                self._position = self._journal.first(_PARTITION) - 1
                _log.warning("live view skipped dropped readings", reason=lost.message)
            except CaretakerError as wrong:
                if self._problem is None:
                    _log.warning("live view stands still", reason=wrong.message)
                self._problem = wrong.message
                self._stop.wait(1.0)

    def _step(self) -> None:
        if not self._journal.wait(_PARTITION, self._position, 0.5):
            return
        for record in self._journal.read(_PARTITION, self._position):
            self.apply(decode_batch(record.payload), record.accepted_ns)
            self._position = record.position
        if self._problem is not None:
            _log.info("live view follows again")
            self._problem = None

    def apply(self, batch: ReadingBatch, accepted_ns: int) -> None:
        """Take the readings that are not older than what is shown."""
        known = batch.points < len(self._row)
        rows = np.where(known, self._row[np.where(known, batch.points, 0)], -1)
        with self._lock:
            fresh = rows >= 0
            fresh[fresh] = batch.times[fresh] >= self._at[rows[fresh]]
            picked, source = rows[fresh], np.flatnonzero(fresh)
            # several readings of one point: order by time, numpy lets the last assignment win
            order = np.argsort(batch.times[source], kind="stable")
            picked, source = picked[order], source[order]
            self._sequence += 1
            self._value[picked] = batch.values[source]
            self._at[picked] = batch.times[source]
            self._quality[picked] = batch.quality[source]
            self._received[picked] = accepted_ns
            self._changed[picked] = self._sequence
            for row, index in zip(picked.tolist(), source.tolist(), strict=True) if batch.texts else ():
                if index in batch.texts:
                    self._text[row] = batch.texts[index]

    def now(self, point: int) -> Now:
        """What this point says now."""
        row = int(self._row[point])
        with self._lock:
            value, quality = float(self._value[row]), int(self._quality[row])
            return Now(
                value=None if np.isnan(value) else value,
                text=self._text.get(row),
                quality=Quality(quality & QUALITY_BITS),
                flags=quality & ~QUALITY_BITS,
                at_ns=int(self._at[row]),
                received_ns=int(self._received[row]),
            )

    def stale(self, point: Point, now_ns: int) -> bool:
        """Has it been silent for longer than its kind allows?"""
        received = int(self._received[int(self._row[point.id])])
        return now_ns - received > point.spec.stale_after_s * 1e9

    def since(self, sequence: int) -> tuple[int, Sequence[tuple[int, int, float | None, int, str | None]]]:
        """What changed after `sequence` (0 = everything ever heard): the new sequence and rows of
        (point id, time in ms, value or None, quality, text or None)."""
        with self._lock:
            rows = np.flatnonzero((self._changed > sequence) | ((sequence == 0) & (self._at > 0)))
            values = self._value[rows]
            finite = np.isfinite(values)
            out = [
                (point, at // NS_PER_MS, value if ok else None, quality & QUALITY_BITS, self._text.get(row))
                for row, point, at, value, ok, quality in zip(
                    rows.tolist(),
                    self._ids[rows].tolist(),
                    self._at[rows].tolist(),
                    values.tolist(),
                    finite.tolist(),
                    self._quality[rows].tolist(),
                    strict=True,
                )
            ]
            return self._sequence, out
