"""Named locks that end with the transaction."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, text


def hold(connection: Connection, name: str) -> None:
    """Wait until nobody else holds this name. SQLite's one writer holds everything already."""
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
