"""Sites and what stands there, in SQL. Loading the same file again changes nothing; points keep their ids for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select

from caretaker.adapters.sql.tables import assets, connections, devices, points, sites, spaces
from caretaker.adapters.sql.upsert import once, upsert
from caretaker.domain.assets import (
    Asset,
    Device,
    DeviceAsset,
    Estate,
    Protocol,
    Site,
    SiteFile,
    Space,
    SpaceType,
    build_estate,
)
from caretaker.domain.assets import (
    Connection as BusConnection,
)
from caretaker.domain.equipment import EquipmentKind, Text
from caretaker.domain.errors import NotFound

_OF_SITE = (spaces, assets, connections, devices)


class SqlEstates:
    """`ports.Estates`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def load(self, kinds: Mapping[str, EquipmentKind], site: SiteFile) -> None:
        """Make SQL say what the file says. What the file no longer names goes; its points and history stay."""
        home = site.site
        self._put(sites, {"id": home.id, **_title(home.title), "zone": home.zone}, ("id",))
        for table in _OF_SITE:
            self._connection.execute(delete(table).where(table.c.site == home.id))
        self._add(spaces, home, [_space_row(space) | {"rank": rank} for rank, space in enumerate(site.spaces)])
        self._add(assets, home, [_asset_row(asset) | {"rank": rank} for rank, asset in enumerate(site.assets)])
        self._number(home, [(asset.id, spec.id) for asset in site.assets for spec in kinds[asset.kind].points])
        self._add(connections, home, [_connection_row(bus) for bus in site.connections])
        self._add(devices, home, [_device_row(device) | {"rank": rank} for rank, device in enumerate(site.devices)])

    def get(self, kinds: Mapping[str, EquipmentKind], site: str | None = None) -> Estate:
        """The estate as SQL has it."""
        query = select(sites).order_by(sites.c.id)
        row = self._connection.execute(query if site is None else query.where(sites.c.id == site)).first()
        if row is None:
            raise NotFound(f"no site {site or ''} has been loaded yet", site=site)
        home = Site(row.id, Text(row.title_zh, row.title_en), row.zone)
        file = SiteFile(
            home,
            spaces=tuple(
                Space(r.id, SpaceType(r.type), Text(r.title_zh, r.title_en), r.parent, r.level)
                for r in self._rows(spaces, home)
            ),
            assets=tuple(
                Asset(r.id, r.kind, Text(r.title_zh, r.title_en), r.space, r.criticality, r.attributes, r.overrides)
                for r in self._rows(assets, home)
            ),
            devices=tuple(_device(r) for r in self._rows(devices, home)),
            connections=tuple(BusConnection(r.id, r.host, r.port, **r.facts) for r in self._rows(connections, home)),
        )
        numbered = select(points.c.asset, points.c.key, points.c.id).where(points.c.site == home.id)
        ids = {(r.asset, r.key): r.id for r in self._connection.execute(numbered)}
        return build_estate(file, kinds, lambda asset, key: ids[asset, key])

    def _put(self, table: Table, row: Mapping[str, object], keys: tuple[str, ...]) -> None:
        self._connection.execute(upsert(self._connection, table, row, keys=keys))

    def _add(self, table: Table, home: Site, rows: Sequence[Mapping[str, object]]) -> None:
        if rows:
            self._connection.execute(insert(table), [{"site": home.id, **row} for row in rows])

    def _number(self, home: Site, keys: Sequence[tuple[str, str]]) -> None:
        """Give an id to each point that has none yet, in the order of the file."""
        named = select(points.c.asset, points.c.key).where(points.c.site == home.id)
        known = {(row.asset, row.key) for row in self._connection.execute(named)}
        fresh = [{"site": home.id, "asset": asset, "key": key} for asset, key in keys if (asset, key) not in known]
        if fresh:  # another start may load the same file at the same moment
            self._connection.execute(once(self._connection, points), fresh)

    def _rows(self, table: Table, home: Site) -> list[Any]:
        order = table.c.rank if "rank" in table.c else table.c.id
        return list(self._connection.execute(select(table).where(table.c.site == home.id).order_by(order)))


def _space_row(space: Space) -> dict[str, object]:
    facts: dict[str, object] = {"id": space.id, "type": str(space.type), "parent": space.parent, "level": space.level}
    return facts | _title(space.title)


def _asset_row(asset: Asset) -> dict[str, object]:
    return {
        "id": asset.id,
        "kind": asset.kind,
        "space": asset.space,
        "criticality": asset.criticality,
        "attributes": dict(asset.attributes),
        "overrides": {rule: dict(change) for rule, change in asset.overrides.items()},
        **_title(asset.title),
    }


def _connection_row(bus: BusConnection) -> dict[str, object]:
    facts = {key: value for key, value in asdict(bus).items() if key not in ("id", "host", "port")}
    return {"id": bus.id, "host": bus.host, "port": bus.port, "facts": facts}


def _device_row(device: Device) -> dict[str, object]:
    facts = {key: value for key, value in asdict(device).items() if key not in ("id", "protocol", "connection")}
    return {"id": device.id, "protocol": str(device.protocol), "connection": device.connection, "facts": facts}


def _title(title: Text) -> dict[str, str]:
    return {"title_zh": title.zh, "title_en": title.en}


def _device(row: Any) -> Device:
    facts = dict(row.facts)
    facts["title"] = Text(**facts["title"])
    facts["watches"] = tuple(DeviceAsset(**watched) for watched in facts["watches"])
    return Device(id=row.id, protocol=Protocol(row.protocol), connection=row.connection, **facts)
