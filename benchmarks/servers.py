"""The real servers a run needs, each a child of this process on a free loopback port."""

from __future__ import annotations

import getpass
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from caretaker.adapters.broker import free_port
from caretaker.domain.errors import ConfigurationError
from tooling import servers as installed

_START_S: Final = 20.0
_MOSQUITTO: Final = """listener {port} 127.0.0.1
allow_anonymous true
user {user}
persistence false
max_queued_messages 0
max_queued_bytes 0
max_inflight_messages 0
log_type error
"""
_INFLUX: Final = """reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  wal-fsync-delay = "0s"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[monitor]
  store-enabled = false
"""


class Child:
    """A server process; leaves with the `with` block."""

    def __init__(self, package: str, config: str, folder: Path, option: str) -> None:
        """Raises ConfigurationError when the program is not installed or does not start."""
        program = installed.find(package)
        if not program:
            raise ConfigurationError(f"{package} is not installed; next: apt-get install {package}")
        folder.mkdir()
        self.port = free_port("127.0.0.1")
        text = config.format(port=self.port, rpc=free_port("127.0.0.1"), folder=folder, user=getpass.getuser())
        (folder / "server.conf").write_text(text, "utf-8")
        with (folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen([program, option, folder / "server.conf"], stdout=log, stderr=log)
        end = time.monotonic() + _START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                last = (folder / "server.log").read_text("utf-8", "replace")[-500:]
                raise ConfigurationError(f"{package} does not start; its last words: {last}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def stop(self) -> None:
        """End it."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, wrong: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def mosquitto(folder: Path) -> Child:
    """A broker that drops nothing by itself. Raises ConfigurationError."""
    return Child("mosquitto", _MOSQUITTO, folder, "-c")


def influxdb(folder: Path) -> Child:
    """influxd 1.x that syncs each write. Raises ConfigurationError."""
    return Child("influxdb", _INFLUX, folder, "-config")


def influx_query(port: int, statement: str, database: str = "") -> str:
    """The answer to InfluxQL as text. Raises ConfigurationError when it does not answer."""
    form = urllib.parse.urlencode({"q": statement, "db": database}).encode()
    end = time.monotonic() + _START_S
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/query", form, timeout=60) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, ConnectionError) as wrong:
            if time.monotonic() > end:
                raise ConfigurationError(f"influxdb does not answer {statement!r}: {wrong}") from wrong
            time.sleep(0.1)
