"""A vehicle barrier with its reader: cars come by the hour, a card opens the arm, two loops see the car, the arm closes."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from typing import Final

from simulators.models.physics import Lag, Value, Wobble, activity, outdoor_temp

FAULTS: Final = {
    "forced_open": "somebody lifts the arm by hand: open without a command",
    "held_open": "somebody props the arm up after a passage: it stays open, nobody on the loops",
    "will_not_close": "the arm is blocked at 60 degrees while closing",
    "drive_fault": "the drive reports a fault and does nothing",
    "controller_offline": "the gate's controller has lost its link to the access server",
    "tamper": "the cabinet's lid is opened",
    "fire_not_released": "the fire panel asks to open and the lock does not let go",
    "battery_low": "the back-up battery is worn out",
    "slow_arm": "a stiff bearing: the arm needs twice its time and current",
    "refusals": "somebody tries one wrong card after another",
}
_TURN_S: Final = 1.6


class Arm(IntEnum):
    """The codes of `state`."""

    CLOSED = 0
    OPEN = 1
    OPENING = 2
    CLOSING = 3
    FAULT = 4


class Command(IntEnum):
    """The codes of `cmd`: kept until its end state is reached."""

    NONE = 0
    OPEN = 1
    CLOSE = 2


class AccessGate:
    """See the module."""

    faults: Mapping[str, str] = FAULTS

    def __init__(self, attributes: Mapping[str, object], seed: int) -> None:
        self.trouble: set[str] = set()
        self._rng = random.Random(seed)
        self._arm = Arm.CLOSED
        self._angle = 0.0
        self._cmd = Command.NONE
        self._authorised = False
        self._queue = 0
        self._t = 0.0  # seconds in the present state
        self._car_in = self._car_out = 0.0  # seconds a car still stands on a loop
        self._tries_s = 0.0
        self._refused = 0
        self._cycles = 61_000 + self._rng.randrange(4000)
        self._openings = self._cycles + 800
        self._passages = self._openings + self._rng.randrange(200)
        self._cycle_ms = 3400.0
        self._moving_s = 0.0
        self._plate = self._card = ""
        self._noise = Wobble(self._rng, 1.0, 15.0)
        self._battery = Lag(13.4, 6.0)
        self._temp = Lag(24.0, 600.0)

    def step(self, dt_s: float, now: datetime) -> None:
        """Let `dt_s` pass in pieces of 0.1 s."""
        if self._rng.random() < -math.expm1(-activity(now) * dt_s / 40.0):
            self._queue = min(self._queue + 1, 5)
        left = dt_s
        while left > 1e-9:
            piece = min(0.1, left)
            self._work(piece)
            left -= piece
        self._noise.step(dt_s)
        self._temp.towards(outdoor_temp(now) + 5.0, dt_s)
        self._battery.towards(10.9 if "battery_low" in self.trouble else 13.4, dt_s)

    def notice(self, level: int) -> None:
        """Somebody holds a card to the reader."""
        self._queue = min(self._queue + 1, 5)

    def _enter(self, state: Arm) -> None:
        if state is not self._arm:
            self._arm, self._t = state, 0.0

    def _work(self, dt: float) -> None:
        self._t += dt
        self._car_in, self._car_out = max(0.0, self._car_in - dt), max(0.0, self._car_out - dt)
        if "refusals" in self.trouble:
            self._tries_s += dt
            if self._tries_s >= 3.0:
                self._tries_s, self._refused = 0.0, self._refused + 1
        turn = _TURN_S * (2.0 if "slow_arm" in self.trouble else 1.0)
        if "drive_fault" in self.trouble:
            self._cmd = Command.NONE
            self._enter(Arm.FAULT)
        elif "forced_open" in self.trouble:
            self._cmd, self._authorised, self._queue = Command.NONE, False, 0
            self._angle = min(90.0, self._angle + 60.0 * dt)
            self._enter(Arm.OPEN if self._angle > 10.0 else self._arm)
        elif self._arm is Arm.CLOSED:
            self._wait_for_a_card()
        elif self._arm is Arm.OPENING:
            self._open(dt, turn)
        elif self._arm is Arm.OPEN:
            self._let_pass()
        else:
            self._close(dt, turn)

    def _wait_for_a_card(self) -> None:
        self._angle = 0.0
        calls = {"held_open", "will_not_close", "slow_arm"} & self.trouble
        if (self._queue or calls) and self._t > 2.0 and "refusals" not in self.trouble:
            self._queue = max(0, self._queue - 1)
            self._read_card()
            self._cmd, self._car_in, self._moving_s = Command.OPEN, 2.5, 0.0
            self._openings += 1
            self._enter(Arm.OPENING)

    def _read_card(self) -> None:
        self._authorised = True
        self._card = f"C{self._rng.randrange(10**6):06d}"
        self._plate = f"浙A{self._rng.randrange(10**5):05d}"

    def _open(self, dt: float, turn: float) -> None:
        self._moving_s += dt
        self._angle = min(90.0, self._angle + 90.0 / turn * dt)
        if self._angle >= 90.0:
            self._cmd, self._car_out = Command.NONE, 3.0
            self._passages += 1
            self._enter(Arm.OPEN)

    def _let_pass(self) -> None:
        if "held_open" in self.trouble:
            return
        if self._queue and self._car_out < 0.5 and self._t < 25.0:
            self._queue -= 1
            self._read_card()
            self._car_out = 3.0
            self._passages += 1
        if self._car_out == 0.0 and self._t > 1.0:
            self._cmd = Command.CLOSE
            self._enter(Arm.CLOSING)

    def _close(self, dt: float, turn: float) -> None:
        self._cmd = Command.CLOSE
        self._enter(Arm.CLOSING)
        if "will_not_close" in self.trouble and self._angle <= 60.0:
            return
        self._moving_s += dt
        self._angle = max(0.0, self._angle - 90.0 / turn * dt)
        if self._angle == 0.0:
            self._cycles += 1
            if self._authorised:
                self._cycle_ms = min(self._moving_s, 30.0) * 1000.0
            self._cmd, self._authorised = Command.NONE, False
            self._enter(Arm.CLOSED)

    def values(self) -> Mapping[str, Value]:
        """All points of the kind."""
        fire = "fire_not_released" in self.trouble
        moving = self._arm in {Arm.OPENING, Arm.CLOSING}
        stiff = 1.6 if "slow_arm" in self.trouble else 1.0
        return {
            "state": int(self._arm),
            "cmd": int(self._cmd),
            "loop_in": self._car_in > 0.0,
            "loop_out": self._car_out > 0.0,
            "arm_angle": self._angle,
            "motor_current": (2.1 * stiff + 0.05 * self._noise.value) if moving else 0.0,
            "cycle_time": self._cycle_ms,
            "cycles": float(self._cycles),
            "passages": float(self._passages),
            "openings": float(self._openings),
            "refusals": float(self._refused),
            "anti_crush_count": 3.0,
            "tailgates": 11.0,
            "last_credential": self._card,
            "last_plate": self._plate,
            "tamper": "tamper" in self.trouble,
            "anti_crush": False,
            "held": False,
            "authorised": self._authorised,
            "controller_online": "controller_offline" not in self.trouble,
            "fire_input": fire,
            "lock_released": False,
            "battery": self._battery.value + 0.01 * self._noise.value,
            "temp": self._temp.value,
        }
