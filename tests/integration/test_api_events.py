"""The live line: everything once and in order, whoever was away; a reader that does not read costs nobody anything."""

from __future__ import annotations

import itertools
import json
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.events import KEPT
from caretaker.domain.people import Role
from tests.integration.api_house import MS, ApiHouse, Event, api_house, events

EVENTS = "/api/v1/events"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with api_house(tmp_path_factory.mktemp("events")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def later(house: ApiHouse) -> Iterator[None]:
    """Each test has its own minute and leaves no alarm behind."""
    house.clock.advance(60)
    yield
    with house.transactions.begin(write=False) as unit:
        active = unit.alarms.list(active=True)
    house.clock.advance(1)
    for alarm in active:
        house.cleared(alarm.asset, alarm.rule)


def newest(house: ApiHouse) -> int:
    with house.transactions.begin(write=False) as unit:
        return unit.outbox.last_id()


def until(told: Iterator[Event], name: str) -> Event:
    """The next event of this name."""
    return next(event for event in told if event.name == name)


def test_the_page_gets_everything_then_each_change_within_a_second(house: ApiHouse) -> None:
    house.say("pump-1", p_out=0.41, flow=12.0)
    with house.client(Role.GUARD) as client, client.stream("GET", EVENTS) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = events(answer)
        assert next(told).name == "hello"
        assert next(told).name == "health"
        full = next(told)
        assert (full.name, full.id, full.body["full"]) == ("values", None, True)
        at = house.clock.now_ns() // MS
        point = house.estate.by_key["pump-1", "p_out"].id
        assert [point, at, 0.41, 0, None] in full.body["points"]

        house.clock.advance(1)
        house.say("pump-1", p_out=0.39)
        said = time.monotonic()
        changed = until(told, "values")
        assert time.monotonic() - said < 1.0
        assert changed.body["full"] is False
        assert changed.body["points"] == [[point, at + 1000, 0.39, 0, None]]


def test_the_first_word_of_a_silent_estate_is_told_too(tmp_path: Path) -> None:
    with api_house(tmp_path) as silent, silent.client(Role.GUARD) as client, client.stream("GET", EVENTS) as answer:
        told = events(answer)
        full = until(told, "values")
        assert full.body["points"] == []
        silent.say("gate-1", temp=21.0)
        changed = until(told, "values")
        assert changed.body["points"][0][2] == 21.0


def test_an_alarm_and_its_order_arrive_whole_and_in_order(house: ApiHouse) -> None:
    with house.client(Role.GUARD) as client, client.stream("GET", EVENTS) as answer:
        told = events(answer)
        until(told, "values")
        alarm = house.raised("pump-1", "low_pressure", "p_out", 0.2, 0.3)
        said = time.monotonic()
        first, second = itertools.islice((e for e in told if e.id is not None), 2)
        assert time.monotonic() - said < 1.0
    assert [first.body["type"], second.body["type"]] == ["work_order.opened", "alarm.raised"]
    assert second.body["alarm"]["id"] == alarm.id
    assert second.body["alarm"]["evidence"][0]["value"] == 0.2
    assert first.body["work_order"]["id"] == alarm.work_order


def test_who_was_away_gets_what_happened_once_and_in_order(house: ApiHouse) -> None:
    """Broken off and back again and again, while things happen in between and meanwhile: each id once, ascending."""
    seen: list[int] = []
    before = newest(house)
    with house.client(Role.GUARD) as client:
        with client.stream("GET", EVENTS) as answer:
            cursor = next(events(answer)).id
        assert cursor is not None
        for round_ in range(4):
            house.clock.advance(1)
            house.raised("pump-1", "low_pressure", "p_out", 0.2, 0.3)
            house.clock.advance(1)
            house.cleared("pump-1", "low_pressure")
            with client.stream("GET", EVENTS, headers={"Last-Event-ID": str(cursor)}) as answer:
                told = events(answer)
                hello = next(told)
                assert (hello.body["resync"], hello.body["cursor"]) == (False, cursor)
                kept = (e for e in told if e.id is not None)
                mine = [e.id for e in itertools.islice(kept, 4)]
                if round_ % 2:  # something happens while it listens
                    house.clock.advance(1)
                    house.raised("pump-2", "low_pressure", "p_out", 0.2, 0.3)
                    house.clock.advance(1)
                    house.cleared("pump-2", "low_pressure")
                    mine += [e.id for e in itertools.islice(kept, 4)]
            seen += [i for i in mine if i is not None]
            cursor = seen[-1]
    with house.transactions.begin(write=False) as unit:
        committed = [notice.id for notice in unit.outbox.since(before)]
    assert seen == committed


def test_who_was_away_for_too_long_is_told_to_start_afresh(house: ApiHouse) -> None:
    first = newest(house)
    with house.transactions.begin() as unit:
        for n in range(KEPT + 1):
            unit.outbox.add(f"away{n}", "alarm.raised", house.clock.now_ns(), {"alarm": "al_0"})
    with house.client(Role.GUARD) as client:
        for last, resync in ((str(first), True), (str(first + 1), False), (str(10**12), True), ("nonsense", False)):
            with client.stream("GET", EVENTS, headers={"Last-Event-ID": last}) as answer:
                hello = next(events(answer))
                assert hello.body["resync"] is resync, last


def test_a_stream_too_far_behind_for_the_hubs_memory_reads_on_from_sql(house: ApiHouse) -> None:
    """More than the hub keeps happens between two of its looks: nobody misses any of it."""
    with house.client(Role.GUARD) as client, client.stream("GET", EVENTS) as answer:
        told = events(answer)
        until(told, "values")
        n, first = KEPT + 300, newest(house) + 1
        with house.transactions.begin() as unit:
            for number in range(n):
                unit.outbox.add(f"burst{number}", "alarm.raised", house.clock.now_ns(), {"alarm": "al_0"})
        ids = [e.id for e in itertools.islice((e for e in told if e.id is not None), n)]
    assert ids == list(range(first, first + n))


def test_the_health_of_the_parts_is_told(house: ApiHouse) -> None:
    with house.client(Role.GUARD) as client, client.stream("GET", EVENTS) as answer:
        health = until(events(answer), "health")
    assert health.body["parts"]["journal"]["status"] == "ok"
    assert health.body["parts"]["gateway"]["status"] == "down", "no gateway runs in this house"


@pytest.mark.faults
def test_a_client_that_never_reads_costs_no_memory_delays_nobody_and_misses_nothing(house: ApiHouse) -> None:
    """Far more is told than the kernel buffers for it; when it reads at last, every event is there, once, in order."""
    alarm = house.raised("pump-1", "low_pressure", "p_out", 0.2, 0.3)
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect(("127.0.0.1", int(house.base.rpartition(":")[2])))
    deaf.settimeout(20)
    deaf.sendall(
        f"GET {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token(Role.GUARD)}\r\n\r\n".encode()
    )
    padding = "x" * 4000
    rounds, each = 6, 400
    told_bytes = 0
    with house.client(Role.GUARD) as client, client.stream("GET", EVENTS) as answer:
        told = events(answer)
        until(told, "values")
        before = resident_mb()
        for turn in range(rounds):
            with house.transactions.begin() as unit:
                for n in range(each):
                    facts = {"alarm": alarm.id, "padding": padding}
                    unit.outbox.add(f"k{turn}.{n}", "alarm.raised", house.clock.now_ns(), facts)
            said = time.monotonic()
            for event in itertools.islice((e for e in told if e.id is not None), each):
                told_bytes += len(json.dumps(event.body))
            assert time.monotonic() - said < 3.0, "the others wait for the deaf one"
        grown = resident_mb() - before
    most_buffered = int(Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2])
    assert told_bytes > 2 * most_buffered, "the fault took effect: the kernel could not swallow it all"
    assert grown < 60, f"{grown:.0f} MB after {told_bytes / 1e6:.0f} MB were told"

    got = b""
    ids: list[int] = []
    while len(ids) < rounds * each:
        got += deaf.recv(1 << 16)
        *lines, got = got.split(b"\n")
        ids += [int(line[4:]) for line in lines if line.startswith(b"id: ")]
    deaf.close()
    assert ids[1:] == sorted(set(ids[1:])), "each once, ascending (the first is the cursor of hello)"


def resident_mb() -> float:
    """Memory of this process, the server in it."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def test_stopping_ends_all_streams_in_three_seconds(tmp_path: Path) -> None:
    """Also that of a client that does not read."""
    ended = threading.Event()
    with api_house(tmp_path) as house:
        client = house.client(Role.GUARD)
        host, port = "127.0.0.1", int(house.base.rpartition(":")[2])
        deaf = socket.create_connection((host, port))
        token = house.token(Role.GUARD)
        deaf.sendall(f"GET {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())

        def listen() -> None:
            with client.stream("GET", EVENTS) as answer:
                for _ in events(answer):
                    pass
            ended.set()

        thread = threading.Thread(target=listen)
        thread.start()
        time.sleep(0.5)
        assert thread.is_alive()
        asked = time.monotonic()
    took = time.monotonic() - asked
    thread.join(5)
    client.close()
    deaf.close()
    assert ended.is_set(), "the stream ended cleanly"
    assert took < 3.0, f"{took:.1f} s"


def test_a_stranger_gets_no_stream(house: ApiHouse) -> None:
    assert httpx.get(house.base + EVENTS).status_code == 401
