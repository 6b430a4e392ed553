"""The machine beside the figure: without it a figure says nothing."""

from __future__ import annotations

import os
import platform
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

_TICK: Final = os.sysconf("SC_CLK_TCK")
_BLOCK: Final = 64 << 10
_SYNCS: Final = 50


@dataclass(frozen=True, slots=True)
class Machine:
    """fsync: milliseconds for 64 kB written and synced in the folder of the run, median and 99th percentile.
    load: runnable processes of the last minute when the run began; above about 1 others were at work too."""

    cpu: str
    cores: int
    memory_mb: int
    python: str
    kernel: str
    fsync_ms: float
    fsync_p99_ms: float
    load: float

    def line(self) -> str:
        """One line for people."""
        return (
            f"{self.cores} x {self.cpu}, {self.memory_mb / 1024:.0f} GB, Python {self.python}, Linux {self.kernel}, "
            f"fsync of 64 kB {self.fsync_ms:.2f} ms (p99 {self.fsync_p99_ms:.2f}), load before {self.load:.1f}"
        )

    def facts(self) -> dict[str, object]:
        """Plain JSON."""
        return asdict(self)


def describe(folder: Path) -> Machine:
    """Look at the machine; the disk is the one that holds `folder`."""
    info = Path("/proc/cpuinfo").read_text("utf-8")
    names = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    syncs = sorted(_sync_ms(folder))
    return Machine(
        cpu=names[0] if names else platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory_mb=pages >> 20,
        python=platform.python_version(),
        kernel=platform.release(),
        fsync_ms=round(statistics.median(syncs), 3),
        fsync_p99_ms=round(syncs[-1 - len(syncs) // 100], 3),
        load=round(os.getloadavg()[0], 2),
    )


def _sync_ms(folder: Path) -> list[float]:
    path = folder / "fsync-probe"
    found: list[float] = []
    with path.open("wb") as file:
        for _ in range(_SYNCS):
            file.write(os.urandom(_BLOCK))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            found.append((time.perf_counter() - began) * 1e3)
    path.unlink()
    return found


def cpu_s(pid: int) -> float:
    """User and system seconds a live process has used, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def memory_mb(pid: int) -> tuple[float, float]:
    """(resident now, the most it ever was) in MB."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    sizes = {
        line.partition(":")[0]: int(line.split()[1]) / 1024 for line in lines if line.startswith(("VmRSS", "VmHWM"))
    }
    return sizes["VmRSS"], sizes["VmHWM"]


def share_mb(pid: int) -> float:
    """Proportional set size: pages shared by several processes count once among them."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                stat = (entry / "stat").read_text("utf-8")
            except OSError:
                continue  # it ended while we looked
            parents.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(entry.name))
    found, at = [pid], 0
    while at < len(found):
        found += parents.get(found[at], [])
        at += 1
    return found
