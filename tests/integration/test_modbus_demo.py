"""The demo estate's Modbus half: the simulators' registers through the real collector."""

from __future__ import annotations

import asyncio
import math

import pytest

from caretaker.domain.assets import Protocol
from caretaker.domain.readings import Quality
from gateway.collectors.modbus import ModbusCollector
from gateway.collectors.modbus.status import DeviceState
from simulators.simulation import Simulation
from tests.factories import demo_estate, demo_kinds, demo_site
from tests.servers.slaves import Accepted, WallClock


@pytest.mark.serial
async def test_every_modbus_point_of_the_demo_estate_has_a_plausible_value_within_two_seconds() -> None:
    estate = demo_estate()
    devices = [device.id for device in estate.devices.values() if device.protocol is Protocol.MODBUS]
    accepted = Accepted(estate)
    async with Simulation(demo_site(), demo_kinds(), broker=None) as simulation:
        collector = ModbusCollector(estate, accepted, WallClock(), simulation.ports)
        task = asyncio.create_task(collector.run())
        await asyncio.sleep(2)
        status = collector.status()
        task.cancel()
        await asyncio.wait([task])

    assert {device: (one.state, one.fault) for device, one in status.items()} == dict.fromkeys(
        devices, (DeviceState.OK, "")
    )
    spoken = {point for point, *_ in accepted.rows}
    expected = {point.id for point in estate.points.values() if point.device in devices}
    assert expected
    assert spoken == expected
    for point_id, _, value, quality in accepted.rows:
        spec = estate.points[point_id].spec
        assert quality == Quality.GOOD, spec.id
        assert point_id in accepted.texts or math.isfinite(value), spec.id
        if spec.range is not None:
            assert spec.range[0] <= value <= spec.range[1], (spec.id, value)
    assert accepted.batches <= 6, "a tick is one sync, not one per device"
