"""Machines notice somebody who uses them, settle again, and stay healthy by the rules of their kind."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.simulators.watch import Watch, at, machine_of


@pytest.mark.parametrize(
    ("asset", "point", "hour"),
    [
        ("lift-1", "door_count", 3.0),
        ("lift-4", "door_count", 3.0),
        ("gate-1", "passages", 3.0),
        ("gate-3", "openings", 3.0),
        ("light-07", "switches", 3.0),
        ("light-01", "switches", 12.0),
        ("light-01", "switches", 21.0),
    ],
)
def test_what_counts_goes_up_by_somebody(asset: str, point: str, hour: float) -> None:
    """At an hour at which hardly anybody else is about: the same machine with and without a guard."""
    counts = []
    for visited in (False, True):
        machine = machine_of(asset)
        watch = Watch(machine.rules)
        for second in range(0, 300, 2):
            if visited and second == 100:
                machine.model.notice(12)
            machine.model.step(2.0, at(hour) + timedelta(seconds=second))
            watch.see(second, machine.model.values())
        counts.append(float(machine.model.values()[point]))
        assert watch.raised == [], "a visit is no fault"
    assert counts[1] > counts[0]


def test_the_lift_comes_to_the_landing_that_rang() -> None:
    machine = machine_of("lift-1")
    machine.model.notice(12)
    floors = set()
    for second in range(90):
        machine.model.step(1.0, at(3.0) + timedelta(seconds=second))
        values = machine.model.values()
        if values["door_state"] == 1:
            floors.add(values["floor"])
    assert 12 in floors


def test_the_door_of_the_pump_room_opens_and_closes() -> None:
    machine = machine_of("pump-1")
    seen = []
    for second in range(60):
        if second == 10:
            machine.model.notice(-1)
        machine.model.step(1.0, at(3.0) + timedelta(seconds=second))
        seen.append(bool(machine.model.values()["door_open"]))
    assert not seen[5]
    assert seen[12]
    assert not seen[-1]


def test_a_street_lamp_has_no_eyes() -> None:
    machine = machine_of("light-12")
    for second in range(30):
        if second == 10:
            machine.model.notice(0)
        machine.model.step(1.0, at(12.0) + timedelta(seconds=second))
        assert machine.model.values()["fb"] is False
