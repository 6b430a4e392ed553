"""What only a journal in a file can show: kills, other processes, broken and full disks."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from caretaker.adapters.journal_lmdb import LmdbJournal
from caretaker.domain.errors import ConfigurationError, JournalFull, JournalUnavailable
from caretaker.ports import Journal

MB = 1 << 20
ROOT = Path(__file__).resolve().parents[2]


def fill(journal: Journal, count: int) -> None:
    """So many records more, b1, b2, …"""
    start = journal.last(0)
    for n in range(count):
        journal.append("d", f"b{start + n}", bytes(100), 1 + n)


CHILD = """
import sys
from pathlib import Path
from caretaker.adapters.journal_lmdb import LmdbJournal
journal = LmdbJournal(Path(sys.argv[1]), disk_soft_limit=1.0, readers=("ingest",))
n = 0
while True:
    position = journal.append("d", f"{sys.argv[2]}-{n}", f"{sys.argv[2]}-{n}".encode() * 50, n)
    print(position, f"{sys.argv[2]}-{n}", flush=True)
    n += 1
"""


def child(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT)


@pytest.mark.faults
def test_every_acknowledged_append_survives_kill_9(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    acknowledged: dict[int, str] = {}
    for turn in range(4):
        process = child(CHILD, str(folder), f"t{turn}")
        assert process.stdout is not None
        before = len(acknowledged)
        until = random.Random(turn).randint(20, 200)
        for _ in range(until):
            position, batch = process.stdout.readline().split()
            acknowledged[int(position)] = batch
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
        process.wait()
        process.stdout.close()
        acknowledged.update(
            (int(line.split()[0]), line.split()[1]) for line in rest.splitlines() if line.count("-") == 1
        )
        assert process.returncode == -signal.SIGKILL
        assert len(acknowledged) >= before + until  # the kill hit a process that was appending

    journal = LmdbJournal(folder, disk_soft_limit=1.0)
    found: dict[int, str] = {}
    while records := journal.read(0, len(found)):
        found.update((r.position, r.batch_id) for r in records)
    last = journal.last(0)
    journal.close()

    assert {position: found.get(position) for position in acknowledged} == acknowledged
    assert sorted(found) == list(range(1, last + 1))


def test_the_memory_of_resends_survives_a_restart_and_trimming(tmp_path: Path) -> None:
    journal = LmdbJournal(tmp_path / "j", keep_bytes=0, readers=("ingest",), disk_soft_limit=1.0)
    fill(journal, 30)
    journal.release("ingest", 0, 30)
    fill(journal, 5)
    assert journal.first(0) > 3
    journal.close()

    again = LmdbJournal(tmp_path / "j", keep_bytes=0, disk_soft_limit=1.0)

    assert again.append("d", "b3", b"", 9) == 4
    assert (again.last(0), again.depth().readers) == (35, {"ingest": 30})
    again.close()


READER = """
import sys
from pathlib import Path
from caretaker.adapters.journal_lmdb import LmdbJournal
journal = LmdbJournal(Path(sys.argv[1]), writer=False)
at = 0
journal.release("rules", 0, 0)
print("ready", flush=True)
while at < 50:
    if journal.wait(0, at, 5):
        for record in journal.read(0, at):
            at = record.position
            print(at, record.payload.decode(), flush=True)
journal.release("rules", 0, at)
journal.close()
"""


def test_another_process_reads_along_and_holds_back_trimming(tmp_path: Path) -> None:
    journal = LmdbJournal(tmp_path / "j", keep_bytes=0, readers=("ingest",), disk_soft_limit=1.0)
    process = child(READER, str(tmp_path / "j"))
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    for n in range(50):
        journal.append("d", str(n), f"v{n}".encode(), n)
        journal.release("ingest", 0, n + 1)
    lines = process.stdout.read().split("\n")
    process.wait(10)
    process.stdout.close()

    assert lines[:50] == [f"{n + 1} v{n}" for n in range(50)]
    assert journal.depth().readers == {"ingest": 50, "rules": 50}
    fill(journal, 10)
    assert journal.first(0) > 40
    journal.close()


def test_a_second_writing_process_is_refused_with_the_number_of_the_first(tmp_path: Path) -> None:
    process = child(CHILD, str(tmp_path / "j"), "a")
    assert process.stdout is not None
    process.stdout.readline()

    with pytest.raises(ConfigurationError, match=rf"process {process.pid} already writes this journal"):
        LmdbJournal(tmp_path / "j")
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(b"something else entirely" * 500)

    with pytest.raises(ConfigurationError, match="cannot be opened"):
        LmdbJournal(tmp_path)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(ConfigurationError, match="cannot be written"):
        LmdbJournal(tmp_path / "file" / "journal")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a read-only disk needs root")
@pytest.mark.faults
def test_a_read_only_disk_is_refused_by_name(tmp_path: Path) -> None:
    LmdbJournal(tmp_path / "disk" / "new", disk_soft_limit=1.0).close()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(tmp_path / "disk")], check=True)
    try:
        with pytest.raises(ConfigurationError, match="Read-only file system"):
            LmdbJournal(tmp_path / "disk" / "journal")
    finally:
        subprocess.run(["umount", "-l", str(tmp_path / "disk")], check=True)


EIO_CHILD = """
import sys, time
from pathlib import Path
from caretaker.adapters.journal_lmdb import LmdbJournal
from caretaker.domain.errors import JournalFull, JournalUnavailable
journal = LmdbJournal(Path(sys.argv[1]), disk_soft_limit=1.0)
for n in range(60):
    while True:
        try:
            print("kept", journal.append("d", f"b{n}", f"v{n}".encode() * 100, n), f"b{n}", flush=True)
            break
        except (JournalUnavailable, JournalFull) as wrong:
            print("refused", type(wrong).__name__, wrong.message, flush=True)
            time.sleep(0.6)
