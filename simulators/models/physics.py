"""What the machines share: slow things, a building's day, the sun."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol

Value = float | bool | str
"""What a point says: a number in the point's unit, a code of an enum, yes or no, a text."""


class Model(Protocol):
    """One machine.

    trouble   names of the faults that act now; a model looks at it in every step, so that beginning and ending a fault
              twice is the same as once
    faults    every fault this machine knows: name -> what happens, in one sentence
    """

    trouble: set[str]
    faults: Mapping[str, str]

    def step(self, dt_s: float, now: datetime) -> None:
        """Let `dt_s` seconds pass, up to `now` (aware, in the site's zone)."""
        ...

    def notice(self, level: int) -> None:
        """Somebody who walks past uses it, on this floor: calls the lift, opens the door, wakes the lamps."""
        ...

    def values(self) -> Mapping[str, Value]:
        """Every point this machine has, true values before any sensor. Keys are point ids of its kind."""
        ...


class Lag:
    """Something with inertia: goes towards a target with time constant `tau_s` (temperatures, pressures, lamps)."""

    __slots__ = ("tau_s", "value")

    def __init__(self, value: float, tau_s: float) -> None:
        self.value = value
        self.tau_s = tau_s

    def towards(self, target: float, dt_s: float, tau_s: float | None = None) -> float:
        """The value after `dt_s`; exact for a constant target, so any step length is stable."""
        self.value += (target - self.value) * -math.expm1(-dt_s / (tau_s or self.tau_s))
        return self.value


class Wobble:
    """Slow, bounded noise (Ornstein-Uhlenbeck, clipped at three sigma): what a healthy sensor shows around a true value."""

    __slots__ = ("_rng", "sigma", "tau_s", "value")

    def __init__(self, rng: random.Random, sigma: float, tau_s: float = 20.0) -> None:
        self._rng = rng
        self.sigma = sigma
        self.tau_s = tau_s
        self.value = 0.0

    def step(self, dt_s: float) -> float:
        """The next value, within +-3 sigma."""
        keep = math.exp(-dt_s / self.tau_s)
        drawn = self.value * keep + self._rng.gauss(0.0, self.sigma) * math.sqrt(1.0 - keep * keep)
        self.value = min(max(drawn, -3.0 * self.sigma), 3.0 * self.sigma)
        return self.value


def hour_of(now: datetime) -> float:
    """The hour of the day as a number, 0 to 24."""
    return now.hour + now.minute / 60.0 + now.second / 3600.0


_PEAKS: Final = ((7.8, 1.0, 1.0), (12.2, 1.2, 0.6), (18.6, 1.5, 1.0), (21.5, 1.4, 0.35))
"""(hour, width in hours, height) of a residential day: leaving, lunch, coming home, the evening."""


def activity(now: datetime) -> float:
    """How busy a residential building is, 0.04 (night) to about 1.1 (evening peak)."""
    hour = hour_of(now)
    busy = 0.12 if 6.0 <= hour < 23.5 else 0.0
    for peak, width, height in _PEAKS:
        away = min(abs(hour - peak), 24.0 - abs(hour - peak))
        busy += height * math.exp(-0.5 * (away / width) ** 2)
    return 0.04 + busy


def outdoor_lux(now: datetime) -> float:
    """Daylight outside in lux: a clear day from 06:00 to 18:30, dusk included, 0 at night."""
    height = math.sin(math.pi * (hour_of(now) - 6.0) / 12.5)
    return max(0.0, 45_000.0 * height * abs(height))


def outdoor_temp(now: datetime) -> float:
    """Outdoor air in degC: a mild day, 15 at four in the morning, 25 in the afternoon."""
    return 20.0 - 5.0 * math.cos(2.0 * math.pi * (hour_of(now) - 16.0 + 12.0) / 24.0)


def number(attributes: Mapping[str, object], key: str, default: float) -> float:
    """An asset's own figure, e.g. rated speed, else the model's."""
    value = attributes.get(key, default)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default
