"""What waits for the journal is bounded, ordered and honest about doubts."""

from __future__ import annotations

import asyncio
import math

import numpy as np

from caretaker.domain.errors import JournalFull
from caretaker.domain.readings import Quality
from caretaker.services.readings import Submission
from gateway.collectors.modbus.link import Link
from gateway.collectors.modbus.outbox import MOST_ROWS, Outbox, Rows, gather


def rows(first: int, count: int = 1, at_ns: int = 1, link: Link | None = None, doubts: int = 0) -> Rows:
    points = np.arange(first, first + count, dtype=np.uint32)
    return Rows(points, at_ns, points.astype(np.float64), np.zeros(count, np.uint8), {}, link, doubts)


async def test_full_journal_keeps_the_newest_and_counts_what_it_gives_up() -> None:
    full, taken = True, []

    def accept(submission: Submission) -> None:
        if full:
            raise JournalFull("no room")
        taken.append(submission.batch)

    outbox = Outbox(accept)
    task = asyncio.create_task(outbox.run())
    for number in range(5):
        outbox.put(rows(number, MOST_ROWS // 4, at_ns=number))
    await asyncio.sleep(0.1)
    full = False
    outbox.stop()
    await asyncio.wait_for(task, 3)

    assert outbox.dropped == MOST_ROWS // 4
    assert np.unique(np.concatenate([batch.times for batch in taken])).tolist() == [1, 2, 3, 4]
    assert outbox.waiting == 0


def test_readings_of_a_doubted_connection_leave_as_bad() -> None:
    link = Link("127.0.0.1", 1)
    held, later = rows(10, link=link, doubts=0), rows(20)
    link.doubts += 1

    batch = gather([held, later])

    assert batch.points.tolist() == [10, 20]
    assert batch.quality.tolist() == [Quality.BAD, Quality.GOOD]
    assert math.isnan(batch.values[0])


def test_texts_keep_their_rows_when_answers_are_gathered() -> None:
    text = Rows(np.array([7], np.uint32), 5, np.array([math.nan]), np.zeros(1, np.uint8), {0: "lift"})

    batch = gather([rows(1, 3), text])

    assert batch.texts == {3: "lift"}
    assert batch.times.tolist() == [1, 1, 1, 5]
