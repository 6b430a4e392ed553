"""Growing columns: what the decoder writes into, turned into a ReadingBatch once per flush."""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from caretaker.domain.readings import I64, ReadingBatch
from caretaker.ports import Quarantined

pack_id: Final = struct.Struct("<I").pack
ALONE: Final = -1


class Columns:
    """Readings of many messages. Everything is kept once per message and spread over its readings at the end:
    a message costs five list operations, whatever it holds.

    ids      point ids of a message, packed little-endian uint32
    values   as many numbers, one message after another
    stamps   the message's time, ns
    devices  the row of the device, or ALONE for an entry that is not a whole message
    seqs     sequence number or -1
    """

    __slots__ = ("_quality", "_single", "_texts", "devices", "ids", "refused", "seqs", "stamps", "values")

    def __init__(self) -> None:
        self.ids: list[bytes] = []
        self.values: list[float] = []
        self.stamps: list[int] = []
        self.devices: list[int] = []
        self.seqs: list[int] = []
        self._single = False
        self._quality: dict[int, int] = {}
        self._texts: dict[int, str] = {}
        self.refused: list[Quarantined] = []

    def __len__(self) -> int:
        """Readings so far."""
        return len(self.values)

    def add(self, point: int, value: float, quality: int, at_ns: int, text: str | None = None) -> None:
        """One reading of any sort."""
        entry = len(self.ids)
        self._single = True
        if quality:
            self._quality[entry] = quality
        if text is not None:
            self._texts[entry] = text
        self.ids.append(pack_id(point))
        self.values.append(value)
        self.stamps.append(at_ns)
        self.devices.append(ALONE)
        self.seqs.append(-1)

    def batch(self) -> ReadingBatch:
        """All readings, in order of arrival."""
        points = np.frombuffer(b"".join(self.ids), "<u4").astype(np.uint32, copy=False)
        rows = len(points)
        values = np.array(self.values, np.float64)
        times = self._times()
        quality = np.zeros(rows, np.uint8)
        texts: dict[int, str] = {}
        if len(times) != rows or self._quality or self._texts:
            counts = np.fromiter(map(len, self.ids), np.int64, len(self.ids)) // 4
            times = np.repeat(times, counts)
            starts = np.cumsum(counts) - counts
            if self._quality:
                quality[starts[list(self._quality)]] = list(self._quality.values())
            texts = {int(starts[entry]): text for entry, text in self._texts.items()}
        return ReadingBatch(points, times, values, quality, texts)

    def arrivals(self) -> tuple[I64, I64, I64]:
        """Device row, time and sequence number of each whole message."""
        devices, seqs = np.array(self.devices, np.int64), np.array(self.seqs, np.int64)
        if not self._single:
            return devices, self._times(), seqs
        whole = devices != ALONE
        return devices[whole], self._times()[whole], seqs[whole]

    def _times(self) -> I64:
        return np.array(self.stamps, np.int64)
