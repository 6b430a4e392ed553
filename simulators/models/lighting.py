"""A lighting circuit: lamps behind a breaker and a contactor, switched by a clock and by daylight."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from simulators.models.physics import Lag, Value, Wobble, hour_of, number, outdoor_lux

FAULTS: Final = {
    "breaker_trip": "the breaker trips: commanded on, no current, no light",
    "dark_when_commanded": "the contactor does not pull in: commanded on, no feedback, dark",
    "lamp_loss": "40 % of the lamps of the circuit fail",
    "driver_failed": "the common driver of the lamps fails: switched on, hardly any current, dark",
    "contactor_welded": "the contactor does not let go: commanded off, still lit",
    "leakage": "damp in a fitting: 60 mA flow to earth",
    "on_by_day": "somebody switched the circuit to manual and left it on",
    "battery_low": "the battery of the emergency lights is worn out",
}
MOTION_S: Final = 45.0
"""So long the lamps of a motion detector stay on after somebody passed."""
_MOVED: Final = 0.12
"""Share by which a lit circuit's lamps burn brighter while somebody is there."""
_VOLTS: Final = 230.0
_POWER_FACTOR: Final = 0.95
_PLAN: Final = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")


class LightingCircuit:
    """See the module. Attributes of the asset: lamps, watts (one lamp), target_lux, schedule (`18:00-06:30` or `dusk-dawn`),
    always_on (true: a place without windows)."""

    faults: Mapping[str, str] = FAULTS

    def __init__(self, attributes: Mapping[str, object], seed: int) -> None:
        self.trouble: set[str] = set()
        self._rng = random.Random(seed)
        self._lamps = int(number(attributes, "lamps", 48))
        self._watts = number(attributes, "watts", 36.0)
        self._target = number(attributes, "target_lux", 50.0)
        self._windows = attributes.get("always_on") is not True
        self._plan = _plan(attributes.get("schedule"))
        self._planned = self._cmd = False
        self._on = False
        self._glow = Lag(0.0, 0.6)
        self._noise = Wobble(self._rng, 1.0, 15.0)
        self._outside = 0.0
        self._amps = 0.0
        self._energy = 3000.0 + self._rng.random() * 800.0
        self._run_s = 3600.0 * self._rng.randrange(3000, 6000)
        self._switched = self._rng.randrange(2000, 4000)
        self._leak = Lag(1.2, 2.0)
        self._battery = Lag(96.0, 8.0)
        self._detects = attributes.get("use") != "outdoor"
        self._motion_s = 0.0

    @property
    def lamps_out(self) -> int:
        """How many lamps do not burn though they should."""
        if "driver_failed" in self.trouble:
            return self._lamps
        return round(self._lamps * 0.4) if "lamp_loss" in self.trouble else 0

    def _wanted(self, now: datetime) -> bool:
        """Clock and daylight; a fault that is about a lit circuit calls for light."""
        if self.trouble & {"breaker_trip", "dark_when_commanded", "lamp_loss", "driver_failed", "on_by_day"}:
            return True
        if "contactor_welded" in self.trouble:
            return False
        if self._plan is None:
            return self._outside < (120.0 if self._planned else 60.0)
        start, stop, hour = *self._plan, hour_of(now)
        return start <= hour < stop if start < stop else hour >= start or hour < stop

    def notice(self, level: int) -> None:
        """The motion detector sees somebody: its contactor pulls in, and lets go after a while."""
        if self._detects and self._cmd and self._motion_s <= 0.0:
            self._switched += 1
        self._motion_s = MOTION_S if self._detects else 0.0

    def step(self, dt_s: float, now: datetime) -> None:
        """Let `dt_s` pass."""
        self._noise.step(dt_s)
        self._outside = outdoor_lux(now)
        moved = self._motion_s > 0.0
        self._motion_s = max(0.0, self._motion_s - dt_s)
        self._planned = self._wanted(now)
        self._cmd = self._planned or moved
        before = self._on
        self._on = self._cmd and not self.trouble & {"breaker_trip", "dark_when_commanded"}
        self._on = self._on or "contactor_welded" in self.trouble
        self._switched += before is not self._on
        lit = self._lamps - self.lamps_out if self._on else 0
        self._amps = lit * self._watts / (_VOLTS * _POWER_FACTOR) * (1.0 + self._noise.value * 0.004)
        self._amps *= 1.0 + _MOVED * moved
        self._glow.towards(self._target * 1.3 * lit / self._lamps, dt_s)
        self._energy += lit * self._watts / 1000.0 * dt_s / 3600.0
        self._run_s += dt_s if self._on else 0.0
        self._leak.towards(60.0 if "leakage" in self.trouble else 1.2, dt_s)
        self._battery.towards(42.0 if "battery_low" in self.trouble else 96.0, dt_s)

    def values(self) -> Mapping[str, Value]:
        """All points of the kind."""
        return {
            "cmd": self._cmd,
            "fb": self._on,
            "mode": 0 if "on_by_day" in self.trouble else 1,
            "breaker": "breaker_trip" not in self.trouble,
            "current": self._amps,
            "power": self._amps * _VOLTS * _POWER_FACTOR / 1000.0,
            "energy": self._energy,
            "lux": max(self._glow.value * (1.0 + self._noise.value * 0.01), 0.0)
            + (min(self._outside * 0.004, 180.0) if self._windows else 0.0),
            "outdoor_lux": self._outside,
            "leakage": max(self._leak.value + self._noise.value * 0.05, 0.0),
            "lamp_faults": float(self.lamps_out),
            "run_hours": self._run_s / 3600.0,
            "switches": float(self._switched),
            "sched_state": self._planned,
            "emergency_test_ok": True,
            "battery_level": self._battery.value,
            "battery_voltage": 12.0 * (0.9 + 0.11 * self._battery.value / 96.0),
        }


def _plan(schedule: object) -> tuple[float, float] | None:
    """`18:00-06:30` -> (18.0, 6.5); anything else is by daylight."""
    found = _PLAN.fullmatch(schedule) if isinstance(schedule, str) else None
    if found is None:
        return None
    hours = [int(part) for part in found.groups()]
    return hours[0] + hours[1] / 60.0, hours[2] + hours[3] / 60.0
