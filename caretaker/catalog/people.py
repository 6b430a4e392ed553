"""A site's people.yaml -> teams, shifts, persons (without passwords: those are never in a file)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any, Final

from caretaker.catalog.problems import ROOT, Problems, expected, unique
from caretaker.catalog.rule import text_of
from caretaker.catalog.yaml_file import read_yaml
from caretaker.domain.people import Person, Role, Shift, Team

SCHEMA: Final = ROOT / "sites" / "people.schema.json"
FILE: Final = "people.yaml"
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class PeopleFile:
    """What the file says."""

    teams: tuple[Team, ...] = ()
    shifts: tuple[Shift, ...] = ()
    persons: tuple[Person, ...] = ()


def read_people(folder: Path, site: str) -> PeopleFile:
    """The people of a site (its id); empty when its folder has no people.yaml.

    Raises ConfigurationError with everything that is wrong, one line each.
    """
    path = folder / FILE
    if not path.is_file():
        return PeopleFile()
    document = read_yaml(path)
    problems = Problems()
    problems.check_schema(document, SCHEMA)
    problems.refuse()
    data: Mapping[str, Any] = document.data
    for section in ("teams", "shifts", "people"):
        unique(problems, document, (section,), data.get(section, []))
    teams = tuple(Team(node["id"], site, text_of(node["title"])) for node in data["teams"])
    known = [team.id for team in teams]
    for section in ("shifts", "people"):
        for row, node in enumerate(data.get(section, [])):
            if "team" in node and node["team"] not in known:
                problems.add(document, (section, row, "team"), f"unknown team {expected(node['team'], known)}")
    problems.refuse()
    return PeopleFile(
        teams,
        tuple(_shift(node, site) for node in data.get("shifts", [])),
        tuple(
            Person(node["id"], node["name"], Role(node["role"]), node.get("team"), (site,)) for node in data["people"]
        ),
    )


def _shift(node: Mapping[str, Any], site: str) -> Shift:
    return Shift(
        id=node["id"],
        site=site,
        team=node["team"],
        title=text_of(node["title"]),
        weekdays=frozenset(DAYS.index(day) for day in node["days"]),
        starts=time.fromisoformat(node["starts"]),
        ends=time.fromisoformat(node["ends"]),
    )
