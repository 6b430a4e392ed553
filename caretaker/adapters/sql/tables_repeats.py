"""The table of request keys."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table

from caretaker.adapters.sql.tables import metadata

idempotency = Table(
    "idempotency",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Index("ix_idempotency_at_ns", "at_ns"),
)
