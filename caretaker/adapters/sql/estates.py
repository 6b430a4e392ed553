"""Sites and what stands there, in SQL. Loading the same file again changes nothing; points keep their ids for ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select

from caretaker.adapters.sql.tables import assets, connections, devices, points, sites, spaces
from caretaker.adapters.sql.upsert import insert_once, upsert
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
        for rank, space in enumerate(site.spaces):
            row: dict[str, object] = {
                "id": space.id,
                "type": str(space.type),
                "parent": space.parent,
                "level": space.level,
            }
            self._add(spaces, home, row | _title(space.title) | {"rank": rank})
        for rank, asset in enumerate(site.assets):
            row = {
                "id": asset.id,
                "kind": asset.kind,
                "space": asset.space,
                "criticality": asset.criticality,
                "attributes": dict(asset.attributes),
                "overrides": {rule: dict(change) for rule, change in asset.overrides.items()},
            }
            self._add(assets, home, row | _title(asset.title) | {"rank": rank})
            for spec in kinds[asset.kind].points:
                insert_once(self._connection, points, {"site": home.id, "asset": asset.id, "key": spec.id})
        for bus in site.connections:
            facts = {key: value for key, value in asdict(bus).items() if key not in ("id", "host", "port")}
            self._add(connections, home, {"id": bus.id, "host": bus.host, "port": bus.port, "facts": facts})
        for rank, device in enumerate(site.devices):
            facts = {key: value for key, value in asdict(device).items() if key not in ("id", "protocol", "connection")}
            row = {"id": device.id, "protocol": str(device.protocol), "connection": device.connection, "facts": facts}
            self._add(devices, home, row | {"rank": rank})

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

    def _add(self, table: Table, home: Site, row: Mapping[str, object]) -> None:
        self._connection.execute(insert(table).values({"site": home.id, **row}))

    def _rows(self, table: Table, home: Site) -> list[Any]:
        order = table.c.rank if "rank" in table.c else table.c.id
        return list(self._connection.execute(select(table).where(table.c.site == home.id).order_by(order)))


def _title(title: Text) -> dict[str, str]:
    return {"title_zh": title.zh, "title_en": title.en}


def _device(row: Any) -> Device:
    facts = dict(row.facts)
    facts["title"] = Text(**facts["title"])
    facts["watches"] = tuple(DeviceAsset(**watched) for watched in facts["watches"])
    return Device(id=row.id, protocol=Protocol(row.protocol), connection=row.connection, **facts)
