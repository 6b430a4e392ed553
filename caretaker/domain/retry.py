"""How long to wait before trying again. Pure: chance comes in as an argument."""

from __future__ import annotations


def gap_s(attempt: int, chance: float, first_s: float = 0.5, most_s: float = 60.0) -> float:
    """Seconds before try `attempt` (0, 1, 2 …): doubling, at most `most_s`, shortened by up to a quarter.

    chance  0.0 <= x < 1.0, a fresh random number. A quarter is enough that gateways that lost the same broker at the
            same moment do not come back together, and little enough that each gap is still longer than the last.
    """
    full = min(most_s, first_s * 2.0 ** min(attempt, 16))
    return full * (1.0 - 0.25 * chance)
