"""A scenario file is read strictly: what is wrong is named with its file, line and what is expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from caretaker.domain.equipment import Priority
from caretaker.domain.errors import ConfigurationError
from simulators.scenario import Expectation, Scenario, Step, read_scenario
from simulators.truth import Truth, TruthFile, holds, read_truth
from tests.unit.simulators.watch import estate, machine_of


def _read(path: Path, text: str) -> Scenario:
    file = path / "s.yaml"
    file.write_text(text, encoding="utf-8")
    site, kinds = estate()
    assets = {asset.id: kinds[asset.kind] for asset in site.assets}
    return read_scenario(file, assets, {asset: machine_of(asset).model.faults for asset in ("lift-2", "pump-1")})


def test_a_scenario_is_read_in_order_of_time(tmp_path: Path) -> None:
    text = """
title: two
steps:
  - {at: 2min, asset: pump-1, fault: frozen, point: p_out}
  - {at: 40s, asset: lift-2, fault: stuck_between_floors, for: 1.5min, expect: {rule: entrapment, priority: critical}}
"""
    first = Step(40.0, "lift-2", "stuck_between_floors", 90.0, None, Expectation("entrapment", Priority.CRITICAL))

    assert _read(tmp_path, text) == Scenario("two", (first, Step(120.0, "pump-1", "frozen", None, "p_out", None)))


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("{at: 40s, asset: lift-9, fault: power_loss}", "no such asset 'lift-9'; expected one of: lift-1"),
        ("{at: 40s, asset: lift-2, fault: power_los}", "did you mean 'power_loss'?"),
        ("{at: 40s, asset: lift-2, fault: flood}", "no such fault of lift-2 'flood'"),
        ("{at: 40, asset: lift-2, fault: power_loss}", "at: found the number 40; expected a time with its unit"),
        ("{asset: lift-2, fault: power_loss}", "at: found nothing; expected a time"),
        ("{at: 40s, asset: lift-2, fault: power_loss, untl: 3s}", "unknown key 'untl'"),
        ("{at: 40s, asset: lift-2, fault: power_loss, for: soon}", "for: found the text 'soon'"),
        ("{at: 40s, asset: lift-2, fault: frozen}", "needs the key point"),
        ("{at: 40s, asset: lift-2, fault: frozen, point: p_out}", "no such point of elevator 'p_out'"),
        ("{at: 40s, asset: lift-2, fault: power_loss, point: speed}", "only the sensor faults"),
        (
            "{at: 40s, asset: lift-2, fault: power_loss, expect: {rule: nope, priority: high}}",
            "no such rule of elevator",
        ),
        (
            "{at: 40s, asset: lift-2, fault: power_loss, expect: {rule: silent, priority: urgent}}",
            "'urgent'; expected one",
        ),
        ("power_loss", "found the text 'power_loss'; expected a mapping"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, step: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        _read(tmp_path, f"title: x\nsteps:\n  - {step}\n")

    assert "s.yaml:3: " in wrong.value.message
    assert said in wrong.value.message


def test_truth_keeps_the_newest_word_on_each_fault(tmp_path: Path) -> None:
    file = TruthFile(tmp_path / "truth.jsonl")
    one, two = (
        Truth(1, "lift-2", "power_loss", None, None, None, 5),
        Truth(2, "pump-1", "frozen", "p_out", None, None, 6),
    )
    file.write("begin", one)
    file.write("begin", two)
    one.sent_ms, one.end_ms = 7, 9
    file.write("end", one)
    file.close()

    assert read_truth(tmp_path / "truth.jsonl") == [one, two]


def test_a_condition_is_judged_from_what_was_sent() -> None:
    rules = {rule.id: rule for rule in machine_of("pump-1").rules}

    assert holds(rules["no_water"], {"p_out": 0.3, "p_set": 0.45}) is True
    assert holds(rules["no_water"], {"p_out": 0.4, "p_set": 0.45}) is False
    assert holds(rules["no_water"], {"p_out": 0.3}) is None
    assert holds(rules["silent"], {"p_out": 0.3}) is None
    assert holds(rules["start_failure_1"], {"cmd_run_1": True, "run_fb_1": False, "fault_1": True}) is False
