"""What only the block store can show: kills, a cut log, a full disk, its one owner, the joining of crumbs."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from caretaker.adapters.store_blocks import BlockStore
from caretaker.domain.errors import ConfigurationError, StoreUnavailable
from caretaker.domain.readings import ReadingBatch

ROOT = Path(__file__).resolve().parents[2]
HOUR = 3_600_000_000_000
SECOND = 1_000_000_000
T0 = 1_790_000_000_000_000_000 // HOUR * HOUR


def readings(*rows: tuple[int, float, float] | tuple[int, float, float, int]) -> ReadingBatch:
    """(point, seconds after T0, value[, quality]) …"""
    return ReadingBatch.of(
        [row[0] for row in rows],
        [T0 + round(row[1] * SECOND) for row in rows],
        [row[2] for row in rows],
        [row[3] if len(row) > 3 else 0 for row in rows],
    )


BLOCKS_CHILD = """
import sys
from pathlib import Path
from caretaker.adapters.store_blocks import BlockStore
from caretaker.domain.readings import ReadingBatch
store = BlockStore(Path(sys.argv[1]))
start = store.durable_upto()
for upto in range(start + 1, start + 100_000):
    store.write(ReadingBatch.of([1, 2], [upto * 60 * 10**9] * 2, [upto, -upto], [0, 0]), upto)
    if upto % 3 == 0:
        store.flush()
        print(store.durable_upto(), flush=True)
"""


@pytest.mark.faults
def test_what_the_block_store_calls_durable_survives_kill_9_and_nothing_stands_beyond_it(tmp_path: Path) -> None:
    last = 0
    for turn in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", BLOCKS_CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert process.stdout is not None
        for _ in range(5 + 11 * turn):
            told = int(process.stdout.readline())
        process.kill()
        rest = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        assert process.returncode == -9
        told = int(rest[-1]) if rest and rest[-1].isdigit() and len(rest) > 1 else told

        store = BlockStore(tmp_path)
        last = store.durable_upto()
        values = store.read(1, 0, 1 << 62).values.tolist()
        store.close()
        assert last >= told
        assert values == list(range(1, last + 1))
    assert last > 0


def test_a_cut_write_ahead_log_leaves_a_prefix_and_never_a_gap(tmp_path: Path) -> None:
    store = BlockStore(tmp_path / "store")
    for upto in range(1, 41):
        store.write(readings(*((1, upto * 100 + n, upto) for n in range(20))), upto)
        store.flush()
    log, base = (tmp_path / "store" / name for name in ("readings.db-wal", "readings.db"))
    whole, data = log.read_bytes(), base.read_bytes()
    store.close()
    rng = random.Random(8)
    seen = set()
    for number in range(60):
        folder = tmp_path / f"cut{number}"
        folder.mkdir()
        (folder / "readings.db").write_bytes(data)
        (folder / "readings.db-wal").write_bytes(whole[: rng.randrange(len(whole))])
        if data[:16] != b"SQLite format 3\x00" or len((folder / "readings.db-wal").read_bytes()) < 8192:
            continue
        cut = BlockStore(folder)
        upto = cut.durable_upto()
        found = cut.read(1, T0, T0 + 10 * HOUR).values.tolist()
        cut.close()
        seen.add(upto)
        assert found == [n for n in range(1, upto + 1) for _ in range(20)]
    assert len(seen) > 5


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    store = BlockStore(tmp_path)

    with pytest.raises(ConfigurationError, match="already writes this reading store"):
        BlockStore(tmp_path)
    store.close()


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "readings.db") as other:
        other.execute("CREATE TABLE mine(x)")
    other.close()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "readings.db").write_text("not a database at all" * 100)

    for folder in (tmp_path, tmp_path / "text"):
        with pytest.raises(ConfigurationError, match="cannot be opened"):
            BlockStore(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
@pytest.mark.faults
def test_a_full_disk_moves_no_position_and_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=True)
    try:
        store = BlockStore(disk, memory_readings=400)
        store.write(readings((1, 0, 0.0)), 1)
        store.flush()
        (disk / "ballast").write_bytes(bytes(2_000_000 - sum(f.stat().st_size for f in disk.iterdir())))
        rng = random.Random(1)
        rows = [readings(*((1, 60 * n + s, rng.random()) for s in range(60))) for n in range(1, 200)]
        refused_at = 0
        with pytest.raises(StoreUnavailable, match="full"):
            for refused_at, batch in enumerate(rows, 2):
                store.write(batch, refused_at)
        assert store.durable_upto() < refused_at - 1
        assert len(store.read(1, T0, T0 + 100 * HOUR).times) == 1 + 60 * (refused_at - 2)

        (disk / "ballast").unlink()
        for upto, batch in list(enumerate(rows, 2))[refused_at - 2 :]:
            store.write(batch, upto)
        store.flush()

        assert store.durable_upto() == len(rows) + 1
        assert len(store.read(1, T0, T0 + 100 * HOUR).times) == 1 + 60 * len(rows)
        store.close()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_small_pieces_of_an_hour_join_into_one_block(tmp_path: Path) -> None:
    store = BlockStore(tmp_path)
    for upto in range(1, 31):
        store.write(readings((1, upto * 60, upto)), upto)
        store.flush()
    store.close()
    with sqlite3.connect(tmp_path / "readings.db") as database:
        blocks = database.execute("SELECT rows, judged, sum FROM block").fetchall()
    database.close()

    assert blocks == [(30, 30, sum(range(1, 31)))]
