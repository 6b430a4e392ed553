"""Simulated guards in the whole house: they get phones, walk and cheat, and the page's own interface tells them apart."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from simulators.truth import read_deeds
from tests.e2e.house import House
from tests.e2e.patrol import Desk, sit_down

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

GUARDS = [
    {"person": "sun-lei", "plans": ["north-hourly"], "manners": ["honest"]},
    {"person": "guo-qiang", "plans": ["basement-hourly", "north-hourly"], "manners": ["booth"]},
    # one hour may end just now: at least one honest round and one for the booth are open at any time
    {"person": "zhou-jianguo", "plans": ["plant-hourly"], "manners": ["honest"]},
]


def deeds(house: House) -> Sequence[Mapping[str, object]]:
    path = house.folder / "data" / "truth.jsonl"
    return read_deeds(path) if path.exists() else []


def test_the_house_tells_the_honest_from_the_booth(tmp_path: Path) -> None:
    house = House(tmp_path, [], GUARDS)
    house.start()
    try:
        with sit_down(house) as desk:
            # three in the booth within seconds, one honest scan with its finding beside
            until(lambda: enough(house, desk))
            known = {scan["id"]: scan for scan in desk.call("GET", "/scans?limit=500")["items"]}
            done = [deed for deed in deeds(house) if deed["id"] in known]
            booth = [known[deed["id"]] for deed in done if deed["deed"] == "booth"]
            honest = [known[deed["id"]] for deed in done if deed["deed"] == "honest"]
            assert sum(reasons(scan) >= {"too_fast"} for scan in booth) >= 2
            assert not any(scan["verdict"]["suspicious"] for scan in honest), honest
            assert not {"bad_signature", "unsigned", "broken_chain", "replay"} & set().union(
                *map(reasons, known.values())
            )
            assert {scan["person"] for scan in booth} == {"guo-qiang"}
            rounds = {walk["id"]: walk for walk in desk.call("GET", "/rounds")["items"]}
            assert all(rounds[deed["round"]]["person"] == deed["person"] for deed in done)
            phones = desk.call("GET", "/phones")["items"]
            assert all(phone["signed"] for phone in phones)
            assert len(phones) == len(GUARDS)
        secrets = [path for path in (house.folder / "data" / "guards").glob("*.json") if path.name != "wanted.json"]
        assert all(path.stat().st_mode & 0o077 == 0 for path in secrets)
    finally:
        house.kill9()


def reasons(scan: Mapping[str, object]) -> set[str]:
    verdict = scan["verdict"]
    assert isinstance(verdict, dict)
    return {doubt["reason"] for doubt in verdict["doubts"]}


def enough(house: House, desk: Desk) -> bool:
    told = [deed["deed"] for deed in deeds(house)]
    if told.count("booth") < 4 or "honest" not in told:
        return False
    known = {scan["id"] for scan in desk.call("GET", "/scans?limit=500")["items"]}
    return all(deed["id"] in known for deed in deeds(house) if deed["deed"] in ("booth", "honest"))


def until(holds: object) -> None:
    assert callable(holds)
    end = time.monotonic() + 180
    while not holds():
        assert time.monotonic() < end, "the guards did not walk"
        time.sleep(1)
