"""One asset of the estate as it is simulated: its machine, its sensors, what it says when."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Final

from caretaker.domain.assets import Asset
from caretaker.domain.equipment import EquipmentKind, ValueType, effective
from caretaker.domain.errors import ConfigurationError
from simulators.models.gate import AccessGate
from simulators.models.lift import Lift
from simulators.models.lighting import LightingCircuit
from simulators.models.physics import Model, Value
from simulators.models.pump_set import PumpSet
from simulators.troubles import Sensors

MODELS: Final[Mapping[str, Callable[[Mapping[str, object], int], Model]]] = {
    "elevator": Lift,
    "pump_set": PumpSet,
    "lighting_circuit": LightingCircuit,
    "access_gate": AccessGate,
}
"""Kind id -> the machine that behaves like it."""


class Machine:
    """An asset that lives. `shown` is what its sensors show since the last step."""

    def __init__(self, asset: Asset, kind: EquipmentKind, seed: int) -> None:
        if asset.kind not in MODELS:
            raise ConfigurationError(
                f"asset {asset.id}: kind {asset.kind!r} has no simulated machine; known: {', '.join(MODELS)}"
            )
        self.asset = asset
        self.kind = kind
        self.model = MODELS[asset.kind](asset.attributes, seed ^ zlib.crc32(asset.id.encode()))
        missing = [spec.id for spec in kind.points if spec.id not in self.model.values()]
        if missing:
            raise ConfigurationError(
                f"{kind.file or kind.id}: the simulated machine has no point {', '.join(missing)}; "
                f"add it to simulators/models, where {', '.join(self.model.values())} exist"
            )
        self.rules = effective(kind.rules, asset.overrides)
        self.sensors = Sensors(kind)
        self.shown: Mapping[str, Value] = {}
        self.sent: dict[str, Value] = {}
        """What the world was told last, by point."""
        self._told: dict[str, tuple[float, Value]] = {}
        self._every = {spec.id: spec.every_s for spec in kind.points}
        self._eager = {spec.id for spec in kind.points if spec.type is not ValueType.NUMBER}

    def show(self) -> None:
        """Read the sensors."""
        self.shown = self.sensors.read(self.model.values())

    def due(self, now_s: float) -> dict[str, Value]:
        """What a device of its own sends now: points whose period is over; bits, codes and texts at every change."""
        out: dict[str, Value] = {}
        for key, value in self.shown.items():
            last = self._told.get(key)
            if last is None or now_s - last[0] > self._every[key] - 0.25 or (key in self._eager and value != last[1]):
                self._told[key] = (now_s, value)
                out[key] = value
        return out
