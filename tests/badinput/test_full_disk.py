"""A disk that fills up under Caretaker: it says so, acknowledges nothing more, loses nothing, and heals by itself."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from caretaker.domain.people import Role
from tests.badinput.house import Up, write_site

pytestmark = [pytest.mark.faults, pytest.mark.slow]
SIZE_MB = 64


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount: 1 case not run")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path, leave_bytes: int) -> None:
    """Put ballast on the disk until so much is free."""
    with (folder / "ballast").open("ab", buffering=0) as ballast:
        try:
            while (free := os.statvfs(folder).f_bavail * os.statvfs(folder).f_bsize - leave_bytes) > 0:
                ballast.write(b"\0" * min(free, 1 << 20))
        except OSError:
            assert leave_bytes == 0, "the disk is full sooner than asked"


def soon(condition: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def test_a_full_disk_is_said_refused_and_survived(tmp_path: Path, small_disk: Path) -> None:
    site = write_site(tmp_path / "files", 1, {})
    acknowledged: list[float] = []
    data = small_disk / "data"
    with (
        Up(tmp_path / "up", site, data, journal_limit_bytes=str(16 << 20)) as up,
        up.client(Role.GUARD) as guard,
        up.client(Role.DEVICE) as device,
    ):

        def send(value: float) -> httpx.Response:
            now = time.time_ns() // 1_000_000
            body = {"device": "d1", "readings": [{"point": "temp", "value": value, "ts": now}]}
            answer = device.post("/ingest", json=body, headers={"Idempotency-Key": f"v{value}-{now}"})
            if answer.status_code == 200 and answer.json()["accepted"]:
                acknowledged.append(value)
            return answer

        def gateway() -> Any:
            return guard.get("/health").json()["parts"]["gateway"]

        for n in range(20):
            assert send(n).status_code == 200
            time.sleep(0.002)
        soon(lambda: gateway()["status"] == "ok")

        # 1. above the soft limit: reads and decisions go on, nothing more is accepted
        fill(small_disk, round(SIZE_MB * 0.03) << 20)
        refused = send(100)
        assert refused.status_code == 503
        assert refused.json()["code"] == "journal_full"
        assert refused.headers["retry-after"]
        assert "disk" in refused.json()["detail"]
        soon(lambda: gateway()["status"] == "degraded")
        assert "disk" in gateway()["reason"]
        assert guard.get("/assets/b1").json()["points"][0]["value"] == 19
        assert len(up.told("journal_refuses")) == 1

        # 2. not one byte left: still no crash, still an answer to every question
        fill(small_disk, 0)
        for n in range(10):
            answer = send(200 + n)
            assert answer.status_code == 503, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
        time.sleep(4)
        health = guard.get("/health").json()
        assert health["status"] in ("degraded", "down")
        assert guard.get("/assets").status_code == guard.get("/alarms").status_code == 200
        assert up.running

        # 3. room again: it goes on by itself
        (small_disk / "ballast").unlink()
        soon(lambda: send(50).status_code == 200)
        soon(lambda: guard.get("/health").json()["status"] == "ok", 40)
        assert up.told("journal_accepts_again")
        assert len(up.told("journal_refuses")) <= 2
        assert "Traceback" not in up.log()
        soon(lambda: guard.get("/assets/b1").json()["points"][0]["value"] == acknowledged[-1])
        point = guard.get("/assets/b1").json()["points"][0]["id"]
        query = f"/points/{point}/readings?from_ms=0&to_ms=4000000000000"
        soon(lambda: len(guard.get(query).json()["raw"]["v"]) >= len(acknowledged))
        assert guard.get(query).json()["raw"]["v"] == acknowledged, "what was acknowledged is there, and nothing else"
