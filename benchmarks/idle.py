"""`bench idle`: the demo as anybody starts it, left alone: what does it take from the machine?"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import machine, pipeline
from caretaker.config import ROOT
from caretaker.domain.errors import CaretakerError

_SETTLE_S: Final = 10.0
_STOP_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Idle:
    """cpu_percent: of one core, all processes of the tree together; rss_mb: the sum of what each has resident;
    pss_mb: the same with shared pages counted once; ready_s: from the command to `ready`; readings: stored from start to
    stop, to show that it was at work."""

    seconds: float
    cpu_percent: float
    rss_mb: float
    pss_mb: float
    processes: int
    ready_s: float
    readings: int


def run(seconds: float) -> Idle:
    """Start, let it settle, watch. Raises CaretakerError when it does not come up or loses a process meanwhile."""
    with tempfile.TemporaryDirectory(prefix="caretaker-idle-") as folder:
        log = Path(folder) / "up.log"
        command = [sys.executable, "-m", "caretaker.cli", "up", "--data", f"{folder}/data"]
        command += ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"]
        began = time.monotonic()
        with log.open("w") as errors:
            child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            _until_ready(child, log)
            ready = time.monotonic() - began
            time.sleep(_SETTLE_S)
            family = machine.family(child.pid)
            before = {pid: machine.cpu_s(pid) for pid in family}
            time.sleep(seconds)
            try:
                used = sum(machine.cpu_s(pid) - spent for pid, spent in before.items())
                resident = sum(machine.memory_mb(pid)[0] for pid in family)
                share = sum(machine.share_mb(pid) for pid in family)
            except FileNotFoundError as gone:
                raise CaretakerError(f"a process of the demo ended meanwhile: {log.read_text()[-800:]}") from gone
        finally:
            child.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.communicate(timeout=_STOP_S)
            if child.poll() is None:
                child.kill()
                child.communicate()
        return Idle(
            seconds=seconds,
            cpu_percent=round(100 * used / seconds, 1),
            rss_mb=round(resident, 1),
            pss_mb=round(share, 1),
            processes=len(family),
            ready_s=round(ready, 1),
            readings=pipeline.count_blocks(Path(folder) / "data"),
        )


def _until_ready(child: subprocess.Popen[str], log: Path) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith("ready "):
            return
    raise CaretakerError(f"the demo did not come up: {log.read_text()[-800:]}")
