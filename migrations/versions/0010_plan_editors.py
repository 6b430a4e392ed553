"""Who made a version of a plan."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of the versions that are there it is not known; the audit trail has it."""
    op.add_column("round_plans", sa.Column("changed_by", sa.Text(), nullable=True))
