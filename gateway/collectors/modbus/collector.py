"""All Modbus devices of an estate: one poller each, one outbox for all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from caretaker.domain.assets import Connection, Device, Estate, Protocol
from caretaker.domain.errors import ConfigurationError
from caretaker.ports import Clock
from gateway.collectors.modbus.link import Link
from gateway.collectors.modbus.outbox import Accept, Outbox
from gateway.collectors.modbus.plan import items_of, plan
from gateway.collectors.modbus.poll import Poller
from gateway.collectors.modbus.status import DeviceStatus

log = structlog.get_logger("modbus")


class ModbusCollector:
    """Polls every Modbus device of an estate until cancelled.

    accept                `Acceptor.accept_now`: blocking; makes a submission durable; called on a thread, one at a time
    connections_override  connection id -> "host:port" in place of the site file's

    Raises ConfigurationError at once for a device whose registers cannot be read as written; a network that is not there
    is retried for ever.
    """

    def __init__(
        self, estate: Estate, accept: Accept, clock: Clock, connections_override: Mapping[str, str] | None = None
    ) -> None:
        override = connections_override or {}
        self._outbox = Outbox(accept)
        self._pollers: dict[str, Poller] = {}
        self._links: dict[str, Link] = {}
        for device in estate.devices.values():
            if device.protocol is not Protocol.MODBUS:
                continue
            blocks = plan(items_of(estate, device), device.unit_id, max_words=device.max_words)
            link = self._link(device, estate.connections, override)
            self._pollers[device.id] = Poller(device, blocks, link, self._outbox.put, clock)

    def _link(self, device: Device, connections: Mapping[str, Connection], override: Mapping[str, str]) -> Link:
        connection = connections.get(device.connection or "")
        if connection is None:
            known = ", ".join(connections) or "none"
            raise ConfigurationError(
                f"device {device.id}: connection {device.connection!r} is not there; known: {known}"
            )
        host, port = connection.host, connection.port
        if connection.id in override:
            host, _, text = override[connection.id].rpartition(":")
            if not host or not text.isdecimal():
                raise ConfigurationError(f"connection {connection.id}: {override[connection.id]!r} is not host:port")
            port = int(text)
        key = f"connection {connection.id}" if connection.share else f"device {device.id}"
        if key not in self._links:
            self._links[key] = Link(host, port, rtu=connection.transport == "rtuovertcp")
        return self._links[key]

    async def run(self) -> None:
        """Until cancelled; closes its connections then, and hands over what it has read."""
        log.info("modbus_collector_started", devices=len(self._pollers), connections=len(self._links))
        writer = asyncio.create_task(self._outbox.run(), name="modbus-outbox")
        try:
            async with asyncio.TaskGroup() as group:
                for device, poller in self._pollers.items():
                    group.create_task(poller.run(), name=f"modbus-{device}")
                # an estate without Modbus devices has nothing to poll and still runs until it is told to stop
                await asyncio.shield(writer)
        finally:
            for link in self._links.values():
                link.drop()
            self._outbox.stop()
            await asyncio.wait([writer])

    def status(self) -> Mapping[str, DeviceStatus]:
        """device id -> how it is doing; from any thread."""
        return {device: poller.status() for device, poller in self._pollers.items()}

    @property
    def dropped(self) -> int:
        """Readings given up because the journal could not take them for too long."""
        return self._outbox.dropped
