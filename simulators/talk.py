"""What one MQTT device says at every step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from simulators.machines import Machine
from simulators.models.physics import Value
from simulators.mqtt import Speaker
from simulators.payloads import VendorShape, canonical, plain
from simulators.troubles import SLOW_S


class Talk:
    """One device and the asset it speaks for. `trouble` holds the line faults that act now."""

    def __init__(
        self,
        machine: Machine,
        speaker: Speaker,
        topic: str,
        shape: VendorShape | None,
        trouble: set[str],
        tell: Callable[[Machine, Mapping[str, Value]], None],
    ) -> None:
        self._machine = machine
        self._speaker = speaker
        self._topic = topic
        self._shape = shape
        self._trouble = trouble
        self._tell = tell
        self._seq = 0
        self._specs = {spec.id: spec for spec in machine.kind.points}
        self._carried = shape.points() if shape else set(self._specs)

    def __call__(self, now_ms: int) -> None:
        due = self._machine.due(now_ms / 1000.0)
        values = {key: plain(self._specs[key], value) for key, value in due.items() if key in self._carried}
        if not values or "silent" in self._trouble:
            return
        if self._shape is None:
            self._seq += 1
            payload = canonical(now_ms, self._seq, values, self._machine.sensors.quality())
        else:
            payload = self._shape.body(now_ms, values)
        if "short_answer" in self._trouble:
            payload = payload[: len(payload) // 2]
        say = partial(self._speaker.say, self._topic, payload, partial(self._tell, self._machine, values))
        if "slow" in self._trouble:
            asyncio.get_running_loop().call_later(SLOW_S, say)
        else:
            say()
