"""People: teams, shifts, passwords, phones, wrong tries; the audit trail, which refuses UPDATE and DELETE."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_id = sa.String(length=64)
_serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add columns and tables, then lock the trail."""
    op.add_column("persons", sa.Column("team", _id, nullable=True))
    op.add_column("persons", sa.Column("sites", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("persons", sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("credentials", sa.Column("phone", _id, nullable=True))
    op.create_index("ix_credentials_person", "credentials", ["person"], unique=False)
    op.create_table(
        "teams",
        sa.Column("id", _id, nullable=False),
        sa.Column("site", _id, nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
    )
    op.create_table(
        "shifts",
        sa.Column("id", _id, nullable=False),
        sa.Column("site", _id, nullable=False),
        sa.Column("team", _id, nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("weekdays", sa.JSON(), nullable=False),
        sa.Column("starts", sa.String(length=8), nullable=False),
        sa.Column("ends", sa.String(length=8), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shifts")),
    )
    op.create_table(
        "passwords",
        sa.Column("person", _id, nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("changed_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", "purpose", name=op.f("pk_passwords")),
    )
    op.create_table(
        "phones",
        sa.Column("id", _id, nullable=False),
        sa.Column("person", _id, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("public_key", sa.JSON(), nullable=True),
        sa.Column("enrolled_ns", sa.BigInteger(), nullable=False),
        sa.Column("seen_ns", sa.BigInteger(), nullable=True),
        sa.Column("wrong_pins", sa.Integer(), nullable=False),
        sa.Column("withdrawn_ns", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_by", _id, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phones")),
    )
    op.create_index("ix_phones_person", "phones", ["person"], unique=False)
    op.create_table(
        "wrong_tries",
        sa.Column("id", _serial, autoincrement=True, nullable=False),
        sa.Column("account", _id, nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wrong_tries")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_wrong_tries_at_ns", "wrong_tries", ["at_ns"], unique=False)
    op.create_table(
        "known_addresses",
        sa.Column("account", _id, nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "address", name=op.f("pk_known_addresses")),
    )
    op.create_table(
        "audit",
        sa.Column("id", _serial, autoincrement=False, nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("site", _id, nullable=False),
        sa.Column("actor", _id, nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("mac", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_subject", "audit", ["subject"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        _lock_postgresql()
    else:
        _lock_sqlite()


def _lock_sqlite() -> None:
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END"
        )


def _lock_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit trail only grows'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit "
        "FOR EACH ROW EXECUTE FUNCTION audit_only_grows()"
    )
    op.execute(
        "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()"
    )
