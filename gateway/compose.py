"""The gateway put together from a house, and its life as a process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from caretaker.bootstrap import House
from caretaker.domain.assets import Protocol
from caretaker.services.gate import Gate
from caretaker.services.readings import Acceptor
from gateway import main
from gateway.collectors.modbus import ModbusCollector
from gateway.collectors.modbus.status import DeviceState
from gateway.collectors.mqtt.collector import MqttCollector

_DAY_NS: Final = 86_400 * 1_000_000_000
_WORD: Final = {DeviceState.OK: "ok", DeviceState.STARTING: "starting", DeviceState.PARTIAL: "partial"}


class ModbusField:
    """The Modbus collector as the gateway's main loop sees it."""

    name = "modbus"

    def __init__(self, collector: ModbusCollector) -> None:
        self._collector = collector

    async def run(self) -> None:
        """Poll until cancelled; what was read is handed over before it ends."""
        await self._collector.run()

    async def drain(self) -> None:
        """Nothing waits: cancelling hands over what was read, and nobody was promised more."""

    def facts(self, now_ns: int) -> Mapping[str, object]:
        """For the heartbeat."""
        devices = self._collector.status()
        down = [status for status in devices.values() if status.state is DeviceState.DOWN]
        return {
            "status": "degraded" if down else "ok",
            "reason": "; ".join(f"{status.device}: {status.detail}" for status in down[:3]) or None,
            "devices": {
                name: {
                    "status": _WORD.get(status.state, "down"),
                    "last_error": status.detail or None,
                    "ok_age_s": round((now_ns - status.ok_ns) / 1e9, 1) if status.ok_ns else None,
                    **{key: value for key, value in asdict(status).items() if key in ("answers", "skipped", "faults")},
                }
                for name, status in devices.items()
            },
        }


def build(house: House) -> main.Gateway:
    """Gate, acceptor and the collectors this estate needs. Raises ConfigurationError."""
    settings, estate, clock = house.settings, house.estate, house.clock
    gate = Gate(estate.points.values(), retention_ns=int(settings.retention_days * _DAY_NS))
    acceptor = Acceptor(house.journal, gate, clock, key="gateway")
    collectors: list[main.Collector] = []
    link = house.broker_link()
    if link is not None:
        collectors.append(MqttCollector(estate, link, acceptor, clock))

    if any(device.protocol is Protocol.MODBUS for device in estate.devices.values()):
        collectors.append(ModbusField(ModbusCollector(estate, acceptor.accept_now, clock, settings.connections)))
    return main.Gateway(collectors, acceptor, house.transactions, clock)


async def serve(house: House, stop: asyncio.Event) -> None:
    """The gateway process."""
    await main.run(build(house), stop)
