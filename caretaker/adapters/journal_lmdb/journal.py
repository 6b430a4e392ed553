"""The Journal port on LMDB.

One process appends (`writer=True`), others read, release and set aside. Every append is one transaction: record, index
row, bookkeeping, pending releases and a little trimming, synced before it returns.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal, TypeAlias

import lmdb

from caretaker.adapters.journal_lmdb import codec, quarantine
from caretaker.adapters.journal_lmdb.codec import IndexRow, State, position_key, position_of
from caretaker.adapters.journal_lmdb.environment import Environment, told
from caretaker.adapters.one_writer import claim
from caretaker.domain.errors import ConfigurationError, JournalFull, JournalUnavailable, PositionLost, RecordTooLarge
from caretaker.ports import JournalDepth, Position, Quarantined, Record

MB: Final = 1 << 20
Txn: TypeAlias = "lmdb.Transaction[bytes]"
_STATE: Final = b"state"
_TRIM_STEP: Final = 8
"""Records trimmed at most by one append that is not short of room: an append stays short."""
_TRIM_MOST: Final = 4096
_CHECK_READERS: Final = 1024
_POLL_S: Final = 0.05
"""How often a reader in another process looks; within the writer's process it is woken."""
_RELEASE_S: Final = 1.0
_REOPEN_S: Final = 1.0
_READ_BYTES: Final = 8 * MB
_UNMAP_BYTES: Final = 16 * MB


