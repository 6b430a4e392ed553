"""Why docker-compose.yml says `pid: host`: LMDB tells its readers apart by process number."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

OPEN_AND_READ = """
import sys, time
from pathlib import Path
from caretaker.adapters.journal_lmdb import LmdbJournal
journal = LmdbJournal(Path(sys.argv[1]), writer=sys.argv[2] == "gateway", limit_bytes=16 << 20)
if sys.argv[2] == "gateway":
    journal.append("k", "1", b"x", 1)
print(len(journal.read(0, 0, 10)), flush=True)
sys.stdin.read()
journal.close()
"""


def opened(folder: Path, part: str, *namespace: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*namespace, sys.executable, "-c", OPEN_AND_READ, str(folder), part],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def second_reader(folder: Path, *namespace: str) -> tuple[str, str]:
    """What a second part reads while the first one holds the journal open, each in its own surroundings."""
    first = opened(folder, "gateway", *namespace)
    assert first.stdout is not None
    try:
        assert first.stdout.readline() == "1\n"
        return opened(folder, "rules", *namespace).communicate("", timeout=30)
    finally:
        first.communicate("", timeout=30)


def test_parts_that_see_the_same_process_numbers_share_the_journal(tmp_path: Path) -> None:
    assert second_reader(tmp_path) == ("1\n", "")


def test_parts_in_process_namespaces_of_their_own_would_be_refused(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    own = (unshare or "", "--pid", "--fork")
    if unshare is None or subprocess.run([*own, "true"], check=False, capture_output=True).returncode:
        pytest.skip("unshare --pid is not allowed here (root only)")

    read, trouble = second_reader(tmp_path, *own)

    assert read == ""
    assert "Resource temporarily unavailable" in trouble
