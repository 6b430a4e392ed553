"""Between the polls and the journal: answers of one tick leave together, so that twenty devices cost one sync."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import structlog

from caretaker.domain.errors import JournalFull, Unavailable
from caretaker.domain.readings import F64, U8, U32, Quality, ReadingBatch
from caretaker.services.readings import Submission
from gateway.collectors.modbus.link import Link

log = structlog.get_logger("modbus")

Accept = Callable[[Submission], object]
"""`services.readings.Acceptor.accept_now`: durable on return, blocking (called on a thread), raises JournalFull or
Unavailable; a repeat of the same submission is recognised."""

GATHER_S: Final = 0.02
"""How long the first answer of a tick waits for the others; also how long a forged frame has to give itself away."""
MOST_ROWS: Final = 200_000
"""What is kept while the journal cannot be written (about 20 MB); then the oldest go, counted."""
LATE_S: Final = 0.005
"""Who wakes so much too late was on a busy machine, and may not have heard yet what came meanwhile."""
RETRY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Rows:
    """The columns of one block at one time. `link` and `doubts`: whose word it was and how trusted that link was."""

    points: U32
    at_ns: int
    values: F64
    quality: U8
    texts: dict[int, str] = field(default_factory=dict)
    link: Link | None = None
    doubts: int = 0

    def trusted(self) -> Rows:
        """Itself, or all bad when bytes that nobody asked for have come on its connection since."""
        if self.link is None or self.link.doubts == self.doubts:
            return self
        bad = np.full(len(self.points), Quality.BAD, np.uint8)
        return Rows(self.points, self.at_ns, np.full(len(self.points), math.nan), bad)


class Outbox:
    """Gathers rows and hands them to `accept`, one batch at a time, in order. `dropped` counts rows given up."""

    def __init__(self, accept: Accept) -> None:
        self.dropped = 0
        self.batches = 0
        self.waiting = 0
        self._accept = accept
        self._rows: deque[Rows] = deque()
        self._refused: Submission | None = None
        self._wake = asyncio.Event()
        self._broken = False
        self._stopping = False

    def put(self, rows: Rows) -> None:
        """Take the rows of one answer; never waits."""
        if not len(rows.points):
            return
        self._rows.append(rows)
        self.waiting += len(rows.points)
        while self.waiting > MOST_ROWS and len(self._rows) > 1:
            gone = len(self._rows.popleft().points)
            self.waiting -= gone
            self.dropped += gone
        self._wake.set()

    async def run(self) -> None:
        """Until `stop`; what is waiting then is still handed over, once. Do not cancel: a hand-over would be cut."""
        while not self._stopping:
            await self._wake.wait()
            await _hold()
            self._wake.clear()
            if not await self._flush() and not self._stopping:
                await asyncio.sleep(RETRY_S)
        while await self._flush() and self._rows:
            pass

    def stop(self) -> None:
        """Let `run` come to its end."""
        self._stopping = True
        self._wake.set()

    async def _flush(self) -> bool:
        """Hand over what has gathered; False when the journal could not take it. Then the same submission is tried again
        before anything newer, so that a part of it that was taken is not taken twice."""
        submission = self._refused
        if submission is None:
            if not self._rows:
                return True
            submission = Submission("modbus", gather(list(self._rows)))
            self._rows.clear()
        try:
            await asyncio.to_thread(self._accept, submission)
        except (Unavailable, JournalFull) as error:
            self._refused = submission
            self._wake.set()
            if not self._broken:
                self._broken = True
                log.warning("modbus_readings_not_accepted", code=error.code, reason=error.message, waiting=self.waiting)
            return False
        self._refused = None
        self.waiting -= len(submission.batch)
        self.batches += 1
        if self._rows:
            self._wake.set()
        if self._broken:
            self._broken = False
            log.info("modbus_readings_accepted_again", dropped=self.dropped)
        return True


async def _hold() -> None:
    """Wait `GATHER_S`, and a little more after each late waking, at most four times: the twin of a forged frame may lie
    unread on its socket when the timer of the hold is due."""
    loop = asyncio.get_running_loop()
    wait = GATHER_S
    for _ in range(5):
        due = loop.time() + wait
        await asyncio.sleep(wait)
        if loop.time() < due + LATE_S:
            return
        wait = LATE_S


def gather(rows: list[Rows]) -> ReadingBatch:
    """Many answers as one batch."""
    rows = [each.trusted() for each in rows]
    texts: dict[int, str] = {}
    start = 0
    for each in rows:
        for row, text in each.texts.items():
            texts[start + row] = text
        start += len(each.points)
    return ReadingBatch(
        np.concatenate([each.points for each in rows]),
        np.repeat(np.array([each.at_ns for each in rows], np.int64), [len(each.points) for each in rows]),
        np.concatenate([each.values for each in rows]),
        np.concatenate([each.quality for each in rows]),
        texts,
    )
