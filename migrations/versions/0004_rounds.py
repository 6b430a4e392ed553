"""Rounds: checkpoints, plans and their versions, rounds, visits, scans, findings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_id = sa.String(length=64)
_round = sa.String(length=96)
_json = sa.JSON(none_as_null=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "checkpoints",
        sa.Column("site", _id, nullable=False),
        sa.Column("id", _id, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("space", _id, nullable=False),
        sa.Column("asset", _id, nullable=True),
        sa.Column("short_code", sa.String(length=6), nullable=False),
        sa.Column("code_version", sa.Integer(), nullable=False),
        sa.Column("nfc", _id, nullable=True),
        sa.Column("facts", _json, nullable=False),
        sa.PrimaryKeyConstraint("site", "id", name=op.f("pk_checkpoints")),
        sa.UniqueConstraint("site", "nfc", name=op.f("uq_checkpoints_site_nfc")),
        sa.UniqueConstraint("site", "short_code", name=op.f("uq_checkpoints_site_short_code")),
    )
    op.create_table(
        "round_plans",
        sa.Column("site", _id, nullable=False),
        sa.Column("id", _id, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_ns", sa.BigInteger(), nullable=False),
        sa.Column("facts", _json, nullable=False),
        sa.PrimaryKeyConstraint("site", "id", "version", name=op.f("pk_round_plans")),
    )
    op.create_table(
        "plan_makings",
        sa.Column("site", _id, nullable=False),
        sa.Column("plan", _id, nullable=False),
        sa.Column("until_ns", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("site", "plan", name=op.f("pk_plan_makings")),
    )
    op.create_table(
        "rounds",
        sa.Column("id", _round, nullable=False),
        sa.Column("site", _id, nullable=False),
        sa.Column("plan", _id, nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("starts_ns", sa.BigInteger(), nullable=False),
        sa.Column("ends_ns", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("person", _id, nullable=True),
        sa.Column("team", _id, nullable=True),
        sa.Column("opened_ns", sa.BigInteger(), nullable=True),
        sa.Column("closed_ns", sa.BigInteger(), nullable=True),
        sa.Column("ended_early", sa.Text(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rounds")),
    )
    op.create_index("ix_rounds_site_starts_ns", "rounds", ["site", "starts_ns"])
    op.create_index("ix_rounds_site_state", "rounds", ["site", "state"])
    op.create_table(
        "visits",
        sa.Column("round", _round, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("checkpoint", _id, nullable=False),
        sa.Column("opens_ns", sa.BigInteger(), nullable=False),
        sa.Column("closes_ns", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("scan", _id, nullable=True),
        sa.Column("scanned_ns", sa.BigInteger(), nullable=True),
        sa.Column("partly", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("round", "sequence", name=op.f("pk_visits")),
    )
    op.create_table(
        "scans",
        sa.Column("id", _id, nullable=False),
        sa.Column("site", _id, nullable=False),
        sa.Column("round", _round, nullable=True),
        sa.Column("checkpoint", _id, nullable=True),
        sa.Column("person", _id, nullable=False),
        sa.Column("phone", _id, nullable=False),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("suspicious", sa.Boolean(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("visit", sa.Integer(), nullable=True),
        sa.Column("facts", _json, nullable=False),
        sa.Column("verdict", _json, nullable=True),
        sa.Column("decision", _json, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scans")),
    )
    op.create_index("ix_scans_checkpoint_at_ns", "scans", ["checkpoint", "at_ns"])
    op.create_index("ix_scans_phone_at_ns", "scans", ["phone", "at_ns"])
    op.create_index("ix_scans_round", "scans", ["round"])
    op.create_index("ix_scans_site_at_ns", "scans", ["site", "at_ns"])
    op.create_table(
        "findings",
        sa.Column("id", sa.String(length=160), nullable=False),
        sa.Column("site", _id, nullable=False),
        sa.Column("scan", _id, nullable=False),
        sa.Column("round", _round, nullable=True),
        sa.Column("checkpoint", _id, nullable=False),
        sa.Column("check", _id, nullable=False),
        sa.Column("asset", _id, nullable=True),
        sa.Column("space", _id, nullable=False),
        sa.Column("fault", _id, nullable=False),
        sa.Column("answer", _json, nullable=False),
        sa.Column("priority", sa.String(length=16), nullable=False),
        sa.Column("person", _id, nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("work_order", _id, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
    )
    op.create_index("ix_findings_scan", "findings", ["scan"])
    op.create_index("ix_findings_site_at_ns", "findings", ["site", "at_ns"])


def downgrade() -> None:
    """Drop them."""
    for table in ("findings", "scans", "visits", "rounds", "plan_makings", "round_plans", "checkpoints"):
        op.drop_table(table)
