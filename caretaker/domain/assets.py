"""Which machines exist, where they stand and who speaks for them: the estate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    """A Modbus TCP endpoint several devices may share. `transport`: tcp | rtuovertcp.

    share  false: each device has a TCP connection of its own, so that a slow one delays nobody;
           true: one connection for all (a serial gateway that takes only one), requests one after another
    """

    id: str
    host: str
    port: int
    transport: str = "tcp"
    share: bool = False


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


def build_estate(site: SiteFile, kinds: Mapping[str, EquipmentKind], point_ids: Callable[[str, str], int]) -> Estate:
    """Put a site and its kinds together. `point_ids(asset id, point key)` gives each point its lasting id.

    Points come asset by asset in file order, each in the order of its kind. A point's device is the one that watches
    its asset; None when nobody does, or when that device speaks Modbus and the kind has no register for the point.
    """
    watchers = {watched.asset: device for device in site.devices for watched in device.watches}
    points: dict[int, Point] = {}
    by_key: dict[tuple[str, str], Point] = {}
    for asset in site.assets:
        device = watchers.get(asset.id)
        for spec in kinds[asset.kind].points:
            heard = device is not None and (device.protocol is Protocol.MQTT or spec.modbus is not None)
            point = Point(
                point_ids(asset.id, spec.id), asset.id, spec.id, device.id if device and heard else None, spec
            )
            points[point.id] = by_key[asset.id, spec.id] = point
    return Estate(
        site=site.site,
        spaces={space.id: space for space in site.spaces},
        kinds={kind_id: kinds[kind_id] for kind_id in dict.fromkeys(asset.kind for asset in site.assets)},
        assets={asset.id: asset for asset in site.assets},
        devices={device.id: device for device in site.devices},
        connections={connection.id: connection for connection in site.connections},
        points=points,
        by_key=by_key,
    )
