"""The Journal port's contract (architecture 4b): memory and LMDB pass one suite."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from caretaker.adapters.journal_lmdb import LmdbJournal
from caretaker.adapters.memory.journal import MemoryJournal
from caretaker.domain.errors import (
    JournalFull,
    JournalUnavailable,
    PositionLost,
    RecordTooLarge,
)
from caretaker.ports import Journal, Quarantined

Opener = Callable[..., Journal]
MB = 1 << 20
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["memory", "lmdb"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens journals of one kind with the limits a test asks for, and closes them."""
    journals: list[Journal] = []

    def make(**limits: Any) -> Journal:
        journal: Journal
        if request.param == "memory":
            journal = MemoryJournal(**limits)
        else:
            journal = LmdbJournal(tmp_path / f"journal{len(journals)}", disk_soft_limit=1.0, **limits)
        journals.append(journal)
        return journal

    yield make
    for journal in journals:
        journal.close()


def fill(journal: Journal, count: int, size: int = 100, at_ns: int = 1) -> list[int]:
    start = journal.last(0)
    return [journal.append("d", f"b{start + n}", bytes([n % 256]) * size, at_ns + n) for n in range(count)]


def test_an_empty_journal_begins_at_one(opened: Opener) -> None:
    journal = opened()

    assert (journal.first(0), journal.last(0), journal.partitions(), journal.read(0, 0)) == (1, 0, (0,), [])


def test_records_come_back_in_order_and_whole(opened: Opener) -> None:
    journal = opened()
    payloads = [random.Random(n).randbytes(n * 700) for n in range(20)]
    positions = [journal.append("dev", f"batch-{n}", data, 1000 + n) for n, data in enumerate(payloads)]

    records = journal.read(0, 0)

    assert positions == list(range(1, 21))
    assert [(r.partition, r.position, r.key, r.batch_id, r.accepted_ns, r.payload) for r in records] == [
        (0, n + 1, "dev", f"batch-{n}", 1000 + n, data) for n, data in enumerate(payloads)
    ]


def test_reading_goes_on_where_it_stopped(opened: Opener) -> None:
    journal = opened()
    fill(journal, 10)

    assert [r.position for r in journal.read(0, 3, limit=4)] == [4, 5, 6, 7]
    assert journal.read(0, 10) == []


def test_a_batch_sent_again_is_written_once(opened: Opener) -> None:
    journal = opened()
    first = journal.append("dev", "x", b"one", 5)
    journal.append("other", "x", b"two", 6)

    assert journal.append("dev", "x", b"one", 7) == first
    assert journal.last(0) == 2


def test_accepted_times_never_go_back(opened: Opener) -> None:
    journal = opened()
    for at in (100, 50, 120):
        journal.append("d", str(at), b"", at)

    assert [r.accepted_ns for r in journal.read(0, 0)] == [100, 100, 120]


def test_a_record_over_the_limit_is_refused_and_the_rest_goes_on(opened: Opener) -> None:
    journal = opened(max_record_bytes=1000)

    with pytest.raises(RecordTooLarge):
        journal.append("d", "big", bytes(2000), 1)
    with pytest.raises(RecordTooLarge):
        journal.append("d", "b" * 300, b"", 1)
    assert journal.append("d", "small", b"ok", 2) == 1


def test_nothing_unread_is_dropped_under_reject(opened: Opener) -> None:
    journal = opened(limit_bytes=MB, readers=("ingest",))
    stored = 0
    with pytest.raises(JournalFull):
        for n in range(1000):
            journal.append("d", str(n), bytes(5000), n)
            stored += 1

    depth = journal.depth()

    assert 100 < stored < 220
    assert (depth.first, depth.last, depth.dropped) == (1, stored, 0)
    assert depth.bytes <= depth.limit_bytes == MB


def test_a_full_journal_takes_again_once_its_readers_have_read(opened: Opener) -> None:
    journal = opened(limit_bytes=MB, readers=("ingest",))
    with pytest.raises(JournalFull):
        fill(journal, 1000, 5000)

    journal.release("ingest", 0, journal.last(0) - 10)
    fill(journal, 50, 5000)

    assert journal.first(0) > 1
    assert journal.depth().dropped == 0


