"""The reading store a setting names: blocks | memory | influx1+http://… | influx2+http://…"""

from __future__ import annotations


from caretaker.adapters.memory.store import MemoryStore
from caretaker.adapters.store_blocks import BlockStore
from caretaker.config import Settings
from caretaker.domain.errors import ConfigurationError
from caretaker.ports import ReadingStore

_SHAPES = "blocks, memory, influx1+http://host:port/database, influx2+http://host:port/?org=ORG&bucket=BUCKET"


def open_store(settings: Settings) -> ReadingStore:
    """Open the store of `CARETAKER_STORE`. Raises ConfigurationError."""
    name = settings.store
    if name == "memory":
        return MemoryStore()
    if name == "blocks":
        return BlockStore(settings.data / "store")
    raise ConfigurationError(f"CARETAKER_STORE: {name!r} is none of {_SHAPES}")
