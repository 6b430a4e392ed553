"""Accepting readings: through the gate into the journal. Whoever sent them hears "accepted" only after the sync.

Two ways in, one order of events: `accept_now` blocks its caller (Modbus polls, POST /ingest); `submit` hands over to
the writer thread, which goes on trying while the journal cannot take more (MQTT: the broker keeps what is not
acknowledged, so waiting loses nothing).
"""

from __future__ import annotations

import queue
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import structlog

from caretaker import wire
from caretaker.domain.errors import JournalFull, JournalUnavailable, RecordTooLarge
from caretaker.domain.readings import ReadingBatch
from caretaker.domain.retry import gap_s
from caretaker.ports import Clock, Journal, Quarantined
from caretaker.services.gate import Gate, Refusal

log = structlog.get_logger(__name__)

RECORD: Final = 10_000
"""Readings per journal record at most (210 kB). Each record is a sync of its own: a thousand messages of ten values,
what a busy broker gives at once, are one record and not five. Reading one takes well under a millisecond."""
EXCERPTS: Final = 5
"""Refused inputs kept aside per source and reason in one window; the rest are only counted."""
WINDOW_NS: Final = 60 * 1_000_000_000
WARM: Final = 400
"""Journal records recalled at start: more than the broker may hold unacknowledged."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One micro-batch. `id` makes a repeat harmless; `refused` is input that never became a reading."""

    source: str
    batch: ReadingBatch
    refused: Sequence[Quarantined] = ()
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a submission. Everything in it is durable."""

    accepted: int
    duplicates: int
    refusals: Sequence[Refusal]


@dataclass(frozen=True, slots=True)
class AcceptorStatus:
    """For health. `trouble` says why nothing is being acknowledged, None when all is well."""

    trouble: str | None
    waiting: int
    counters: Mapping[str, int]
    refused: Mapping[str, int]


class Acceptor:
    """The one way into the journal for a process. Thread-safe."""

    def __init__(self, journal: Journal, gate: Gate, clock: Clock, key: str) -> None:
        self._journal = journal
        self._gate = gate
        self._clock = clock
        self._key = key
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[tuple[Submission, Callable[[Outcome], None]] | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._writer: threading.Thread | None = None
        self._trouble: str | None = None
        self._counters = Counter({"accepted": 0, "duplicates": 0, "historical": 0, "records": 0, "retries": 0})
        self._refused: Counter[str] = Counter()
        self._excerpts: Counter[tuple[str, str]] = Counter()
        self._window_ns = 0

    def warm(self) -> None:
        """Recall the journal's tail, so that a redelivery after a crash is recognised."""
        for partition in self._journal.partitions():
            last = self._journal.last(partition)
            after = max(self._journal.first(partition) - 1, last - WARM, 0)
            while after < last:
                records = self._journal.read(partition, after)
                if not records:
                    break
                self._gate.warm(wire.decode_batch(record.payload) for record in records)
                after = records[-1].position

    def accept_now(self, submission: Submission) -> Outcome:
        """Durable on return. Raises JournalFull, JournalUnavailable, RecordTooLarge; then nothing was accepted, or a
        part that a repeat of the same submission recognises."""
        with self._lock:
            try:
                outcome = self._accept(submission)
            except (JournalFull, JournalUnavailable) as wrong:
                self._broken(wrong)
                raise
            self._mended()
            return outcome

    def submit(self, submission: Submission, done: Callable[[Outcome], None]) -> None:
        """Hand over to the writer thread; `done` is called there, in order, once all of it is durable."""
        self._queue.put((submission, done))

    def start(self) -> None:
        """Start the writer thread."""
        self._writer = threading.Thread(target=self._write_for_ever, name="journal-writer", daemon=True)
        self._writer.start()

    def stop(self) -> None:
        """Write what was submitted (once; a journal that cannot take it keeps it unacknowledged), then end."""
        self._stop.set()
        self._queue.put(None)
        if self._writer is not None:
            self._writer.join()
            self._writer = None

    def status(self) -> AcceptorStatus:
        """For health."""
        return AcceptorStatus(self._trouble, self._queue.qsize(), dict(self._counters), dict(self._refused))

    # ---- on the writer thread

    def _write_for_ever(self) -> None:
        while (item := self._queue.get()) is not None:
            submission, done = item
            attempt = 0
            while True:
                try:
                    outcome = self.accept_now(submission)
                except (JournalFull, JournalUnavailable):
                    self._counters["retries"] += 1
                    if self._stop.wait(gap_s(attempt, 0.0, first_s=0.05, most_s=5.0)):
                        return
                    attempt += 1
                    continue
                done(outcome)
                break

    # ---- under the lock

    def _accept(self, submission: Submission) -> Outcome:
        now_ns = self._clock.now_ns()
        judged = self._gate.judge(submission.batch, now_ns)
        self._append(submission.id, judged.accepted, now_ns)
        self._gate.remember(judged)
        self._keep_aside(submission, judged.refusals, now_ns)
        self._counters["accepted"] += len(judged.accepted)
        self._counters["duplicates"] += judged.duplicates
        self._counters["historical"] += judged.historical
        return Outcome(len(judged.accepted), judged.duplicates, judged.refusals)

    def _append(self, batch_id: str, batch: ReadingBatch, now_ns: int) -> None:
        parts: Iterable[ReadingBatch]
        if len(batch) <= RECORD:
            parts = (batch,) if len(batch) else ()
        else:
            rows = np.arange(len(batch))
            parts = (batch.take(rows[start : start + RECORD]) for start in range(0, len(batch), RECORD))
        for number, part in enumerate(parts):
            self._append_part(f"{batch_id}/{number}", part, now_ns)

    def _append_part(self, batch_id: str, part: ReadingBatch, now_ns: int) -> None:
        """One record, or halves of it where long texts make it too large for the journal."""
        try:
            self._journal.append(self._key, batch_id, wire.encode_batch(part), now_ns)
        except RecordTooLarge:
            if len(part) == 1:
                detail = f"point {int(part.points[0])}: a text too large for the journal"
                self._journal.quarantine([Quarantined(now_ns, self._key, "too_large", detail, b"")])
                self._refused["too_large"] += 1
                return
            rows = np.arange(len(part))
            for half, chosen in enumerate((rows[: len(rows) // 2], rows[len(rows) // 2 :])):
                self._append_part(f"{batch_id}.{half}", part.take(chosen), now_ns)
        else:
            self._counters["records"] += 1

    def _keep_aside(self, submission: Submission, refusals: Sequence[Refusal], now_ns: int) -> None:
        """Count all refused input; keep a few of each sort."""
        if not submission.refused and not refusals:
            return
        if now_ns - self._window_ns > WINDOW_NS:
            self._window_ns = now_ns
            self._excerpts.clear()
        found = [
            *submission.refused,
            *(
                Quarantined(now_ns, submission.source, r.reason, r.detail, f"point={r.point} at={r.at_ns}".encode())
                for r in refusals
            ),
        ]
        kept: list[Quarantined] = []
        counted: Counter[tuple[str, str]] = Counter()
        for item in found:
            sort = (item.source, item.reason)
            counted[sort] += 1
            if self._excerpts[sort] + counted[sort] <= EXCERPTS:
                kept.append(item)
        if kept:
            self._journal.quarantine(kept)
        self._excerpts += counted
        self._refused.update(item.reason for item in found)

    def _broken(self, wrong: Exception) -> None:
        if self._trouble is None:
            log.error(
                "journal_refuses", reason=str(wrong), effect="nothing is acknowledged until it takes readings again"
            )
        self._trouble = str(wrong)

    def _mended(self) -> None:
        if self._trouble is not None:
            log.warning("journal_accepts_again", after=self._trouble)
            self._trouble = None
