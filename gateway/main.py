"""The gateway process: collectors, the way into the journal, and a heartbeat that says how they are."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Protocol

import structlog

from caretaker.domain.assets import Estate
from caretaker.domain.assets import Protocol as DeviceProtocol
from caretaker.domain.errors import CaretakerError
from caretaker.domain.retry import gap_s
from caretaker.ports import BrokerLink, Clock, Journal, Transactions
from caretaker.services.gate import Gate
from caretaker.services.readings import Acceptor, Submission
from gateway.collectors.modbus.collector import ModbusCollector
from gateway.collectors.modbus.status import DeviceState, DeviceStatus
from gateway.collectors.mqtt.collector import MqttCollector

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
    """What the process is made of; put together by bootstrap."""

    collectors: Sequence[Collector]
    acceptor: Acceptor
    transactions: Transactions
    clock: Clock


def assemble(
    estate: Estate,
    journal: Journal,
    transactions: Transactions,
    clock: Clock,
    link: BrokerLink | None,
    *,
    connections: Mapping[str, str] | None = None,
    retention_s: float = 365 * 86400.0,
    key: str = PART,
) -> Gateway:
    """A gateway for an estate.

    link         the broker; None = no MQTT
    connections  Modbus connection id -> host:port in place of the site file's
    retention_s  readings older than this are refused
    key          the journal key of this gateway; several gateways have different ones
    Raises ConfigurationError.
    """
    gate = Gate(estate.points.values(), int(retention_s * 1e9))
    acceptor = Acceptor(journal, gate, clock, key)
    collectors: list[Collector] = []
    if link is not None:
        collectors.append(MqttCollector(estate, link, acceptor, clock))
    if any(device.protocol is DeviceProtocol.MODBUS for device in estate.devices.values()):
        collectors.append(ModbusPart(estate, acceptor, clock, connections))
    return Gateway(collectors, acceptor, transactions, clock)


class ModbusPart:
    """The Modbus collector as a `Collector`."""

    name = "modbus"

    def __init__(self, estate: Estate, acceptor: Acceptor, clock: Clock, connections: Mapping[str, str] | None) -> None:
        self._modbus = ModbusCollector(
            estate, lambda batch: acceptor.accept_now(Submission("modbus", batch)), clock, connections
        )

    async def run(self) -> None:
        """As `Collector.run`."""
        await self._modbus.run()

    async def drain(self) -> None:
        """Nothing to wait for: when `run` is cancelled it hands over what was read."""

    def facts(self, now_ns: int) -> Mapping[str, object]:
        """As `Collector.facts`."""
        devices = self._modbus.status()
        down = sorted(name for name, device in devices.items() if device.state is DeviceState.DOWN)
        return {
            "status": "degraded" if down else "ok",
            "reason": f"no answer from {', '.join(down)}" if down else None,
            "dropped": self._modbus.dropped,
            "devices": {name: _device_facts(device, now_ns) for name, device in devices.items()},
        }


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


def _device_facts(device: DeviceStatus, now_ns: int) -> Mapping[str, object]:
    said = asdict(device)
    return {"age_s": round((now_ns - device.ok_ns) / 1e9, 1) if device.ok_ns else None, **said}


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
