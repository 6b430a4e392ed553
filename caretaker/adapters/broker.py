"""The broker that comes with the product: rumqttd in a child process, by iotcore. Loopback, limits set.

It keeps nothing on disk: what a device sent and the collector had not yet acknowledged dies with the machine. A real
site runs mosquitto with deploy/mosquitto/mosquitto.conf.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, NoReturn

import structlog

from caretaker.config import ROOT
from caretaker.domain.errors import ConfigurationError

_log = structlog.get_logger(__name__)

MAX_PAYLOAD: Final = 256 * 1024
SEGMENT_BYTES: Final = 4 * 1024 * 1024
SEGMENTS: Final = 4
"""4 x 4 MiB for each topic filter: rumqttd keeps published messages in memory until its segments are full; its own
default of 10 x 100 MB grows to 1.1 GB."""

_START_S: Final = 10.0

_LISTENER: Final = """
[{version}.1]
name = "{version}-1"
listen = "{host}:{port}"
next_connection_delay_ms = 1
[{version}.1.connections]
connection_timeout_ms = 10000
max_payload_size = {payload}
max_inflight_count = 1000
dynamic_filters = true
"""
_CONFIG: Final = """id = 0
[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 1000
max_segment_size = {segment}
max_segment_count = {segments}
"""


class EmbeddedBroker:
    """MQTT 3.1.1 for devices on `port`, MQTT 5 for the collector on a port of its own (rumqttd wants two)."""

    def __init__(self, host: str, port: int, folder: Path) -> None:
        self.host = host
        self.port = port
        self.port5 = free_port(host)
        config = _CONFIG.format(segment=SEGMENT_BYTES, segments=SEGMENTS)
        for version, at in (("v4", port), ("v5", self.port5)):
            config += _LISTENER.format(version=version, host=host, port=at, payload=MAX_PAYLOAD)
        self._path = folder / "broker.toml"
        self._path.write_text(config)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Listen. Raises ConfigurationError when the port is taken or the broker does not come up."""
        for port in (self.port, self.port5):
            if _answers(self.host, port):
                self._refuse(f"another program listens on {port}")
        # a session of its own: Ctrl-C and a group's SIGTERM reach us first, and we stop the broker last
        self._process = subprocess.Popen(  # noqa: S603  (our own module)
            [sys.executable, "-m", "caretaker.adapters.broker_child", str(self._path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        end = time.monotonic() + _START_S
        while not (_answers(self.host, self.port) and _answers(self.host, self.port5)):
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                self._refuse("it did not come up")
            time.sleep(0.02)
        _log.info("broker listening", devices=f"{self.host}:{self.port}", collector=f"{self.host}:{self.port5}")

    def _refuse(self, reason: str) -> NoReturn:
        raise ConfigurationError(
            f"the embedded MQTT broker cannot listen on {self.host}:{self.port} ({reason}); "
            "stop the other program there or give another address with --mqtt HOST:PORT"
        )

    @property
    def running(self) -> bool:
        """Does the child live?"""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the child; twice does no harm."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), 0.3):
            return True
    except OSError:
        return False


def free_port(host: str) -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
