"""The tables. Times are nanoseconds UTC in BIGINT; ids of things are the site file's words, kept as text."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
    true,
)

from caretaker.domain.work_orders import UNFINISHED

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_id = String(64)
# SQLite numbers rows itself only in an INTEGER primary key; PostgreSQL wants BIGINT to last.
_serial = BigInteger().with_variant(Integer, "sqlite")

sites = Table(
    "sites",
    metadata,
    Column("id", _id, primary_key=True),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("zone", String(64), nullable=False),
)
spaces = Table(
    "spaces",
    metadata,
    Column("site", _id, primary_key=True),
    Column("id", _id, primary_key=True),
    Column("rank", Integer, nullable=False),
    Column("type", String(16), nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("parent", _id),
    Column("level", Integer, nullable=False),
)
assets = Table(
    "assets",
    metadata,
    Column("site", _id, primary_key=True),
    Column("id", _id, primary_key=True),
    Column("rank", Integer, nullable=False),
    Column("kind", _id, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("space", _id, nullable=False),
    Column("criticality", String(16), nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("overrides", JSON, nullable=False),
)
connections = Table(
    "connections",
    metadata,
    Column("site", _id, primary_key=True),
    Column("id", _id, primary_key=True),
    Column("host", String(255), nullable=False),
    Column("port", Integer, nullable=False),
    Column("facts", JSON, nullable=False),
)
devices = Table(
    "devices",
    metadata,
    Column("site", _id, primary_key=True),
    Column("id", _id, primary_key=True),
    Column("rank", Integer, nullable=False),
    Column("protocol", String(16), nullable=False),
    Column("connection", _id),
    Column("facts", JSON, nullable=False),
)
points = Table(
    "points",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("site", _id, nullable=False),
    Column("asset", _id, nullable=False),
    Column("key", _id, nullable=False),
    UniqueConstraint("site", "asset", "key"),
    sqlite_autoincrement=True,
)
cursors = Table(
    "cursors",
    metadata,
    Column("consumer", _id, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
)
snapshots = Table(
    "snapshots",
    metadata,
    Column("consumer", _id, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),
)
alarms = Table(
    "alarms",
    metadata,
    Column("id", _id, primary_key=True),
    Column("site", _id, nullable=False),
    Column("asset", _id, nullable=False),
    Column("rule", _id, nullable=False),
    Column("priority", String(16), nullable=False),
    Column("fault", _id, nullable=False),
    Column("since_ns", BigInteger, nullable=False),
    Column("raised_ns", BigInteger, nullable=False),
    Column("cleared_ns", BigInteger),
    Column("latched", Boolean, nullable=False),
    Column("acknowledged_ns", BigInteger),
    Column("acknowledged_by", Text),
    Column("comment", Text),
    Column("work_order", _id),
    Column("evidence", JSON, nullable=False),
    Index("ix_alarms_raised_ns", "raised_ns"),
    Index("ix_alarms_work_order", "work_order"),
    # One open episode of a rule on an asset, whoever writes and however often (reliability M29).
    Index(
        "uq_alarms_open_episode",
        "site",
        "asset",
        "rule",
        unique=True,
        sqlite_where=text("cleared_ns IS NULL"),
        postgresql_where=text("cleared_ns IS NULL"),
    ),
)
_UNFINISHED = text("state IN ({})".format(", ".join(f"'{state}'" for state in sorted(UNFINISHED))))
work_orders = Table(
    "work_orders",
    metadata,
    Column("id", _id, primary_key=True),
    Column("site", _id, nullable=False),
    Column("asset", _id, nullable=False),
    Column("fault", _id, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("priority", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("detected_by", String(16), nullable=False),
    Column("opened_ns", BigInteger, nullable=False),
    Column("due_ns", BigInteger),
    Column("assignee", Text),
    Column("started_ns", BigInteger),
    Column("completed_ns", BigInteger),
    Column("closed_ns", BigInteger),
    Column("closed_by", Text),
    Index("ix_work_orders_opened_ns", "opened_ns"),
    # One unfinished order for a fault of an asset.
    Index(
        "uq_work_orders_unfinished",
        "site",
        "asset",
        "fault",
        unique=True,
        sqlite_where=_UNFINISHED,
        postgresql_where=_UNFINISHED,
    ),
)
order_numbers = Table(
    "order_numbers",
    metadata,
    Column("site", _id, primary_key=True),
    Column("day", String(6), primary_key=True),
    Column("last", Integer, nullable=False),
)
order_entries = Table(
    "order_entries",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("work_order", _id, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(32), nullable=False),
    Column("comment", Text),
    Column("facts", JSON, nullable=False),
    Index("ix_order_entries_work_order", "work_order"),
    sqlite_autoincrement=True,
)
outbox = Table(
    "outbox",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("key", String(160), nullable=False, unique=True),
    Column("event", String(64), nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_ns", BigInteger, nullable=False),
    Column("sent_ns", BigInteger),
    Column("error", Text),
    Index(
        "ix_outbox_unsent", "next_ns", sqlite_where=text("sent_ns IS NULL"), postgresql_where=text("sent_ns IS NULL")
    ),
    sqlite_autoincrement=True,
)
persons = Table(
    "persons",
    metadata,
    Column("id", _id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("team", _id),
    Column("sites", JSON, nullable=False, server_default="[]"),
    Column("active", Boolean, nullable=False, server_default=true()),
)
credentials = Table(
    "credentials",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("person", _id, nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger),
    Column("seen_ns", BigInteger),
    Column("phone", _id),
    Index("ix_credentials_person", "person"),
)
parts = Table(
    "parts",
    metadata,
    Column("part", _id, primary_key=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("facts", JSON, nullable=False),
)
