"""A site's rounds.yaml -> checkpoints and plans: the schema first, then everything that must fit the site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from functools import partial
from pathlib import Path
from typing import Any, Final

from caretaker.catalog.duration import seconds
from caretaker.catalog.kind import check_of
from caretaker.catalog.problems import ROOT, Problems, expected, unique
from caretaker.catalog.rule import Say, text_of
from caretaker.catalog.yaml_file import Path_, read_yaml
from caretaker.domain.assets import Asset, SiteFile
from caretaker.domain.equipment import EquipmentKind
from caretaker.domain.errors import Refused
from caretaker.domain.rounds.checkpoints import Checkpoint, Place
from caretaker.domain.rounds.plans import Holidays, Order, PlanKind, PlanPoint, RoundPlan, Weight, check

SCHEMA: Final = ROOT / "sites" / "rounds.schema.json"
FILE: Final = "rounds.yaml"
TOLERANCE: Final = "5min"


@dataclass(frozen=True, slots=True)
class RoundsFile:
    """What the file says. Short codes and code versions are given by the database."""

    checkpoints: tuple[Checkpoint, ...] = ()
    plans: tuple[RoundPlan, ...] = ()


def read_rounds(folder: Path, site: SiteFile, kinds: Mapping[str, EquipmentKind]) -> RoundsFile:
    """The rounds of a site; empty when its folder has no rounds.yaml.

    Raises ConfigurationError with everything that is wrong, one line each.
    """
    path = folder / FILE
    if not path.is_file():
        return RoundsFile()
    document = read_yaml(path)
    problems = Problems()
    problems.check_schema(document, SCHEMA)
    problems.refuse()
    data: Mapping[str, Any] = document.data
    for section in ("checkpoints", "plans"):
        unique(problems, document, (section,), data.get(section, []))
    problems.refuse()
    reader = _Reader(site, kinds, partial(problems.add, document))
    checkpoints = [reader.checkpoint(item, ("checkpoints", row)) for row, item in enumerate(data["checkpoints"])]
    known = [checkpoint.id for checkpoint in checkpoints]
    plans = [reader.plan(item, ("plans", row), known) for row, item in enumerate(data.get("plans", []))]
    problems.refuse()
    return RoundsFile(tuple(checkpoints), tuple(plan for plan in plans if plan is not None))


class _Reader:
    """Holds what the file must fit."""

    def __init__(self, site: SiteFile, kinds: Mapping[str, EquipmentKind], say: Say) -> None:
        self._site = site.site.id
        self._spaces = {space.id: space for space in site.spaces}
        self._assets: Mapping[str, Asset] = {asset.id: asset for asset in site.assets}
        self._kinds = kinds
        self._say = say
        self._tags: dict[str, str] = {}

    def checkpoint(self, node: Mapping[str, Any], path: Path_) -> Checkpoint:
        if node["space"] not in self._spaces:
            self._say((*path, "space"), f"unknown space {expected(node['space'], self._spaces)}")
        asset = node.get("asset")
        if asset is not None and asset not in self._assets:
            self._say((*path, "asset"), f"unknown asset {expected(asset, self._assets)}")
        kind = self._kinds[self._assets[asset].kind] if asset is not None and asset in self._assets else None
        points = {point.id: point for point in kind.points} if kind else {}
        modes = kind.failure_modes if kind else {}
        items = node.get("checks", [])
        checks = [check_of(item, (*path, "checks", row), points, modes, self._say) for row, item in enumerate(items)]
        for row, (item, made) in enumerate(zip(items, checks, strict=True)):
            if made.point in points and made.unit not in ("", points[made.point].unit):
                what = f"found {made.unit!r}; {made.point} is in {points[made.point].unit!r}"
                self._say((*path, "checks", row, "unit"), what)
            if [other["id"] for other in items].count(item["id"]) > 1:
                self._say((*path, "checks", row, "id"), f"id {item['id']!r} is given twice")
        self._check_witnesses(node.get("witnesses", []), path)
        tag = node.get("nfc")
        if tag is not None and self._tags.setdefault(tag, node["id"]) != node["id"]:
            self._say((*path, "nfc"), f"the tag is already at {self._tags[tag]!r}; expected one place per tag")
        place = node.get("place", {})
        level = self._spaces[node["space"]].level if node["space"] in self._spaces else 0
        return Checkpoint(
            id=node["id"],
            site=self._site,
            title=text_of(node["title"]),
            space=node["space"],
            asset=asset,
            place=Place(
                float(place.get("x", 0)),
                float(place.get("y", 0)),
                place.get("level", level),
                place.get("lat"),
                place.get("lon"),
            ),
            checks=tuple(checks),
            use_kind_checks=node.get("use_kind_checks", True),
            rotating=node.get("rotating", False),
            nfc=tag,
            witnesses=tuple(node.get("witnesses", [])),
        )

    def _check_witnesses(self, witnesses: Sequence[str], path: Path_) -> None:
        for row, witness in enumerate(witnesses):
            asset, _, key = witness.removesuffix("!").partition(".")
            if asset not in self._assets:
                self._say((*path, "witnesses", row), f"unknown asset {expected(asset, self._assets)}")
                continue
            points = [point.id for point in self._kinds[self._assets[asset].kind].points]
            if key not in points:
                self._say((*path, "witnesses", row), f"unknown point of {asset!r}: {expected(key, points)}")

    def plan(self, node: Mapping[str, Any], path: Path_, known: Sequence[str]) -> RoundPlan | None:
        """None when a day in it is none: that is said, and nothing more can be."""
        stops: list[PlanPoint] = []
        for row, item in enumerate(node["points"]):
            stop: Mapping[str, Any] = {"checkpoint": item} if isinstance(item, str) else item
            if stop["checkpoint"] not in known:
                self._say((*path, "points", row), f"unknown checkpoint {expected(stop['checkpoint'], known)}")
            walk, dwell, opens, closes = (
                seconds(stop[key]) if key in stop else None for key in ("walk", "dwell", "opens", "closes")
            )
            stops.append(PlanPoint(stop["checkpoint"], walk, dwell or 0.0, opens, closes))
        for row, item in enumerate(node.get("weights", [])):
            if item.get("checkpoint", known[0]) not in known:
                self._say((*path, "weights", row), f"unknown checkpoint {expected(item['checkpoint'], known)}")
        first, until = (self._day(node, key, path) for key in ("from", "until"))
        if first is None:
            return None
        plan = RoundPlan(
            id=node["id"],
            site=self._site,
            title=text_of(node["title"]),
            kind=PlanKind(node["kind"]),
            points=tuple(stops),
            order=Order(node.get("order", "free")),
            rrule=node["repeat"],
            starts_at=time.fromisoformat(node["at"]),
            duration_s=seconds(node["duration"]),
            valid_from=first,
            valid_until=until,
            tolerance_s=seconds(node.get("tolerance", TOLERANCE)),
            holidays=Holidays(node.get("holidays", "run")),
            team=node.get("team"),
            person=node.get("person"),
            scored=node.get("scored", False),
            active=node.get("active", True),
            weights=tuple(
                Weight(item["check"], float(item["points"]), item.get("checkpoint")) for item in node.get("weights", [])
            ),
        )
        try:
            check(plan)
        except Refused as wrong:
            self._say(path, wrong.message)
        return plan

    def _day(self, node: Mapping[str, Any], key: str, path: Path_) -> date | None:
        if key not in node:
            return None
        try:
            return date.fromisoformat(node[key])
        except ValueError:
            self._say((*path, key), f"found {node[key]!r}; expected a day of the calendar like 2026-11-24")
            return None
