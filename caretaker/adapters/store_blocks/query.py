"""Answers from blocks and memory together. A piece is a block or what memory holds; later pieces win for equal times."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

import numpy as np

from caretaker.adapters.store_blocks import codec
from caretaker.adapters.store_blocks.codec import HOUR_NS, Columns
from caretaker.domain.errors import StoreUnavailable
from caretaker.domain.readings import F64, I64
from caretaker.ports import Buckets, Latest

EMPTY: Final = Columns(
    np.empty(0, np.uint32), np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.uint8), {}
)
_INT64_MAX: Final = (1 << 63) - 1


def decoded(point: int, hour: int, data: bytes) -> Columns:
    """A block's readings. Raises StoreUnavailable naming a damaged one."""
    try:
        return codec.decode(point, hour, data)
    except ValueError as wrong:
        raise StoreUnavailable(f"{wrong}; restore readings.db from a backup", point=point, hour=hour) from wrong


def joined(pieces: Sequence[Columns]) -> Columns:
    """Pieces in order of arrival -> one, sorted, the last of equal (point, time)."""
    if not pieces:
        return EMPTY
    texts: dict[int, str] = {}
    at = 0
    for piece in pieces:
        texts.update((at + row, text) for row, text in piece.texts.items())
        at += len(piece)
    return codec.ordered(
        np.concatenate([piece.points for piece in pieces]),
        np.concatenate([piece.times for piece in pieces]),
        np.concatenate([piece.values for piece in pieces]),
        np.concatenate([piece.quality for piece in pieces]),
        texts,
    )


def chosen(columns: Columns, point: int, start_ns: int, end_ns: int) -> Columns:
    """The readings of one point in [start, end), copied, in order of arrival."""
    rows = np.flatnonzero(columns.points == point)
    times = columns.times[rows]
    rows = rows[(times >= start_ns) & (times < end_ns)]
    texts = {}
    if columns.texts:
        texts = {new: columns.texts[old] for new, old in enumerate(rows.tolist()) if old in columns.texts}
    return Columns(columns.points[rows], columns.times[rows], columns.values[rows], columns.quality[rows], texts)


def groups(columns: Columns) -> Iterator[tuple[int, int, int]]:
    """(point, hour, rows) of sorted readings."""
    if not len(columns):
        return
    hours = columns.times // HOUR_NS
    new = np.flatnonzero((columns.points[1:] != columns.points[:-1]) | (hours[1:] != hours[:-1])) + 1
    starts = np.concatenate(([0], new))
    counts = np.diff(np.append(starts, len(columns)))
    yield from zip(columns.points[starts].tolist(), hours[starts].tolist(), counts.tolist(), strict=True)


def newest(columns: Columns) -> Iterator[Latest]:
    """The last reading of each point of sorted readings."""
    if not len(columns):
        return
    ends = np.append(np.flatnonzero(columns.points[1:] != columns.points[:-1]), len(columns) - 1)
    for row, point, at, value, quality in zip(
        ends.tolist(),
        columns.points[ends].tolist(),
        columns.times[ends].tolist(),
        columns.values[ends].tolist(),
        columns.quality[ends].tolist(),
        strict=True,
    ):
        yield Latest(point, at, None if math.isnan(value) else value, quality, columns.texts.get(row))


def raw(
    connection: sqlite3.Connection, point: int, start_ns: int, end_ns: int, limit: int, memory: Sequence[Columns]
) -> Columns:
    """The first `limit` readings in [start, end). Hour by hour, so that a long range costs no more than it gives."""
    rows: Iterable[tuple[int, bytes]] = connection.execute(
        "SELECT hour, data FROM block WHERE point=? AND hour BETWEEN ? AND ? AND last_ns>=? AND first_ns<? "
        "ORDER BY hour, part",
        (point, *_hours(start_ns, end_ns), max(start_ns, -_INT64_MAX), min(end_ns, _INT64_MAX)),
    )
    recent = joined(memory)
    found: list[Columns] = []
    total, taken = 0, start_ns
    for hour, blocks in groupby(rows, key=itemgetter(0)):
        end = min((hour + 1) * HOUR_NS, end_ns)
        pieces = [decoded(point, hour, data) for _, data in blocks]
        found.append(chosen(joined([*pieces, chosen(recent, point, taken, end)]), point, taken, end))
        total, taken = total + len(found[-1]), end
        if total >= limit:
            break
    if total < limit:
        found.append(chosen(recent, point, taken, end_ns))
    return _first(joined(found), limit)


