"""One MQTT message: our canonical shape, or a vendor's as its kind declares it (written from the words alone)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from caretaker.domain.equipment import FieldMapping, MqttMapping, PointSpec, ValueType
from caretaker.domain.errors import ConfigurationError
from simulators.models.physics import Value

_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[([0-9]+)\]|\['([^']+)'\]")
_TICKS: Final = {"s": 1e-3, "ms": 1.0, "us": 1e3, "ns": 1e6}


def plain(spec: PointSpec, value: Value) -> Value:
    """The value as a device's firmware writes it: codes and counters whole, numbers with one digit more than shown."""
    if spec.type is ValueType.BOOL:
        return value if isinstance(value, bool) else bool(value) if value == value else value
    if isinstance(value, str) or value != value:
        return value
    if spec.type is ValueType.ENUM:
        return int(value)
    rounded = round(float(value), spec.decimals + 1)
    return int(rounded) if rounded.is_integer() else rounded


def canonical(ts_ms: int, seq: int, values: Mapping[str, Value], quality: Mapping[str, str]) -> bytes:
    """`{"ts": ms, "seq": n, "v": {...}, "q": {...}}`; q names only what is not good.

    NaN stays the word NaN, which is not JSON: broken firmware does just that.
    """
    body: dict[str, object] = {"ts": ts_ms, "seq": seq, "v": dict(values)}
    doubts = {point: word for point, word in quality.items() if point in values}
    if doubts:
        body["q"] = doubts
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


class VendorShape:
    """Points -> the JSON of one declared vendor message. The reverse of `MqttMapping`."""

    def __init__(self, mapping: MqttMapping) -> None:
        self._mapping = mapping
        self._fields = [(field, _steps(field.path)) for field in mapping.fields]
        self._time = _steps(mapping.time) if mapping.time else None

    def topic(self, device: str) -> str:
        """Where this device publishes."""
        return self._mapping.topic.replace("{device}", device)

    def points(self) -> set[str]:
        """The points this message can carry."""
        return {field.point for field in self._mapping.fields}

    def body(self, ts_ms: int, values: Mapping[str, Value]) -> bytes:
        """The message with every field whose point has a value in `values`."""
        root: dict[str, object] = {}
        for field, steps in self._fields:
            if field.point in values:
                _put(root, steps, _raw(field, values[field.point]))
        if self._time is not None:
            _put(root, self._time, self._clock(ts_ms))
        return json.dumps(root, separators=(",", ":"), ensure_ascii=False).encode()

    def _clock(self, ts_ms: int) -> object:
        unit = self._mapping.time_unit
        if unit == "iso":
            return datetime.fromtimestamp(ts_ms / 1000.0, UTC).isoformat(timespec="milliseconds")
        ticks = ts_ms * _TICKS[unit]
        return round(ticks, 3) if unit == "s" else int(ticks)


def _steps(path: str) -> list[str | int]:
    """`$.a.b[0]` -> ["a", "b", 0]. Raises ConfigurationError."""
    rest = path.removeprefix("$")
    rest = rest if rest.startswith((".", "[")) else "." + rest
    steps: list[str | int] = []
    at = 0
    for found in _STEP.finditer(rest):
        if found.start() != at:
            break
        name, index, quoted = found.groups()
        steps.append(int(index) if index is not None else name or quoted)
        at = found.end()
    if at != len(rest) or not steps or isinstance(steps[0], int):
        raise ConfigurationError(f"path {path!r} of an MQTT mapping; the simulators write paths like $.a.b[0]")
    return steps


def _raw(field: FieldMapping, value: Value) -> object:
    if isinstance(value, str):
        return value
    for word, meant in field.map.items():
        if meant == float(value):
            return word
    if field.scale == 1.0 and field.offset == 0.0:
        return value
    raw = round((float(value) - field.offset) / field.scale, 6)
    return int(raw) if raw.is_integer() else raw


def _put(root: dict[str, object], steps: list[str | int], value: object) -> None:
    """Set a leaf, making mappings and lists on the way."""
    here: object = root
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        blank: object = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(here, list) and isinstance(step, int):
            here.extend([None] * (step + 1 - len(here)))
            if following is None or here[step] is None:
                here[step] = blank
            here = here[step]
        elif isinstance(here, dict):
            if following is None:
                here[step] = value
            here = here.setdefault(step, blank)
