"""`python -m benchmarks.subject`: the product without page and simulators, in a process of its own, watched from inside.

The same compose functions as `caretaker up`: collectors, gate, journal, store writer, judge. Two thin proxies note when
the store has taken a batch and when the judge asks for the next records; they cost a call per batch. Settings come from
the environment, as always. On standard input: a line that says how many readings to expect, later a line to stop.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Final, cast

import gateway.compose
import gateway.main
import ingest.main
import rules.main
from benchmarks import machine
from caretaker import bootstrap
from caretaker.bootstrap import House
from caretaker.config import load
from caretaker.domain.readings import ReadingBatch
from caretaker.ports import Journal, Position, ReadingStore, Record

_LOOK_S: Final = 0.02


class WatchedStore:
    """Counts what the store has taken, and when."""

    def __init__(self, store: ReadingStore) -> None:
        self._store = store
        self.readings = 0
        self.at_ns = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, batch: ReadingBatch, upto: Position) -> None:
        """As the store's."""
        self._store.write(batch, upto)
        self.readings += len(batch)
        self.at_ns = time.monotonic_ns()


class WatchedJournal:
    """Notes how far the judge is: what it asks for after X, it asks when X is judged and answered."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.after: Position = 0
        self.at_ns = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def read(self, partition: int, after: Position, limit: int = 64) -> Sequence[Record]:
        """As the journal's."""
        if after != self.after:
            self.after, self.at_ns = after, time.monotonic_ns()
        return self._journal.read(partition, after, limit)


def say(**facts: object) -> None:
    """One line of JSON to who measures."""
    print(json.dumps(facts), flush=True)


async def serve(house: House) -> None:
    """Start the parts as `up` does, report when all is in, stop as `up` does."""
    store, judged = WatchedStore(house.store), WatchedJournal(house.journal)
    collecting = gateway.compose.build(house)
    halt, stop = threading.Event(), asyncio.Event()
    clock, sql = house.clock, house.transactions
    threads = [
        threading.Thread(
            target=rules.main.run,
            args=(cast("Journal", judged), sql, house.estate, house.notifier, clock, halt),
            name="rules",
        ),
        threading.Thread(
            target=ingest.main.run,
            args=(house.journal, cast("ReadingStore", store), sql, clock, halt, house.settings.retention_days),
            name="ingest",
        ),
    ]
    for thread in threads:
        thread.start()
    task = asyncio.create_task(gateway.main.run(collecting, stop))
    while not _connected(collecting):  # noqa: ASYNC110  (the link tells nobody)
        await asyncio.sleep(_LOOK_S)
    gc.collect()
    gc.freeze()
    say(ready=True)
    asked = json.loads(await asyncio.to_thread(sys.stdin.readline))
    expected, patience = int(asked["readings"]), float(asked["patience_s"])
    end = time.monotonic() + patience
    seen = -1
    while store.readings < expected or judged.after != house.journal.last(0):
        await asyncio.sleep(_LOOK_S)
        if store.readings != seen:
            seen, end = store.readings, time.monotonic() + patience
        if time.monotonic() > end:
            break
    resident, _ = machine.memory_mb(os.getpid())
    house.store.flush()
    way_in = collecting.acceptor.status()
    say(
        stored=store.readings,
        stored_ns=store.at_ns,
        judged_ns=judged.at_ns,
        flushed_ns=time.monotonic_ns(),
        accepted=dict(way_in.counters),
        refused=dict(way_in.refused),
        journal=house.journal.last(0),
        resident_mb=resident,
        link=dict(collecting.collectors[0].facts(clock.now_ns())["link"]),  # type: ignore[call-overload]
    )
    await asyncio.to_thread(sys.stdin.readline)
    stop.set()
    await task
    halt.set()
    for thread in threads:
        await asyncio.to_thread(thread.join)


def _connected(collecting: gateway.main.Gateway) -> bool:
    return all(each.facts(time.time_ns())["status"] == "ok" for each in collecting.collectors)


def main() -> int:
    """See the module."""
    settings = load()
    bootstrap.set_up_logging(as_json=False)
    house = bootstrap.open_house(settings, writer=True, owner=True, load_site=True)
    try:
        asyncio.run(serve(house))
    finally:
        house.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
