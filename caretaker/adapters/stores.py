"""The reading store a setting names: blocks | memory | influx1+http://… | influx2+http://…"""

from __future__ import annotations

from caretaker.adapters.memory.store import MemoryStore
from caretaker.adapters.store_blocks import BlockStore
from caretaker.adapters.store_influx import InfluxStore, SeriesName
from caretaker.config import Settings
from caretaker.domain.assets import Estate
from caretaker.domain.errors import ConfigurationError
from caretaker.ports import ReadingStore

_SHAPES = "blocks, memory, influx1+http://host:port/database, influx2+http://host:port/?org=ORG&bucket=BUCKET"


def open_store(settings: Settings, estate: Estate) -> ReadingStore:
    """Open the store of `CARETAKER_STORE`. Raises ConfigurationError."""
    name = settings.store
    if name == "memory":
        return MemoryStore()
    if name == "blocks":
        return BlockStore(settings.data / "store")
    if name.startswith(("influx1+", "influx2+")):
        return InfluxStore.connect(name, series_names(estate), settings.store_token_file)
    raise ConfigurationError(f"CARETAKER_STORE: {name!r} is none of {_SHAPES}")


def series_names(estate: Estate) -> dict[int, SeriesName]:
    """point id -> the tags of its series; a point that no device reports (a person reads it) has the device `-`."""
    return {
        point.id: SeriesName(estate.site.id, point.device or "-", f"{point.asset}.{point.key}")
        for point in estate.points.values()
    }
