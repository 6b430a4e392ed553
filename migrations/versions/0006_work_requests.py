"""Work requests: what people report from a sticker."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_id = sa.String(length=64)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "work_requests",
        sa.Column("id", _id, nullable=False),
        sa.Column("site", _id, nullable=False),
        sa.Column("checkpoint", _id, nullable=False),
        sa.Column("space", _id, nullable=False),
        sa.Column("asset", _id, nullable=True),
        sa.Column("fault", _id, nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("priority", sa.String(length=16), nullable=False),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.Column("photo", _id, nullable=True),
        sa.Column("photo_ns", sa.BigInteger(), nullable=True),
        sa.Column("contact_name", sa.Text(), nullable=True),
        sa.Column("contact_phone", sa.Text(), nullable=True),
        sa.Column("work_order", _id, nullable=True),
        sa.Column("joined", sa.Boolean(), nullable=False),
        sa.Column("refused_ns", sa.BigInteger(), nullable=True),
        sa.Column("refused_by", _id, nullable=True),
        sa.Column("refused_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_requests")),
    )
    op.create_index("ix_work_requests_site_received_ns", "work_requests", ["site", "received_ns"])
    op.create_index("ix_work_requests_work_order", "work_requests", ["work_order"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("work_requests")