journal.close()
"""


@pytest.mark.faults
def test_a_failed_sync_is_never_reported_as_done_and_the_journal_comes_back(tmp_path: Path) -> None:
    """EIO from the disk at the 40th and 41st sync (strace's fault injection): R10 of reliability.md."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed (apt-get install strace)")
    inject = ["-f", "-qq", "-o", str(tmp_path / "trace"), "-e", "inject=fdatasync,fsync:error=EIO:when=40..41"]
    command = [strace, *inject, sys.executable, "-c", EIO_CHILD, str(tmp_path / "j")]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()
    kept = [line.split()[1:] for line in told if line.startswith("kept")]
    refused = [line for line in told if line.startswith("refused")]

    journal = LmdbJournal(tmp_path / "j", disk_soft_limit=1.0)
    found = {str(record.position): record.batch_id for record in journal.read(0, 0, 1000)}
    journal.close()

    assert "(INJECTED)" in (tmp_path / "trace").read_text()
    assert refused
    assert "Input/output error" in refused[0]
    assert [batch for _, batch in kept] == [f"b{n}" for n in range(60)]
    assert found == {position: batch for position, batch in kept}  # noqa: C416


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    journal = LmdbJournal(tmp_path, disk_soft_limit=1.0)
    for n in range(3):
        journal.append("d", str(n), b"payload of record %d " % n * 300, n)
    journal.close()
    data = (tmp_path / "data.mdb").read_bytes()
    (tmp_path / "data.mdb").write_bytes(data.replace(b"record 1 payload", b"record 1 pAyload"))

    again = LmdbJournal(tmp_path, disk_soft_limit=1.0)

    assert again.read(0, 0, 1)[0].position == 1
    with pytest.raises(JournalUnavailable, match="record 2 is damaged"):
        again.read(0, 1)
    again.close()


def test_above_the_soft_limit_of_the_disk_nothing_is_accepted_but_everything_can_be_read(tmp_path: Path) -> None:
    journal = LmdbJournal(tmp_path, disk_soft_limit=1.0)
    fill(journal, 3)
    journal.close()

    again = LmdbJournal(tmp_path, disk_soft_limit=0.0001)

    with pytest.raises(JournalFull, match="soft limit"):
        fill(again, 1)
    assert len(again.read(0, 0)) == 3
    again.close()


def test_the_file_stays_bounded_while_readers_keep_up(tmp_path: Path) -> None:
    journal = LmdbJournal(tmp_path, keep_bytes=2 * MB, limit_bytes=16 * MB, readers=("ingest",), disk_soft_limit=1.0)
    rng = random.Random(1)
    for n in range(600):
        journal.append("d", str(n), bytes(rng.randint(10, 42_000)), n)
        journal.release("ingest", 0, n + 1)
    journal.close()

    assert (tmp_path / "data.mdb").stat().st_size < 8 * MB


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
@pytest.mark.faults
def test_a_full_disk_refuses_and_recovers_without_a_restart(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=True)
    try:
        journal = LmdbJournal(disk / "j", limit_bytes=64 * MB, disk_soft_limit=1.0, readers=("ingest",))
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(2 * MB))
        accepted = 0
        with pytest.raises(JournalFull):
            for n in range(1000):
                journal.append("d", f"b{n}", bytes(20_000), n)
                accepted += 1
        assert accepted > 5
        assert journal.last(0) == accepted
        ballast.unlink()
        time.sleep(1.1)

        assert journal.append("d", "after", b"x", 9999) == accepted + 1
        assert len(journal.read(0, 0, 10_000)) == accepted + 1
        journal.close()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