def test_trimming_waits_for_the_slowest_reader(opened: Opener) -> None:
    journal = opened(limit_bytes=8 * MB, keep_bytes=0, readers=("ingest", "rules"))
    fill(journal, 20)
    journal.release("ingest", 0, 20)
    journal.release("rules", 0, 5)
    fill(journal, 5)

    assert journal.first(0) == 6
    assert journal.depth().readers == {"ingest": 20, "rules": 5}


def test_a_release_never_goes_back(opened: Opener) -> None:
    journal = opened(readers=("ingest",))
    fill(journal, 5)
    journal.release("ingest", 0, 4)
    journal.release("ingest", 0, 2)

    assert journal.depth().readers == {"ingest": 4}


def test_old_records_are_trimmed_when_read(opened: Opener) -> None:
    journal = opened(max_age_s=10, readers=("ingest",))
    fill(journal, 5, at_ns=0)
    journal.append("d", "late", b"", int(60e9))
    assert journal.first(0) == 1

    journal.release("ingest", 0, 5)
    journal.append("d", "later", b"", int(61e9))

    assert journal.first(0) == 6


def test_drop_oldest_counts_exactly_what_is_missing(opened: Opener) -> None:
    journal = opened(limit_bytes=MB, policy="drop_oldest", readers=("ingest",))
    fill(journal, 600, 5000)
    depth = journal.depth()

    assert depth.last == 600
    assert depth.dropped == depth.first - 1 > 0
    with pytest.raises(PositionLost) as lost:
        journal.read(0, 0)
    assert lost.value.facts["lost"] == depth.dropped
    assert journal.read(0, depth.first - 1, 1)[0].position == depth.first


def test_a_position_that_is_gone_or_not_there_yet_is_never_skipped(opened: Opener) -> None:
    journal = opened(keep_bytes=0, readers=("ingest",))
    fill(journal, 5)
    journal.release("ingest", 0, 4)
    fill(journal, 1)

    with pytest.raises(PositionLost):
        journal.read(0, 2)
    with pytest.raises(PositionLost):
        journal.read(0, 99)
    assert journal.wait(0, 99, 0.0)


def test_a_waiting_reader_is_woken_by_an_append(opened: Opener) -> None:
    journal = opened()
    woken: list[float] = []

    def reader() -> None:
        assert journal.wait(0, 0, 5)
        woken.append(time.monotonic())

    thread = threading.Thread(target=reader)
    thread.start()
    time.sleep(0.05)
    at = time.monotonic()
    fill(journal, 1)
    thread.join(5)

    assert woken[0] - at < 1.0
    assert not journal.wait(0, 1, 0.01)


def test_quarantine_is_kept_newest_first_cut_and_bounded(opened: Opener) -> None:
    journal = opened()
    journal.quarantine([Quarantined(n, "mqtt", "unknown_point", f"point {n}", b"x" * 500) for n in range(10_050)])

    newest = journal.quarantined(3)

    assert [item.at_ns for item in newest] == [10_049, 10_048, 10_047]
    assert len(newest[0].excerpt) == 200
    assert len(journal.quarantined(20_000)) <= 10_000


def test_a_closed_journal_says_so(opened: Opener) -> None:
    journal = opened()
    journal.close()

    with pytest.raises(JournalUnavailable):
        journal.append("d", "b", b"", 1)
    with pytest.raises(JournalUnavailable):
        journal.read(0, 0)


def test_many_threads_append_and_read_at_once(opened: Opener) -> None:
    journal = opened()

    def write(name: str) -> None:
        for n in range(50):
            journal.append(name, str(n), name.encode(), n)

    threads = [threading.Thread(target=write, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    seen: list[str] = []
    while len(seen) < 200:
        assert journal.wait(0, len(seen), 10)
        seen += [r.key for r in journal.read(0, len(seen))]
    for thread in threads:
        thread.join()

    assert {name: seen.count(name) for name in set(seen)} == {f"w{n}": 50 for n in range(4)}
