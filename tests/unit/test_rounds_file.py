"""Broken rounds files: each mistake is named with file, line, what was found and what is expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from caretaker.catalog import read_rounds
from caretaker.domain.errors import ConfigurationError
from caretaker.domain.rounds.plans import Order
from tests.factories import ROOT, demo_kinds, demo_site

GOOD = """\
checkpoints:
  - {id: a, title: {zh: 甲, en: A}, space: garden}
  - id: b
    title: {zh: 乙, en: B}
    space: b1-roof
    asset: lift-1
    witnesses: [lift-1.floor]
plans:
  - id: walk
    title: {zh: 走, en: Walk}
    kind: patrol
    repeat: FREQ=DAILY
    at: "22:00"
    duration: 1h
    from: 2026-01-01
    points: [a, {checkpoint: b, dwell: 30s, closes: 50min}]
"""


def told(folder: Path, text: str) -> list[str]:
    (folder / "rounds.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_rounds(folder, demo_site(), demo_kinds())
    return caught.value.message.replace(f"{folder}/", "").splitlines()


def test_a_good_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "rounds.yaml").write_text(GOOD, encoding="utf-8")
    found = read_rounds(tmp_path, demo_site(), demo_kinds())

    assert [place.id for place in found.checkpoints] == ["a", "b"]
    assert found.checkpoints[1].place.level == 19  # of its space
    assert (found.plans[0].order, found.plans[0].points[1].closes_s) == (Order.FREE, 3000.0)


def test_a_site_without_rounds_has_none(tmp_path: Path) -> None:
    assert read_rounds(tmp_path, demo_site(), demo_kinds()).checkpoints == ()


def test_the_demo_has_enough_to_show() -> None:
    found = read_rounds(ROOT / "sites" / "demo", demo_site(), demo_kinds())

    assert len(found.checkpoints) >= 24
    night = next(plan for plan in found.plans if plan.id == "night-patrol")
    assert (len(night.points), night.order) == (12, Order.FREE)
    assert {plan.kind for plan in found.plans} >= {"patrol", "equipment", "cleaning", "greening", "management"}


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("space: garden", "space: gardn", 2, "did you mean 'garden'?"),
        ("asset: lift-1", "asset: lift-9", 6, "unknown asset 'lift-9'"),
        ("lift-1.floor", "lift-1.flor", 7, "did you mean 'floor'?"),
        ("points: [a,", "points: [aa,", 16, "unknown checkpoint 'aa'"),
        ("FREQ=DAILY", "FREQ=HOURLY", 12, "an RRULE by days"),
        ("2026-01-01", "2026-02-30", 15, "expected a day of the calendar"),
        ("2026-01-01", "tomorrow", 15, "a day like 2026-11-24"),
        ("duration: 1h", "duration: 40min", 9, "does not lie inside"),
        ("dwell: 30s", "dwel: 30s", 16, "unknown key 'dwel'"),
        ('"22:00"', '"24:00"', 13, "a wall time like 22:00"),
        ("id: b\n", "id: a\n", 3, "is given twice"),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, before: str, after: str, line: int, said: str) -> None:
    assert before in GOOD
    lines = told(tmp_path, GOOD.replace(before, after))

    assert any(text.startswith(f"rounds.yaml:{line}:") and said in text for text in lines), lines
