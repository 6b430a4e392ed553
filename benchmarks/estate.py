"""A generated estate of 2,000 points, three rules each, written as the files a real site has; and what it sends."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SITE: Final = "bench"
POINTS: Final = 2000
PLANTED: Final = 10
"""Devices whose first point rises above its limit in the second half of the run: as many alarms must be there."""
STEP_MS: Final = 50
"""Device time between two messages of one device: 2,000 devices at 40,000 messages a second."""


@dataclass(frozen=True, slots=True)
class Shape:
    """fields: points per device and values per message; devices x fields = points."""

    fields: int

    @property
    def devices(self) -> int:
        """How many devices send."""
        return POINTS // self.fields


def device(number: int) -> str:
    """A device's id."""
    return f"d{number:04d}"


def keys(shape: Shape) -> list[str]:
    """The point ids of every device."""
    return [f"temp_{number}" for number in range(shape.fields)]


def write(folder: Path, shape: Shape) -> tuple[Path, Path]:
    """(equipment folder, site folder). JSON is YAML, and quicker to write."""
    equipment, site = folder / "equipment", folder / "site"
    equipment.mkdir()
    site.mkdir()
    words = {"zh": "测点", "en": "Sensor"}
    kind = {
        "kind": "sensor",
        "title": words,
        "points": [
            {"id": key, "title": words, "quantity": "temperature", "unit": "°C", "range": [-40, 120], "every": "1s"}
            for key in keys(shape)
        ],
        "failure_modes": {"hot": words, "cold": words, "fast": words},
        "rules": [rule for key in keys(shape) for rule in _rules(key)],
    }
    (equipment / "sensor.yaml").write_text(json.dumps(kind, ensure_ascii=False, indent=1), "utf-8")
    names = [device(number) for number in range(shape.devices)]
    estate = {
        "site": {"id": SITE, "title": words, "zone": "Asia/Shanghai"},
        "spaces": [{"id": "b1", "type": "building", "title": words}],
        "assets": [{"id": f"a-{name}", "kind": "sensor", "title": words, "space": "b1"} for name in names],
        "devices": [{"id": name, "protocol": "mqtt", "watches": [{"asset": f"a-{name}"}]} for name in names],
    }
    (site / "site.yaml").write_text(json.dumps(estate, ensure_ascii=False, indent=1), "utf-8")
    return equipment, site


def _rules(key: str) -> list[dict[str, object]]:
    """A limit with deadband and delays, a plain limit, a rate of change."""
    words = {"zh": "过限", "en": "Beyond its limit"}
    told = {"title": words, "priority": "high", "cause": words, "consequence": words, "action": words}
    hot = {"point": key, "above": 28.0, "deadband": 1.0}
    return [
        {"id": f"{key}_hot", **told, "limit": hot, "for": "0.1s", "clear_for": "1s", "fault": "hot"},
        {"id": f"{key}_cold", **told, "limit": {"point": key, "below": 5.0}, "fault": "cold"},
        {"id": f"{key}_fast", **told, "rate": {"point": key, "rises": 20.0, "within": "10min"}, "fault": "fast"},
    ]
