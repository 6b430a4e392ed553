"""Table of signed handover sheets."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from caretaker.adapters.sql.tables import metadata

_id = String(64)

handovers = Table(
    "handovers",
    metadata,
    Column("id", String(96), primary_key=True),
    Column("site", _id, nullable=False),
    Column("team", _id, nullable=False),
    Column("shift", _id, nullable=False),
    Column("starts_ns", BigInteger, nullable=False),
    Column("ends_ns", BigInteger, nullable=False),
    # the text as it was signed, not JSON: a database that tidied it up would break its SHA-256
    Column("sheet", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("outgoing", _id, nullable=False),
    Column("outgoing_name", Text, nullable=False),
    Column("outgoing_ns", BigInteger, nullable=False),
    Column("incoming", _id),
    Column("incoming_name", Text),
    Column("incoming_ns", BigInteger),
    Index("ix_handovers_site_starts_ns", "site", "starts_ns"),
)
