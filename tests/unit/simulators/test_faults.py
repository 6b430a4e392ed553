"""Each fault acts through the machine and gives its alarm and no other; when it ends the machine recovers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from simulators.machines import MODELS
from simulators.scenario import read_scenario
from tests.unit.simulators.watch import ROOT, Watch, at, estate, live, machine_of

_CASES: list[tuple[str, str, int, set[str]]] = [
    ("lift-2", "stuck_between_floors", 45, {"passenger_alarm"}),
    ("lift-2", "stuck_between_floors", 120, {"passenger_alarm", "entrapment"}),
    ("lift-1", "door_stuck_open", 100, {"door_fault"}),
    ("lift-1", "door_reopening", 100, {"door_fault"}),
    ("lift-1", "machine_room_hot", 700, {"machine_room_very_hot"}),
    ("lift-3", "overspeed", 60, {"overspeed"}),
    ("lift-4", "overspeed", 60, {"overspeed"}),
    ("lift-1", "moving_with_door_open", 60, {"moving_with_door_open"}),
    ("lift-1", "bad_levelling", 120, {"bad_levelling"}),
    ("pump-1", "low_pressure", 120, {"no_water"}),
    ("pump-1", "over_pressure", 60, {"over_pressure"}),
    ("pump-2", "over_pressure", 60, {"over_pressure"}),
    ("pump-1", "dry_run", 50, {"dry_run_1"}),
    ("pump-1", "vibration", 60, {"vibration_severe"}),
    ("pump-1", "bearing_hot", 90, {"bearing_very_hot"}),
    ("pump-2", "flood", 40, {"flooding"}),
    ("pump-1", "start_failure", 40, {"start_failure_1"}),
    ("pump-1", "pump_trip", 20, {"pump_trip_1"}),
    ("pump-1", "tank_low", 60, {"tank_very_low"}),
    ("pump-1", "tank_overflow", 60, {"tank_overflow"}),
    ("pump-1", "turbid_water", 400, {"turbid_water"}),
    ("pump-1", "chlorine_low", 400, {"chlorine_low"}),
    ("light-03", "breaker_trip", 30, {"breaker_tripped"}),
    ("light-05", "dark_when_commanded", 90, {"not_lit"}),
    ("light-08", "driver_failed", 90, {"dark"}),
    ("light-01", "contactor_welded", 90, {"stuck_on"}),
    ("light-09", "lamp_loss", 700, {"many_lamps_lost"}),
    ("light-08", "leakage", 30, {"earth_leakage"}),
    ("light-04", "on_by_day", 1000, {"on_by_day"}),
    ("light-01", "battery_low", 700, {"emergency_battery_low"}),
    ("gate-2", "forced_open", 30, {"forced_open"}),
    ("gate-2", "held_open", 240, {"held_open"}),
    ("gate-3", "held_open", 120, {"held_open"}),
    ("gate-1", "will_not_close", 60, {"will_not_close"}),
    ("gate-1", "drive_fault", 20, {"drive_fault"}),
    ("gate-1", "tamper", 20, {"tampered"}),
    ("gate-1", "fire_not_released", 20, {"fire_not_released"}),
    ("gate-1", "battery_low", 400, {"battery_low"}),
    ("gate-1", "slow_arm", 700, {"slow_arm"}),
    ("gate-1", "refusals", 60, {"credential_attack"}),
    ("gate-1", "controller_offline", 60, {"controller_offline"}),
]


@pytest.mark.parametrize(("asset", "fault", "seconds", "rules"), _CASES)
def test_a_fault_gives_its_alarm_and_no_other(asset: str, fault: str, seconds: int, rules: set[str]) -> None:
    """Three quiet minutes, the fault, five minutes of recovery."""
    machine = machine_of(asset)
    watch, start = Watch(machine.rules), at(11.0)

    live(machine, start, 180, watch)
    assert watch.raised == [], "not healthy before the fault"
    machine.model.trouble.add(fault)
    live(machine, start, seconds, watch, 180)
    during = list(watch.raised)
    machine.model.trouble.discard(fault)
    live(machine, start, 300, watch, 180 + seconds)

    assert set(during) == rules
    assert len(during) == len(rules), "an alarm came twice"
    assert watch.raised == during, "the recovery gave alarms of its own"


@pytest.mark.parametrize(
    ("fault", "either"),
    [
        ("power_loss", {"power_lost", "power_lost_occupied"}),
        ("safety_chain_open", {"safety_chain_open", "safety_chain_open_occupied"}),
    ],
)
def test_a_stopped_lift_tells_whether_somebody_is_inside(fault: str, either: set[str]) -> None:
    machine = machine_of("lift-1")
    watch = Watch(machine.rules)
    live(machine, at(11.0), 300, watch)

    machine.model.trouble.add(fault)
    live(machine, at(11.0), 40, watch, 300)

    assert len(watch.raised) == 1
    assert set(watch.raised) < either
    assert machine.model.values()["speed"] == 0.0


def test_every_fault_of_every_machine_has_a_case() -> None:
    site, kinds = estate()
    covered = {(machine_of(asset).asset.kind, fault) for asset, fault, _, _ in _CASES}
    covered |= {("elevator", "power_loss"), ("elevator", "safety_chain_open")}

    known = {(kind, fault) for kind in kinds for fault in MODELS[kind]({}, 1).faults}

    assert known == covered
    assert len(site.assets) == 22


@pytest.mark.parametrize("hour", [3.0, 8.0, 12.5, 18.5])
@pytest.mark.parametrize("name", ["six_faults.yaml", "demo.yaml"])
def test_a_shipped_scenario_gives_exactly_its_alarms(name: str, hour: float) -> None:
    """At any hour of the day and whatever the people do: each step its rule and priority, nothing else on any asset."""
    site, kinds = estate()
    machines = {asset.id: machine_of(asset.id, int(hour)) for asset in site.assets}
    faults = {asset: machine.model.faults for asset, machine in machines.items()}
    scenario = read_scenario(
        ROOT / "simulators" / "scenarios" / name, {a.id: kinds[a.kind] for a in site.assets}, faults
    )
    watches = {asset: Watch(machine.rules) for asset, machine in machines.items()}
    wanted = {(step.asset, step.expect.rule) for step in scenario.steps if step.expect}
    involved = {step.asset for step in scenario.steps}

    for second in range(420):
        for step in scenario.steps:
            if second == int(step.at_s):
                machines[step.asset].model.trouble.add(step.fault)
            if step.for_s is not None and second == int(step.at_s + step.for_s):
                machines[step.asset].model.trouble.discard(step.fault)
        for asset, machine in machines.items():
            machine.model.step(1.0, at(hour) + timedelta(seconds=second))
            if asset in involved or second % 5 == 0:
                watches[asset].see(second, machine.model.values())

    raised = [(asset, rule) for asset, watch in watches.items() for rule in watch.raised]
    assert sorted(raised) == sorted(wanted)
    priorities = {(a, rule.id): rule.priority for a, machine in machines.items() for rule in machine.rules}
    assert all(priorities[s.asset, s.expect.rule] is s.expect.priority for s in scenario.steps if s.expect)


def test_six_faults_are_on_six_assets_of_both_protocols_and_over_within_a_minute() -> None:
    site, kinds = estate()
    machines = {asset.id: machine_of(asset.id) for asset in site.assets}
    scenario = read_scenario(
        ROOT / "simulators" / "scenarios" / "six_faults.yaml",
        {asset.id: kinds[asset.kind] for asset in site.assets},
        {asset: machine.model.faults for asset, machine in machines.items()},
    )
    speaks = {watched.asset: device.protocol for device in site.devices for watched in device.watches}
    protocols = [speaks[step.asset].value for step in scenario.steps]

    assert len({step.asset for step in scenario.steps}) == len(scenario.steps) == 6
    assert sorted(protocols) == ["modbus"] * 3 + ["mqtt"] * 3
    assert max(step.at_s + (step.for_s or 1e9) for step in scenario.steps) <= 60.0
