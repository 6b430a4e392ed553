"""Phones upload while the service is killed, the database loses power and lines break: no scan is lost, none doubled."""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from caretaker.adapters.photo_files import PhotoFolder
from caretaker.domain.rounds.rounds import RoundState
from caretaker.domain.rounds.scans import Reason
from caretaker.services import audit
from simulators.guards.phone import Phone
from tests.reliability.uploads import GUARDS, MS, SITE, STOPS, ZONE, Diary, Door, Sender, cut_power, write
from tests.servers.databases import Postgres

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

KILLS = {"sqlite": ("house", "house"), "postgresql": ("database", "house", "database")}
"""What is killed, in this order, while phones send."""


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Postgres | None]:
    """A server of one's own, because it is killed; None: SQLite."""
    if request.param == "sqlite":
        yield None
        return
    with Postgres() as server:
        yield server


def equipped(folder: Path, database: Postgres | None) -> tuple[Door, list[tuple[Phone, Diary]]]:
    """The door open, four guards with phones whose rounds are written down and wait."""
    url = ""
    if database is not None:
        database.execute('CREATE DATABASE "uploads"')
        url = database.url("uploads")
    door = Door(folder, url)
    given = door.prepare()
    door.start()
    tokens = door.tokens()
    phones = []
    for number, person in enumerate(GUARDS):
        walk, code = given[person]
        phone = Phone.enrol(folder / f"{person}.json", door.url, person, code, "test")
        points = phone.today()["checkpoints"]
        checks = {stop: [c["id"] for c in points[stop]["checks"] if c["type"] == "yes_no"] for stop in STOPS}
        phones.append((phone, write(phone, walk, tokens, checks, number)))
    return door, phones


def test_every_scan_exactly_once(tmp_path: Path, database: Postgres | None) -> None:
    began = time.monotonic()
    door, phones = equipped(tmp_path, database)
    senders = [Sender(door.url, phone.memory.cookies, diary.jobs, n) for n, (phone, diary) in enumerate(phones)]
    total, caught = sum(len(sender.jobs) for sender in senders), []
    try:
        for sender in senders:
            sender.start()
        kills = KILLS["sqlite" if database is None else "postgresql"]
        for row, victim in enumerate(kills, start=1):
            wait_for(senders, total * row // (len(kills) + 2))
            caught.append(sum(sender.sending for sender in senders))
            if database is not None and victim == "database":
                cut_power(database)
            else:
                door.kill9()
                door.start()
        for sender in senders:
            sender.join(180)
        said = sum((sender.said for sender in senders), Counter[str]())
        assert [sender.trouble for sender in senders] == [None] * len(senders)
        # the faults took effect
        assert sum(caught) > 0, "somebody was sending when it was killed"
        assert said["cut in the body"] > 0
        assert said["answer lost"] > 0
        assert said["duplicate"] > 0, "at least one scan came again and was known"
        assert sum(said[kind] for kind in ("ConnectError", "ReadError", "RemoteProtocolError", "503", "500")) > 0
        everything_is_there(door, [diary for _, diary in phones])
    finally:
        door.stop()
        for phone, _ in phones:
            phone.close()
    name = "SQLite" if database is None else "PostgreSQL"
    print(
        f"{name}: {len(phones) * len(STOPS)} scans, {len(kills)} kills with {caught} requests under way, {dict(said)}; "
    )
    print(f"lost 0, doubled 0, in {time.monotonic() - began:.1f} s")


def wait_for(senders: list[Sender], jobs: int) -> None:
    """Until so many jobs are through and somebody is in the middle of one."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if all(not sender.is_alive() for sender in senders):
            return
        if sum(sender.sent for sender in senders) >= jobs and any(sender.sending for sender in senders):
            return
        time.sleep(0.002)


def everything_is_there(door: Door, diaries: list[Diary]) -> None:
    """Each scan once, as it was written, in its order; one finding, one order, one notice for what happened once."""
    with door.transactions() as opened, opened.begin(write=False) as unit:
        kept = unit.scans.list(SITE, limit=1000)
        notices = Counter(notice.key for notice in unit.outbox.since(0, 10_000))
        findings = unit.findings.list(SITE, limit=1000)
        orders = unit.work_orders.list(limit=1000)
        walks = {diary.round: unit.rounds.get(diary.round) for diary in diaries}
        photos = {name: unit.photos.get(name) for diary in diaries for name in diary.photos}
        report = audit.verify(opened)
    written = {scan["id"]: scan for diary in diaries for scan in diary.scans}
    assert sorted(each.scan.id for each in kept) == sorted(written)
    for diary in diaries:
        mine = sorted((each for each in kept if each.scan.person == diary.person), key=lambda e: e.scan.counter)
        assert [each.scan.id for each in mine] == [scan["id"] for scan in diary.scans]
        assert [each.scan.device_ns // MS for each in mine] == [scan["device_ms"] for scan in diary.scans]
        received = [each.scan.received_ns for each in mine]
        assert received == sorted(received), "taken in the order in which they were written"
        assert all(each.scan.received_ns > each.scan.device_ns for each in mine)
        reasons = {doubt.reason for each in mine if each.verdict for doubt in each.verdict.doubts}
        assert not reasons & {Reason.REPLAY, Reason.BROKEN_CHAIN, Reason.COUNTER_GAP, Reason.DUPLICATE}, reasons
        walk = walks[diary.round]
        assert walk.state is RoundState.FINISHED
        assert [visit.scan for visit in walk.visits] == [scan["id"] for scan in diary.scans]
        assert [visit.scanned_ns for visit in walk.visits if visit.scanned_ns] == [
            each.verdict.at_ns for each in mine if each.verdict
        ]
        assert notices[f"round.finished:{diary.round}:{len(STOPS)}"] == 1
    wrong = [
        (scan["id"], scan["checkpoint"])
        for scan in written.values()
        for a in scan["answers"]
        if a["result"] == "not_ok"
    ]
    assert sorted(finding.scan for finding in findings) == sorted(scan for scan, _ in wrong)
    # what four guards find at the same place is one order
    assert len(orders) == len({place for _, place in wrong})
    assert all(finding.work_order in {order.id for order in orders} for finding in findings)
    told = Counter(key.split(":")[1] for key in notices.elements() if key.startswith("scan."))
    assert told == Counter(dict.fromkeys(written, 1))
    assert all(photo is not None for photo in photos.values())
    folder = PhotoFolder(door.data / "photos", str(ZONE))
    for name in photos:
        Image.open(io.BytesIO(folder.read(name))).load()
    assert report.flaw is None, report


def test_a_new_id_for_every_try_is_caught(tmp_path: Path) -> None:
    """The mistake on purpose: a phone that makes a new id when it sends again has its scans twice."""
    door, phones = equipped(tmp_path, None)
    try:
        phone, diary = phones[0]
        sender = Sender(door.url, phone.memory.cookies, diary.jobs, 4, fresh_ids=True)
        sender.start()
        sender.join(180)
        assert sender.trouble is None
        assert sender.said["answer lost"] > 0
        with door.transactions() as opened, opened.begin(write=False) as unit:
            assert len(unit.scans.list(SITE, limit=1000)) > len(diary.scans)
        with pytest.raises(AssertionError):
            everything_is_there(door, [diary])
    finally:
        door.stop()
        for phone, _ in phones:
            phone.close()
