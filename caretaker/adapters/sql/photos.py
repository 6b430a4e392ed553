"""What is known of photos, in SQL."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, select

from caretaker.adapters.sql.tables import metadata
from caretaker.adapters.sql.upsert import insert_once
from caretaker.ports.photos import Photo

photos = Table(
    "photos",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("site", String(64), nullable=False),
    Column("sent_by", String(64), nullable=False),
    Column("received_ns", BigInteger, nullable=False),
    Column("taken_ns", BigInteger),
    Column("bytes", Integer, nullable=False),
)


class SqlPhotos:
    """`ports.photos.Photos`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, photo: Photo) -> bool:
        """Insert once."""
        return insert_once(self._connection, photos, asdict(photo))

    def get(self, sha256: str) -> Photo | None:
        """One or None."""
        row = self._connection.execute(select(photos).where(photos.c.sha256 == sha256)).one_or_none()
        return None if row is None else Photo(**row._mapping)  # noqa: SLF001
