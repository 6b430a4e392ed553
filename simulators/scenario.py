"""What goes wrong when: a scenario file, read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from caretaker.catalog.problems import Problems, expected
from caretaker.catalog.yaml_file import Document, Path_, read_yaml, words_of
from caretaker.domain.equipment import EquipmentKind, Priority
from simulators.guards.itinerary import Deed, Part
from simulators.troubles import LINE_FAULTS, SENSOR_FAULTS

_TIME: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|h)")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
_TOP: Final = ("title", "steps", "guards")
_GUARD: Final = ("person", "plans", "manners")
_STEP: Final = ("at", "asset", "fault", "for", "point", "expect")
_EXPECT: Final = ("rule", "priority")


@dataclass(frozen=True, slots=True)
class Expectation:
    """The alarm that a fault must give: rule of the asset's kind and its priority."""

    rule: str
    priority: Priority


@dataclass(frozen=True, slots=True)
class Step:
    """One fault of a scenario. `at_s` after the start; `for_s` None: until the end of the run."""

    at_s: float
    asset: str
    fault: str
    for_s: float | None = None
    point: str | None = None
    expect: Expectation | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """Steps by time; `guards` walk rounds all the while."""

    title: str
    steps: tuple[Step, ...]
    guards: tuple[Part, ...] = ()


def read_scenario(path: Path, kinds: Mapping[str, EquipmentKind], faults: Mapping[str, Mapping[str, str]]) -> Scenario:
    """Read and check a scenario against the estate: `kinds` is asset id -> kind, `faults` asset id -> its machine's faults.

    Raises ConfigurationError with one line per problem: file, line, what was found, what is expected.
    """
    document = read_yaml(path)
    reader = _Reader(document, kinds, faults)
    scenario = reader.scenario()
    reader.problems.refuse()
    return scenario


class _Reader:
    def __init__(
        self, document: Document, kinds: Mapping[str, EquipmentKind], faults: Mapping[str, Mapping[str, str]]
    ) -> None:
        self._document = document
        self._kinds = kinds
        self._faults = faults
        self.problems = Problems()

    def _wrong(self, path: Path_, what: str) -> None:
        self.problems.add(self._document, path, what)

    def scenario(self) -> Scenario:
        data = self._document.data
        self._keys(data, _TOP, ())
        raw = data.get("steps")
        if not isinstance(raw, list):
            self._wrong(("steps",), f"found {words_of(raw)}; expected a list of faults (it may be empty: [])")
            raw = []
        steps = [step for row, item in enumerate(raw) if (step := self._step(item, ("steps", row))) is not None]
        guards = data.get("guards", [])
        if not isinstance(guards, list):
            self._wrong(("guards",), f"found {words_of(guards)}; expected a list of people")
            guards = []
        parts = [part for row, item in enumerate(guards) if (part := self._guard(item, ("guards", row))) is not None]
        title = self._text(data, "title", ()) or ""
        return Scenario(title, tuple(sorted(steps, key=lambda step: step.at_s)), tuple(parts))

    def _guard(self, item: object, path: Path_) -> Part | None:
        if not isinstance(item, dict):
            self._wrong(path, f"found {words_of(item)}; expected a mapping with {', '.join(_GUARD)}")
            return None
        self._keys(item, _GUARD, path)
        person = self._text(item, "person", path)
        plans, manners = self._words(item, "plans", path), self._words(item, "manners", path)
        for row, manner in enumerate(manners):
            if manner not in set(Deed):
                self._wrong((*path, "manners", row), f"found {expected(manner, Deed)}")
                return None
        return Part(person, plans, tuple(Deed(manner) for manner in manners)) if person and plans and manners else None

    def _words(self, item: Mapping[str, object], key: str, path: Path_) -> tuple[str, ...]:
        value = item.get(key)
        if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
            return tuple(value)
        self._wrong((*path, key) if key in item else path, f"{key}: found {words_of(value)}; expected a list of words")
        return ()

    def _step(self, item: object, path: Path_) -> Step | None:
        if not isinstance(item, dict):
            self._wrong(path, f"found {words_of(item)}; expected a mapping with {', '.join(_STEP)}")
            return None
        self._keys(item, _STEP, path)
        at = self._time(item, "at", path, needed=True)
        asset, fault = self._text(item, "asset", path), self._text(item, "fault", path)
        if at is None or asset is None or fault is None:
            return None
        if asset not in self._kinds:
            self._wrong((*path, "asset"), f"no such asset {expected(asset, self._kinds)}")
            return None
        known = [*self._faults[asset], *SENSOR_FAULTS, *LINE_FAULTS]
        if fault not in known:
            self._wrong((*path, "fault"), f"no such fault of {asset} {expected(fault, known)}")
        return Step(
            at,
            asset,
            fault,
            self._time(item, "for", path, needed=False),
            self._point(item, path, self._kinds[asset], fault),
            self._expect(item, path, self._kinds[asset]),
        )

    def _point(self, item: Mapping[str, object], path: Path_, kind: EquipmentKind, fault: str) -> str | None:
        point = self._text(item, "point", path) if "point" in item else None
        known = [spec.id for spec in kind.points]
        if fault in SENSOR_FAULTS and "point" not in item:
            self._wrong(path, f"a sensor fault ({fault}) needs the key point; expected one of: {', '.join(known)}")
        elif fault not in SENSOR_FAULTS and "point" in item:
            self._wrong((*path, "point"), f"only the sensor faults {', '.join(SENSOR_FAULTS)} take a point")
        elif point is not None and point not in known:
            self._wrong((*path, "point"), f"no such point of {kind.id} {expected(point, known)}")
        return point

    def _expect(self, item: Mapping[str, object], path: Path_, kind: EquipmentKind) -> Expectation | None:
        if "expect" not in item:
            return None
        here, raw = (*path, "expect"), item["expect"]
        if not isinstance(raw, dict):
            self._wrong(here, f"found {words_of(raw)}; expected a mapping with rule and priority")
            return None
        self._keys(raw, _EXPECT, here)
        rule, priority = self._text(raw, "rule", here), self._text(raw, "priority", here)
        rules = [spec.id for spec in kind.rules]
        if rule is not None and rule not in rules:
            self._wrong((*here, "rule"), f"no such rule of {kind.id} {expected(rule, rules)}")
        if priority is not None and priority not in set(Priority):
            self._wrong((*here, "priority"), f"found {expected(priority, Priority)}")
            return None
        return Expectation(rule, Priority(priority)) if rule is not None and priority is not None else None

    def _keys(self, item: Mapping[str, object], known: tuple[str, ...], path: Path_) -> None:
        for key in item:
            if key not in known:
                self._wrong((*path, key), f"unknown key {expected(key, known)}")

    def _text(self, item: Mapping[str, object], key: str, path: Path_) -> str | None:
        value = item.get(key)
        if isinstance(value, str) and value:
            return value
        self._wrong((*path, key) if key in item else path, f"{key}: found {words_of(value)}; expected a word")
        return None

    def _time(self, item: Mapping[str, object], key: str, path: Path_, *, needed: bool) -> float | None:
        if key not in item and not needed:
            return None
        value = item.get(key)
        found = _TIME.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            where = (*path, key) if key in item else path
            self._wrong(
                where, f"{key}: found {words_of(value)}; expected a time with its unit, such as 500ms, 40s, 2min or 1h"
            )
            return None
        return float(found[1]) * _UNITS[found[2]]
