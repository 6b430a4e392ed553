"""Tables of incidents."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, String, Table, Text

from caretaker.adapters.sql.tables import metadata

_id = String(64)
_json = JSON(none_as_null=True)

incidents = Table(
    "incidents",
    metadata,
    Column("id", _id, primary_key=True),
    Column("site", _id, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("priority", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reporter", _id, nullable=False),
    Column("phone", _id, nullable=False),
    Column("received_ns", BigInteger, nullable=False),
    Column("device_ns", BigInteger),
    Column("checkpoint", _id),
    Column("space", _id),
    Column("place", Text, nullable=False),
    Column("position", _json),
    Column("asset", _id),
    Column("description", Text, nullable=False),
    Column("people", Text, nullable=False),
    Column("photos", _json, nullable=False),
    Column("taken_by", _id),
    Column("taken_ns", BigInteger),
    Column("closed_by", _id),
    Column("closed_ns", BigInteger),
    Column("reason", Text),
    Column("work_order", _id),
    Column("calls", Integer, nullable=False),
    Column("called_ns", BigInteger, nullable=False),
    Index("ix_incidents_site_received_ns", "site", "received_ns"),
    Index("ix_incidents_site_state", "site", "state"),
)
incident_entries = Table(
    "incident_entries",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("incident", _id, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("actor", _id, nullable=False),
    Column("action", String(32), nullable=False),
    Column("text", Text),
    Column("facts", _json, nullable=False),
    Index("ix_incident_entries_incident", "incident"),
    sqlite_autoincrement=True,
)
