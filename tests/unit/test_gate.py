"""The gate on columns."""

from __future__ import annotations

import math

import numpy as np

from caretaker.domain.readings import HISTORICAL, Quality, ReadingBatch
from caretaker.services.gate import Gate, Judged
from tests.small_estate import estate_of

SECOND = 1_000_000_000
NOW = 1_795_403_777 * SECOND
DAY = 86400 * SECOND
TEMP, FREE, DOOR, MODE, NOTE = 1, 2, 3, 4, 5


def gate() -> Gate:
    return Gate(estate_of({"d1": ["a1"]}).points.values(), 365 * DAY)


def batch(
    *rows: tuple[int, int, float] | tuple[int, int, float, int], texts: dict[int, str] | None = None
) -> ReadingBatch:
    return ReadingBatch.of(
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
        [row[3] if len(row) == 4 else 0 for row in rows],
        texts,
    )


def take(to: Gate, what: ReadingBatch, now: int = NOW) -> Judged:
    judged = to.judge(what, now)
    to.remember(judged)
    return judged


def test_good_readings_pass_unchanged() -> None:
    judged = take(gate(), batch((TEMP, NOW, 20.0), (DOOR, NOW, 1.0), (TEMP, NOW + 1, 21.0)))

    assert judged.accepted.values.tolist() == [20.0, 1.0, 21.0]
    assert not judged.refusals
    assert judged.historical == 0


def test_each_wrong_reading_is_refused_with_its_own_reason_and_the_others_pass() -> None:
    judged = take(
        gate(),
        batch(
            (TEMP, NOW, 20.0),
            (99, NOW, 1.0),
            (TEMP, NOW + 1, math.nan),
            (FREE, NOW, math.inf),
            (TEMP, NOW + 2, 500.0),
            (TEMP, NOW + 301 * SECOND, 20.0),
            (TEMP, 0, 20.0),
            (TEMP, NOW - 400 * DAY, 20.0),
            (FREE, NOW + 5, 1e29),
            (NOTE, NOW, math.nan),
            (DOOR, NOW, 0.0),
        ),
    )

    assert judged.accepted.points.tolist() == [TEMP, DOOR]
    assert [refusal.reason for refusal in judged.refusals] == [
        "unknown_point", "not_finite", "not_finite", "not_finite", "implausible", "implausible", "future", "too_old", "too_old",
    ]  # fmt: skip
    assert "a1.temp" in judged.refusals[4].detail


def test_bad_quality_needs_no_value_and_loses_the_one_it_has() -> None:
    judged = take(gate(), batch((TEMP, NOW, math.nan, Quality.BAD), (FREE, NOW, 7.0, Quality.BAD)))

    assert not judged.refusals
    assert np.isnan(judged.accepted.values).all()


def test_a_text_passes_with_its_row() -> None:
    judged = take(gate(), batch((99, NOW, 1.0), (NOTE, NOW, math.nan), texts={1: "hello"}))

    assert judged.accepted.texts == {0: "hello"}


def test_a_repeat_is_dropped_silently_and_another_value_for_the_same_time_is_refused() -> None:
    to = gate()
    take(to, batch((TEMP, NOW, 20.0), (FREE, NOW, 5.0)))

    judged = take(to, batch((TEMP, NOW, 20.0), (FREE, NOW, 6.0), (FREE, NOW + 1, 6.0), (FREE, NOW + 1, 6.0)))

    assert judged.accepted.values.tolist() == [6.0]
    assert judged.duplicates == 2
    assert [refusal.reason for refusal in judged.refusals] == ["same_time_other_value"]


def test_a_repeat_inside_one_batch_is_found_also_after_an_older_reading() -> None:
    judged = take(gate(), batch((TEMP, NOW + 5, 1.0), (TEMP, NOW + 3, 1.0), (TEMP, NOW + 5, 1.0), (TEMP, NOW + 3, 2.0)))

    assert judged.accepted.times.tolist() == [NOW + 5, NOW + 3]
    assert judged.duplicates == 1
    assert len(judged.refusals) == 1


def test_repeated_texts_and_bad_readings_are_repeats_too() -> None:
    to = gate()
    what = batch((NOTE, NOW, math.nan), (TEMP, NOW, math.nan, Quality.BAD), texts={0: "x"})
    take(to, what)

    assert take(to, what).duplicates == 2
    assert take(to, batch((NOTE, NOW, math.nan), texts={0: "y"})).refusals[0].reason == "same_time_other_value"


def test_nothing_is_remembered_before_it_is_durable() -> None:
    to = gate()
    to.judge(batch((TEMP, NOW, 20.0)), NOW)

    assert len(to.judge(batch((TEMP, NOW, 20.0)), NOW).accepted) == 1


def test_late_readings_are_accepted_as_historical() -> None:
    to = gate()
    take(to, batch((TEMP, NOW, 20.0)))

    judged = take(
        to, batch((TEMP, NOW - 59 * SECOND, 1.0), (TEMP, NOW - 61 * SECOND, 2.0), (FREE, NOW - 301 * SECOND, 3.0))
    )

    assert [bool(q & HISTORICAL) for q in judged.accepted.quality.tolist()] == [False, True, True]
    assert judged.historical == 2


def test_a_clock_that_ran_ahead_once_does_not_make_honest_readings_late() -> None:
    to = gate()
    take(to, batch((TEMP, NOW + 290 * SECOND, 20.0)))

    assert take(to, batch((TEMP, NOW + SECOND, 21.0)), NOW + SECOND).historical == 0


def test_a_gate_warmed_from_the_journal_knows_what_was_accepted_before() -> None:
    before = gate()
    rows = batch(*((TEMP, NOW + i, float(i % 50)) for i in range(5000)))
    accepted = take(before, rows).accepted
    after = gate()
    after.warm([accepted])

    assert take(after, rows).duplicates == 5000


def test_a_hundred_thousand_readings_are_recognised_whatever_the_order_they_came_in() -> None:
    to = gate()
    chance = np.random.default_rng(7)
    times = chance.permutation(100_000) * 1000 + NOW - 100_000_000
    for start in range(0, 100_000, 2000):
        part = times[start : start + 2000]
        take(to, ReadingBatch.of([FREE] * 2000, part, part % 97, [0] * 2000))

    again = times[chance.permutation(100_000)[:5000]]
    judged = take(to, ReadingBatch.of([FREE] * 5000, again, again % 97, [0] * 5000))

    assert judged.duplicates == 5000
    assert len(judged.accepted) == 0
