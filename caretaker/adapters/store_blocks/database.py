"""The SQLite file of the block store: opening, its tables, and its errors in the house's words.

One connection writes and makes every checkpoint, one reads: Debian's SQLite has the WAL-reset bug, which needs two
connections that checkpoint the same file.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from caretaker.adapters.one_writer import cannot_write
from caretaker.domain.errors import ConfigurationError, StoreUnavailable

_APPLICATION: Final = 0x43615265
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS block(
    point INTEGER, hour INTEGER, part INTEGER, rows INTEGER NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,
    judged INTEGER NOT NULL, min REAL NOT NULL, max REAL NOT NULL, sum REAL NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY(point, hour, part)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS latest(
    point INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, value REAL, quality INTEGER NOT NULL, text TEXT);
CREATE TABLE IF NOT EXISTS fact(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


class Database:
    """Two connections to one file, each used by one thread at a time."""

    def __init__(self, file: Path) -> None:
        """Raises ConfigurationError: cannot be written, or is another program's."""
        self.file = file
        self._write_lock, self._read_lock = threading.Lock(), threading.Lock()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._writer = self._connect()
        except OSError as wrong:
            raise cannot_write(file.parent, "reading store", wrong) from wrong
        except sqlite3.Error as wrong:
            raise self._cannot_open(str(wrong)) from wrong
        try:
            self._prepare()
            self._reader = self._connect()
            self._reader.execute("PRAGMA query_only=ON")
            self._reader.execute("PRAGMA wal_autocheckpoint=0")
        except sqlite3.Error as wrong:
            self._writer.close()
            raise self._cannot_open(str(wrong)) from wrong
        except ConfigurationError:
            self._writer.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.file, isolation_level=None, check_same_thread=False, timeout=5.0)
        connection.execute("PRAGMA cache_size=-4096")
        return connection

    def _prepare(self) -> None:
        connection = self._writer
        found = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if tables and found != _APPLICATION:
            raise self._cannot_open("it is another program's database")
        connection.execute(f"PRAGMA application_id={_APPLICATION}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=2000")
        connection.executescript(_SCHEMA)

    def _cannot_open(self, reason: str) -> ConfigurationError:
        return ConfigurationError(
            f"{self.file}: the reading store cannot be opened ({reason}); move the file away, "
            "or choose a folder Caretaker may write (CARETAKER_DATA, --data)",
            file=str(self.file),
        )

    @contextlib.contextmanager
    def writing(self, doing: str) -> Iterator[sqlite3.Connection]:
        """One transaction, synced on leaving. Raises StoreUnavailable; then nothing of it was written."""
        with self._write_lock:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                self._writer.execute("COMMIT")
            except sqlite3.Error as wrong:
                self._roll_back()
                raise StoreUnavailable(
                    f"{self.file}: cannot {doing}: {wrong}; look at the disk", file=str(self.file)
                ) from wrong
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):  # a full disk may have rolled back already
            self._writer.execute("ROLLBACK")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The reading connection, one consistent state. Raises StoreUnavailable."""
        with self._read_lock:
            try:
                self._reader.execute("BEGIN")
                try:
                    yield self._reader
                finally:
                    self._reader.execute("ROLLBACK")
            except sqlite3.Error as wrong:
                raise StoreUnavailable(f"{self.file}: cannot be read: {wrong}", file=str(self.file)) from wrong

    def size(self) -> int:
        """Bytes on disk, the write-ahead log included."""
        files = (self.file, self.file.with_name(self.file.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def close(self) -> None:
        """The reader first: the last one to close makes the final checkpoint."""
        with self._read_lock:
            self._reader.close()
        with self._write_lock:
            self._writer.close()
