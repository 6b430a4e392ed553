"""Site, kinds, assets, and what their points said."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query

from api.auth import Watcher
from api.errors import Problem
from api.house import House, TheHouse
from api.schemas.common import Words
from api.schemas.estate import (
    AssetDetail,
    Assets,
    BucketColumns,
    Columns,
    Kinds,
    KindShape,
    Readings,
    SeriesOfAsset,
    SiteShape,
    SpaceShape,
)
from api.views import Views, open_orders, standing
from caretaker.domain.assets import Point
from caretaker.domain.errors import NotFound
from caretaker.domain.readings import QUALITY_BITS

router = APIRouter(tags=["estate"])
MS = 1_000_000
RAW_LIMIT = 20_000
BUCKET_LIMIT = 2_000
MOST_POINTS = 12

Millis = Annotated[int, Query(ge=0, le=253_402_300_799_000, description="ms since 1970-01-01 UTC")]
Every = Annotated[int | None, Query(ge=100, le=31 * 86_400_000, description="bucket length in ms; missing = raw")]


@router.get("/site", operation_id="getSite")
def get_site(_person: Watcher, house: TheHouse) -> SiteShape:
    """The property and its places."""
    site = house.estate.site
    return SiteShape(
        id=site.id,
        title=Words.needed(site.title),
        zone=site.zone,
        spaces=[
            SpaceShape(id=s.id, type=s.type, title=Words.needed(s.title), parent=s.parent, level=s.level)
            for s in house.estate.spaces.values()
        ],
    )


@router.get("/kinds", operation_id="listKinds")
def list_kinds(_person: Watcher, house: TheHouse) -> Kinds:
    """What sorts of machines stand here, with points, limits and rules."""
    return Kinds(items=[KindShape.of(kind) for kind in house.estate.kinds.values()])


@router.get("/kinds/{kind}", operation_id="getKind")
def get_kind(kind: str, _person: Watcher, house: TheHouse) -> KindShape:
    """One sort of machine."""
    found = house.estate.kinds.get(kind)
    if found is None:
        raise NotFound(f"there is no equipment kind {kind}", kind=kind)
    return KindShape.of(found)


@router.get("/assets", operation_id="listAssets")
def list_assets(
    _person: Watcher,
    house: TheHouse,
    kind: str | None = None,
    space: str | None = None,
    q: Annotated[str | None, Query(max_length=100, description="part of the id or title")] = None,
) -> Assets:
    """All machines with their state, key values and open alarms."""
    views = Views(house)
    with house.transactions.begin(write=False) as unit:
        alarms, orders = standing(unit), open_orders(unit)
    items = []
    for asset in house.estate.assets.values():
        words = f"{asset.id} {asset.title.zh} {asset.title.en}".lower()
        if (kind and asset.kind != kind) or (q and q.lower() not in words):
            continue
        if space and space not in (asset.space, *views.places(asset.space)):
            continue
        items.append(views.asset(asset, alarms, orders))
    return Assets(items=items)


@router.get("/assets/{asset}", operation_id="getAsset")
def get_asset(asset: str, _person: Watcher, house: TheHouse) -> AssetDetail:
    """One machine with all its points and who speaks for it."""
    views = Views(house)
    found = views.asset_of(asset)
    with house.transactions.begin(write=False) as unit:
        alarms, orders = standing(unit), open_orders(unit)
    return views.asset_detail(found, alarms, orders)


@router.get("/assets/{asset}/readings", operation_id="getAssetReadings")
def get_asset_readings(
    asset: str,
    points: Annotated[str, Query(max_length=800, description="point keys, separated by commas")],
    from_ms: Millis,
    to_ms: Millis,
    _person: Watcher,
    house: TheHouse,
    every_ms: Every = None,
) -> SeriesOfAsset:
    """Readings of several points of one machine."""
    Views(house).asset_of(asset)
    keys = [key for key in dict.fromkeys(points.split(",")) if key]
    if len(keys) > MOST_POINTS:
        raise Problem(422, "refused", f"at most {MOST_POINTS} points at once, got {len(keys)}", field="points")
    found = {}
    for key in keys:
        point = house.estate.by_key.get((asset, key))
        if point is None:
            raise NotFound(f"{asset} has no point {key}", asset=asset, point=key)
        found[key] = _readings(house, point, from_ms, to_ms, every_ms)
    return SeriesOfAsset(series=found)


@router.get("/points/{point}/readings", operation_id="getPointReadings")
def get_point_readings(
    point: int, from_ms: Millis, to_ms: Millis, _person: Watcher, house: TheHouse, every_ms: Every = None
) -> Readings:
    """Readings of one point: raw (at most 20,000, `truncated` says so) or in buckets (at most 2,000)."""
    found = house.estate.points.get(point)
    if found is None:
        raise NotFound(f"there is no point {point}", point=point)
    return _readings(house, found, from_ms, to_ms, every_ms)


def _readings(house: House, point: Point, from_ms: int, to_ms: int, every_ms: int | None) -> Readings:
    if to_ms <= from_ms:
        raise Problem(422, "refused", f"to_ms ({to_ms}) must be later than from_ms ({from_ms})", field="to_ms")
    start, end = from_ms * MS, to_ms * MS
    if every_ms is None:
        series = house.store.read(point.id, start, end, RAW_LIMIT + 1)
        kept = slice(0, RAW_LIMIT)
        values = series.values[kept]
        finite = np.isfinite(values).tolist()
        raw = Columns(
            t=(series.times[kept] // MS).tolist(),
            v=[value if ok else None for value, ok in zip(values.tolist(), finite, strict=True)],
            q=(np.asarray(series.quality[kept]) & QUALITY_BITS).tolist(),
        )
        return Readings(
            point=point.id,
            key=point.key,
            unit=point.spec.unit,
            every_ms=None,
            truncated=len(series.times) > RAW_LIMIT,
            raw=raw,
        )
    if (to_ms - from_ms) / every_ms > BUCKET_LIMIT:
        least = -(-(to_ms - from_ms) // BUCKET_LIMIT)
        raise Problem(422, "refused", f"more than {BUCKET_LIMIT} buckets; every_ms >= {least}", field="every_ms")
    found = house.store.downsample(point.id, start, end, every_ms * MS)
    return Readings(
        point=point.id,
        key=point.key,
        unit=point.spec.unit,
        every_ms=every_ms,
        truncated=False,
        buckets=BucketColumns(
            t=(found.starts // MS).tolist(),
            mean=found.mean.tolist(),
            min=found.min.tolist(),
            max=found.max.tolist(),
            count=found.count.tolist(),
        ),
    )
