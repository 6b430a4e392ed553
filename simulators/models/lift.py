"""A traction passenger lift: people call, the car travels with an acceleration profile, doors move, parts warm and wear."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

from simulators.models.physics import Lag, Value, Wobble, activity, number, outdoor_temp

FAULTS: Final = {
    "stuck_between_floors": "the drive trips between two floors with a passenger inside, who presses the alarm button",
    "door_stuck_open": "something blocks the landing door; it stays open and the car stays where it is",
    "door_reopening": "the light curtain is dirty: the door reopens again and again",
    "machine_room_hot": "the machine room's fan stands still and the room heats up (accelerated: minutes become seconds)",
    "power_loss": "mains are gone: the car stops, light and drive are dark",
    "overspeed": "the drive runs away to 1.3 times the rated speed on a long trip; then the car is kept at the landing",
    "moving_with_door_open": "the brake slips: the car creeps away with its door open",
    "safety_chain_open": "a contact of the safety chain opens; the drive stops at once",
    "bad_levelling": "the car stops 25 mm beside the landing",
}
_STEP_S: Final = 0.1
_ACCELERATION: Final = 0.8  # m/s2, comfortable for passengers
_ZONE_M: Final = 0.15
_OPEN_S: Final = 2.0


class Door(IntEnum):
    """The codes of `door_state`."""

    CLOSED = 0
    OPEN = 1
    OPENING = 2
    CLOSING = 3


@dataclass(slots=True)
class Passenger:
    """Somebody who waits at `start` (index of a floor) or rides to `goal`."""

    start: int
    goal: int
    kg: float


class Lift:
    """See the module. Attributes of the asset: rated_speed (m/s), rated_load (kg), floors, lowest, floor_height (m)."""

    faults: Mapping[str, str] = FAULTS

    def __init__(self, attributes: Mapping[str, object], seed: int) -> None:
        self.trouble: set[str] = set()
        self._rng = random.Random(seed)
        self._rated = number(attributes, "rated_speed", 1.75)
        self._capacity = number(attributes, "rated_load", 1000.0)
        self._height = number(attributes, "floor_height", 3.0)
        lowest, count = int(number(attributes, "lowest", -1)), int(number(attributes, "floors", 18))
        self._names = [n for n in range(lowest, lowest + count + 1) if n != 0][:count]  # no floor 0 in China
        self._at = self._names.index(1) if 1 in self._names else 0
        self._x = self._at * self._height
        self._v = 0.0
        self._goal: int | None = None
        self._sense = 0
        self._door = Door.CLOSED
        self._gap = 0.0  # 0 closed .. 1 open
        self._dwell = 0.0
        self._lost_at: float | None = None
        self._ran_away = False
        self._waiting: list[Passenger] = []
        self._riding: list[Passenger] = []
        self._rung: set[int] = set()  # landings where somebody pressed the button, to ride or to look into the car
        self._stopped_s = 0.0
        self._light_s = 0.0
        self._levelling = self._rng.uniform(-3.0, 3.0)
        self._motor, self._drive, self._room = Lag(38.0, 900.0), Lag(36.0, 400.0), Lag(27.0, 1800.0)
        self._noise = Wobble(self._rng, 0.25)
        self._volts = Wobble(self._rng, 1.5)
        self._kw = 0.0
        self._energy = 18_400.0 + self._rng.random() * 900.0
        self._runs = 412_000 + self._rng.randrange(9000)
        self._doors = self._runs + self._rng.randrange(40_000)
        self._run_s = self._runs * 14.0
        self._lining, self._brake_gap = 7.6, 0.42
        self._close_ms = 2500.0
        self._started_closing = 0.0
        self._t = 0.0

    # ------------------------------------------------------------------ time
    def step(self, dt_s: float, now: datetime) -> None:
        """Let `dt_s` pass in pieces of 0.1 s; people arrive by the hour of the day."""
        if self._rng.random() < -math.expm1(-activity(now) * dt_s / 45.0):
            self._somebody_calls()
        self._play_fault_roles()
        left = dt_s
        while left > 1e-9:
            piece = min(_STEP_S, left)
            self._move(piece)
            left -= piece
        self._warm(dt_s, now)

    def _somebody_calls(self) -> None:
        ground = self._names.index(1) if 1 in self._names else 0
        other = self._rng.choice([i for i in range(len(self._names)) if i != ground])
        start, goal = (ground, other) if self._rng.random() < 0.5 else (other, ground)
        if len(self._waiting) < 6:
            self._waiting.append(Passenger(start, goal, self._rng.uniform(48.0, 92.0)))

    def notice(self, level: int) -> None:
        """Somebody presses the button on a landing; the car comes, opens and closes."""
        nearest = min(range(len(self._names)), key=lambda at: abs(self._names[at] - level))
        self._rung.add(nearest)

    def _play_fault_roles(self) -> None:
        """A fault that needs a passenger or a long trip gets one, so that it shows soon after it was ordered."""
        needs_trip = {"stuck_between_floors", "overspeed", "bad_levelling"} & self.trouble
        if "overspeed" not in self.trouble:
            self._ran_away = False
        if self._ran_away or (needs_trip == {"bad_levelling"} and abs(self._levelling) > 20.0):
            return
        if needs_trip and not self._lost and not self._riding and self._door is not Door.OPEN:
            far = len(self._names) - 1 if self._at < len(self._names) / 2 else 0
            self._riding.append(Passenger(self._at, far, 68.0))
        elif needs_trip and not self._lost and self._door is Door.OPEN and not self._riding:
            far = len(self._names) - 1 if self._at < len(self._names) / 2 else 0
            self._waiting.insert(0, Passenger(self._at, far, 68.0))
            self._dwell = min(self._dwell, 1.0)
        if "door_stuck_open" in self.trouble and self._door is Door.CLOSED and self._v == 0.0 and self._landed:
            self._door = Door.OPENING
        if "moving_with_door_open" in self.trouble and self._door is Door.CLOSED and self._v == 0.0 and self._landed:
            self._door = Door.OPENING

    # ------------------------------------------------------------------ motion
    @property
    def _nearest(self) -> int:
        return min(max(round(self._x / self._height), 0), len(self._names) - 1)

    @property
    def _landed(self) -> bool:
        return abs(self._x - self._nearest * self._height) < _ZONE_M

    @property
    def _lost(self) -> bool:
        return self._lost_at is not None

    @property
    def _halted(self) -> bool:
        """No torque: the brake holds the car."""
        return "power_loss" in self.trouble or "safety_chain_open" in self.trouble or self._lost

    def _move(self, dt: float) -> None:
        self._t += dt
        self._trip_between_floors(dt)
        if self._halted:
            self._v = 0.0
            return
        if "moving_with_door_open" in self.trouble and self._gap > 0.5:
            self._creep(dt)
            return
        if self._v == 0.0 and not self._landed:
            self._goal = self._nearest  # after power or drive came back: slowly to the next landing
        if self._goal is not None and self._gap == 0.0:
            self._travel(dt)
        else:
            self._work_door(dt)

    def _trip_between_floors(self, dt: float) -> None:
        if "stuck_between_floors" not in self.trouble:
            if self._lost_at is not None:
                self._lost_at, self._stopped_s = None, 0.0
            return
        away = abs(self._x - self._nearest * self._height)
        if not self._lost and self._riding and self._v != 0.0 and away > 2.0 * _ZONE_M:
            self._lost_at = self._x
        if self._lost:
            self._stopped_s += dt

    def _creep(self, dt: float) -> None:
        """An unbalanced car drifts 0.9 m away and back at 0.3 m/s: slow, but never allowed."""
        away = self._x - self._at * self._height
        top = self._at == len(self._names) - 1
        low, high = (-0.9, 0.0) if top else (0.0, 0.9)
        if abs(self._v) < 0.1:
            self._v = -0.3 if top else 0.3
        if (away >= high and self._v > 0.0) or (away <= low and self._v < 0.0):
            self._v = -self._v
        self._x += self._v * dt

    def _travel(self, dt: float) -> None:
        goal = self._goal
        if goal is None:
            return
        if self._v == 0.0:
            self._runs += 1
        left = goal * self._height - self._x
        top = self._rated * (1.3 if "overspeed" in self.trouble else 1.0)
        speed = min(abs(self._v) + _ACCELERATION * dt, top, math.sqrt(2.0 * _ACCELERATION * abs(left)), abs(left) / dt)
        self._v = math.copysign(speed, left)
        self._ran_away = self._ran_away or speed > 1.2 * self._rated
        self._x += self._v * dt
        self._run_s += dt
        if abs(goal * self._height - self._x) < 0.004:
            self._arrive(goal)

    def _arrive(self, floor: int) -> None:
        self._x, self._v, self._at, self._goal = floor * self._height, 0.0, floor, None
        self._levelling = 25.0 if "bad_levelling" in self.trouble else self._rng.uniform(-3.5, 3.5)
        self._door = Door.OPENING

    # ------------------------------------------------------------------ doors and people
    def _work_door(self, dt: float) -> None:
        if self._door is Door.OPENING:
            self._gap = min(1.0, self._gap + dt / _OPEN_S)
            if self._gap == 1.0:
                self._door, self._dwell = Door.OPEN, 3.5
                self._exchange()
        elif self._door is Door.OPEN:
            self._dwell -= dt
            self._exchange()
            if self._dwell <= 0.0 and not {"door_stuck_open", "moving_with_door_open"} & self.trouble:
                self._door, self._started_closing = Door.CLOSING, self._t
        elif self._door is Door.CLOSING:
            self._gap = max(0.0, self._gap - dt * 1000.0 / self._close_ms)
            if "door_stuck_open" in self.trouble or ("door_reopening" in self.trouble and self._gap < 0.3):
                self._door = Door.OPENING
            elif self._gap == 0.0:
                self._door = Door.CLOSED
                self._doors += 1
                self._close_ms = 2500.0 + self._rng.uniform(-60.0, 60.0)
        else:
            self._choose()

    def _exchange(self) -> None:
        here = self._at
        self._rung.discard(here)
        staying = [p for p in self._riding if p.goal != here]
        if len(staying) < len(self._riding):
            self._riding, self._dwell = staying, max(self._dwell, 2.0)
        for person in [p for p in self._waiting if p.start == here]:
            if sum(p.kg for p in self._riding) + person.kg > self._capacity * 0.9:
                break
            self._waiting.remove(person)
            self._riding.append(person)
            self._dwell = max(self._dwell, 2.5)

    def _choose(self) -> None:
        if self._ran_away:  # the controller keeps a car that ran away at its landing
            return
        stops = {p.goal for p in self._riding} | {p.start for p in self._waiting} | self._rung
        if self._at in stops and (not self._riding or self._at in self._rung):
            self._door = Door.OPENING
            return
        stops.discard(self._at)
        if not stops:
            self._sense = 0
            if "door_reopening" in self.trouble:
                self._door = Door.OPENING
            return
        ahead = [s for s in stops if (s - self._at) * self._sense > 0]
        self._goal = min(ahead or stops, key=lambda s: (abs(s - self._at), s))
        self._sense = 1 if self._goal > self._at else -1

    # ------------------------------------------------------------------ slow things
    def _warm(self, dt: float, now: datetime) -> None:
        moving = abs(self._v) > 0.01
        load = sum(p.kg for p in self._riding)
        self._kw = 1.2 + abs(self._v) * (3.0 + abs(load - self._capacity * 0.45) * 0.009) if moving else 0.0
        powered = "power_loss" not in self.trouble
        self._energy += (self._kw + (0.25 if powered else 0.0)) * dt / 3600.0
        outside = outdoor_temp(now)
        if "machine_room_hot" in self.trouble:
            self._room.towards(52.0, dt, 25.0)
        else:
            self._room.towards(18.0 + outside * 0.45, dt, 60.0 if self._room.value > 36.0 else None)
        self._motor.towards(self._room.value + (32.0 if moving else 8.0), dt)
        self._drive.towards(self._room.value + (22.0 if moving else 7.0), dt)
        self._noise.step(dt)
        self._volts.step(dt)
        self._light_s = 0.0 if self._riding or moving else self._light_s + dt
        if moving:
            self._lining -= 2e-9 * dt
            self._brake_gap += 1e-9 * dt

    @property
    def _fault_code(self) -> int:
        if "safety_chain_open" in self.trouble:
            return 1
        if "moving_with_door_open" in self.trouble and self._gap > 0.5:
            return 5
        if self._lost:
            return 4
        return 2 if {"door_stuck_open", "door_reopening"} & self.trouble and self._door is not Door.CLOSED else 0

    def values(self) -> Mapping[str, Value]:
        """All points of the kind."""
        moving, powered = abs(self._v) > 0.001, "power_loss" not in self.trouble
        shake = abs(self._v) / self._rated
        load = sum(p.kg for p in self._riding) / self._capacity * 100.0
        closed = self._door is Door.CLOSED
        return {
            "service_mode": 1 if powered else 0,
            "car_state": int(moving),
            "direction": 0 if not moving else 1 if self._v > 0 else 2,
            "floor": self._names[self._nearest],
            "speed": abs(self._v),
            "position": self._x,
            "load": load,
            "door_state": int(self._door),
            "fault_code": self._fault_code,
            "level_offset": self._levelling,
            "motor_temp": self._motor.value + self._noise.value,
            "drive_temp": self._drive.value - self._noise.value,
            "machine_room_temp": self._room.value + self._noise.value * 0.5,
            "brake_gap": self._brake_gap,
            "brake_lining": self._lining,
            "vib_x": 4.0 * shake + abs(self._noise.value),
            "vib_y": 5.0 * shake + abs(self._noise.value),
            "vib_z": 8.0 * shake + abs(self._noise.value),
            "door_close_time": self._close_ms,
            "rope_tension_dev": 1.8 + self._noise.value * 0.4,
            "voltage": 382.0 + self._volts.value if powered else 0.0,
            "current": self._kw * 1000.0 / (1.732 * 382.0 * 0.85) if moving else 0.0,
            "energy": self._energy,
            "run_count": float(self._runs),
            "run_seconds": float(int(self._run_s)),
            "door_count": float(self._doors),
            "rope_bends": float(self._runs * 2),
            "door_zone": self._landed,
            "occupied": bool(self._riding),
            "alarm_button": self._lost and self._stopped_s > 3.0 and bool(self._riding),
            "safety_chain_ok": "safety_chain_open" not in self.trouble,
            "door_lock_ok": closed,
            "overload": load > 100.0,
            "light_on": powered and self._light_s < 120.0,
            "main_power": powered,
            "ebike_seen": False,
        }
