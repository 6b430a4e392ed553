"""Tables of rounds: checkpoints, plans, rounds, visits, scans, findings."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text, UniqueConstraint

from caretaker.adapters.sql.tables import metadata

_id = String(64)
_round = String(96)
_json = JSON(none_as_null=True)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("site", _id, primary_key=True),
    Column("id", _id, primary_key=True),
    Column("rank", Integer, nullable=False),
    Column("space", _id, nullable=False),
    Column("asset", _id),
    Column("short_code", String(6), nullable=False),
    Column("code_version", Integer, nullable=False),
    Column("nfc", String(64)),
    Column("facts", _json, nullable=False),
    UniqueConstraint("site", "short_code"),
    UniqueConstraint("site", "nfc"),
)
round_plans = Table(
    "round_plans",
    metadata,
    Column("site", _id, primary_key=True),
    Column("id", _id, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("changed_ns", BigInteger, nullable=False),
    Column("facts", _json, nullable=False),
    Column("changed_by", Text),
)
plan_makings = Table(
    "plan_makings",
    metadata,
    Column("site", _id, primary_key=True),
    Column("plan", _id, primary_key=True),
    Column("until_ns", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("day", String(10), nullable=False),
)
rounds = Table(
    "rounds",
    metadata,
    Column("id", _round, primary_key=True),
    Column("site", _id, nullable=False),
    Column("plan", _id, nullable=False),
    Column("plan_version", Integer, nullable=False),
    Column("starts_ns", BigInteger, nullable=False),
    Column("ends_ns", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("person", _id),
    Column("team", _id),
    Column("opened_ns", BigInteger),
    Column("closed_ns", BigInteger),
    Column("ended_early", Text),
    Column("step", Integer, nullable=False),
    Index("ix_rounds_site_starts_ns", "site", "starts_ns"),
    Index("ix_rounds_site_state", "site", "state"),
)
visits = Table(
    "visits",
    metadata,
    Column("round", _round, primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("checkpoint", _id, nullable=False),
    Column("opens_ns", BigInteger, nullable=False),
    Column("closes_ns", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("scan", _id),
    Column("scanned_ns", BigInteger),
    Column("partly", Boolean, nullable=False),
)
scans = Table(
    "scans",
    metadata,
    Column("id", _id, primary_key=True),
    Column("site", _id, nullable=False),
    Column("round", _round),
    Column("checkpoint", _id),
    Column("person", _id, nullable=False),
    Column("phone", _id, nullable=False),
    Column("received_ns", BigInteger, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("suspicious", Boolean, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("visit", Integer),
    # what statistics count, so that they need not open the facts of a quarter of a year
    Column("token_type", String(16)),
    Column("marked", Boolean),
    Column("facts", _json, nullable=False),
    Column("verdict", _json),
    Column("decision", _json),
    Index("ix_scans_site_at_ns", "site", "at_ns"),
    Index("ix_scans_tally", "site", "at_ns", "person", "round", "marked", "token_type"),
    Index("ix_scans_round", "round"),
    Index("ix_scans_phone_at_ns", "phone", "at_ns"),
    Index("ix_scans_checkpoint_at_ns", "checkpoint", "at_ns"),
)
scan_photos = Table(
    "scan_photos",
    metadata,
    Column("scan", _id, primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Index("ix_scan_photos_sha256", "sha256"),
)
findings = Table(
    "findings",
    metadata,
    Column("id", String(160), primary_key=True),
    Column("site", _id, nullable=False),
    Column("scan", _id, nullable=False),
    Column("round", _round),
    Column("checkpoint", _id, nullable=False),
    Column("check", _id, nullable=False),
    Column("asset", _id),
    Column("space", _id, nullable=False),
    Column("fault", _id, nullable=False),
    Column("answer", _json, nullable=False),
    Column("priority", String(16), nullable=False),
    Column("person", _id, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("work_order", _id),
    Index("ix_findings_site_at_ns", "site", "at_ns"),
    Index("ix_findings_scan", "scan"),
)
