"""The ingest writer over LMDB and the block store: its place, its end, what it does when the journal has moved on."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from caretaker.adapters.journal_lmdb import LmdbJournal
from caretaker.adapters.memory.clock import HandClock, SystemClock
from caretaker.adapters.memory.journal import MemoryJournal
from caretaker.adapters.memory.store import MemoryStore
from caretaker.adapters.sql import SqlTransactions
from caretaker.adapters.store_blocks import BlockStore
from caretaker.domain.readings import ReadingBatch
from caretaker.ports import Journal, ReadingStore
from caretaker.wire import encode_batch
from ingest import main
from ingest.writer import CONSUMER, Writer

T0 = 1_790_000_000_000_000_000
ROOT = Path(__file__).resolve().parents[2]


def append(journal: Journal, numbers: range) -> None:
    for n in numbers:
        batch = ReadingBatch.of([1, 2], [T0 + n * 10**9] * 2, [n, -n], [0, 0], {1: f"t{n}"} if n % 7 == 0 else None)
        journal.append("dev", f"b{n}", encode_batch(batch), T0 + n)


def sql(folder: Path) -> SqlTransactions:
    transactions = SqlTransactions(f"sqlite:///{folder / 'sql.db'}")
    transactions.migrate()
    return transactions


def values(store: ReadingStore, point: int = 1) -> list[float]:
    found: list[float] = store.read(point, T0, T0 + 10**18).values.tolist()
    return found


def test_stopping_writes_what_is_left_flushes_and_releases(tmp_path: Path) -> None:
    journal, store = LmdbJournal(tmp_path / "j", disk_soft_limit=1.0, readers=(CONSUMER,)), BlockStore(tmp_path / "s")
    transactions, stop = sql(tmp_path), threading.Event()
    thread = threading.Thread(target=main.run, args=(journal, store, transactions, SystemClock(), stop))
    thread.start()
    append(journal, range(300))
    stop.set()
    at = time.monotonic()
    thread.join(10)

    assert time.monotonic() - at < 5
    assert store.durable_upto() == journal.last(0) == 300
    assert journal.depth().readers[CONSUMER] == 300
    assert values(store) == list(range(300))
    assert store.read(2, T0, T0 + 10**18).texts == {n: f"t{n}" for n in range(0, 300, 7)}
    with transactions.begin() as unit:
        assert unit.parts.all()["ingest"][1]["status"] == "ok"
    for one in (store, journal, transactions):
        one.close()


CHILD = """
import sys, threading
from pathlib import Path
from caretaker.adapters.journal_lmdb import LmdbJournal
from caretaker.adapters.memory.clock import SystemClock
from caretaker.adapters.sql import SqlTransactions
from caretaker.adapters.store_blocks import BlockStore
from ingest import main
folder = Path(sys.argv[1])
store = BlockStore(folder / "s", memory_readings=100)
print("open", flush=True)
main.run(LmdbJournal(folder / "j", writer=False), store,
         SqlTransactions(f"sqlite:///{folder / 'sql.db'}", owner=False), SystemClock(), threading.Event())
"""


@pytest.mark.faults
def test_killing_the_ingest_process_loses_and_doubles_nothing(tmp_path: Path) -> None:
    journal = LmdbJournal(tmp_path / "j", keep_bytes=0, disk_soft_limit=1.0, readers=(CONSUMER,))
    sql(tmp_path).close()
    sent, hit = 0, 0
    for turn in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(8 + 5 * turn):
            append(journal, range(sent, sent + 20))
            sent += 20
            time.sleep(0.04)
        process.kill()
        process.wait()
        process.stdout.close()
        hit += journal.depth().readers[CONSUMER] < journal.last(0)
    store, transactions, stop = BlockStore(tmp_path / "s"), sql(tmp_path), threading.Event()
    Writer(journal, store, transactions, SystemClock(), linger_s=0.0)._begin()
    stop.set()
    main.run(journal, store, transactions, SystemClock(), stop)

    assert hit == 3  # each kill came before everything was durable
    assert journal.first(0) > 1  # and the journal had been trimmed behind the writer
    assert values(store) == list(range(sent))
    assert store.durable_upto() == sent
    for one in (store, journal, transactions):
        one.close()


def test_lost_records_are_counted_told_and_passed_over(tmp_path: Path) -> None:
    journal = MemoryJournal(limit_bytes=6000, policy="drop_oldest", readers=(CONSUMER,))
    append(journal, range(200))
    store, transactions, stop = MemoryStore(), sql(tmp_path), threading.Event()
    writer = Writer(journal, store, transactions, HandClock(T0), linger_s=0.0)
    stop.set()
    writer._begin()
    writer._end()
    first = journal.first(0)

    assert first > 1
    assert (writer.lost, writer.stored) == (first - 1, 2 * (201 - first))
    assert values(store) == list(range(first - 1, 200))
    assert [item.reason for item in journal.quarantined()] == ["position_lost"]
    assert writer.facts()["status"] == "degraded"
    transactions.close()


def test_a_store_that_knows_an_older_journal_starts_the_new_one_from_its_beginning(tmp_path: Path) -> None:
    store, transactions = BlockStore(tmp_path / "s"), sql(tmp_path)
    store.write(ReadingBatch.of([1], [T0 - 10**9], [-1.0], [0]), 5000)
    store.flush()
    journal = MemoryJournal(readers=(CONSUMER,))
    append(journal, range(10))
    writer = Writer(journal, store, transactions, HandClock(T0), linger_s=0.0)
    writer._begin()
    assert journal.depth().readers[CONSUMER] == 0
    writer._end()

    assert values(store) == list(range(10))
    assert store.durable_upto() == 10
    assert journal.depth().readers[CONSUMER] == 10
    store.close()
    transactions.close()


def test_a_record_that_cannot_be_read_is_set_aside(tmp_path: Path) -> None:
    journal, store, transactions = MemoryJournal(readers=(CONSUMER,)), MemoryStore(), sql(tmp_path)
    append(journal, range(2))
    journal.append("dev", "odd", b"what is this", T0)
    append(journal, range(2, 4))
    writer = Writer(journal, store, transactions, HandClock(T0), linger_s=0.0)
    writer._begin()
    writer._end()

    assert values(store) == [0, 1, 2, 3]
    assert [(item.reason, item.excerpt) for item in journal.quarantined()] == [("unreadable_record", b"what is this")]
    transactions.close()
