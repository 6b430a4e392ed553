"""What can go wrong between a machine and us: sensors that lie, lines that fail. Machines' own faults are in models/."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from caretaker.domain.equipment import EquipmentKind, ValueType
from simulators.models.physics import Value

SENSOR_FAULTS: Final[Mapping[str, str]] = {
    "frozen": "the sensor repeats its last value for ever",
    "nan": "the sensor is broken off: NaN over MQTT, the 'no sensor' code over Modbus",
    "out_of_range": "the sensor's cable is shorted: a value far outside of its range",
    "doubtful": "the device's own diagnosis doubts the sensor: quality uncertain (canonical MQTT; elsewhere unseen)",
}
"""These need a `point`."""

LINE_FAULTS: Final[Mapping[str, str]] = {
    "silent": "the device says nothing any more and answers no request (its TCP connection stays open)",
    "slow": "the device answers (or sends) three seconds late",
    "short_answer": "the device cuts its messages short: half a JSON text, a Modbus answer with a register missing",
}
"""These hit the device, and so every asset that it watches."""

SLOW_S: Final = 3.0


class Sensors:
    """All sensors of one asset. Beginning a trouble twice is the same as once."""

    def __init__(self, kind: EquipmentKind) -> None:
        self._specs = {point.id: point for point in kind.points}
        self._held: dict[str, Value] = {}
        self._trouble: dict[str, str] = {}
        self._seen: dict[str, Value] = {}

    def begin(self, fault: str, point: str) -> None:
        """From now on `point` lies; the last of two troubles of one point wins."""
        if self._trouble.get(point) != fault:
            self._trouble[point] = fault
            if point in self._seen:
                self._held[point] = self._seen[point]

    def end(self, fault: str, point: str) -> None:
        """The sensor is whole again."""
        if self._trouble.get(point) == fault:
            del self._trouble[point]
            self._held.pop(point, None)

    def read(self, true: Mapping[str, Value]) -> dict[str, Value]:
        """The true values of the kind's points as the sensors show them."""
        shown = {key: true[key] for key in self._specs}
        for point, fault in self._trouble.items():
            if fault == "frozen":
                shown[point] = self._held.setdefault(point, shown[point])
            elif fault == "nan":
                shown[point] = math.nan
            elif fault == "out_of_range":
                shown[point] = self._outside(point)
        self._seen = shown
        return shown

    def quality(self) -> dict[str, str]:
        """Points that are not good, as the canonical payload's `q` says it."""
        return {point: "uncertain" for point, fault in self._trouble.items() if fault == "doubtful"}

    def _outside(self, point: str) -> float:
        spec = self._specs[point]
        if spec.type is ValueType.ENUM:
            return float(max(spec.codes, default=0) + 77)
        if spec.range is None:
            return 1e6
        low, high = spec.range
        return high + 2.0 * (high - low) + 1.0
