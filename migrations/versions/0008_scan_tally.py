"""What statistics count of a scan, in columns of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled from the facts and the verdict that are kept."""
    op.add_column("scans", sa.Column("token_type", sa.String(length=16), nullable=True))
    op.add_column("scans", sa.Column("marked", sa.Boolean(), nullable=True))
    scans = sa.table(
        "scans",
        sa.column("facts", sa.JSON()),
        sa.column("verdict", sa.JSON()),
        sa.column("suspicious", sa.Boolean()),
        sa.column("token_type", sa.String()),
        sa.column("marked", sa.Boolean()),
    )
    accepted = scans.c.verdict["accepted"].as_boolean()
    op.execute(sa.update(scans).values(token_type=scans.c.facts["token_type"].as_string()))
    op.execute(
        sa.update(scans)
        .where(scans.c.verdict.is_not(None))
        .values(marked=sa.or_(scans.c.suspicious, sa.not_(accepted)))
    )
    op.create_index(
        "ix_scans_tally", "scans", ["site", "at_ns", "person", "round", "marked", "token_type"], unique=False
    )
