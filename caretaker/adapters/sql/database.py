"""Engines, transactions, migrations.

SQLite: one writer connection, which also does every checkpoint, and read-only connections beside it. SQLite before
3.51.3 can damage a file when two connections checkpoint at the same moment, and Debian's is older.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import alembic.command
import alembic.config
import msgspec
import structlog
from sqlalchemy import Connection, Engine, create_engine, event, exc, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool

from caretaker.adapters.audit_seal import MemorySeal, Seal
from caretaker.adapters.sql.alarms import SqlAlarms
from caretaker.adapters.sql.audit import SqlAudit
from caretaker.adapters.sql.checkpoints import SqlCheckpoints, SqlRoundPlans
from caretaker.adapters.sql.cursors import SqlCursors, SqlParts, SqlSnapshots
from caretaker.adapters.sql.estates import SqlEstates
from caretaker.adapters.sql.handovers import SqlHandovers
from caretaker.adapters.sql.incidents import SqlIncidents
from caretaker.adapters.sql.outbox import SqlOutbox
from caretaker.adapters.sql.passwords import SqlPasswords
from caretaker.adapters.sql.people import SqlPeople
from caretaker.adapters.sql.photos import SqlPhotos
from caretaker.adapters.sql.repeats import SqlRepeats
from caretaker.adapters.sql.rounds import SqlRounds
from caretaker.adapters.sql.scans import SqlFindings, SqlScans
from caretaker.adapters.sql.teams import SqlPhones, SqlTeams
from caretaker.adapters.sql.work_orders import SqlWorkOrders
from caretaker.adapters.sql.work_requests import SqlWorkRequests
from caretaker.domain.errors import ConfigurationError, DatabaseUnavailable, Refused

MIGRATIONS: Final = Path(__file__).resolve().parents[3] / "migrations"
_MIGRATION_LOCK: Final = 0x0C57_0A1B
"""Any number no other advisory lock of this database uses."""
_log = structlog.get_logger(__name__)


class SqlUnitOfWork:
    """The repositories over one connection inside one transaction."""

    def __init__(self, connection: Connection, seal: Seal) -> None:
        self.connection = connection
        self.estates = SqlEstates(connection)
        self.cursors = SqlCursors(connection)
        self.snapshots = SqlSnapshots(connection)
        self.alarms = SqlAlarms(connection)
        self.work_orders = SqlWorkOrders(connection)
        self.work_requests = SqlWorkRequests(connection)
        self.outbox = SqlOutbox(connection)
        self.people = SqlPeople(connection)
        self.teams = SqlTeams(connection)
        self.phones = SqlPhones(connection)
        self.passwords = SqlPasswords(connection)
        self.audit = SqlAudit(connection, seal)
        self.parts = SqlParts(connection)
        self.repeats = SqlRepeats(connection)
        self.checkpoints = SqlCheckpoints(connection)
        self.round_plans = SqlRoundPlans(connection)
        self.rounds = SqlRounds(connection)
        self.scans = SqlScans(connection)
        self.findings = SqlFindings(connection)
        self.photos = SqlPhotos(connection)
        self.handovers = SqlHandovers(connection)
        self.incidents = SqlIncidents(connection)


class SqlTransactions:
    """`Transactions` on a SQLAlchemy URL (`sqlite:///file` or `postgresql+psycopg://…`). Usable from any thread.

    `owner`: this process does SQLite's checkpoints; a CLI beside a running house is not the owner.
    `password`: from a secret file; it wins over one in the URL and is never shown.
    `seal`: key and head of the audit trail; without one the trail can only be verified through this object.
    """

    def __init__(self, url: str, *, owner: bool = True, password: str | None = None, seal: Seal | None = None) -> None:
        self.url = url
        self._seal: Seal = seal or MemorySeal()
        self._told_cut = False
        try:
            parsed = make_url(url)
        except exc.ArgumentError as wrong:
            raise ConfigurationError(f"CARETAKER_SQL: {url!r} is no database URL ({wrong})") from wrong
        self.sqlite = parsed.get_backend_name() == "sqlite"
        if self.sqlite:
            if parsed.database:
                _make_folder(Path(parsed.database).parent)
            self._writer = _sqlite(url, size=1, checkpoint=owner, read_only=False)
            self._reader = _sqlite(url, size=6, checkpoint=False, read_only=True)
        else:
            address = parsed if password is None else parsed.set(password=password)
            self._writer = self._reader = create_engine(
                address, pool_size=6, max_overflow=6, pool_timeout=10, pool_pre_ping=True, json_serializer=_json
            )

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[SqlUnitOfWork]:
        """One transaction. Raises DatabaseUnavailable when the database is away, full or read-only, and Refused for a
        value that no database takes (NUL in a text, on PostgreSQL)."""
        engine = self._writer if write else self._reader
        try:
            with engine.begin() as connection:
                unit = SqlUnitOfWork(connection, self._seal)
                yield unit
                head = unit.audit.write()
        except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as away:
            reason = getattr(away, "orig", None) or away
            raise DatabaseUnavailable(f"the database does not take this now: {_first_line(reason)}") from away
        except exc.DataError as wrong:
            raise Refused(f"the database does not take such a value: {_first_line(wrong.orig)}") from wrong
        if head is not None:
            self._seal.remember(head)
        if unit.audit.cut and not self._told_cut:
            self._told_cut = True
            _log.error("audit_trail_cut", next="run `caretaker audit verify`; the head file is kept as it was")

    def migrate(self) -> None:
        """Bring the schema up to date. Raises DatabaseUnavailable or ConfigurationError (newer than this program)."""
        config = alembic.config.Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        try:
            with self._one_at_a_time(), self._writer.connect() as connection:
                config.attributes["connection"] = connection
                alembic.command.upgrade(config, "head")
        except alembic.util.CommandError as wrong:
            raise ConfigurationError(f"{self._place()}: {wrong}; was it written by a newer Caretaker?") from wrong
        except (exc.OperationalError, exc.InterfaceError) as away:
            reason = getattr(away, "orig", None) or away
            raise DatabaseUnavailable(f"{self._place()} cannot be opened: {_first_line(reason)}") from away
        except exc.DatabaseError as foreign:
            raise ConfigurationError(
                f"{self._place()}: {_first_line(foreign.orig)}; move it away, or choose another data folder (--data)"
            ) from foreign

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Parts that start together on an empty PostgreSQL would make the same tables: the first does, the others wait.
        (SQLite's own write lock does it there.)"""
        if self.sqlite:
            yield
            return
        with self._writer.begin() as guard:
            guard.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            yield

    def close(self) -> None:
        """Release all connections; SQLite folds its write-ahead log back into the file."""
        self._reader.dispose()
        self._writer.dispose()

    def _place(self) -> str:
        return make_url(self.url).render_as_string(hide_password=True)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        raise ConfigurationError(f"the data folder {folder} cannot be made: {wrong.strerror}") from wrong


def _json(value: object) -> str:
    """JSON columns. The heartbeat of a gateway with 2,000 devices is 400 kB every 3 s: ten times faster than `json`."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # half a surrogate pair, which only `json` can write
        return json.dumps(value)


def _first_line(error: object) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _sqlite(url: str, *, size: int, checkpoint: bool, read_only: bool) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=30,
        connect_args={"check_same_thread": False, "timeout": 15},
        json_serializer=_json,
    )

    @event.listens_for(engine, "connect")
    def _prepare(raw: Any, _record: object) -> None:
        raw.isolation_level = None  # we say BEGIN ourselves: the driver's own habit starts too late
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("PRAGMA synchronous=FULL")
        raw.execute(f"PRAGMA wal_autocheckpoint={1000 if checkpoint else 0}")
        raw.execute("PRAGMA foreign_keys=ON")
        if read_only:
            raw.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine
