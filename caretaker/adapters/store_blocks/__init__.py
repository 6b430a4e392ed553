"""Readings in compressed blocks on SQLite: the store that needs no server."""

from caretaker.adapters.store_blocks.store import BlockStore

__all__ = ["BlockStore"]
