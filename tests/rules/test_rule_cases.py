"""Every case in tests/rules/*.yaml: a series of readings of one machine, and which rules must hold an alarm when.

A case:
    - name: what it shows
      kind: pump_set            # from equipment/
      overrides: {rule: {…}}    # as in a site's assets.yaml
      series:                   # one message a second (or `every`), all points of one time together
        p_out: [0.45 x30, 0.38 *]     # 30 times 0.45, then 0.38 to the end
        door_state: [open x5, closed *]
        bearing_temp_1: [50+0.1 x100] # 100 steps from 50
        fault_1: [false x9, bad x2, none *]
      expect: {90s: [low_pressure]}   # exactly these rules are active at that time
      raised: {low_pressure: 210s}    # and this is when the alarm says that it was raised
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from caretaker.catalog.duration import seconds
from caretaker.domain.assets import Asset, Site, SiteFile, Space, SpaceType, build_estate
from caretaker.domain.equipment import PointSpec, Text
from caretaker.domain.readings import ReadingBatch
from caretaker.domain.rules.engine import RuleEngine
from caretaker.domain.rules.types import Change
from tests.factories import demo_kinds

S: Final = 1_000_000_000
START: Final = 1_790_000_000 * S
FILES: Final = sorted(Path(__file__).parent.glob("*.yaml"))
CASES: Final = [(path.stem, case) for path in FILES for case in yaml.safe_load(path.read_text("utf-8"))]
ELEMENT: Final = re.compile(r"(?P<word>.+?)(?:\+(?P<step>-?[0-9.]+))?(?: x(?P<times>\d+)| (?P<rest>\*))?")
NAN: Final = float("nan")


def number_of(spec: PointSpec, word: str) -> float:
    """A number, true or false, or a state's word. Raises KeyError for a word the point does not know."""
    if word in {"true", "false"}:
        return float(word == "true")
    words = {text.en: float(code) for code, text in spec.codes.items()}
    return words[word] if word in words else float(word)


def samples(spec: PointSpec, elements: list[object], length: int) -> Iterator[tuple[float, int] | None]:
    """(value, quality) per step; None: nothing is said."""
    said = 0
    for element in elements:
        text = str(element).lower() if isinstance(element, bool) else str(element)
        match = ELEMENT.fullmatch(text)
        assert match is not None, text
        times = length - said if match["rest"] else int(match["times"] or 1)
        for step in range(times):
            if match["word"] == "none":
                yield None
            elif match["word"] == "bad":
                yield NAN, 2
            else:
                yield number_of(spec, match["word"]) + step * float(match["step"] or 0), 0
        said += times


def play(case: dict[str, Any]) -> tuple[dict[float, set[str]], dict[str, float]]:
    """Active rules at each expected time, and the first time each rule was raised (both in seconds from the start)."""
    kind = demo_kinds()[case["kind"]]
    words = Text("", "")
    asset = Asset("it", kind.id, words, "here", overrides=case.get("overrides", {}))
    file = SiteFile(Site("test", words), (Space("here", SpaceType.ROOM, words),), (asset,), (), ())
    ids = {spec.id: number for number, spec in enumerate(kind.points, 1)}
    estate = build_estate(file, {kind.id: kind}, lambda _asset, key: ids[key])
    every = seconds(case.get("every", "1s"))
    times = sorted(seconds(at) for at in case["expect"])
    length = int(times[-1] / every) + 1
    series = {key: list(samples(kind.point(key), given, length)) for key, given in case["series"].items()}

    engine = RuleEngine(estate)
    assert not engine.disabled
    out = engine.advance(START)
    seen: dict[float, set[str]] = {}
    for step in range(length):
        now = START + round(step * every * S)
        for at in [at for at in times if at not in seen and START + at * S < now]:
            out += engine.advance(START + round(at * S) + 1)
            seen[at] = {ref.rule for ref in engine.active()}
        rows = [
            (ids[key], *sample)
            for key, said in series.items()
            if step < len(said) and (sample := said[step]) is not None
        ]
        if rows:
            points, values, quality = zip(*rows, strict=True)
            out += engine.evaluate(ReadingBatch.of(points, [now] * len(rows), values, quality), now)
    for at in [at for at in times if at not in seen]:
        out += engine.advance(START + round(at * S) + 1)
        seen[at] = {ref.rule for ref in engine.active()}
    raised: dict[str, float] = {}
    for transition in out:
        if transition.change is Change.RAISED:
            raised.setdefault(transition.ref.rule, (transition.at_ns - START) / S)
    return seen, raised


@pytest.mark.parametrize(
    ("name", "case"), [pytest.param(name, case, id=f"{name}: {case['name']}") for name, case in CASES]
)
def test_the_right_alarms_at_the_right_time(name: str, case: dict[str, Any]) -> None:
    seen, raised = play(case)

    assert seen == {seconds(at): set(rules) for at, rules in case["expect"].items()}
    for rule, at in case.get("raised", {}).items():
        assert raised[rule] == pytest.approx(seconds(at))


def test_every_kind_has_cases() -> None:
    assert {case["kind"] for _, case in CASES} >= set(demo_kinds())


def test_a_wrong_limit_is_noticed() -> None:
    """The cases bite: the same series against a limit that is ten times too wide gives no alarm."""
    name, case = next((n, c) for n, c in CASES if c["name"] == "pressure 0.06 MPa below the set-point for 3 minutes")

    seen, _ = play({**case, "overrides": {"low_pressure": {"value": -0.5}}})

    assert name == "pump_set"
    assert all(rules == set() for rules in seen.values())
