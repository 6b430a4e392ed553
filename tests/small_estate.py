"""A small estate with one point of each type, for tests of the way in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from caretaker.domain.assets import Asset, Device, DeviceAsset, Estate, Point, Protocol, Site
from caretaker.domain.equipment import EquipmentKind, FieldMapping, MqttMapping, PointSpec, Text, ValueType

NAME = Text("名", "name")
SPECS = (
    PointSpec("temp", NAME, range=(-40.0, 120.0)),
    PointSpec("free", NAME),
    PointSpec("door", NAME, ValueType.BOOL),
    PointSpec("mode", NAME, ValueType.ENUM, codes={0: Text("停", "stop"), 1: Text("自动", "auto")}),
    PointSpec("note", NAME, ValueType.TEXT),
)
VENDOR = MqttMapping(
    "acme",
    "acme/{device}/up",
    (
        FieldMapping("$.t", "temp", scale=0.1),
        FieldMapping("$.door['is open']", "door", map={"Y": 1.0, "N": 0.0}),
        FieldMapping("$.list[1].note", "note"),
    ),
    time="$.head.ts",
    time_unit="s",
)
KIND = EquipmentKind("box", NAME, SPECS, (), mqtt=(VENDOR,))


def estate_of(watches: Mapping[str, Sequence[str]], mappings: Mapping[str, str] | None = None) -> Estate:
    """device id -> assets it watches. Point ids are 1, 2, 3 … in the order of the assets and of SPECS."""
    assets = {asset: Asset(asset, "box", NAME, "hall") for names in watches.values() for asset in names}
    devices = {
        device: Device(
            device,
            Protocol.MQTT,
            tuple(DeviceAsset(name) for name in names),
            mapping=(mappings or {}).get(device, "canonical"),
        )
        for device, names in watches.items()
    }
    owner = {asset: device for device, names in watches.items() for asset in names}
    points: dict[int, Point] = {}
    for asset in assets:
        for spec in SPECS:
            point_id = len(points) + 1
            points[point_id] = Point(point_id, asset, spec.id, owner[asset], spec)
    by_key = {(point.asset, point.key): point for point in points.values()}
    return Estate(Site("s1", NAME), {}, {"box": KIND}, assets, devices, {}, points, by_key)