def _first(columns: Columns, limit: int) -> Columns:
    if len(columns) <= limit:
        return columns
    texts = {row: text for row, text in columns.texts.items() if row < limit}
    return Columns(
        columns.points[:limit], columns.times[:limit], columns.values[:limit], columns.quality[:limit], texts
    )


def _hours(start_ns: int, end_ns: int) -> tuple[int, int]:
    return start_ns // HOUR_NS, (end_ns - 1) // HOUR_NS


def downsampled(
    connection: sqlite3.Connection,
    point: int,
    start_ns: int,
    end_ns: int,
    every_ns: int,
    memory: Sequence[Columns],
) -> Buckets:
    """Buckets over [start, end). A block within one bucket that overlaps nothing gives its sums without being opened."""
    spans = connection.execute(
        "SELECT first_ns, last_ns, hour, part, judged, min, max, sum FROM block "
        "WHERE point=? AND hour BETWEEN ? AND ? AND last_ns>=? AND first_ns<? ORDER BY first_ns, part",
        (point, *_hours(start_ns, end_ns), max(start_ns, -_INT64_MAX), min(end_ns, _INT64_MAX)),
    ).fetchall()
    recent = joined(memory)
    low, high = (int(recent.times[0]), int(recent.times[-1])) if len(recent) else (_INT64_MAX, -_INT64_MAX)
    summed: list[tuple[int, int, float, float, float]] = []
    opened: list[tuple[int, int]] = []
    reached = -_INT64_MAX
    for number, (first, last, hour, part, judged, least, most, total) in enumerate(spans):
        next_first = spans[number + 1][0] if number + 1 < len(spans) else _INT64_MAX
        alone = first > reached and last < next_first and (last < low or first > high)
        reached = max(reached, last)
        if alone and start_ns <= first and last < end_ns and first // every_ns == last // every_ns:
            if judged:
                summed.append((first // every_ns, judged, least, most, total))
        else:
            opened.append((hour, part))
    pieces = [
        decoded(point, hour, connection.execute(_DATA, (point, hour, part)).fetchone()[0])
        for hour, part in sorted(opened)
    ]
    readings = joined([*pieces, recent])
    mask = codec.judged(readings.values, readings.quality)
    mask &= (readings.times >= start_ns) & (readings.times < end_ns)
    return _buckets(readings.times[mask] // every_ns, readings.values[mask], summed, every_ns)


_DATA: Final = "SELECT data FROM block WHERE point=? AND hour=? AND part=?"


def _buckets(
    numbers: I64, values: F64, summed: Sequence[tuple[int, int, float, float, float]], every_ns: int
) -> Buckets:
    """Single readings and ready sums -> one row per bucket."""
    ready = np.array(summed, np.float64).reshape(-1, 5)
    bucket = np.concatenate([numbers, np.array([row[0] for row in summed], np.int64)])
    order = np.argsort(bucket, kind="stable")
    bucket = bucket[order]
    if not len(bucket):
        return Buckets(np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0), np.empty(0, np.int64))
    count = np.concatenate([np.ones(len(values)), ready[:, 1]])[order]
    least = np.concatenate([values, ready[:, 2]])[order]
    most = np.concatenate([values, ready[:, 3]])[order]
    total = np.concatenate([values, ready[:, 4]])[order]
    starts = np.concatenate(([0], np.flatnonzero(bucket[1:] != bucket[:-1]) + 1))
    counts = np.add.reduceat(count, starts)
    return Buckets(
        bucket[starts] * every_ns,
        np.add.reduceat(total, starts) / counts,
        np.minimum.reduceat(least, starts),
        np.maximum.reduceat(most, starts),
        counts.astype(np.int64),
    )
