"""A healthy machine behaves by its physics and gives no alarm, for hours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from simulators.models.physics import Value
from tests.unit.simulators.watch import Watch, at, machine_of


def _lift(before: Mapping[str, Value], now: Mapping[str, Value]) -> None:
    assert abs(float(now["position"]) - float(before["position"])) <= 2.51, "the car jumped"
    assert abs(int(float(now["floor"])) - int(float(before["floor"]))) <= 2, "the floor jumped"
    if float(now["speed"]) > 0.0:
        assert now["door_state"] == 0, "moves with its door open"
        assert now["car_state"] == 1
    else:
        assert now["current"] == 0.0, "current without motion"
    assert abs(float(now["speed"]) - float(before["speed"])) <= 1.2, "accelerates harder than people stand"


def _pumps(before: Mapping[str, Value], now: Mapping[str, Value]) -> None:
    for n in (1, 2, 3):
        if not now[f"run_fb_{n}"]:
            assert now[f"current_{n}"] == 0.0
            assert now[f"freq_{n}"] == 0.0
    assert abs(float(now["bearing_temp_1"]) - float(before["bearing_temp_1"])) < 1.0, "steel has inertia"
    assert 0.3 < float(now["p_out"]) / float(now["p_set"]) < 1.25
    assert float(now["flow"]) > 0.0


def _light(before: Mapping[str, Value], now: Mapping[str, Value]) -> None:
    assert (float(now["current"]) > 0.0) is bool(now["fb"])
    assert now["cmd"] == now["fb"]
    assert float(now["power"]) == pytest.approx(float(now["current"]) * 230.0 * 0.95 / 1000.0)


def _gate(before: Mapping[str, Value], now: Mapping[str, Value]) -> None:
    if now["state"] == 0:
        assert now["arm_angle"] == 0.0
        assert now["motor_current"] == 0.0
    if now["state"] == 1:
        assert now["arm_angle"] == 90.0
        assert now["authorised"] is True
    assert float(now["passages"]) >= float(before["passages"])


@pytest.mark.parametrize(
    ("asset", "hours", "totals", "law"),
    [
        ("lift-1", 6, ("energy", "run_count", "run_seconds", "door_count"), _lift),
        ("lift-4", 0.7, ("energy", "run_count", "run_seconds", "door_count"), _lift),
        ("pump-1", 6, ("energy", "run_hours", "starts_1", "starts_2", "starts_3"), _pumps),
        ("pump-2", 0.7, ("energy", "run_hours", "starts_1", "starts_2", "starts_3"), _pumps),
        ("light-01", 6, ("energy", "run_hours", "switches"), _light),
        ("light-08", 0.7, ("energy", "run_hours", "switches"), _light),
        ("light-11", 6, ("energy", "run_hours", "switches"), _light),
        ("gate-1", 6, ("cycles", "openings", "passages"), _gate),
    ],
)
def test_hours_of_a_healthy_machine(
    asset: str, hours: float, totals: tuple[str, ...], law: Callable[[Mapping[str, Value], Mapping[str, Value]], None]
) -> None:
    """From two in the afternoon: every value in its range, totals only rise, the laws of its physics hold, no alarm."""
    machine = machine_of(asset)
    watch, start = Watch(machine.rules), at(14.0)
    ranges = [(spec.id, *spec.range) for spec in machine.kind.points if spec.range is not None]
    codes = [(spec.id, set(spec.codes)) for spec in machine.kind.points if spec.codes]
    before = dict(machine.model.values())

    for second in range(int(hours * 3600)):
        machine.model.step(1.0, start + timedelta(seconds=second))
        now = machine.model.values()
        if second % 5 == 0:
            watch.see(second, now)
            for point, low, high in ranges:
                assert low <= float(now[point]) <= high, point
        assert all(int(float(now[point])) in known for point, known in codes)
        assert all(float(now[total]) >= float(before[total]) for total in totals)
        law(before, now)
        before = dict(now)

    assert watch.raised == []
    assert any(float(before[total]) > float(machine_of(asset).model.values()[total]) for total in totals), (
        "it stood still"
    )


def test_pumps_hold_their_pressure_against_demand() -> None:
    """Over a morning's rise of demand the pressure is within 0.03 MPa of the set-point for 99 % of the time."""
    machine, start = machine_of("pump-1"), at(5.0)
    off, flows = 0, []
    for second in range(3 * 3600):
        machine.model.step(1.0, start + timedelta(seconds=second))
        values = machine.model.values()
        off += abs(float(values["p_out"]) - float(values["p_set"])) > 0.03
        flows.append(float(values["flow"]))

    assert max(flows) > 3.0 * min(flows), "the demand did not change"
    assert off < 0.01 * 3 * 3600


def test_the_same_seed_gives_the_same_day() -> None:
    for asset in ("lift-1", "pump-1", "light-01", "gate-1"):
        one, other, third = machine_of(asset, 5), machine_of(asset, 5), machine_of(asset, 6)
        for second in range(600):
            for machine in (one, other, third):
                machine.model.step(1.0, at(8.0) + timedelta(seconds=second))

        assert one.model.values() == other.model.values()
        assert one.model.values() != third.model.values()


def test_the_step_length_does_not_break_the_physics() -> None:
    """Half a second or three seconds a step: the lift still never moves with its door open and the tank never jumps."""
    for dt in (0.5, 3.0):
        lift, pumps = machine_of("lift-1"), machine_of("pump-1")
        level = float(pumps.model.values()["tank_level"])
        for n in range(1200):
            for machine in (lift, pumps):
                machine.model.step(dt, at(8.0) + timedelta(seconds=n * dt))
            car = lift.model.values()
            assert not (float(car["speed"]) > 0.0 and car["door_state"] != 0)
            new = float(pumps.model.values()["tank_level"])
            assert abs(new - level) < 0.02
            level = new
