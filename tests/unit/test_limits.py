"""Buckets of the public door: how much, how long to wait, and never more memory than promised."""

from __future__ import annotations

import pytest

from api.errors import Problem
from api.limits import Buckets, PublicLimits, sender

S = 1_000_000_000


def waits(buckets: Buckets, key: str, now_ns: int) -> int:
    with pytest.raises(Problem) as refused:
        buckets.take(key, now_ns)
    assert refused.value.status == 429
    wait = refused.value.facts["retry_after_s"]
    assert isinstance(wait, int)
    return wait


def test_a_burst_then_one_at_a_time_and_the_wait_that_is_told_is_enough() -> None:
    buckets = Buckets(3, 10.0, "too_many")
    for _ in range(3):
        buckets.take("a", 0)

    assert waits(buckets, "a", 0) == 10
    assert waits(buckets, "a", 1) == 10  # rounded up: to come back too early would be refused again
    buckets.take("a", 10 * S)
    buckets.take("b", 10 * S)
    assert waits(buckets, "a", 10 * S) == 10


def test_a_flood_of_addresses_takes_no_more_memory_than_promised() -> None:
    buckets = Buckets(2, 10.0, "too_many", most=50)
    for _ in range(2):
        buckets.take("busy", 0)
    for n in range(1000):
        buckets.take(f"k{n}", 0)

    assert len(buckets) == 50
    assert waits(buckets, "busy", 0) == 10  # the busiest is remembered longest


def test_what_a_place_refuses_is_not_counted_against_the_sender() -> None:
    limits = PublicLimits()
    for n in range(20):
        limits.report(f"s{n}", "lift", 0)
    for _ in range(50):
        with pytest.raises(Problem):
            limits.report("me", "lift", 0)
    for _ in range(6):
        limits.report("me", "hall", 0)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("?", "?"),
    ],
)
def test_one_sender_is_an_address_or_a_household_of_ipv6(address: str, expected: str) -> None:
    assert sender(address) == expected
