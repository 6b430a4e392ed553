"""The estate at work: one step a second, and everything that listens to a step."""

from __future__ import annotations

import asyncio
import random
import time
import zoneinfo
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from caretaker.domain.assets import Connection, Device, DeviceAsset, Protocol, SiteFile
from caretaker.domain.equipment import EquipmentKind, Table
from caretaker.domain.errors import ConfigurationError
from caretaker.wire import state_topic, tele_topic
from simulators.faults import Faults
from simulators.machines import Machine
from simulators.modbus import Server, Unit
from simulators.models.physics import Value
from simulators.mqtt import Broker, Listener, Speaker
from simulators.payloads import VendorShape
from simulators.registers import Encoder, Image
from simulators.talk import Talk
from simulators.truth import TruthFile

COMMANDS: Final = "caretaker-sim/cmd"
"""Orders at run time: {"asset": "lift-2", "fault": "power_loss", "for_s": 60}, or with "end": true; see `Faults.order`."""
STEP_S: Final = 1.0
_LONGEST_STEP_S: Final = 5.0


class Simulation:
    """The estate of one site, alive. `async with Simulation(...) as estate:` starts and stops it; `run` waits.

    broker       where the MQTT devices publish; None: they stay mute (Modbus only)
    seed         the same seed gives the same machines and people
    modbus_port  0: free ports; None: the ports of the site file; N: N, N+1, ... in file order
    truth        where the ground truth is written (see truth.py)
    """

    def __init__(
        self,
        site: SiteFile,
        kinds: Mapping[str, EquipmentKind],
        *,
        broker: Broker | None,
        seed: int = 1,
        modbus_port: int | None = 0,
        truth: Path | None = None,
    ) -> None:
        self.machines = {asset.id: Machine(asset, kinds[asset.kind], seed) for asset in site.assets}
        self.speakers: dict[str, Speaker] = {}
        """Device id -> its connection to the broker."""
        self.ports: dict[str, str] = {}
        """Connection id -> `host:port`, once started."""
        self._lines: dict[str, set[str]] = {asset: set() for asset in self.machines}
        self.truth = TruthFile(truth)
        self.faults = Faults(self.machines, self._lines, self.truth)
        self._site = site
        self.zone = zoneinfo.ZoneInfo(site.site.zone)
        self._broker = broker
        self._rng = random.Random(seed)
        self._modbus_port = modbus_port
        self._talks: list[Talk] = []
        self._servers: list[Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._last = 0.0

    # ------------------------------------------------------------------ life
    async def __aenter__(self) -> Self:
        self._last = time.monotonic() - STEP_S
        if self._broker is not None:
            for device in self._site.devices:
                if device.protocol is Protocol.MQTT:
                    self._talks.append(self._talk(device, self._broker))
        self._servers = [self._server(row, connection) for row, connection in enumerate(self._site.connections)]
        self._step()
        try:
            for server in self._servers:
                await server.start()
                self.ports[server.connection] = server.address
        except ConfigurationError:
            await self._stop()
            raise
        self._tasks.append(asyncio.create_task(self._clock(), name="clock"))
        self._tasks += [asyncio.create_task(s.run(), name=f"mqtt {d}") for d, s in self.speakers.items()]
        if self._broker is not None:
            listener = Listener(self._broker, f"sim-{self._site.site.id}-orders", COMMANDS, self.faults.order)
            self._tasks.append(asyncio.create_task(listener.run(), name="orders"))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    def join(self, task: asyncio.Task[None]) -> None:
        """One more that lives as long as the estate; if it breaks, the estate does."""
        self._tasks.append(task)

    async def run(self) -> None:
        """Until cancelled; raises what broke when a part breaks."""
        while True:
            tasks = list(self._tasks)
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
                self._tasks.remove(task)

    async def _stop(self) -> None:
        self.faults.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers:
            await server.stop()

    async def _clock(self) -> None:
        """One step a second on a fixed grid; a computer that slept does not catch up step by step."""
        loop = asyncio.get_running_loop()
        at = loop.time()
        while True:
            at = max(at + STEP_S, loop.time() - STEP_S)
            await asyncio.sleep(at - loop.time())
            self._step()

    def _step(self) -> None:
        now_ms, monotonic = time.time_ns() // 1_000_000, time.monotonic()
        dt = min(max(monotonic - self._last, 0.0), _LONGEST_STEP_S)
        self._last = monotonic
        now = datetime.fromtimestamp(now_ms / 1000.0, self.zone)
        for machine in self.machines.values():
            machine.model.step(dt, now)
            machine.show()
        for talk in self._talks:
            talk(now_ms)

    # ------------------------------------------------------------------ devices
    def _talk(self, device: Device, broker: Broker) -> Talk:
        """An MQTT device speaks for one asset, in its mapping's shape."""
        machine, site = self.machines[device.watches[0].asset], self._site.site.id
        speaker = Speaker(broker, f"sim-{site}-{device.id}", state_topic(site, device.id), self._rng)
        self.speakers[device.id] = speaker
        shape = next((VendorShape(m) for m in machine.kind.mqtt if m.id == device.mapping), None)
        topic = shape.topic(device.id) if shape else tele_topic(site, device.id)
        return Talk(machine, speaker, topic, shape, self._lines[machine.asset.id], self.faults.tell)

    def _server(self, row: int, connection: Connection) -> Server:
        """A connection with the units behind it; devices that share a unit id share its registers and line."""
        units: dict[int, Unit] = {}
        for device in self._site.devices:
            if device.connection == connection.id:
                units[device.unit_id] = self._unit(device, units.get(device.unit_id))
        if self._modbus_port is None:
            return Server(connection.id, connection.host, connection.port, list(units.values()))
        port = self._modbus_port + row if self._modbus_port else 0
        return Server(connection.id, "127.0.0.1", port, list(units.values()))

    def _unit(self, device: Device, unit: Unit | None) -> Unit:
        image = unit.image if unit else Image()
        trouble: set[str] = unit.trouble if unit else set()
        parts = [
            (self.machines[w.asset], Encoder(self.machines[w.asset].kind.points, w.offset, image))
            for w in device.watches
        ]
        for watched in device.watches:
            self._lines[watched.asset] = trouble
        written: dict[str, Mapping[str, Value]] = {}

        def refresh() -> None:
            if unit is not None:
                unit.refresh()
            for machine, encoder in parts:
                if written.get(machine.asset.id) is not machine.shown:
                    encoder.write(machine.shown)
                    written[machine.asset.id] = machine.shown

        def answered(table: Table, address: int, count: int) -> None:
            if unit is not None:
                unit.answered(table, address, count)
            for watched in device.watches:
                self._answered(watched, table, address, count)

        return Unit(device.unit_id, image, refresh, answered, trouble)

    def _answered(self, watched: DeviceAsset, table: Table, address: int, count: int) -> None:
        """A Modbus answer went out: what it told, when somebody waits for a condition to show."""
        if not self.faults.waits_for(watched.asset):
            return
        machine = self.machines[watched.asset]
        told: dict[str, Value] = {
            spec.id: machine.shown[spec.id]
            for spec in machine.kind.points
            if spec.modbus is not None
            and spec.modbus.table is table
            and address <= spec.modbus.address + watched.offset < address + count
        }
        self.faults.tell(machine, told)
