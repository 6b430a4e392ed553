"""Many readings of one point within one hour <-> one compressed block. Pure.

Times become differences in the coarsest unit that keeps them exact, values differences of thousandths where that is
exact (sensors speak decimals), else doubles; both as byte planes, because planes of like bytes compress best.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from caretaker.domain.readings import F64, I64, QUALITY_BITS, U8, U32, Quality

HOUR_NS: Final = 3_600_000_000_000
_HEAD: Final = struct.Struct("<BBI")  # flags, quality (when constant), rows
_UNITS: Final = (1_000_000, 1_000, 1)
_UNIT_BITS: Final = 0b11
_DOUBLES: Final = 1 << 2
_HOLES: Final = 1 << 3
_QUALITIES: Final = 1 << 4
_TEXTS: Final = 1 << 5
_THOUSANDTHS: Final = 1000.0
_I32_MAX: Final = float((1 << 31) - 1)
_texts_encode = msgspec.msgpack.Encoder().encode
_texts_decode = msgspec.msgpack.Decoder(dict[int, str]).decode


@dataclass(frozen=True, slots=True)
class Columns:
    """Readings as columns, sorted by (point, time), one per (point, time); texts by row."""

    points: U32
    times: I64
    values: F64
    quality: U8
    texts: Mapping[int, str]

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True, slots=True)
class Block:
    """A block as it lies in the database. min, max and sum cover the `judged` values: finite and not bad."""

    point: int
    hour: int
    rows: int
    first_ns: int
    last_ns: int
    judged: int
    min: float
    max: float
    sum: float
    data: bytes


def ordered(points: U32, times: I64, values: F64, quality: U8, texts: Mapping[int, str]) -> Columns:
    """Rows in order of arrival -> sorted, and of several with the same (point, time) the last to arrive."""
    n = len(points)
    # 16-bit keys are sorted by radix, three times as fast; and most readings already arrive in the order of their times
    small = n and int(points.max()) < 1 << 16
    order = np.argsort(points.astype(np.uint16) if small else points, kind="stable")
    p, t = points[order], times[order]
    same = p[1:] == p[:-1]
    if bool(np.any(same & (t[1:] < t[:-1]))):
        order = np.lexsort((times, points))
        p, t = points[order], times[order]
        same = p[1:] == p[:-1]
    again = same & (t[1:] == t[:-1])
    if bool(np.any(again)):
        keep = np.append(~again, True)
        order, p, t = order[keep], p[keep], t[keep]
    renumbered: dict[int, str] = {}
    if texts:
        place = np.full(n, -1, np.int64)
        place[order] = np.arange(len(order))
        renumbered = {int(place[row]): text for row, text in texts.items() if place[row] >= 0}
    return Columns(p, t, values[order], quality[order], renumbered)


def judged(values: F64, quality: U8) -> npt.NDArray[np.bool_]:
    """Which values count in down-sampling: finite, and good or uncertain."""
    judgeable: npt.NDArray[np.bool_] = np.isfinite(values) & ((quality & QUALITY_BITS) != Quality.BAD)
    return judgeable


def blocks(columns: Columns) -> Iterator[Block]:
    """Sorted readings -> one block per point and hour. The arithmetic is done for all of them at once."""
    n = len(columns)
    if not n:
        return
    hours = columns.times // HOUR_NS
    new = np.empty(n, np.bool_)
    new[0] = True
    new[1:] = (columns.points[1:] != columns.points[:-1]) | (hours[1:] != hours[:-1])
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], n)
    times = _Times(columns.times - hours * HOUR_NS, starts)
    values = _Values(columns.values, starts)
    quality = columns.quality
    constant = np.minimum.reduceat(quality, starts) == np.maximum.reduceat(quality, starts)
    counts = judged(columns.values, quality)
    count = np.add.reduceat(counts.astype(np.int64), starts)
    low = np.minimum.reduceat(np.where(counts, columns.values, np.inf), starts)
    high = np.maximum.reduceat(np.where(counts, columns.values, -np.inf), starts)
    with np.errstate(over="ignore"):  # the gate keeps values below 2^63; a sum of larger ones is honestly infinite
        total = np.add.reduceat(np.where(counts, columns.values, 0.0), starts)
    text_rows = np.array(sorted(columns.texts), np.int64)
    for group, (a, b) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        unit, time_planes = times.planes(group, a, b)
        flags, value_planes = values.planes(group, a, b)
        body = [time_planes, value_planes]
        if not constant[group]:
            flags |= _QUALITIES
            body.append(quality[a:b].tobytes())
        if len(text_rows):
            rows = text_rows[np.searchsorted(text_rows, a) : np.searchsorted(text_rows, b)].tolist()
            if rows:
                flags |= _TEXTS
                body.append(_texts_encode({row - a: columns.texts[row] for row in rows}))
        head = _HEAD.pack(flags | unit, int(quality[a]), b - a)
        yield Block(
            int(columns.points[a]),
            int(hours[a]),
            b - a,
            int(columns.times[a]),
            int(columns.times[b - 1]),
            int(count[group]),
            float(low[group]),
            float(high[group]),
            float(total[group]),
            head + zlib.compress(b"".join(body), 1),
        )


class _Times:
    """Offsets within the hour -> differences."""

    def __init__(self, offsets: I64, starts: I64) -> None:
        steps = np.empty_like(offsets)
        steps[0] = offsets[0]
        np.subtract(offsets[1:], offsets[:-1], out=steps[1:])
        steps[starts] = offsets[starts]
        self._steps = steps
        milli = steps // _UNITS[0]
        self._coarse = np.logical_and.reduceat(milli * _UNITS[0] == steps, starts)
        self._milli = milli.astype("<u4")

    def planes(self, group: int, a: int, b: int) -> tuple[int, bytes]:
        """(unit number, byte planes)"""
        if self._coarse[group]:
            return 0, _planes(self._milli[a:b], 4)
        steps = self._steps[a:b]
        micro = steps // _UNITS[1]
        if bool(np.all(micro * _UNITS[1] == steps)):
            return 1, _planes(micro.astype("<u4"), 4)  # an hour has 3.6e9 microseconds: it fits
        return 2, _planes(steps.astype("<i8", copy=False), 8)


class _Values:
    """Values -> differences of thousandths, or doubles; holes (NaN) are noted in a bit mask."""

    def __init__(self, values: F64, starts: I64) -> None:
        self._holes = np.isnan(values)
        self._has_holes = np.logical_or.reduceat(self._holes, starts)
        filled = np.where(self._holes, 0.0, values) if bool(self._has_holes.any()) else values
        with np.errstate(over="ignore", invalid="ignore"):
            whole = np.rint(filled * _THOUSANDTHS)
            exact = (whole / _THOUSANDTHS == filled) & (np.abs(whole) < _I32_MAX)
        self._exact = np.logical_and.reduceat(exact, starts)
        whole[~exact] = 0.0
        integers = whole.astype("<i4")
        steps = np.empty_like(integers)
        steps[0] = integers[0]
        np.subtract(integers[1:], integers[:-1], out=steps[1:])  # wraps around; so does the sum when it is read
        steps[starts] = integers[starts]
        self._steps, self._filled = steps, filled.astype("<f8", copy=False)

    def planes(self, group: int, a: int, b: int) -> tuple[int, bytes]:
        """(flags, byte planes, then the mask of holes)"""
        flags, planes = (
            (0, _planes(self._steps[a:b], 4)) if self._exact[group] else (_DOUBLES, _planes(self._filled[a:b], 8))
        )
        if self._has_holes[group]:
            flags |= _HOLES
            planes += np.packbits(self._holes[a:b]).tobytes()
        return flags, planes


def _planes(column: npt.NDArray[np.generic], width: int) -> bytes:
    return column.view(np.uint8).reshape(-1, width).T.tobytes()


def _unplanes(data: npt.NDArray[np.uint8], width: int) -> npt.NDArray[np.uint8]:
    return data.reshape(width, -1).T.copy().ravel()


def decode(point: int, hour: int, data: bytes) -> Columns:
    """A block's bytes -> its readings. Raises ValueError when they are damaged."""
    try:
        flags, quality_byte, n = _HEAD.unpack_from(data)
        body = np.frombuffer(zlib.decompress(memoryview(data)[_HEAD.size :]), np.uint8)
    except (struct.error, zlib.error) as wrong:
        raise ValueError(f"the block of point {point}, hour {hour} is damaged: {wrong}") from wrong
    unit = flags & _UNIT_BITS
    width = 8 if unit == 2 else 4
    steps = _unplanes(body[: width * n], width).view("<i8" if unit == 2 else "<u4").astype(np.int64)
    times = np.cumsum(steps) * _UNITS[unit] + hour * HOUR_NS
    at, width = width * n, 8 if flags & _DOUBLES else 4
    raw = _unplanes(body[at : at + width * n], width)
    at += width * n
    if flags & _DOUBLES:
        values: F64 = raw.view("<f8").astype(np.float64)
    else:
        values = np.cumsum(raw.view("<i4"), dtype=np.int32) / _THOUSANDTHS
    if flags & _HOLES:
        mask = np.unpackbits(body[at : at + (n + 7) // 8], count=n).astype(np.bool_)
        at += (n + 7) // 8
        values[mask] = np.nan
    quality = np.full(n, quality_byte, np.uint8)
    if flags & _QUALITIES:
        quality = body[at : at + n].copy()
        at += n
    texts = _texts_decode(body[at:].tobytes()) if flags & _TEXTS else {}
    return Columns(np.full(n, point, np.uint32), times, values, quality, texts)
