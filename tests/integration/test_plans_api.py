"""Plans over HTTP: when they would begin before they are kept, and what they were before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from caretaker.domain.equipment import Text
from caretaker.domain.people import Role
from caretaker.domain.rounds.plans import Order, PlanKind, RoundPlan
from caretaker.recurrence import next_starts, utc_ns
from tests.integration.api_house import ApiHouse, api_house, problem_of

API = "/api/v1"
TIMES: dict[str, Any] = {"rrule": "FREQ=DAILY;BYHOUR=8,20", "starts_at": "08:30", "duration_s": 3600}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with api_house(tmp_path_factory.mktemp("plans")) as opened:
        yield opened


def plan_of(rrule: str, valid_from: date, valid_until: date | None = None) -> RoundPlan:
    return RoundPlan(
        "p", "s", Text("", ""), PlanKind.PATROL, (), Order.FREE, rrule, time(8), 3600, valid_from, valid_until
    )


@pytest.mark.parametrize(
    ("rrule", "expected"),
    [
        ("FREQ=DAILY", ["2026-03-02", "2026-03-03", "2026-03-04"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", ["2026-03-31", "2026-05-31", "2026-07-31"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=1", ["2027-02-01", "2028-02-01", "2029-02-01"]),
        ("FREQ=DAILY;UNTIL=20260303", ["2026-03-02", "2026-03-03"]),
    ],
)
def test_the_next_starts_are_found_near_and_far(rrule: str, expected: list[str]) -> None:
    """From a moment at which today's round has begun."""
    now = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
    found = next_starts(plan_of(rrule, date(2026, 1, 1)), "UTC", round(now.timestamp() * 1e9), 3)
    assert [datetime.fromtimestamp(at / 1e9, UTC).date().isoformat() for at in found] == expected


def test_a_plan_of_next_year_has_its_starts_then() -> None:
    from zoneinfo import ZoneInfo

    begins = date(2028, 1, 1)
    found = next_starts(plan_of("FREQ=DAILY", begins), "Asia/Shanghai", 1_780_000_000_000_000_000, 1)
    assert found == [utc_ns(datetime.combine(begins, time(8)), ZoneInfo("Asia/Shanghai"))]


def test_a_preview_shows_ten_starts_keeps_nothing_and_names_the_field_that_is_wrong(house: ApiHouse) -> None:
    today = datetime.fromtimestamp(house.clock.now_ns() / 1e9, UTC).date().isoformat()
    with house.client(Role.SUPERVISOR) as desk:
        shown = desk.post(f"{API}/round-plans/preview", json=TIMES | {"valid_from": today}).json()["items"]
        wrong = desk.post(f"{API}/round-plans/preview", json=TIMES | {"valid_from": today, "rrule": "FREQ=HOURLY"})
        kept = desk.get(f"{API}/round-plans").json()["items"]

    assert len(shown) == 10
    assert {start["local"][11:16] for start in shown} == {"08:30", "20:30"}
    assert all(start["starts_ms"] > house.clock.now_ns() // 1_000_000 for start in shown)
    assert problem_of(wrong, 422, "refused")["facts"]["field"] == "rrule"
    assert kept == []


def test_every_edit_is_a_version_that_tells_who_changed_what(house: ApiHouse) -> None:
    with house.browser(Role.SUPERVISOR) as desk:
        name = desk.get(f"{API}/session").json()["person"]["name"]
        place = {"id": "p1", "title": {"zh": "点", "en": "point"}, "space": "garden", "use_kind_checks": False}
        assert desk.post(f"{API}/checkpoints", json=place).status_code == 200
        body = TIMES | {
            "id": "walk",
            "title": {"zh": "夜巡", "en": "Night"},
            "kind": "patrol",
            "valid_from": "2026-01-01",
        }
        made = desk.post(f"{API}/round-plans", json=body | {"points": [{"checkpoint": "p1"}]}).json()
        house.clock.advance(60)
        changed = desk.patch(
            f"{API}/round-plans/walk", json={"version": 1, "tolerance_s": 60, "order": "random"}
        ).json()
        history = desk.get(f"{API}/round-plans/walk/versions").json()["items"]

    assert len(made["next_ms"]) == 3
    assert changed["version"] == 2
    assert [(one["version"], one["by_name"], one["changed"]) for one in history] == [
        (2, name, ["order", "tolerance_s"]),
        (1, name, []),
    ]
    assert history[0]["at_ms"] - history[1]["at_ms"] == timedelta(seconds=60) / timedelta(milliseconds=1)
    assert (history[1]["plan"]["tolerance_s"], history[0]["plan"]["tolerance_s"]) == (300.0, 60.0)
    with house.client(Role.GUARD) as guard:
        problem_of(guard.get(f"{API}/round-plans/nothing/versions"), 404, "not_found")
        problem_of(
            guard.post(f"{API}/round-plans/preview", json=TIMES | {"valid_from": "2026-01-01"}), 403, "not_allowed"
        )
