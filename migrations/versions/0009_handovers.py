"""Handover sheets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Signed sheets."""
    op.create_table(
        "handovers",
        sa.Column("id", sa.String(length=96), nullable=False),
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("team", sa.String(length=64), nullable=False),
        sa.Column("shift", sa.String(length=64), nullable=False),
        sa.Column("starts_ns", sa.BigInteger(), nullable=False),
        sa.Column("ends_ns", sa.BigInteger(), nullable=False),
        sa.Column("sheet", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("outgoing", sa.String(length=64), nullable=False),
        sa.Column("outgoing_name", sa.Text(), nullable=False),
        sa.Column("outgoing_ns", sa.BigInteger(), nullable=False),
        sa.Column("incoming", sa.String(length=64), nullable=True),
        sa.Column("incoming_name", sa.Text(), nullable=True),
        sa.Column("incoming_ns", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handovers")),
    )
    op.create_index("ix_handovers_site_starts_ns", "handovers", ["site", "starts_ns"], unique=False)
