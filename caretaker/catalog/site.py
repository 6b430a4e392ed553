"""A site's files -> SiteFile: the schema first, then everything that must fit together."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from caretaker.catalog.duration import seconds
from caretaker.catalog.problems import ROOT, Problems, expected, unique
from caretaker.catalog.registers import Cell, cells
from caretaker.catalog.rule import text_of
from caretaker.catalog.yaml_file import Document, Path_, read_yaml
from caretaker.domain.assets import (
    Asset,
    Connection,
    Device,
    DeviceAsset,
    Protocol,
    Site,
    SiteFile,
    Space,
    SpaceType,
)
from caretaker.domain.equipment import EquipmentKind, Op, Text
from caretaker.domain.errors import ConfigurationError

SCHEMA: Final = ROOT / "sites" / "schema.json"
OTHERS: Final = frozenset({"rounds.yaml", "people.yaml"})
SECTIONS: Final = ("site", "spaces", "assets", "devices", "connections")
_CHANGES: Final[Mapping[str, tuple[str, Callable[[Any], object]]]] = {
    "enabled": ("enabled", bool),
    "value": ("value", float),
    "deadband": ("deadband", float),
    "for": ("on_delay_s", seconds),
    "clear_for": ("off_delay_s", seconds),
    "priority": ("priority", str),
    "due": ("due_s", seconds),
}
"""Key of an override in YAML -> the field of `domain.equipment.effective` and its reader."""
_NOTHING: Final = Document("", {}, {})


def read_site(path: Path, kinds: Mapping[str, EquipmentKind]) -> SiteFile:
    """One site: a folder of *.yaml files, each with one or more sections, or a single file.

    Raises ConfigurationError with everything that is wrong, one line each.
    """
    documents = [read_yaml(file) for file in _files(path)]
    problems = Problems()
    home: dict[str, Document] = {}
    for document in documents:
        problems.check_schema(document, SCHEMA)
        for section in document.data:
            first = home.setdefault(section, document)
            if first is not document:
                problems.add(document, (section,), f"this section is already in {first.file}; keep it in one file")
    missing = [section for section in ("site", "spaces", "assets", "devices") if section not in home]
    if missing and not problems:
        raise ConfigurationError(
            f"{path}: no section {' and no section '.join(missing)} in any of its files; "
            f"expected the sections {', '.join(SECTIONS)}"
        )
    problems.refuse()
    site = _Reader(home, kinds, problems).read(str(path))
    problems.refuse()
    return site


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ConfigurationError(f"{path}: no such file or folder; expected the YAML file or the folder of a site")
    # rounds.yaml and people.yaml have schemas and readers of their own: catalog/rounds.py, catalog/people.py
    files = sorted(f for f in path.iterdir() if f.suffix in (".yaml", ".yml") and f.name not in OTHERS)
    if not files:
        raise ConfigurationError(f"{path}: holds no *.yaml; expected the files of a site ({', '.join(SECTIONS)})")
    return files


class _Reader:
    """Holds what the cross checks need to look at together."""

    def __init__(self, home: Mapping[str, Document], kinds: Mapping[str, EquipmentKind], problems: Problems) -> None:
        self._home = home
        self._kinds = kinds
        self._problems = problems
        self._ids: dict[str, list[str]] = {
            section: [item["id"] for item in self._items(section)] for section in SECTIONS[1:]
        }

    def _items(self, section: str) -> list[dict[str, Any]]:
        items: Any = self._home.get(section, _NOTHING).data.get(section, [])
        return list(items)

    def _say(self, path: Path_, what: str) -> None:
        self._problems.add(self._home[str(path[0])], path, what)

    def read(self, file: str) -> SiteFile:
        for section in SECTIONS[1:]:
            if section in self._home:
                unique(self._problems, self._home[section], (section,), self._items(section))
        self._problems.refuse()
        node: Any = self._home["site"].data["site"]
        zone = node.get("zone", "Asia/Shanghai")
        try:
            zoneinfo.ZoneInfo(zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            self._say(("site", "zone"), f"unknown time zone {zone!r}; expected an IANA name like Asia/Shanghai")
        spaces = tuple(self._space(item, ("spaces", row)) for row, item in enumerate(self._items("spaces")))
        self._check_nesting(spaces)
        assets = tuple(self._asset(item, ("assets", row)) for row, item in enumerate(self._items("assets")))
        connections = tuple(
            Connection(item["id"], item["host"], item["port"], item.get("transport", "tcp"), item.get("share", False))
            for item in self._items("connections")
        )
        by_id = {asset.id: asset for asset in assets}
        devices = tuple(self._device(item, ("devices", row), by_id) for row, item in enumerate(self._items("devices")))
        self._check_watchers(devices)
        self._check_cells(devices, by_id)
        return SiteFile(Site(node["id"], text_of(node["title"]), zone), spaces, assets, devices, connections, file)

    def _space(self, node: Mapping[str, Any], path: Path_) -> Space:
        parent = node.get("parent")
        if parent is not None and parent not in self._ids["spaces"]:
            self._say((*path, "parent"), f"unknown space {expected(parent, self._ids['spaces'])}")
        return Space(node["id"], SpaceType(node["type"]), text_of(node["title"]), parent, node.get("level", 0))

    def _check_nesting(self, spaces: tuple[Space, ...]) -> None:
        parents = {space.id: space.parent for space in spaces}
        for row, space in enumerate(spaces):
            seen, at = {space.id}, space.parent
            while at is not None and at not in seen:
                seen.add(at)
                at = parents.get(at)
            if at is not None:
                self._say(("spaces", row, "parent"), f"{space.id!r} lies inside itself; expected a tree")

    def _asset(self, node: Mapping[str, Any], path: Path_) -> Asset:
        if node["space"] not in self._ids["spaces"]:
            self._say((*path, "space"), f"unknown space {expected(node['space'], self._ids['spaces'])}")
        kind = self._kinds.get(node["kind"])
        overrides = node.get("overrides", {})
        if kind is None:
            self._say((*path, "kind"), f"unknown kind {expected(node['kind'], self._kinds)}")
        else:
            self._check_overrides(overrides, kind, (*path, "overrides"))
        return Asset(
            id=node["id"],
            kind=node["kind"],
            title=text_of(node["title"]),
            space=node["space"],
            criticality=node.get("criticality", "medium"),
            attributes=MappingProxyType(node.get("attributes", {})),
            overrides=MappingProxyType(
                {
                    rule: MappingProxyType({_CHANGES[key][0]: _CHANGES[key][1](value) for key, value in change.items()})
                    for rule, change in overrides.items()
                }
            ),
        )

    def _check_overrides(self, node: Mapping[str, Any], kind: EquipmentKind, path: Path_) -> None:
        rules = {rule.id: rule for rule in kind.rules}
        for rule_id, change in node.items():
            rule = rules.get(rule_id)
            if rule is None:
                self._say((*path, rule_id), f"unknown rule of {kind.id!r}: {expected(rule_id, rules)}")
                continue
            first = rule.terms[0]
            spec = kind.point(first.point)
            limit = change.get("value")
            if first.op in (Op.ABOVE, Op.BELOW) and first.relative_to is None and limit is not None and spec.range:
                low, high = spec.range
                if not low <= limit <= high:
                    what = f"found {limit:g}, outside the plausible range {[low, high]} of {spec.id!r}"
                    self._say((*path, rule_id, "value"), f"{what}: it could never be compared")
            for key in ("value", "deadband"):
                if key in change and first.op not in (Op.ABOVE, Op.BELOW, Op.RISES, Op.FALLS, Op.STALE):
                    self._say(
                        (*path, rule_id, key), f"the first comparison of {rule_id!r} is {first.op!s}, it has no {key}"
                    )

    def _device(self, node: Mapping[str, Any], path: Path_, assets: Mapping[str, Asset]) -> Device:
        protocol = Protocol(node["protocol"])
        modbus_only = ("connection", "unit", "every", "timeout", "max_words")
        for key in modbus_only if protocol is Protocol.MQTT else ("mapping",):
            if key in node:
                self._say((*path, key), f"has no meaning for a {protocol} device; remove it")
        if protocol is Protocol.MODBUS and node.get("connection") not in self._ids["connections"]:
            found = node.get("connection")
            what = (
                f"unknown connection {expected(found, self._ids['connections'])}"
                if found
                else "a Modbus device without connection"
            )
            self._say((*path, "connection") if found else path, what)
        for row, watched in enumerate(node["watches"]):
            here = (*path, "watches", row)
            asset = assets.get(watched["asset"])
            if asset is None:
                self._say((*here, "asset"), f"unknown asset {expected(watched['asset'], assets)}")
                continue
            if protocol is Protocol.MQTT and "offset" in watched:
                self._say((*here, "offset"), "has no meaning for an mqtt device; remove it")
            self._check_speech(node, path, self._kinds.get(asset.kind))
        if protocol is Protocol.MQTT and len(node["watches"]) > 1:
            self._say((*path, "watches"), "an mqtt device speaks for one asset; expected one entry")
        return Device(
            id=node["id"],
            protocol=protocol,
            watches=tuple(DeviceAsset(item["asset"], item.get("offset", 0)) for item in node["watches"]),
            title=text_of(node["title"]) if "title" in node else Text("", ""),
            mapping=node.get("mapping", "canonical"),
            connection=node.get("connection"),
            unit_id=node.get("unit", 1),
            every_s=seconds(node.get("every", "1s")),
            timeout_s=seconds(node.get("timeout", "1s")),
            max_words=node.get("max_words", 120),
        )

    def _check_speech(self, node: Mapping[str, Any], path: Path_, kind: EquipmentKind | None) -> None:
        """Can this kind be read the way the device talks?"""
        if kind is None:
            return
        known = ["canonical", *(mapping.id for mapping in kind.mqtt)]
        if node["protocol"] == "mqtt" and node.get("mapping", "canonical") not in known:
            self._say((*path, "mapping"), f"unknown mapping of kind {kind.id!r}: {expected(node['mapping'], known)}")
        if node["protocol"] == "modbus" and not any(point.modbus for point in kind.points):
            self._say((*path, "protocol"), f"kind {kind.id!r} has no modbus addresses; expected protocol: mqtt")

    def _check_watchers(self, devices: tuple[Device, ...]) -> None:
        first: dict[str, str] = {}
        for row, device in enumerate(devices):
            for at, watched in enumerate(device.watches):
                other = first.setdefault(watched.asset, device.id)
                if other != device.id or any(twin.asset == watched.asset for twin in device.watches[:at]):
                    self._say(
                        ("devices", row, "watches", at, "asset"),
                        f"{watched.asset!r} is already watched by {other!r}; expected one device per asset",
                    )

    def _check_cells(self, devices: tuple[Device, ...], assets: Mapping[str, Asset]) -> None:
        """No two assets may be read from the same register of the same unit."""
        owner: dict[tuple[str | None, int, Cell], tuple[str, str]] = {}
        for row, device in enumerate(devices):
            if device.protocol is not Protocol.MODBUS:
                continue
            for at, watched in enumerate(device.watches):
                kind = self._kinds.get(assets[watched.asset].kind) if watched.asset in assets else None
                specs = [point.modbus for point in kind.points if point.modbus] if kind else []
                for cell in (cell for spec in specs for cell in cells(spec, watched.offset)):
                    me = (device.id, watched.asset)
                    other = owner.setdefault((device.connection, device.unit_id, cell), me)
                    if other != me or cell[1] > 65535:
                        why = (
                            f"is already read for {other[1]!r} of device {other[0]!r}; expected another offset or unit"
                            if other != me
                            else "lies beyond 65535; expected a smaller offset"
                        )
                        say_at: Path_ = ("devices", row, "watches", at)
                        self._say(
                            say_at, f"{cell[0]} {cell[1]} of unit {device.unit_id} on {device.connection!r} {why}"
                        )
                        break
