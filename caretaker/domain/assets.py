"""Which machines exist, where they stand and who speaks for them: the estate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from caretaker.domain.equipment import EquipmentKind, PointSpec, RuleSpec, Text, effective


@dataclass(frozen=True, slots=True)
class Site:
    """One property under care; `zone` is an IANA time zone."""

    id: str
    title: Text
    zone: str = "Asia/Shanghai"


class SpaceType(StrEnum):
    """What sort of place."""

    BUILDING = "building"
    FLOOR = "floor"
    ROOM = "room"
    OUTDOOR = "outdoor"


@dataclass(frozen=True, slots=True)
class Space:
    """A place one can stand in; spaces nest by `parent`. `level` sorts floors (basements negative)."""

    id: str
    type: SpaceType
    title: Text
    parent: str | None = None
    level: int = 0


@dataclass(frozen=True, slots=True)
class Asset:
    """A thing that is maintained. `overrides`: rule id -> changed numbers for this asset (value, on_delay_s, enabled...)."""

    id: str
    kind: str
    title: Text
    space: str
    criticality: str = "medium"
    attributes: Mapping[str, object] = field(default_factory=dict)
    overrides: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


class Protocol(StrEnum):
    """How a device talks."""

    MQTT = "mqtt"
    MODBUS = "modbus"


@dataclass(frozen=True, slots=True)
class Connection:
    """A Modbus TCP endpoint several devices may share. `transport`: tcp | rtuovertcp."""

    id: str
    host: str
    port: int
    transport: str = "tcp"


@dataclass(frozen=True, slots=True)
class DeviceAsset:
    """A device watches an asset; Modbus addresses of the kind are shifted by `offset` registers."""

    asset: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Device:
    """A thing with an address that talks.

    mapping     MQTT: `canonical` or the id of an MqttMapping of the asset's kind
    connection, unit_id, every_s, timeout_s, max_words   Modbus
    """

    id: str
    protocol: Protocol
    watches: tuple[DeviceAsset, ...]
    title: Text = Text("", "")
    mapping: str = "canonical"
    connection: str | None = None
    unit_id: int = 1
    every_s: float = 1.0
    timeout_s: float = 1.0
    max_words: int = 120


@dataclass(frozen=True, slots=True)
class Point:
    """One signal of one asset as it exists here. `id` is given once by the database and never reused."""

    id: int
    asset: str
    key: str
    device: str | None
    spec: PointSpec


@dataclass(frozen=True, slots=True)
class Estate:
    """Everything that exists at one site, indexed. Read once per process; changed by loading a site again."""

    site: Site
    spaces: Mapping[str, Space]
    kinds: Mapping[str, EquipmentKind]
    assets: Mapping[str, Asset]
    devices: Mapping[str, Device]
    connections: Mapping[str, Connection]
    points: Mapping[int, Point]
    by_key: Mapping[tuple[str, str], Point]
    """(asset id, point key) -> Point"""

    def kind_of(self, asset_id: str) -> EquipmentKind:
        """The kind of an asset. Raises KeyError."""
        return self.kinds[self.assets[asset_id].kind]

    def rules_of(self, asset_id: str) -> tuple[RuleSpec, ...]:
        """The rules that judge an asset, with its overrides applied."""
        asset = self.assets[asset_id]
        return effective(self.kinds[asset.kind].rules, asset.overrides)


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A site as its YAML files tell it, before points have ids."""

    site: Site
    spaces: tuple[Space, ...]
    assets: tuple[Asset, ...]
    devices: tuple[Device, ...]
    connections: tuple[Connection, ...]
    file: str = ""
