"""`bench journal | rules | store`: one part alone, without its neighbours: to see which one a change made slower."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks import estate
from caretaker import bootstrap, wire
from caretaker.adapters.journal_lmdb import LmdbJournal
from caretaker.adapters.store_blocks import BlockStore
from caretaker.config import load
from caretaker.domain.assets import Estate
from caretaker.domain.readings import ReadingBatch
from caretaker.domain.rules.engine import RuleEngine

_ROWS: Final = 2000
_BATCHES: Final = 500
_STEP_NS: Final = 50_000_000


def _batches(count: int = _BATCHES) -> list[ReadingBatch]:
    """`count` batches of one reading of each of 2,000 points, quiet noise."""
    chance = np.random.default_rng(7)
    points = np.arange(1, _ROWS + 1, dtype=np.uint32)
    start = time.time_ns()
    quality = np.zeros(_ROWS, np.uint8)
    return [
        ReadingBatch(
            points,
            np.full(_ROWS, start + turn * _STEP_NS, np.int64),
            np.round(20 + chance.normal(0.0, 0.2, _ROWS), 2),
            quality,
        )
        for turn in range(count)
    ]


def _per_s(count: int, began: float, cpu: float) -> dict[str, float]:
    seconds, spent = time.perf_counter() - began, time.process_time() - cpu
    return {"readings_per_s": round(count / seconds), "cpu_s_per_100k": round(spent / count * 1e5, 4)}


def journal() -> dict[str, Any]:
    """Records of 2,000 readings, each synced before the next."""
    payloads = [wire.encode_batch(batch) for batch in _batches()]
    with tempfile.TemporaryDirectory(prefix="caretaker-bench-") as folder:
        journal = LmdbJournal(Path(folder) / "journal")
        began, cpu = time.perf_counter(), time.process_time()
        for number, payload in enumerate(payloads):
            journal.append("bench", str(number), payload, number)
        found = _per_s(_ROWS * _BATCHES, began, cpu)
        found["records_per_s"] = round(_BATCHES / (time.perf_counter() - began))
        journal.close()
    return found


def store() -> dict[str, Any]:
    """Batches into memory, flushed to blocks whenever the store thinks fit, and at the end."""
    batches = _batches()
    with tempfile.TemporaryDirectory(prefix="caretaker-bench-") as folder:
        blocks = BlockStore(Path(folder))
        began, cpu = time.perf_counter(), time.process_time()
        for number, batch in enumerate(batches):
            blocks.write(batch, number + 1)
        blocks.flush()
        found = _per_s(_ROWS * _BATCHES, began, cpu)
        blocks.close()
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        found["bytes_per_reading"] = round(size / (_ROWS * _BATCHES), 2)
    return found


def rules() -> dict[str, Any]:
    """Three rules a point, nearly all readings quiet."""
    with tempfile.TemporaryDirectory(prefix="caretaker-bench-") as folder:
        engine = RuleEngine(_estate(Path(folder)))
    batches = _batches()
    began, cpu = time.perf_counter(), time.process_time()
    raised = sum(len(engine.evaluate(batch, int(batch.times[0]))) for batch in batches)
    return {**_per_s(_ROWS * _BATCHES, began, cpu), "transitions": raised}


def _estate(folder: Path) -> Estate:
    equipment, site = estate.write(folder, estate.Shape(1))
    settings = load(data=folder, equipment=equipment, site=site)
    transactions = bootstrap.open_transactions(settings, owner=True)
    bootstrap.set_up(settings, transactions)
    found = bootstrap.read_estate(settings, transactions)
    transactions.close()
    return found
