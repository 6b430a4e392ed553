"""The gateway process: collectors, the way into the journal, and a heartbeat that says how they are."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from caretaker.domain.errors import CaretakerError
from caretaker.domain.retry import gap_s
from caretaker.ports import Clock, Transactions
from caretaker.services.readings import Acceptor

log = structlog.get_logger(__name__)

PART: Final = "gateway"
BEAT_S: Final = 3.0


class Collector(Protocol):
    """Speaks one protocol to the field."""

    name: str

    async def run(self) -> None:
        """Collect until cancelled."""
        ...

    async def drain(self) -> None:
        """Stop taking; return when what was taken is durable."""
        ...

    def facts(self, now_ns: int) -> Mapping[str, object]:
        """How it is: `status` ok | degraded | down, `reason`, and figures. Plain JSON."""
        ...


@dataclass(frozen=True, slots=True)
class Gateway:
    """What the process is made of; put together by compose."""

    collectors: Sequence[Collector]
    acceptor: Acceptor
    transactions: Transactions
    clock: Clock


async def run(gateway: Gateway, stop: asyncio.Event, beat_s: float = BEAT_S) -> None:
    """Collect until `stop` is set; then drain, so that what was read is acknowledged, and end."""
    await asyncio.to_thread(gateway.acceptor.warm)
    gateway.acceptor.start()
    restarts: dict[str, int] = {}
    tasks = [asyncio.create_task(_keep_running(each, restarts), name=each.name) for each in gateway.collectors]
    tasks.append(asyncio.create_task(_beat_for_ever(gateway, restarts, beat_s), name="heartbeat"))
    try:
        await stop.wait()
        await asyncio.gather(*(each.drain() for each in gateway.collectors))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(gateway.acceptor.stop)


def facts(gateway: Gateway, restarts: Mapping[str, int], now_ns: int) -> Mapping[str, object]:
    """The gateway's heartbeat: worst status wins, every reason is named."""
    parts = {each.name: dict(each.facts(now_ns)) for each in gateway.collectors}
    way_in = gateway.acceptor.status()
    reasons = [f"{name}: {part['reason']}" for name, part in parts.items() if part.get("reason")]
    if way_in.trouble:
        reasons.insert(0, f"journal: {way_in.trouble}")
    return {
        "status": "degraded" if reasons else "ok",
        "reason": "; ".join(reasons) or None,
        "accepted": dict(way_in.counters),
        "refused": dict(way_in.refused),
        "restarts": dict(restarts),
        **parts,
    }


async def _keep_running(collector: Collector, restarts: dict[str, int]) -> None:
    """The outermost loop of a collector: a fault nobody thought of stops neither it nor its neighbours for long."""
    while True:
        try:
            await collector.run()
        except Exception:
            log.exception("collector_failed", collector=collector.name, next="start it again")
        again = restarts[collector.name] = restarts.get(collector.name, 0) + 1
        await asyncio.sleep(gap_s(again - 1, random.random()))  # noqa: S311 - jitter, not a secret


async def _beat_for_ever(gateway: Gateway, restarts: Mapping[str, int], beat_s: float) -> None:
    broken = False
    while True:
        now_ns = gateway.clock.now_ns()
        try:
            await asyncio.to_thread(_beat, gateway, facts(gateway, restarts, now_ns), now_ns)
        except CaretakerError as wrong:
            if not broken:
                log.warning("heartbeat_lost", reason=str(wrong), effect="health shows the gateway's age growing")
            broken = True
        else:
            if broken:
                log.warning("heartbeat_back")
            broken = False
        await asyncio.sleep(beat_s)


def _beat(gateway: Gateway, said: Mapping[str, object], now_ns: int) -> None:
    with gateway.transactions.begin() as unit:
        unit.parts.beat(PART, now_ns, said)
