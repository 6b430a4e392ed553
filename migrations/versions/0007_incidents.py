"""Incidents and their timelines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_id = sa.String(length=64)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "incidents",
        sa.Column("id", _id, nullable=False),
        sa.Column("site", _id, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("priority", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reporter", _id, nullable=False),
        sa.Column("phone", _id, nullable=False),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.Column("device_ns", sa.BigInteger(), nullable=True),
        sa.Column("checkpoint", _id, nullable=True),
        sa.Column("space", _id, nullable=True),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("position", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("asset", _id, nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("people", sa.Text(), nullable=False),
        sa.Column("photos", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("taken_by", _id, nullable=True),
        sa.Column("taken_ns", sa.BigInteger(), nullable=True),
        sa.Column("closed_by", _id, nullable=True),
        sa.Column("closed_ns", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("work_order", _id, nullable=True),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("called_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_index("ix_incidents_site_received_ns", "incidents", ["site", "received_ns"], unique=False)
    op.create_index("ix_incidents_site_state", "incidents", ["site", "state"], unique=False)
    op.create_table(
        "incident_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("incident", _id, nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("actor", _id, nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("facts", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_entries")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_incident_entries_incident", "incident_entries", ["incident"], unique=False)