class LmdbJournal:
    """See `caretaker.ports.Journal`. Safe from many threads.

    folder           holds data.mdb, lock.mdb and writer.pid
    limit_bytes      JournalFull (policy `reject`) or loss of the oldest (`drop_oldest`) when so much is kept
    keep_bytes       read records are kept up to this size (for replay and the live page), then trimmed
    max_age_s        read records older than this are trimmed; with `drop_oldest` unread ones too
    disk_soft_limit  share of the disk in use above which nothing is accepted (0 … 1)
    readers          consumers that must have read a record before it may be trimmed
    remember         so many recent batch ids are recognised when a collector sends them again
    """

    def __init__(  # noqa: PLR0913  keyword-only limits, each with a meaning of its own
        self,
        folder: Path,
        *,
        writer: bool = True,
        limit_bytes: int = 2048 * MB,
        keep_bytes: int = 64 * MB,
        max_age_s: float = 14 * 86400.0,
        policy: Literal["reject", "drop_oldest"] = "reject",
        disk_soft_limit: float = 0.95,
        readers: Sequence[str] = (),
        max_record_bytes: int = 4 * MB,
        remember: int = 32768,
    ) -> None:
        self._folder, self._limit, self._keep = folder, limit_bytes, min(keep_bytes, limit_bytes // 2)
        self._age_ns, self._policy, self._soft = int(max_age_s * 1e9), policy, disk_soft_limit
        self._max_record, self._remember = min(max_record_bytes, limit_bytes // 4), remember
        # half as much again for what LMDB copies on write and for gaps: deleting works when the journal is full
        self._map_size = limit_bytes + limit_bytes // 2 + 64 * MB
        self._write_lock, self._read_lock = threading.Lock(), threading.Lock()
        self._grown = threading.Condition()
        self._pending: dict[str, Position] = {}
        self._released: dict[str, tuple[Position, float]] = {}
        self._reopen_at: float | None = None
        self._touched = 0
        self._closed = False
        self._lock_descriptor = claim(folder / "writer.pid", "journal") if writer else None
        try:
            self._env = Environment(folder, self._map_size)
            self._env.env.reader_check()
            with told("read the journal's bookkeeping"):
                self._load(readers)
        except BaseException:
            self._unlock()
            raise

    def _load(self, readers: Sequence[str]) -> None:
        env = self._env
        with env.env.begin(write=bool(readers)) as txn:
            self._state = self._read_state(txn)
            for name in readers:
                if txn.get(name.encode(), db=env.readers) is None:
                    txn.put(name.encode(), position_key(0), db=env.readers)
            self._recent: dict[bytes, Position] = {}
            self._order: deque[bytes] = deque()
            if self._writer:
                cursor = txn.cursor(env.index)
                if cursor.set_range(position_key(max(1, self._state.last - self._remember + 1))):
                    for key, value in cursor:
                        self._note(IndexRow.unpack(value).digest, position_of(key))

    @property
    def _writer(self) -> bool:
        return self._lock_descriptor is not None

    def _read_state(self, txn: Txn) -> State:
        found = txn.get(_STATE, db=self._env.meta)
        return State.unpack(found) if found else State()

    def _note(self, digest: bytes, position: Position) -> None:
        self._recent[digest] = position
        self._order.append(digest)
        if len(self._order) > self._remember:
            self._recent.pop(self._order.popleft(), None)

    # ------------------------------------------------------------------ append

    def append(self, key: str, batch_id: str, payload: bytes, accepted_ns: int) -> Position:
        """See `Journal.append`."""
        digest = codec.digest(key, batch_id)
        with self._write_lock:
            self._usable()
            if (known := self._recent.get(digest)) is not None:
                return known
            if not self._writer:
                raise ConfigurationError(f"{self._folder}: this process opened the journal for reading only")
            accepted = max(accepted_ns, self._state.accepted_ns)
            value = codec.encode(key, batch_id, payload, accepted)
            if len(value) > self._max_record:
                raise RecordTooLarge(
                    f"a journal record takes at most {self._max_record} bytes, this one has {len(value)}; "
                    "send smaller batches"
                )
            self._check_disk()
            position = self._commit(value, IndexRow(digest, accepted, codec.cost(len(value))))
            self._note(digest, position)
        with self._grown:
            self._grown.notify_all()
        return position

    def _commit(self, value: bytes, row: IndexRow) -> Position:
        pending = dict(self._pending)
        with self._writing("append to the journal") as txn:
            env = self._env
            for name, position in pending.items():
                txn.put(name.encode(), position_key(position), db=env.readers)
            before = self._state
            state = self._trim(txn, before, row)
            full = state.size + row.cost > self._limit
            if not full:
                place = position_key(state.last + 1)
                txn.put(place, value, db=env.records, append=True)
                txn.put(place, row.pack(), db=env.index, append=True)
                state = replace(state, last=state.last + 1, size=state.size + row.cost, accepted_ns=row.accepted_ns)
                self._forget_index(txn, state)
            if state != before:
                txn.put(_STATE, state.pack(), db=env.meta)
        self._state = state
        for name, position in pending.items():
            if self._pending.get(name) == position:
                del self._pending[name]
        if full:
            raise JournalFull(
                f"the journal keeps {state.size} of {self._limit} bytes that its readers still need; "
                "see which reader is behind (health), or raise CARETAKER_JOURNAL_LIMIT_BYTES",
                bytes=state.size,
                limit=self._limit,
            )
        self._account(row.cost)
        if state.last % _CHECK_READERS == 0:
            self._env.env.reader_check()  # a reader that was killed in the middle would keep its pages for ever
        return state.last

    def _trim(self, txn: Txn, state: State, coming: IndexRow) -> State:
        """Delete the oldest records that nobody needs, or (`drop_oldest`) that no longer fit."""
        slowest = min(self._readers(txn).values(), default=0)
        steps = 0
        while state.first <= state.last and steps < _TRIM_MOST:
            place = position_key(state.first)
            found = txn.get(place, db=self._env.index)
            if found is None:
                raise JournalUnavailable(
                    f"journal record {state.first} has no index row; restore the journal from a backup"
                )
            row = IndexRow.unpack(found)
            full = state.size + coming.cost > self._limit
            old = row.accepted_ns < coming.accepted_ns - self._age_ns
            held = state.first > slowest
            if held and not (self._policy == "drop_oldest" and (full or old)):
                break
            if not full and (steps >= _TRIM_STEP or not (old or state.size > self._keep)):
                break
            txn.delete(place, db=self._env.records)
            state = replace(state, first=state.first + 1, size=state.size - row.cost, dropped=state.dropped + held)
            self._account(row.cost)
            steps += 1
        return state

    def _forget_index(self, txn: Txn, state: State) -> None:
        """Index rows outlive their records by `remember` positions; older ones go."""
        with txn.cursor(self._env.index) as cursor:
            bound = min(state.first, state.last - self._remember)
            for _ in range(2 * _TRIM_STEP):
                if not cursor.first() or position_of(cursor.key()) >= bound:
                    return
                cursor.delete()

    def _disk(self) -> tuple[float, int]:
        """Share in use (0 … 1) and free bytes of the disk."""
        try:
            disk = os.statvfs(self._folder)
        except OSError as wrong:
            raise JournalUnavailable(f"{self._folder}: {wrong.strerror}") from wrong
        used = disk.f_blocks - disk.f_bfree
        return used / max(1, used + disk.f_bavail), disk.f_bavail * disk.f_frsize

    def _check_disk(self) -> None:
        share, _ = self._disk()
        if share > self._soft:
            raise JournalFull(
                f"{self._folder}: the disk is {share:.1%} full, above the soft limit of {self._soft:.0%}; "
                "nothing more is acknowledged until there is space",
                share=share,
                limit=self._soft,
            )

    # ------------------------------------------------------------------ read

    def read(self, partition: int, after: Position, limit: int = 64) -> Sequence[Record]:
        """See `Journal.read`. At most about 8 MB at a time."""
        records: list[Record] = []
        size = 0
        with self._read_lock:
            self._usable()
            with told("read the journal"), self._env.env.begin() as txn:
                self._check_position(after, self._read_state(txn))
                with txn.cursor(self._env.records) as cursor:
                    more = cursor.set_range(position_key(after + 1))
                    while more and len(records) < limit and size < _READ_BYTES:
                        key, value = cursor.item()
                        position = position_of(key)
                        if position != after + len(records) + 1:
                            raise JournalUnavailable(f"journal record {after + len(records) + 1} is missing")
                        records.append(codec.decode(partition, position, value))
                        size += len(value)
                        more = cursor.next()
            self._account(size)
        return records

    def _check_position(self, after: Position, state: State) -> None:
        if after + 1 < state.first:
            raise PositionLost(
                f"journal records {after + 1} to {state.first - 1} are no longer kept",
                first=state.first,
                last=state.last,
                lost=state.first - after - 1,
            )
        if after > state.last:
            raise PositionLost(
                f"the journal ends at {state.last} but a reader stands at {after}: it is another or an older journal",
                first=state.first,
                last=state.last,
                lost=0,
            )

    def last(self, partition: int) -> Position:
        """See `Journal.last`."""
        return self._now().last

    def first(self, partition: int) -> Position:
        """See `Journal.first`."""
        return self._now().first

    def _now(self) -> State:
        if self._writer:
            return self._state
        with self._read_lock:
            self._usable()
            with told("read the journal"), self._env.env.begin() as txn:
                return self._read_state(txn)

    def wait(self, partition: int, after: Position, timeout_s: float) -> bool:
        """See `Journal.wait`. Also True when the journal ends before `after`, so that `read` says PositionLost."""
        if self._writer:
            with self._grown:
                return self._grown.wait_for(lambda: self._closed or self._state.last != after, timeout_s) and (
                    self._state.last != after
                )
        until = time.monotonic() + timeout_s
        while self._now().last == after:
            left = until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(_POLL_S, left))
        return True

    def partitions(self) -> Sequence[int]:
        """Always (0,)."""
        return (0,)

    # ------------------------------------------------------------------ readers

    def release(self, consumer: str, partition: int, position: Position) -> None:
        """See `Journal.release`. Never goes back. The first is written at once, later ones about once a second."""
        before, written = self._released.get(consumer, (None, 0.0))
        if before is not None and position <= before:
            return
        now = time.monotonic()
        self._released[consumer] = (position, now if before is None else written)
        self._pending[consumer] = position
        if before is None or (not self._writer and now - written >= _RELEASE_S):
            self._released[consumer] = (position, now)
            self._write_releases()

    def _write_releases(self) -> None:
        with self._write_lock:
            self._usable()
            pending = dict(self._pending)
            with self._writing("note how far a reader is") as txn:
                for name, position in pending.items():
                    found = txn.get(name.encode(), db=self._env.readers)
                    if found is None or position_of(found) < position:
                        txn.put(name.encode(), position_key(position), db=self._env.readers)
            for name, position in pending.items():
                if self._pending.get(name) == position:
                    del self._pending[name]

    def _readers(self, txn: Txn) -> dict[str, Position]:
        readers = {bytes(name).decode(): position_of(place) for name, place in txn.cursor(self._env.readers)}
        for name, position in list(self._pending.items()):
            readers[name] = max(position, readers.get(name, 0))
        return readers

    # ------------------------------------------------------------------ quarantine, health, end

    def quarantine(self, items: Sequence[Quarantined]) -> None:
        """See `Journal.quarantine`: 10,000 items and 8 MB at most."""
        if not items:
            return
        with self._write_lock:
            self._usable()
            with self._writing("set refused input aside") as txn:
                quarantine.add(txn, self._env, items)

    def quarantined(self, limit: int = 100) -> Sequence[Quarantined]:
        """See `Journal.quarantined`."""
        with self._read_lock:
            self._usable()
            with told("read the quarantine"), self._env.env.begin() as txn:
                return quarantine.newest(txn, self._env, limit)

    def depth(self) -> JournalDepth:
        """See `Journal.depth`."""
        with self._read_lock:
            self._usable()
            with told("read the journal"), self._env.env.begin() as txn:
                state = self._read_state(txn)
                readers = self._readers(txn)
        return JournalDepth(state.first, state.last, state.size, self._limit, readers, state.dropped)

    def close(self) -> None:
        """See `Journal.close`. Waiting readers are woken."""
        if self._closed:
            return
        if self._pending and self._reopen_at is None:
            self._write_releases()
        with self._write_lock, self._read_lock:
            self._closed = True
            self._env.close()
            self._unlock()
        with self._grown:
            self._grown.notify_all()

    def _unlock(self) -> None:
        if self._lock_descriptor is not None:
            os.close(self._lock_descriptor)
            self._lock_descriptor = None

    # ------------------------------------------------------------------ transactions

    @contextlib.contextmanager
    def _writing(self, doing: str) -> Iterator[Txn]:
        """A write transaction, synced on leaving. After an I/O error the file is opened anew before the next one.

        A failed sync leaves unknown pages behind (fsyncgate): only what the file says after opening it again counts.
        """
        if self._reopen_at is not None:
            self._reopen()
        try:
            with told(doing), self._env.env.begin(write=True) as txn:
                yield txn
        except JournalUnavailable as wrong:
            self._reopen_at = time.monotonic() + _REOPEN_S
            if self._disk()[1] < MB:  # LMDB calls a write that the full disk cut short an I/O error
                raise JournalFull(f"cannot {doing}: {self._folder}: no space left on the disk") from wrong
            raise

    def _reopen(self) -> None:
        if self._reopen_at is None or time.monotonic() < self._reopen_at:
            raise JournalUnavailable("the disk refused to write the journal; it is opened again in a second")
        with self._read_lock:
            self._reopen_at = time.monotonic() + _REOPEN_S
            self._env.close()
            try:
                self._env = Environment(self._folder, self._map_size)
            except ConfigurationError as wrong:
                raise JournalUnavailable(wrong.message) from wrong
            with told("read the journal's bookkeeping"):
                self._load(())
        self._reopen_at = None

    def _usable(self) -> None:
        if self._closed:
            raise JournalUnavailable("the journal is closed")

    def _account(self, size: int) -> None:
        """Count the bytes of the map that were touched; give the pages back now and then."""
        self._touched += size
        if self._touched > _UNMAP_BYTES:
            self._touched = 0
            self._env.unmap()
