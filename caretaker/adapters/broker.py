"""The broker that comes with the product: rumqttd in a child process, by iotcore. Loopback, limits set.

It keeps nothing on disk: what a device sent and the collector had not yet acknowledged dies with the machine. A real
site runs mosquitto with deploy/mosquitto.conf.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

import iotcore
import structlog

from caretaker.domain.errors import ConfigurationError

_log = structlog.get_logger(__name__)

MAX_PAYLOAD: Final = 256 * 1024
SEGMENT_BYTES: Final = 4 * 1024 * 1024
SEGMENTS: Final = 4
"""4 x 4 MiB for each topic filter: rumqttd keeps published messages in memory until its segments are full; its own
default of 10 x 100 MB grows to 1.1 GB."""

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
        self._broker = iotcore.Broker(config_path=str(self._path))

    def start(self) -> None:
        """Listen. Raises ConfigurationError when the port is taken."""
        try:
            self._broker.start()
        except (OSError, RuntimeError) as wrong:
            raise ConfigurationError(
                f"the embedded MQTT broker cannot listen on {self.host}:{self.port} ({wrong}); "
                "stop the other program there or give another address with --mqtt HOST:PORT"
            ) from wrong
        _log.info("broker listening", devices=f"{self.host}:{self.port}", collector=f"{self.host}:{self.port5}")

    @property
    def running(self) -> bool:
        """Does the child live?"""
        return bool(self._broker.is_running)

    def stop(self) -> None:
        """End the child."""
        self._broker.stop()


def free_port(host: str) -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
