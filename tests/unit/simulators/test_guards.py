"""Simulated guards: what each manner does to a round, what a scenario may say of them, what lies on their phones."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import random
import stat
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from caretaker.adapters.signatures import verify_signature
from caretaker.domain.errors import ConfigurationError
from caretaker.domain.passwords import pin_weakness
from caretaker.domain.rounds import chain
from caretaker.domain.rounds.checkpoints import Place
from caretaker.domain.rounds.scans import Answer, Scan, TokenType
from caretaker.domain.rounds.walking import walk_s
from simulators.guards import Deed, itinerary
from simulators.guards.answers import answer
from simulators.guards.itinerary import TAINTED
from simulators.guards.phone import Memory, Phone, canonical
from simulators.guards.picture import snapshot
from simulators.scenario import read_scenario
from tests.factories import demo_kinds, demo_site
from tests.unit.simulators.watch import ROOT, ZONE, machine_of

Check = dict[str, Any]
STOPS = [f"cp-{number}" for number in range(8)]
PLACES = {stop: Place(40.0 * row, 15.0 * row, row % 3) for row, stop in enumerate(STOPS)}


@pytest.mark.parametrize("manner", list(Deed))
def test_every_manner_makes_a_round_of_its_own(manner: Deed) -> None:
    steps = itinerary(STOPS, PLACES, manner, random.Random(3))
    deeds = {step.deed for step in steps}
    match manner:
        case Deed.ASLEEP:
            assert steps == []
        case Deed.SKIPPED:
            assert 0 < len(steps) < len(STOPS)
            assert deeds == {Deed.HONEST}, "what is left out leaves nothing behind"
        case Deed.HONEST:
            assert deeds == {Deed.HONEST}
        case _:
            assert len(steps) == len(STOPS)
            assert manner in deeds & TAINTED
    assert all(step.there for step in steps if step.deed is Deed.HONEST)


def test_honest_people_walk_no_faster_than_people_walk() -> None:
    dice = random.Random(5)
    for _ in range(200):
        steps = itinerary(STOPS, PLACES, Deed.HONEST, dice)
        for before, after in itertools.pairwise(steps):
            apart = walk_s(PLACES[before.checkpoint], PLACES[after.checkpoint])
            assert before.look_s + after.way_s > apart
    assert max(step.way_s for step in itinerary(STOPS, PLACES, Deed.BOOTH, dice)) < 6


def _scenario(folder: Path, guards: object) -> Path:
    path = folder / "scenario.yaml"
    path.write_text(json.dumps({"title": "t", "steps": [], "guards": guards}), encoding="utf-8")
    return path


def _read(path: Path) -> object:
    kinds = demo_kinds()
    return read_scenario(path, {asset.id: kinds[asset.kind] for asset in demo_site().assets}, {}).guards


def test_the_demo_casts_people_and_plans_that_exist() -> None:
    faults: Mapping[str, Mapping[str, str]] = {
        asset.id: machine_of(asset.id).model.faults for asset in demo_site().assets
    }
    kinds = {asset.id: demo_kinds()[asset.kind] for asset in demo_site().assets}
    guards = read_scenario(ROOT / "simulators" / "scenarios" / "demo.yaml", kinds, faults).guards
    people = (ROOT / "sites" / "demo" / "people.yaml").read_text(encoding="utf-8")
    rounds = (ROOT / "sites" / "demo" / "rounds.yaml").read_text(encoding="utf-8")
    assert all(f"id: {part.person}," in people for part in guards)
    assert all(f"id: {plan}\n" in rounds for part in guards for plan in part.plans)
    manners = [manner for part in guards for manner in part.manners]
    assert {Deed.BOOTH, Deed.CLOCK, Deed.COPIED, Deed.SKIPPED, Deed.HONEST} <= set(manners)
    assert guards[0].manners == (Deed.HONEST,), "most are honest"


@pytest.mark.parametrize(
    ("guards", "says"),
    [
        ("nobody", "expected a list of people"),
        ([{"person": "sun-lei", "plans": ["a"]}], "manners"),
        ([{"person": "sun-lei", "plans": [], "manners": ["honest"]}], "expected a list of words"),
        ([{"person": "sun-lei", "plans": ["a"], "manners": ["sly"]}], "booth"),
        ([{"person": "sun-lei", "plans": ["a"], "manners": ["honest"], "shoes": 1}], "unknown key"),
        ([7], "expected a mapping"),
    ],
)
def test_a_wrong_cast_is_refused_by_its_place(tmp_path: Path, guards: object, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        _read(_scenario(tmp_path, guards))


def test_no_guards_unless_the_scenario_has_some(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text('{"title": "t", "steps": []}', encoding="utf-8")
    assert _read(path) == ()


def _phone(folder: Path) -> Phone:
    return Phone(folder / "sun-lei.json", "http://127.0.0.1:9", Memory("sun-lei", "ph-1", "274915", 12345))


def test_a_phone_signs_what_the_house_checks(tmp_path: Path) -> None:
    """Both sides write the text by themselves; here they meet."""
    phone = _phone(tmp_path)
    given = {"check": "gauge", "result": "ok", "value": 0.5, "reason": "压力正常", "photos": ["ab" * 32]}
    written: dict[str, Any] = {
        "id": "11111111-2222-3333-4444-555555555555",
        "round": "r@1",
        "checkpoint": "cp-1",
        "photos": [],
    }
    written |= {"token": "ct1.cp-1.0.x", "token_type": "printed", "position": None, "answers": [given]}
    written |= phone.stamp()
    for number, foreign in ((1, False), (2, True)):
        phone.scan(written, foreign_key=foreign)
        sent = phone.memory.waiting
        assert sent is not None
        scan = Scan(
            id=sent["id"],
            site="demo",
            person="sun-lei",
            phone="ph-1",
            token=sent["token"],
            token_type=TokenType.PRINTED,
            device_ns=sent["device_ms"] * 10**6,
            monotonic_ms=float(sent["monotonic_ms"]),
            boot=sent["boot"],
            counter=sent["counter"],
            previous=sent["previous"],
            signature=sent["signature"],
            round=sent["round"],
            checkpoint=sent["checkpoint"],
            answers=(Answer("gauge", "ok", 0.5, "压力正常", ("ab" * 32,)),),
        )
        assert sent["counter"] == number
        assert chain.canonical(scan) == canonical(sent, sent["counter"], sent["previous"])
        key = phone.public_key()
        assert verify_signature(key, chain.canonical(scan), sent["signature"]) is not foreign
        assert phone.memory.previous == chain.hash_of(scan)
    phone.close()


def test_a_phone_outlives_its_process_and_is_nobody_elses(tmp_path: Path) -> None:
    phone = _phone(tmp_path)
    phone.memory.cookies["caretaker_session"] = "s"
    phone.keep()
    phone.close()
    path = tmp_path / "sun-lei.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = Phone.remember(path, "http://127.0.0.1:9")
    assert again is not None
    assert again.memory == phone.memory
    assert again.public_key() == phone.public_key()
    again.forget()
    again.close()
    assert Phone.remember(path, "http://127.0.0.1:9") is None
    assert pin_weakness(phone.memory.pin) is None


def test_no_two_photos_are_the_same_and_each_knows_its_time() -> None:
    dice, taken = random.Random(1), datetime(2026, 11, 25, 21, 5, tzinfo=ZONE)
    shots = [snapshot("b1-lobby", taken, dice) for _ in range(5)]
    assert len({hashlib.sha256(shot).hexdigest() for shot in shots}) == 5
    picture = Image.open(io.BytesIO(shots[0]))
    assert picture.getexif().get_ifd(0x8769)[0x9003] == "2026:11:25 21:05:00"
    assert len(shots[0]) < 60_000


def test_answers_come_from_the_machine() -> None:
    machine, dice = machine_of("pump-1"), random.Random(2)
    machine.show()
    gauge = {"id": "gauge", "type": "number", "limits": [0.2, 1.2], "point": "p_out", "choices": []}
    made = answer(gauge, machine, None, dice, trouble=False)
    assert made is not None
    assert made["value"] == pytest.approx(float(machine.shown["p_out"]), rel=0.02)
    yes_no: Check = {"id": "leak", "type": "yes_no", "limits": None, "point": None, "choices": []}
    wrong = answer(yes_no, machine, "ab" * 32, dice, trouble=True)
    assert wrong is not None
    assert wrong["result"] == "not_ok"
    assert wrong["photos"] == ["ab" * 32]
    photo: Check = {"id": "shot", "type": "photo", "limits": None, "point": None, "choices": []}
    without = answer(photo, machine, None, dice, trouble=False)
    assert without is not None
    assert without["result"] == "cannot"
    assert without["reason"]
