"""The checker finds what it is there to find: else every test that uses it would pass for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reliability.checker import History, check

ROWS = [(f"m{n % 3}/{n}", n / 4) for n in range(30)]


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.jsonl"
    writer = History(path)
    for identity, value in ROWS:
        writer.invoke(identity, value)
        writer.ok(identity)
    writer.invoke("m1/unknown", 7.0)
    writer.invoke("m1/never", 8.0)
    writer.fail("m1/never")
    writer.close()
    return path


def test_what_was_sent_and_is_there_passes(history: Path) -> None:
    verdict = check(history, ROWS)

    assert verdict.passed
    assert len(verdict.ok) == 30


def test_a_row_that_is_missing_is_lost(history: Path) -> None:
    verdict = check(history, ROWS[:7] + ROWS[8:])

    assert not verdict.passed
    assert verdict.lost == ["m1/7"]


def test_a_row_that_is_there_twice_is_doubled(history: Path) -> None:
    verdict = check(history, [*ROWS, ROWS[7]])

    assert not verdict.passed
    assert verdict.duplicated == ["m1/7"]


@pytest.mark.parametrize("extra", [("m9/7", 1.75), ("m1/never", 8.0)])
def test_a_row_that_nobody_sent_is_unexpected(history: Path, extra: tuple[str, float]) -> None:
    verdict = check(history, [*ROWS, extra])

    assert not verdict.passed
    assert verdict.unexpected == [extra[0]]


def test_a_row_with_another_value_is_unexpected(history: Path) -> None:
    verdict = check(history, [*ROWS[1:], (ROWS[0][0], 99.0)])

    assert not verdict.passed
    assert verdict.unexpected == ["m0/0"]


def test_a_row_whose_outcome_was_unknown_may_be_there_or_not(history: Path) -> None:
    there = check(history, [*ROWS, ("m1/unknown", 7.0)])

    assert check(history, ROWS).passed
    assert there.passed
    assert there.recovered == ["m1/unknown"]
