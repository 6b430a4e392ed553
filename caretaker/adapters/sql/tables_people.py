"""Tables of people: teams, shifts, passwords, phones, wrong tries; and the audit trail."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from caretaker.adapters.sql.tables import metadata

_id = String(64)
_serial = BigInteger().with_variant(Integer, "sqlite")

teams = Table(
    "teams",
    metadata,
    Column("id", _id, primary_key=True),
    Column("site", _id, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
)
shifts = Table(
    "shifts",
    metadata,
    Column("id", _id, primary_key=True),
    Column("site", _id, nullable=False),
    Column("team", _id, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("weekdays", JSON, nullable=False),
    Column("starts", String(8), nullable=False),
    Column("ends", String(8), nullable=False),
    Column("active", Boolean, nullable=False),
)
# Argon2 hashes live apart from the persons, so that no list of people can carry one by accident.
passwords = Table(
    "passwords",
    metadata,
    Column("person", _id, primary_key=True),
    Column("purpose", String(16), primary_key=True),
    Column("hash", Text, nullable=False),
    Column("changed_ns", BigInteger, nullable=False),
)
phones = Table(
    "phones",
    metadata,
    Column("id", _id, primary_key=True),
    Column("person", _id, nullable=False),
    Column("label", Text, nullable=False),
    Column("public_key", JSON(none_as_null=True)),
    Column("enrolled_ns", BigInteger, nullable=False),
    Column("seen_ns", BigInteger),
    Column("wrong_pins", Integer, nullable=False),
    Column("withdrawn_ns", BigInteger),
    Column("withdrawn_by", _id),
    Index("ix_phones_person", "person"),
)
wrong_tries = Table(
    "wrong_tries",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("account", _id, nullable=False),
    Column("address", String(64), nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Index("ix_wrong_tries_at_ns", "at_ns"),
    sqlite_autoincrement=True,
)
known_addresses = Table(
    "known_addresses",
    metadata,
    Column("account", _id, primary_key=True),
    Column("address", String(64), primary_key=True),
    Column("at_ns", BigInteger, nullable=False),
)
audit = Table(
    "audit",
    metadata,
    # numbered by us inside the writer's lock: a number the database gave out and rolled back would look like a theft
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("site", _id, nullable=False),
    Column("actor", _id, nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(160), nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("previous", String(64), nullable=False),
    Column("mac", String(64), nullable=False),
    Index("ix_audit_subject", "subject"),
)
