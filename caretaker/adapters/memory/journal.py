"""The Journal port in memory: for tests and for trying things out. Nothing survives the process."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Literal

from caretaker.domain.errors import JournalFull, JournalUnavailable, PositionLost, RecordTooLarge
from caretaker.ports import JournalDepth, Position, Quarantined, Record


class MemoryJournal:
    """See `caretaker.ports.Journal`; the limits mean the same as those of `LmdbJournal`. Safe from many threads."""

    def __init__(
        self,
        *,
        limit_bytes: int = 256 << 20,
        keep_bytes: int = 64 << 20,
        max_age_s: float = 14 * 86400.0,
        policy: Literal["reject", "drop_oldest"] = "reject",
        readers: Sequence[str] = (),
        max_record_bytes: int = 4 << 20,
        remember: int = 32768,
    ) -> None:
        self._limit, self._keep, self._age_ns = limit_bytes, min(keep_bytes, limit_bytes // 2), int(max_age_s * 1e9)
        self._policy, self._max_record, self._remember = policy, min(max_record_bytes, limit_bytes // 4), remember
        self._records: deque[Record] = deque()
        self._recent: dict[tuple[str, str], Position] = {}
        self._order: deque[tuple[str, str]] = deque()
        self._last = self._bytes = self._dropped = self._accepted = 0
        self._readers = dict.fromkeys(readers, 0)
        self._aside: deque[Quarantined] = deque(maxlen=10_000)
        self._grown = threading.Condition(threading.RLock())
        self._closed = False

    def append(self, key: str, batch_id: str, payload: bytes, accepted_ns: int) -> Position:
        """See `Journal.append`."""
        with self._grown:
            self._usable()
            if (known := self._recent.get((key, batch_id))) is not None:
                return known
            size = _cost(payload)
            if len(payload) > self._max_record or len(key.encode()) > 255 or len(batch_id.encode()) > 255:
                raise RecordTooLarge(
                    f"a journal record takes at most {self._max_record} bytes, this one has {len(payload)}"
                )
            accepted = max(accepted_ns, self._accepted)
            self._trim(size, accepted)
            if self._bytes + size > self._limit:
                raise JournalFull(f"the journal keeps {self._bytes} of {self._limit} bytes that its readers still need")
            self._accepted = accepted
            self._last += 1
            self._bytes += size
            self._records.append(Record(0, self._last, key, batch_id, accepted, bytes(payload)))
            self._recent[(key, batch_id)] = self._last
            self._order.append((key, batch_id))
            if len(self._order) > self._remember:
                self._recent.pop(self._order.popleft(), None)
            self._grown.notify_all()
            return self._last

    def _trim(self, coming: int, now_ns: int) -> None:
        slowest = min(self._readers.values(), default=0)
        while self._records:
            oldest = self._records[0]
            full = self._bytes + coming > self._limit
            old = oldest.accepted_ns < now_ns - self._age_ns
            held = oldest.position > slowest
            if held and not (self._policy == "drop_oldest" and (full or old)):
                return
            if not (full or old or self._bytes > self._keep):
                return
            self._records.popleft()
            self._bytes -= _cost(oldest.payload)
            self._dropped += held

    def read(self, partition: int, after: Position, limit: int = 64) -> Sequence[Record]:
        """See `Journal.read`."""
        with self._grown:
            self._usable()
            first = self.first(partition)
            if after + 1 < first or after > self._last:
                raise PositionLost(
                    f"the journal keeps records {first} to {self._last}, a reader stands at {after}",
                    first=first,
                    last=self._last,
                    lost=max(0, first - after - 1),
                )
            start = after + 1 - first
            return [self._records[row] for row in range(start, min(start + limit, len(self._records)))]

    def last(self, partition: int) -> Position:
        """See `Journal.last`."""
        return self._last

    def first(self, partition: int) -> Position:
        """See `Journal.first`."""
        with self._grown:
            return self._records[0].position if self._records else self._last + 1

    def wait(self, partition: int, after: Position, timeout_s: float) -> bool:
        """See `Journal.wait`."""
        with self._grown:
            self._grown.wait_for(lambda: self._closed or self._last != after, timeout_s)
            return self._last != after

    def partitions(self) -> Sequence[int]:
        """Always (0,)."""
        return (0,)

    def release(self, consumer: str, partition: int, position: Position) -> None:
        """See `Journal.release`."""
        with self._grown:
            self._readers[consumer] = max(position, self._readers.get(consumer, 0))

    def quarantine(self, items: Sequence[Quarantined]) -> None:
        """See `Journal.quarantine`."""
        with self._grown:
            for item in items:
                self._aside.append(
                    Quarantined(item.at_ns, item.source[:200], item.reason[:64], item.detail[:500], item.excerpt[:200])
                )

    def quarantined(self, limit: int = 100) -> Sequence[Quarantined]:
        """See `Journal.quarantined`."""
        with self._grown:
            return list(self._aside)[::-1][:limit]

    def depth(self) -> JournalDepth:
        """See `Journal.depth`."""
        with self._grown:
            return JournalDepth(self.first(0), self._last, self._bytes, self._limit, dict(self._readers), self._dropped)

    def close(self) -> None:
        """See `Journal.close`."""
        with self._grown:
            self._closed = True
            self._grown.notify_all()

    def _usable(self) -> None:
        if self._closed:
            raise JournalUnavailable("the journal is closed")


def _cost(payload: bytes) -> int:
    return len(payload) + 64
