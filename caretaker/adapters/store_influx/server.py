"""Talking to InfluxDB: sending ready lines, asking in InfluxQL, and what its answers mean.

Both servers answer InfluxQL on /query; only the way in differs.
"""

from __future__ import annotations

from typing import Any, Final, Protocol, TypeAlias

import httpx

from caretaker.domain.errors import ConfigurationError, StoreUnavailable

_TIMEOUT: Final = httpx.Timeout(10.0, connect=3.0)
Row: TypeAlias = list[Any]


class LinesRefused(Exception):
    """The server says that some of the lines can never be stored (400, 422), or that they are too many (413)."""


class LineServer(Protocol):
    """A server that takes lines and answers InfluxQL."""

    def send(self, lines: bytes) -> None:
        """Durable on return. Raises LinesRefused, StoreUnavailable (perhaps stored: send the same lines again)."""
        ...

    def ask(self, influxql: str) -> list[dict[str, Any]]:
        """The series of the first statement (tags, columns, values); times as int nanoseconds. Raises StoreUnavailable."""
        ...

    def version(self) -> str:
        """What answers there. Raises StoreUnavailable."""
        ...

    def forgets(self) -> bool:
        """May old readings be deleted by us? (Else the server's own retention does it.)"""
        ...

    def close(self) -> None:
        """Release connections."""
        ...


class Asking:
    """The reading half, the same for 1.x, 2.x (needs a DBRP mapping) and 3.x."""

    def __init__(self, url: str, database: str, headers: dict[str, str]) -> None:
        self._url, self._database = url, database
        self.http = httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT, trust_env=False)

    def ask(self, influxql: str) -> list[dict[str, Any]]:
        """See `LineServer.ask`."""
        parameters = {"db": self._database, "epoch": "ns", "q": influxql}
        answer = self.request("POST", "/query", data=parameters)
        try:
            result = answer.json()["results"][0]
        except (ValueError, LookupError) as wrong:
            raise StoreUnavailable(
                f"{self._url}/query did not answer in InfluxQL's JSON: {answer.text[:200]}"
            ) from wrong
        if "error" in result:
            raise StoreUnavailable(
                f"{self._url}: InfluxDB cannot answer: {result['error']}", url=self._url, error=result["error"]
            )
        series: list[dict[str, Any]] = result.get("series", [])
        return series

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request. Raises LinesRefused (400, 413, 422) and StoreUnavailable (all else but 2xx)."""
        try:
            answer = self.http.request(method, path, **more)
        except httpx.HTTPError as wrong:
            raise StoreUnavailable(
                f"InfluxDB at {self._url} does not answer: {type(wrong).__name__} {wrong}", url=self._url
            ) from wrong
        if answer.is_success:
            return answer
        if answer.status_code in {400, 413, 422} and path.startswith("/write"):
            raise LinesRefused(answer.text[:500])
        raise StoreUnavailable(
            f"InfluxDB at {self._url} answered {answer.status_code}: {answer.text[:200].strip()}",
            url=self._url,
            status=answer.status_code,
        )

    def close(self) -> None:
        """Release connections."""
        self.http.close()


class Influx1:
    """InfluxDB 1.x: /write over one keep-alive connection. Every 204 is synced to its write-ahead log."""

    def __init__(self, url: str, database: str, user: str = "", password: str = "") -> None:
        self._url, self._database = url, database
        self._asking = Asking(url, database, {})
        if user:
            self._asking.http.auth = httpx.BasicAuth(user, password)
        self._created = False

    def send(self, lines: bytes) -> None:
        """See `LineServer.send`. The database is made when it is missing."""
        if not self._created:
            self._asking.ask(f'CREATE DATABASE "{quoted(self._database)}"')
            self._created = True
        parameters = {"db": self._database, "precision": "ns"}
        self._asking.request("POST", "/write", params=parameters, content=lines)

    def ask(self, influxql: str) -> list[dict[str, Any]]:
        """See `LineServer.ask`. A database that the first write has yet to make holds nothing, and is not away."""
        try:
            return self._asking.ask(influxql)
        except StoreUnavailable as wrong:
            if str(wrong.facts.get("error", "")).startswith("database not found"):
                return []
            raise

    def version(self) -> str:
        """See `LineServer.version`. Raises ConfigurationError when a 2.x or 3.x answers."""
        version = self._asking.request("GET", "/ping").headers.get("X-Influxdb-Version", "")
        if version.lstrip("v")[:1] in {"2", "3"}:
            raise ConfigurationError(
                f"InfluxDB {version} answers at {self._url}: set CARETAKER_STORE to influx2+http://…/?org=…&bucket=…"
            )
        return f"InfluxDB {version or '1.x'}"

    def forgets(self) -> bool:
        """See `LineServer.forgets`."""
        return True

    def close(self) -> None:
        """See `LineServer.close`."""
        self._asking.close()


class Influx2:
    """InfluxDB 2.x and 3.x: ready lines through influxdb-client's synchronous write (the batching one loses on errors)."""

    def __init__(self, url: str, org: str, bucket: str, token: str) -> None:
        from influxdb_client.client.influxdb_client import (
            InfluxDBClient,
        )  # takes a second to import: only where it is used
        from influxdb_client.client.write_api import SYNCHRONOUS

        self._url, self._org, self._bucket = url, org, bucket
        self._client = InfluxDBClient(url=url, token=token, org=org, timeout=10_000)
        self._write = self._client.write_api(write_options=SYNCHRONOUS)
        self._asking = Asking(url, bucket, {"Authorization": f"Token {token}"} if token else {})

    def send(self, lines: bytes) -> None:
        """See `LineServer.send`."""
        from influxdb_client.rest import ApiException
        from urllib3.exceptions import HTTPError

        try:
            self._write.write(bucket=self._bucket, org=self._org, record=lines)
        except ApiException as wrong:
            if wrong.status in {400, 413, 422}:
                raise LinesRefused(str(wrong.body)[:500]) from wrong
            raise StoreUnavailable(
                f"InfluxDB at {self._url} answered {wrong.status} {wrong.reason}", url=self._url, status=wrong.status
            ) from wrong
        except (HTTPError, OSError) as wrong:
            raise StoreUnavailable(
                f"InfluxDB at {self._url} does not answer: {type(wrong).__name__}", url=self._url
            ) from wrong

    def ask(self, influxql: str) -> list[dict[str, Any]]:
        """See `LineServer.ask`."""
        return self._asking.ask(influxql)

    def version(self) -> str:
        """See `LineServer.version`."""
        version = self._asking.request("GET", "/ping").headers.get("X-Influxdb-Version", "")
        return f"InfluxDB {version or '2.x or later'}"

    def forgets(self) -> bool:
        """See `LineServer.forgets`: the bucket's retention period does it."""
        return False

    def close(self) -> None:
        """See `LineServer.close`."""
        self._client.close()  # type: ignore[no-untyped-call]
        self._asking.close()


def quoted(text: str) -> str:
    """Text as it stands between InfluxQL's quotes."""
    return text.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"').replace("\n", "\\n")
