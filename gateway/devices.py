"""What each device did lately: the gateway's memory for health and for the page. Not the readings themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from caretaker.domain.readings import I64

EXCERPT: Final = 200
NEVER: Final = 0
NO_SEQ: Final = -1


class Devices:
    """All devices of one collector as columns; a device is its row. Written by the collector's thread only.

    messages, refused, gaps   counters; gaps = messages missing by their sequence numbers
    last_ns                   when it last said anything; 0 = not since this process began
    newest_ns                 the newest time any of its readings carries
    online                    what its state topic (last will) says; None = it has not said
    payload                   the last message as it came
    """

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = list(ids)
        n = len(self.ids)
        self.messages: I64 = np.zeros(n, np.int64)
        self.refused: I64 = np.zeros(n, np.int64)
        self.gaps: I64 = np.zeros(n, np.int64)
        self.last_ns: I64 = np.zeros(n, np.int64)
        self.newest_ns: I64 = np.zeros(n, np.int64)
        self._seq: I64 = np.full(n, NO_SEQ, np.int64)
        self.online: list[bool | None] = [None] * n
        self.payload: list[bytes] = [b""] * n
        self.error: list[str | None] = [None] * n
        self._error_ns: list[int] = [NEVER] * n

    def hear(self, row: int, now_ns: int, payload: bytes) -> None:
        """A device said something that is not in `note`'s columns."""
        self.messages[row] += 1
        self.last_ns[row] = now_ns
        self.payload[row] = payload[:EXCERPT]

    def note(self, rows: I64, stamps: I64, seqs: I64, now_ns: int) -> None:
        """Many messages at once, in order of arrival; seqs are -1 where a message has none."""
        if not len(rows):
            return
        self.messages += np.bincount(rows, minlength=len(self.ids))
        self.last_ns[rows] = now_ns
        np.maximum.at(self.newest_ns, rows, stamps)
        order = np.argsort(rows, kind="stable")
        device, seq = rows[order], seqs[order]
        first = np.empty(len(order), np.bool_)
        first[0] = True
        np.not_equal(device[1:], device[:-1], out=first[1:])
        before = np.empty(len(order), np.int64)
        before[1:] = seq[:-1]
        before[first] = self._seq[device[first]]
        missing = np.where((before >= 0) & (seq > before + 1), seq - before - 1, 0)
        np.add.at(self.gaps, device, missing)
        self._seq[device] = seq  # the last of each device wins

    def refuse(self, row: int, detail: str, at_ns: int) -> None:
        """Something it said was refused."""
        self.refused[row] += 1
        self.trouble(row, detail, at_ns)

    def trouble(self, row: int, detail: str, at_ns: int) -> None:
        """Remember the last thing that was wrong with it."""
        self.error[row] = detail
        self._error_ns[row] = at_ns

    def facts(self, now_ns: int) -> Mapping[str, Mapping[str, object]]:
        """For the heartbeat: device id -> plain JSON."""
        return {
            device: {
                "age_s": _age_s(int(self.last_ns[row]), now_ns),
                "messages": int(self.messages[row]),
                "refused": int(self.refused[row]),
                "gaps": int(self.gaps[row]),
                "online": self.online[row],
                "error": self.error[row],
                "error_age_s": _age_s(self._error_ns[row], now_ns),
                "last": self.payload[row][:EXCERPT].decode("utf-8", "replace"),
            }
            for row, device in enumerate(self.ids)
        }


def _age_s(at_ns: int, now_ns: int) -> float | None:
    return None if at_ns == NEVER else round(max(0, now_ns - at_ns) / 1e9, 1)
