"""The grid never drifts and the pauses are bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.collectors.modbus.poll import LONGEST_PAUSE_S, next_tick, pause


def test_round_in_time_skips_nothing() -> None:
    assert next_tick(10.3, 10.0, 1.0) == (11.0, 0)


def test_late_round_skips_ticks_and_stays_on_the_grid() -> None:
    assert next_tick(13.3, 10.0, 1.0) == (14.0, 3)


@given(st.floats(0, 1e6), st.floats(0, 1e4), st.floats(0.05, 3600))
def test_next_tick_is_after_now_and_at_most_one_period_away(tick: float, late: float, period: float) -> None:
    found, skipped = next_tick(tick + late, tick, period)

    assert tick + late - 1e-6 <= found <= tick + late + period + 1e-6
    assert abs(found - (tick + (skipped + 1) * period)) < 1e-6


@given(st.integers(2, 10_000), st.floats(0.05, 30), st.floats(0, 1, exclude_max=True))
def test_pause_grows_to_a_minute_and_never_beyond(failures: int, period: float, chance: float) -> None:
    assert period <= pause(failures, period, chance) <= LONGEST_PAUSE_S


def test_pause_doubles() -> None:
    assert [pause(failures, 1.0, 1.0) for failures in (2, 3, 4, 5, 6, 7, 8)] == [2, 4, 8, 16, 32, 60, 60]
