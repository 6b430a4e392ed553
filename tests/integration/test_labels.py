"""Labels over HTTP: what the page prints is what the house believes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zxingcpp

from caretaker.adapters.key_ring import KeyRing
from caretaker.domain.people import Role
from caretaker.domain.rounds.codes import check
from caretaker.domain.rounds.scans import Reason, TokenType
from tests.integration.api_house import ApiHouse, api_house, problem_of

API = "/api/v1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("labels")


@pytest.fixture(scope="module")
def house(folder: Path) -> Iterator[ApiHouse]:
    with api_house(folder) as opened:
        with opened.client(Role.SUPERVISOR) as client:
            for name in ("plant-room", "roof"):
                title = {"zh": f"点位 {name}", "en": f"Point {name}"}
                body = {"id": name, "title": title, "space": "b1-f1", "use_kind_checks": False}
                assert client.post(f"{API}/checkpoints", json=body).status_code == 200
        yield opened


def drawn(svg: str, scale: int = 2) -> np.ndarray:
    """The grey picture of an SVG as segno writes it: lines of one unit, `M`, `h` and relative `m`."""
    found = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    assert found is not None
    picture = np.full((int(found[2]), int(found[1])), 255, np.uint8)
    path = re.findall(r' d="(M[^"]+)"', svg)[-1]
    x = y = 0.0
    for step, numbers in re.findall(r"([Mmh])([^Mmh]*)", path):
        given = [float(number) for number in re.findall(r"-?[\d.]+", numbers)]
        if step == "h":
            picture[int(y), int(x) : int(x + given[0])] = 0
            x += given[0]
        else:
            x, y = given if step == "M" else (x + given[0], y + given[1])
    return picture.repeat(scale, 0).repeat(scale, 1)


def test_a_printed_code_is_read_back_and_proves_its_place_until_it_is_reprinted(house: ApiHouse, folder: Path) -> None:
    with house.client(Role.SUPERVISOR) as client:
        labels = client.get(f"{API}/labels", params={"checkpoints": ["roof", "plant-room"]}).json()["items"]
        assert [label["checkpoint"] for label in labels] == ["roof", "plant-room"]
        for label in labels:
            (code,) = zxingcpp.read_barcodes(drawn(label["svg"]))
            assert code.text == label["url"]
            assert code.ec_level in ("Q", "H")
            assert label["url"].startswith(f"{house.base}/s/ct1.{label['checkpoint']}.0.")
            assert re.fullmatch(r"\d{6}", label["short_code"])
        client.post(f"{API}/checkpoints/roof/reprint")
        (again,) = client.get(f"{API}/labels", params={"checkpoints": "roof"}).json()["items"]

    site = house.estate.site.id
    keys = KeyRing(folder / "keys").keys(site)
    with house.transactions.begin(write=False) as unit:
        places = unit.checkpoints.list(site)
    now_ns = house.clock.now_ns()
    assert check(labels[1]["url"], TokenType.PRINTED, site, places, keys, now_ns).checkpoint == "plant-room"
    assert check(labels[0]["url"], TokenType.PRINTED, site, places, keys, now_ns).doubt is Reason.WITHDRAWN_CODE
    assert check(again["url"], TokenType.PRINTED, site, places, keys, now_ns).doubt is None
    assert again["code_version"] == 1


def test_without_names_all_places_are_printed_and_an_unknown_name_is_refused(house: ApiHouse) -> None:
    with house.client(Role.MANAGER) as client:
        assert len(client.get(f"{API}/labels").json()["items"]) == 2
        problem_of(client.get(f"{API}/labels", params={"checkpoints": "moon"}), 404, "not_found")


def test_the_link_for_a_phone_comes_as_a_code_that_reads_the_same(house: ApiHouse) -> None:
    with house.client(Role.ADMIN) as client:
        client.post(f"{API}/people", json={"id": "li", "name": "李强", "role": "guard"})
        made = client.post(f"{API}/people/li/enrolment").json()
    (code,) = zxingcpp.read_barcodes(drawn(made["svg"]))
    assert code.text == made["url"]
    assert made["code"] in made["url"].partition("#")[2]
