"""A secondary water supply: three pumps on one header, a break tank, a building that draws water by the hour."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from simulators.models.physics import Lag, Value, Wobble, activity, number

FAULTS: Final = {
    "low_pressure": "a riser bursts: the leak takes more water than all pumps can give",
    "over_pressure": "the pressure controller runs away: every pump at full speed",
    "dry_run": "the suction valve of pump 1 is shut: it turns without water while another does the work",
    "vibration": "a bearing of the running pump is worn: it vibrates far above its usual value",
    "bearing_hot": "a bearing runs without grease and heats up (accelerated: minutes become seconds)",
    "flood": "a seal bursts: water stands on the floor of the pump room",
    "start_failure": "the contactor of pump 1 does not pull in: commanded, not running",
    "pump_trip": "the motor protection of pump 1 trips and says so",
    "tank_low": "the inlet valve is stuck shut and the tank is nearly empty",
    "tank_overflow": "the inlet valve is stuck open and the tank is full to the brim",
    "turbid_water": "turbid water comes from the main",
    "chlorine_low": "the dosing of chlorine has failed",
}
PUMPS: Final = 3
_RESERVE: Final = 0.17  # MPa of head above the set-point, at 50 Hz without flow
_DROOP: Final = 0.2 / 900.0  # MPa per (m3/h)2 and pump: 0.2 MPa less at 30 m3/h
_RATED_FLOW: Final = 30.0  # m3/h of one pump
_TANK_M2: Final = 12.0
_SLOWEST: Final = 25.0
_DOOR_S: Final = 25.0
"""So long the door of the pump room stays open when somebody goes in or tries the lock."""


@dataclass(slots=True)
class Pump:
    """One pump of the set. `amps` is what flows now."""

    wanted: bool = False
    running: bool = False
    hz: float = 0.0
    amps: float = 0.0
    run_s: float = 0.0
    starts: int = 0
    tripped: bool = False
    bearing: Lag = field(default_factory=lambda: Lag(41.0, 700.0))
    motor: Lag = field(default_factory=lambda: Lag(48.0, 900.0))


class PumpSet:
    """See the module. Attributes of the asset: p_set (MPa), rated_current (A, one motor), peak_flow (m3/h)."""

    faults: Mapping[str, str] = FAULTS

    def __init__(self, attributes: Mapping[str, object], seed: int) -> None:
        self.trouble: set[str] = set()
        self._rng = random.Random(seed)
        self._p_set = number(attributes, "p_set", 0.45)
        self._rated_amps = number(attributes, "rated_current", 15.0)
        self._peak = number(attributes, "peak_flow", 42.0)
        self.pumps = [
            Pump(run_s=3600.0 * self._rng.randrange(4000, 6000), starts=self._rng.randrange(900, 1500))
            for _ in range(PUMPS)
        ]
        lead = self.pumps[1]
        lead.wanted = lead.running = True
        lead.hz = 43.0
        self._hz = 43.0
        self._integral = 43.0
        self._p_out = Lag(self._p_set, 1.5)
        self._p_in = Lag(0.035, 1.0)
        self._flow = 0.0
        self._draw = Lag(8.0, 30.0)
        self._draw_noise = Wobble(self._rng, 0.05, 40.0)
        self._noise = Wobble(self._rng, 1.0, 10.0)
        self._tank = 2.2 + self._rng.random() * 0.3
        self._filling = False
        self._sump = 0.35
        self._sump_pumping = False
        self._vib = Lag(1.5, 3.0)
        self._high_s = self._low_s = 0.0
        self._energy = 52_000.0 + self._rng.random() * 4000.0
        self._water = Lag(0.28, 20.0)
        self._chlorine = Lag(0.34, 20.0)
        self._door_s = 0.0

    # ------------------------------------------------------------------ time
    def step(self, dt_s: float, now: datetime) -> None:
        """Let `dt_s` pass in pieces of at most 0.5 s: demand, control, hydraulics, tank, heat."""
        self._draw_noise.step(dt_s)
        self._noise.step(dt_s)
        asked = self._peak * (0.12 + 0.8 * min(activity(now), 1.05)) * (1.0 + self._draw_noise.value)
        self._door_s = max(0.0, self._door_s - dt_s)
        left = dt_s
        while left > 1e-9:
            piece = min(0.5, left)
            self._control(piece)
            self._hydraulics(piece, self._draw.towards(asked, piece))
            left -= piece
        self._tank_and_sump(dt_s)
        self._wear_and_heat(dt_s)

    def notice(self, level: int) -> None:
        """Somebody opens the door of the pump room."""
        self._door_s = _DOOR_S

    # ------------------------------------------------------------------ control
    def _control(self, dt: float) -> None:
        """A PI controller on the common frequency; pumps are staged by it, slowly, the least used first."""
        error = self._p_set - self._p_out.value
        if "over_pressure" in self.trouble:
            self._hz = self._integral = 50.0
        else:
            self._integral = min(max(self._integral + error * 12.0 * dt, _SLOWEST), 50.0)
            self._hz = min(max(self._integral + error * 20.0, _SLOWEST), 50.0)
        running = [p for p in self.pumps if p.wanted]
        self._high_s = self._high_s + dt if self._hz > 49.0 and error > 0.004 else 0.0
        self._low_s = self._low_s + dt if self._flow < 0.72 * _RATED_FLOW * (len(running) - 1) else 0.0
        if self._high_s > 8.0 and len(running) < PUMPS:
            self._start(min((p for p in self.pumps if not p.wanted), key=lambda p: p.run_s))
            self._high_s = 0.0
            self._integral -= 4.0
        elif self._low_s > 900.0 and len(running) > 1:
            max(running, key=lambda p: p.run_s).wanted = False
            self._low_s = 0.0
            self._integral = min(self._integral + 3.0, 50.0)
        self._play_fault_roles()
        for index, pump in enumerate(self.pumps):
            contactor = "start_failure" not in self.trouble or index != 0
            pump.running = pump.wanted and contactor and not pump.tripped
            target = self._hz if pump.running else 0.0
            pump.hz += min(max(target - pump.hz, -12.0 * dt), 12.0 * dt)

    def _start(self, pump: Pump) -> None:
        pump.wanted = True
        pump.starts += 1

    def _play_fault_roles(self) -> None:
        """Faults of pump 1 call for it; another one helps out, as in a real set."""
        first, second, third = self.pumps
        first.tripped = "pump_trip" in self.trouble
        needed = [first, second] if {"start_failure", "pump_trip", "dry_run"} & self.trouble else []
        if "over_pressure" in self.trouble:
            needed = [first, second, third]
        for pump in needed:
            if not pump.wanted:
                self._start(pump)

    # ------------------------------------------------------------------ water
    def _hydraulics(self, dt: float, draw: float) -> None:
        """Pump curve against what the taps (and a leak) take at this pressure."""
        dry = self.pumps[0] if "dry_run" in self.trouble else None
        p_in = self._p_in.towards(0.012 + 0.0098 * self._tank, dt)
        turning = [p.hz / 50.0 for p in self.pumps if p.hz > 5.0 and p is not dry]
        pressure = max(self._p_out.value, 0.0)
        taps = draw * math.sqrt(pressure / self._p_set)
        leak = 240.0 * math.sqrt(pressure) if "low_pressure" in self.trouble else 0.0
        if not turning:
            self._flow = 0.0
            self._p_out.towards(0.02, dt, 8.0)
        else:
            speed = math.sqrt(sum(s * s for s in turning) / len(turning))
            self._flow = taps + leak
            head = (self._p_set + _RESERVE) * speed * speed - _DROOP * (self._flow / len(turning)) ** 2
            self._p_out.towards(max(p_in + head, 0.01), dt)
        per_pump = self._flow / max(len(turning), 1)
        for pump in self.pumps:
            filled = 0.32 if pump is dry else 0.7 + 0.3 * min(per_pump / _RATED_FLOW, 1.3)
            pump.amps = self._rated_amps * max(filled * (pump.hz / 50.0) ** 2, 0.25) if pump.running else 0.0
            if pump.running:
                pump.run_s += dt

    def _tank_and_sump(self, dt: float) -> None:
        if "tank_low" in self.trouble:
            self._filling = False
            self._tank += (0.16 - self._tank) * -math.expm1(-dt / 4.0)
        elif "tank_overflow" in self.trouble:
            self._filling = True
            self._tank += (3.0 - self._tank) * -math.expm1(-dt / 4.0)
        else:
            self._filling = self._tank < 2.1 or (self._filling and self._tank < 2.55)
            gain = (70.0 if self._filling else 0.0) - self._flow
            self._tank = min(max(self._tank + gain / 3600.0 * dt / _TANK_M2, 0.0), 3.0)
            if self._tank < 1.2:
                self._tank += 0.05 * dt  # after a fault the caretaker fills up by the bypass
            elif self._tank > 2.7:
                self._tank -= 0.05 * dt
        flood = "flood" in self.trouble
        self._sump_pumping = self._sump > 0.8 or (self._sump_pumping and self._sump > 0.3)
        self._sump += dt * (0.05 if flood else 0.00004 if not self._sump_pumping else -0.02)
        self._sump = min(self._sump, 1.1)

    def _wear_and_heat(self, dt: float) -> None:
        turning = any(p.running for p in self.pumps)
        usual = 1.5 if turning else 0.1
        self._vib.towards(9.6 if "vibration" in self.trouble and turning else usual, dt)
        dry_bearing = next((p for p in self.pumps if p.running), None) if "bearing_hot" in self.trouble else None
        for pump in self.pumps:
            hot = pump is dry_bearing
            rest = 41.0 if pump.running else 27.0
            cooling = 6.0 if pump.bearing.value > 50.0 else None
            pump.bearing.towards(106.0 if hot else rest, dt, 8.0 if hot else cooling)
            pump.motor.towards(52.0 if pump.running else 28.0, dt)
            volts_amps = 1.732 * 380.0 * pump.amps / 1000.0
            self._energy += volts_amps * 0.86 * dt / 3600.0
        self._water.towards(2.4 if "turbid_water" in self.trouble else 0.28, dt)
        self._chlorine.towards(0.015 if "chlorine_low" in self.trouble else 0.34, dt)

    # ------------------------------------------------------------------ what the instruments would see
    @property
    def flood(self) -> bool:
        """Water on the floor: the sump ran over."""
        return "flood" in self.trouble

    def values(self) -> Mapping[str, Value]:
        """All points of the kind; `_1` to `_3` are the pumps."""
        noise = self._noise.value
        out: dict[str, Value] = {
            "p_out": max(self._p_out.value + noise * 0.0012, 0.0),
            "p_set": self._p_set,
            "p_in": max(self._p_in.value + noise * 0.0004, 0.0),
            "flow": max(self._flow * (1.0 + noise * 0.004), 0.0),
            "tank_level": self._tank,
            "sump_level": self._sump,
            "flood": self.flood,
            "vib_de": max(self._vib.value + noise * 0.06, 0.0),
            "vib_nde": max(self._vib.value * 0.85 - noise * 0.05, 0.0),
            "motor_temp": max(p.motor.value for p in self.pumps) + noise * 0.1,
            "energy": self._energy,
            "run_hours": sum(p.run_s for p in self.pumps) / 3600.0,
            "turbidity": max(self._water.value + noise * 0.01, 0.0),
            "residual_chlorine": max(self._chlorine.value + noise * 0.004, 0.0),
            "room_temp": 22.0 + noise * 0.2,
            "humidity": 58.0 + noise + (20.0 if self.flood else 0.0),
            "door_open": self._door_s > 0.0,
        }
        for n, pump in enumerate(self.pumps, 1):
            out |= {
                f"cmd_run_{n}": pump.wanted,
                f"run_fb_{n}": pump.running,
                f"fault_{n}": pump.tripped,
                f"auto_{n}": True,
                f"freq_{n}": pump.hz if pump.running else 0.0,
                f"current_{n}": pump.amps,
                f"bearing_temp_{n}": pump.bearing.value + noise * 0.1,
                f"starts_{n}": float(pump.starts),
            }
        return out
