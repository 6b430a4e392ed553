"""What the page sees of the estate: every machine, every point, and what they said, as the store has it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from caretaker.domain.people import Role
from caretaker.domain.readings import Quality, ReadingBatch
from tests.integration.api_house import MS, ApiHouse, api_house, problem_of

MINUTE = 60_000


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with api_house(tmp_path_factory.mktemp("estate")) as opened:
        yield opened


@pytest.fixture(scope="module")
def guard(house: ApiHouse) -> Iterator[httpx.Client]:
    with house.client(Role.GUARD) as client:
        yield client


def point_of(guard: httpx.Client, asset: str, key: str) -> dict[str, Any]:
    points: list[dict[str, Any]] = guard.get(f"/api/v1/assets/{asset}").json()["points"]
    return next(point for point in points if point["key"] == key)


def heard(guard: httpx.Client, asset: str, key: str, value: float | None) -> dict[str, Any]:
    """The point once the live view has followed the journal."""
    end = time.monotonic() + 5
    while (point := point_of(guard, asset, key))["value"] != value:
        assert time.monotonic() < end, f"{asset}.{key} is {point['value']}, not {value}"
    return point


def test_all_22_machines_of_the_demo_are_there(guard: httpx.Client) -> None:
    items = guard.get("/api/v1/assets").json()["items"]
    kinds = [item["kind"] for item in items]
    assert len(items) == len({item["id"] for item in items}) == 22
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "elevator": 4,
        "pump_set": 2,
        "lighting_circuit": 12,
        "access_gate": 4,
    }
    assert all(item["title"]["zh"] and item["title"]["en"] and item["key_points"] for item in items)
    for query, found in (("kind=elevator", 4), ("q=lift-1", 1), ("q=低区", 1), ("space=b1", 0), ("kind=boat", 0)):
        assert len(guard.get(f"/api/v1/assets?{query}").json()["items"]) >= found
    assert guard.get("/api/v1/assets?kind=boat").json()["items"] == []


def test_a_machine_that_never_spoke_is_unknown_then_alive_then_offline(house: ApiHouse, guard: httpx.Client) -> None:
    assert guard.get("/api/v1/assets/pump-2").json()["status"] == "unknown"
    house.say("pump-2", p_out=0.48)
    point = heard(guard, "pump-2", "p_out", 0.48)
    assert (point["quality"], point["stale"], point["unit"], point["source"]) == ("good", False, "MPa", "live")
    assert point["at_ms"] == house.clock.now_ns() // MS
    assert guard.get("/api/v1/assets/pump-2").json()["status"] in ("idle", "running")
    house.clock.advance(3600)
    silent = guard.get("/api/v1/assets/pump-2").json()
    assert silent["status"] == "offline"
    assert next(p for p in silent["points"] if p["key"] == "p_out")["stale"]


def test_a_bad_reading_shows_no_number(house: ApiHouse, guard: httpx.Client) -> None:
    house.say("pump-1", p_out=0.4)
    heard(guard, "pump-1", "p_out", 0.4)
    house.clock.advance(1)
    house.say("pump-1", Quality.BAD, p_out=float("nan"))
    point = heard(guard, "pump-1", "p_out", None)
    assert (point["quality"], point["value"]) == ("bad", None)


def test_a_machine_names_the_device_that_speaks_for_it(guard: httpx.Client) -> None:
    (device,) = guard.get("/api/v1/assets/lift-3").json()["devices"]
    assert (device["id"], device["protocol"]) == ("lift-3-plc", "modbus")
    assert device["address"].startswith("tcp://127.0.0.1:15021")


@pytest.fixture(scope="module")
def told(house: ApiHouse) -> tuple[int, int, int]:
    """(point id, from_ms, to_ms): 400 readings of lift-1.motor_temp over 400 minutes, some bad."""
    point = house.estate.by_key["lift-1", "motor_temp"].id
    start = (house.clock.now_ns() // MS // 3_600_000 - 24) * 3_600_000
    times = [start * MS + n * MINUTE * MS for n in range(400)]
    values = [40 + 10 * np.sin(n / 30) for n in range(400)]
    quality = [Quality.BAD if n % 50 == 7 else Quality.GOOD for n in range(400)]
    values = [float("nan") if q else v for v, q in zip(values, quality, strict=True)]
    house.store.write(ReadingBatch.of([point] * 400, times, values, quality), house.journal.last(0))
    return point, start, start + 400 * MINUTE


def test_raw_readings_are_the_stores_own(house: ApiHouse, guard: httpx.Client, told: tuple[int, int, int]) -> None:
    point, start, end = told
    answer = guard.get(f"/api/v1/points/{point}/readings?from_ms={start}&to_ms={end}").json()
    own = house.store.read(point, start * MS, end * MS)
    assert (answer["key"], answer["unit"], answer["truncated"], answer["buckets"]) == ("motor_temp", "°C", False, None)
    assert answer["raw"]["t"] == (own.times // MS).tolist()
    assert len(answer["raw"]["t"]) == 400
    assert answer["raw"]["v"] == [None if np.isnan(v) else v for v in own.values.tolist()]
    assert answer["raw"]["q"].count(2) == 8


def test_the_range_is_half_open(guard: httpx.Client, told: tuple[int, int, int]) -> None:
    point, start, _ = told
    answer = guard.get(f"/api/v1/points/{point}/readings?from_ms={start}&to_ms={start + MINUTE}").json()
    assert answer["raw"]["t"] == [start]


def test_buckets_are_the_stores_own(house: ApiHouse, guard: httpx.Client, told: tuple[int, int, int]) -> None:
    point, start, end = told
    every = 10 * MINUTE
    answer = guard.get(f"/api/v1/points/{point}/readings?from_ms={start}&to_ms={end}&every_ms={every}").json()
    own = house.store.downsample(point, start * MS, end * MS, every * MS)
    buckets = answer["buckets"]
    assert answer["raw"] is None
    assert buckets["t"] == (own.starts // MS).tolist()
    for name in ("mean", "min", "max", "count"):
        assert buckets[name] == getattr(own, name).tolist()
    assert sum(buckets["count"]) == 392, "bad readings count for nothing"
    both = guard.get(
        f"/api/v1/assets/lift-1/readings?points=motor_temp,load&from_ms={start}&to_ms={end}&every_ms={every}"
    ).json()["series"]
    assert both["motor_temp"]["buckets"] == buckets
    assert both["load"]["buckets"]["t"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from_ms=5&to_ms=5", "to_ms"),
        ("from_ms=9&to_ms=5", "to_ms"),
        ("from_ms=0&to_ms=9999999999999&every_ms=100", "every_ms"),
        ("from_ms=0&to_ms=9&every_ms=1", "every_ms"),
        ("from_ms=0&to_ms=9&every_ms=0", "every_ms"),
        ("from_ms=0&to_ms=9&every_ms=1e999", "every_ms"),
        ("from_ms=-1&to_ms=9", "from_ms"),
        ("from_ms=yesterday&to_ms=9", "from_ms"),
        ("from_ms=0&to_ms=99999999999999999999999999", "to_ms"),
        ("to_ms=9", "from_ms"),
    ],
)
def test_a_wrong_range_names_its_field(guard: httpx.Client, query: str, field: str) -> None:
    body = problem_of(guard.get(f"/api/v1/points/1/readings?{query}"), 422, "refused")
    assert field in body["detail"] or body["facts"].get("field") == field, body


def test_a_long_answer_is_cut_and_says_so(house: ApiHouse, guard: httpx.Client) -> None:
    point = house.estate.by_key["lift-2", "speed"].id
    start = house.clock.now_ns() // MS - 30_000_000
    n = 20_001
    times = (np.arange(n, dtype=np.int64) + start) * MS
    batch = ReadingBatch(np.full(n, point, np.uint32), times, np.zeros(n), np.zeros(n, np.uint8))
    house.store.write(batch, house.journal.last(0))
    answer = guard.get(f"/api/v1/points/{point}/readings?from_ms={start}&to_ms={start + n}").json()
    assert answer["truncated"]
    assert len(answer["raw"]["t"]) == 20_000


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/assets/nobody",
        "/api/v1/assets/nobody/readings?points=x&from_ms=0&to_ms=1",
        "/api/v1/assets/lift-1/readings?points=nothing&from_ms=0&to_ms=1",
        "/api/v1/points/999999/readings?from_ms=0&to_ms=1",
        "/api/v1/points/9999999999999999999999/readings?from_ms=0&to_ms=1",
        "/api/v1/kinds/boat",
        "/api/v1/alarms/al_0",
        "/api/v1/work-orders/WO-000000-000",
        "/api/v1/work-orders/WO-000000-000/history",
        "/api/v1/assets/x'%20OR%20'1'='1",
        "/api/v1/alarms/al_0;select%20pg_sleep(10)",
        "/api/v1/assets/..%2f..%2fetc%2fpasswd",
    ],
)
def test_what_is_not_there_is_404(guard: httpx.Client, path: str) -> None:
    problem_of(guard.get(path), 404, "not_found")


def test_the_answer_carries_the_servers_time(house: ApiHouse, guard: httpx.Client) -> None:
    assert int(guard.get("/api/v1/site").headers["x-caretaker-now"]) == house.clock.now_ns() // MS
