"""PostgreSQL of its own, made for the test run and thrown away with it."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from tests.servers.base import Server, need


class Postgres(Server):
    """A cluster in /tmp, because its user may not enter pytest's own folders when the tests run as root.

    fsync is off: a killed server still loses nothing (the kernel has the pages), and nobody pulls the plug here.
    """

    stop_signal = signal.SIGINT  # "fast": ends sessions instead of waiting for them

    def __init__(self, *, port: int | None = None) -> None:
        self._binaries = Path(need("postgresql")).parent
        super().__init__(Path(tempfile.mkdtemp(prefix="caretaker-pg-")), port=port)
        self._data = self.folder / "data"
        self._made = 0
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")

    def user(self) -> str | None:
        return "postgres" if os.geteuid() == 0 else None

    def command(self) -> Sequence[str]:
        if not self._data.exists():
            self._initialise()
        settings = {
            "listen_addresses": self.host,
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "max_connections": "100",
            "shared_buffers": "32MB",
            "timezone": "UTC",
        }
        flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self._binaries / "postgres"), "-D", str(self._data), *flags]

    def _initialise(self) -> None:
        words = ["-A", "trust", "-U", "caretaker", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        made = subprocess.run(
            [str(self._binaries / "initdb"), "-D", str(self._data), *words],
            cwd=self.folder,
            user=self.user(),
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            pytest.fail(f"initdb failed:\n{made.stdout}\n{made.stderr}")

    def is_ready(self) -> bool:
        try:
            psycopg.connect(self._conninfo("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def url(self, database: str = "postgres") -> str:
        """The address as SQLAlchemy takes it."""
        return f"postgresql+psycopg://caretaker@{self.host}:{self.port}/{database}"

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """A database of one's own, as a URL; dropped afterwards even if a session was left open."""
        self._made += 1
        name = f"t{self._made}_{time.monotonic_ns():x}"
        self.execute(f'CREATE DATABASE "{name}"')
        try:
            yield self.url(name)
        finally:
            self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _conninfo(self, database: str) -> str:
        return f"host={self.host} port={self.port} user=caretaker dbname={database}"

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)
