"""Faults on order: what begins, what ends, and what the world could see of it when."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Mapping
from functools import partial
from typing import Final

import structlog

from caretaker.domain.errors import Refused
from simulators.machines import Machine
from simulators.models.physics import Value
from simulators.scenario import Expectation, Scenario
from simulators.troubles import LINE_FAULTS, SENSOR_FAULTS
from simulators.truth import Truth, TruthFile, holds

ORDER: Final = '{"asset": id, "fault": name, "for_s": seconds, "point": id, "end": true}; asset and fault are needed'
_ORDER_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "asset": (str,),
    "fault": (str,),
    "for_s": (int, float),
    "point": (str,),
    "end": (bool,),
}
_log = structlog.get_logger("simulators")


class Faults:
    """All faults of the estate.

    lines  asset id -> the line troubles of its device, shared by all assets of that device
    """

    def __init__(self, machines: Mapping[str, Machine], lines: Mapping[str, set[str]], truth: TruthFile) -> None:
        self._machines = machines
        self._lines = lines
        self._truth = truth
        self._count = 0
        self._active: dict[tuple[str, str, str | None], Truth] = {}
        self._ends: dict[tuple[str, str, str | None], asyncio.TimerHandle] = {}
        self._planned: list[asyncio.TimerHandle] = []
        self._unseen: dict[str, list[Truth]] = {}
        """Asset id -> its faults whose condition has not gone out yet."""

    def faults_of(self, asset: str) -> Mapping[str, str]:
        """Everything that can go wrong with an asset: name -> what happens. Raises Refused for an unknown asset."""
        return {**self._machine(asset).model.faults, **SENSOR_FAULTS, **LINE_FAULTS}

    def begin(
        self,
        asset: str,
        fault: str,
        *,
        point: str | None = None,
        for_s: float | None = None,
        expect: Expectation | None = None,
    ) -> Truth:
        """Let something go wrong now; with `for_s` it ends by itself. Beginning an acting fault again only moves its end.

        Raises Refused, naming what is known.
        """
        machine = self._machine(asset)
        if fault not in (known := self.faults_of(asset)):
            raise Refused(f"no fault {fault!r} of {asset}; expected one of: {', '.join(known)}", field="fault")
        if (fault in SENSOR_FAULTS) is not (point in {spec.id for spec in machine.kind.points}):
            raise Refused(
                f"fault {fault!r} of {asset} with point {point!r}; sensor faults, and only they, take a point",
                field="point",
            )
        key = (asset, fault, point)
        truth = self._active.get(key)
        if truth is None:
            truth = self._begin(machine, key, expect)
        if (timer := self._ends.pop(key, None)) is not None:
            timer.cancel()
        if for_s is not None:
            self._ends[key] = asyncio.get_running_loop().call_later(for_s, partial(self.end, asset, fault, point=point))
        return truth

    def _begin(self, machine: Machine, key: tuple[str, str, str | None], expect: Expectation | None) -> Truth:
        asset, fault, point = key
        self._count += 1
        rule, priority = (expect.rule, expect.priority.value) if expect else (None, None)
        truth = Truth(self._count, asset, fault, point, rule, priority, time.time_ns() // 1_000_000)
        self._active[key] = truth
        if rule is not None:
            self._unseen.setdefault(asset, []).append(truth)
        if fault in SENSOR_FAULTS and point is not None:
            machine.sensors.begin(fault, point)
        elif fault in LINE_FAULTS:
            self._lines[asset].add(fault)
        else:
            machine.model.trouble.add(fault)
        self._truth.write("begin", truth)
        _log.info("fault begins", asset=asset, fault=fault, point=point)
        return truth

    def end(self, asset: str, fault: str, *, point: str | None = None) -> None:
        """Let it be whole again; nothing happens when the fault does not act. Raises Refused for an unknown asset."""
        machine, key = self._machine(asset), (asset, fault, point)
        truth = self._active.pop(key, None)
        if truth is None:
            return
        if (timer := self._ends.pop(key, None)) is not None:
            timer.cancel()
        if fault in SENSOR_FAULTS and point is not None:
            machine.sensors.end(fault, point)
        elif fault in LINE_FAULTS:
            self._lines[asset].discard(fault)
        else:
            machine.model.trouble.discard(fault)
        truth.end_ms = time.time_ns() // 1_000_000
        self._seen(truth)
        self._truth.write("end", truth)
        _log.info("fault ends", asset=asset, fault=fault, point=point)

    def play(self, scenario: Scenario) -> None:
        """Order every fault of a scenario, counted from now."""
        loop = asyncio.get_running_loop()
        for step in scenario.steps:
            begin = partial(self.begin, step.asset, step.fault, point=step.point, for_s=step.for_s, expect=step.expect)
            self._planned.append(loop.call_later(step.at_s, begin))

    def order(self, raw: bytes) -> bytes:
        """One order of the topic `caretaker-sim/cmd` -> the answer. Wrong orders are answered, never obeyed in part."""
        try:
            truth = self._obey(raw)
        except Refused as wrong:
            _log.warning("order refused", why=wrong.message)
            return json.dumps({"error": wrong.message}).encode()
        return json.dumps({"ok": True, "id": truth.id if truth else None}).encode()

    def _obey(self, raw: bytes) -> Truth | None:
        try:
            data = json.loads(raw)
        except ValueError as wrong:
            raise Refused(f"not JSON ({wrong}); expected {ORDER}", field="order") from wrong
        if not isinstance(data, dict) or not {"asset", "fault"} <= data.keys() <= _ORDER_TYPES.keys():
            raise Refused(f"expected {ORDER}", field="order")
        for key, value in data.items():
            wrong_sort = not isinstance(value, _ORDER_TYPES[key])
            if wrong_sort or (key == "for_s" and (value is True or not 0 < value < math.inf)):
                raise Refused(f"{key}: {value!r}; expected {ORDER}", field=key)
        if data.get("end"):
            self.end(data["asset"], data["fault"], point=data.get("point"))
            return None
        return self.begin(data["asset"], data["fault"], point=data.get("point"), for_s=data.get("for_s"))

    def _machine(self, asset: str) -> Machine:
        if asset not in self._machines:
            raise Refused(f"no asset {asset!r}; expected one of: {', '.join(self._machines)}", field="asset")
        return self._machines[asset]

    def tell(self, machine: Machine, told: Mapping[str, Value]) -> None:
        """The world knows these values now; note when that shows a planted fault for the first time."""
        machine.sent.update(told)
        asset = machine.asset.id
        for truth in list(self._unseen.get(asset, ())):
            if any(rule.id == truth.rule and holds(rule, machine.sent) for rule in machine.rules):
                truth.sent_ms = time.time_ns() // 1_000_000
                self._truth.write("shown", truth)
                self._seen(truth)

    def _seen(self, truth: Truth) -> None:
        waiting = self._unseen.get(truth.asset, [])
        if truth in waiting:
            waiting.remove(truth)
        if not waiting:
            self._unseen.pop(truth.asset, None)

    def waits_for(self, asset: str) -> bool:
        """Is there a fault of this asset whose condition nobody was told yet?"""
        return asset in self._unseen

    def close(self) -> None:
        """No more beginnings and ends; the truth of what still acts stays without an end."""
        for timer in (*self._planned, *self._ends.values()):
            timer.cancel()
        self._truth.close()
