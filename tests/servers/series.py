"""InfluxDB 1.x (Debian's), and VictoriaMetrics, which is the server here that takes InfluxDB's v2 write path."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.servers.base import Server, free_port, need

_INFLUX_CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc_port}"
[meta]
  dir = "{folder}/meta"
  logging-enabled = false
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
[subscriber]
  enabled = false
[continuous_queries]
  enabled = false
"""


class _Http(Server):
    ping = "/ping"

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def is_ready(self) -> bool:
        try:
            return httpx.get(self.url + self.ping, timeout=1, trust_env=False).is_success
        except httpx.HTTPError:
            return False


class InfluxDB(_Http):
    """influxd 1.x: `/write` and InfluxQL, no `/api/v2`. Every write is on disk before it is acknowledged."""

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        super().__init__(folder, port=port)
        self._rpc_port = free_port()

    def command(self) -> Sequence[str]:
        path = self.folder / "influxdb.toml"
        path.write_text(_INFLUX_CONFIG.format(folder=self.folder, port=self.port, rpc_port=self._rpc_port), "utf-8")
        return [need("influxdb"), "-config", str(path)]

    def create_database(self, name: str) -> str:
        self.query(f'CREATE DATABASE "{name}"')
        return name

    def drop_database(self, name: str) -> None:
        self.query(f'DROP DATABASE "{name}"')

    def query(self, influxql: str, *, database: str = "", epoch: str = "ns") -> list[dict[str, Any]]:
        """Ask in InfluxQL, and return the series of the first statement: what the tests check our own reads against."""
        form = {"q": influxql, "db": database, "epoch": epoch}
        answer = httpx.post(self.url + "/query", data=form, timeout=30, trust_env=False)
        answer.raise_for_status()
        result = answer.json()["results"][0]
        if "error" in result:
            raise ValueError(result["error"])
        series: list[dict[str, Any]] = result.get("series", [])
        return series


class VictoriaMetrics(_Http):
    """Takes `/api/v2/write` as influxdb-client sends it; `export` gives back what arrived."""

    ping = "/health"

    def command(self) -> Sequence[str]:
        return [
            need("victoria-metrics"),
            f"-storageDataPath={self.folder / 'victoria'}",
            f"-httpListenAddr={self.host}:{self.port}",
            "-retentionPeriod=100y",
            "-search.latencyOffset=0s",
            "-memory.allowedBytes=128MB",
        ]

    def export(self, match: str, *, expect: int = 1, within: float = 10.0) -> list[dict[str, Any]]:
        """Every series of a selector such as `{__name__!=""}`, with its values and times, as stored.

        It answers a write before a reader can see it, so wait until `expect` values are there, or time is up.
        """
        end = time.monotonic() + within
        while True:
            httpx.get(self.url + "/internal/force_flush", timeout=30, trust_env=False).raise_for_status()
            question = {"match[]": match, "start": "0"}
            answer = httpx.get(self.url + "/api/v1/export", params=question, timeout=30, trust_env=False)
            answer.raise_for_status()
            series = [json.loads(line) for line in answer.text.splitlines() if line]
            if sum(len(one["values"]) for one in series) >= expect or time.monotonic() > end:
                return series
            time.sleep(0.1)
