"""The ReadingStore port on InfluxDB.

Layout: measurement `reading`; tags site, device, point (asset.key); fields value (float), text, quality (int).
A reading without a finite value writes its quality alone, so rewriting a time with "no value" keeps an older value.
"""

# ruff: noqa: S608  InfluxQL binds no parameters in 1.x: what goes in is an integer or has passed `quoted`

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from caretaker.adapters.store_influx.lines import escape_key, escape_text
from caretaker.adapters.store_influx.server import Influx1, Influx2, LineServer, LinesRefused, Row, quoted
from caretaker.domain.errors import BadReading, ConfigurationError, StoreUnavailable
from caretaker.domain.readings import QUALITY_BITS, Quality, ReadingBatch
from caretaker.ports import Buckets, Latest, Position, Series

LINES: Final = 5000
"""Lines in one request: 78 % of the speed of 50,000 at a ninth of the delay (performance.md, section 4)."""
_FEW: Final = 30


@dataclass(frozen=True, slots=True)
class SeriesName:
    """The tags of one point's series. `point` is `asset.key`."""

    site: str
    device: str
    point: str


class InfluxStore:
    """See `caretaker.ports.ReadingStore`. Nothing waits here: a write returns when the server has acknowledged it."""

    keeps_position: Final = False

    def __init__(self, server: LineServer, names: Mapping[int, SeriesName]) -> None:
        """`names`: point id -> its series. Readings of other points are refused (BadReading)."""
        self._server, self._names = server, dict(names)
        self._ids = {(name.site, name.device, name.point): point for point, name in self._names.items()}
        self._prefixes = {point: _prefix(name) for point, name in self._names.items()}
        self._durable = 0
        self._closed = False

    @classmethod
    def connect(cls, address: str, names: Mapping[int, SeriesName], token_file: Path | None = None) -> Self:
        """From a setting: influx1+http://[user@]host:port/database, influx2+http://host:port/?org=…&bucket=….

        The token (2.x, 3.x) or password (1.x) is the first line of `token_file`. Does not connect yet: an absent
        server is retried, a wrong address is a ConfigurationError.
        """
        return cls(_server(address, _secret(token_file)), names)

    # ------------------------------------------------------------------ write

    def write(self, batch: ReadingBatch, upto: Position) -> None:
        """See `ReadingStore.write`. After BadReading every other row of the batch is stored."""
        self._usable()
        lines, rows, refused = self._lines(batch)
        for start in range(0, len(lines), LINES):
            refused += self._send(lines[start : start + LINES], rows[start : start + LINES])
        self._durable = upto
        if refused:
            numbers = sorted(row for row, _ in refused)
            why = refused[0][1]
            raise BadReading(f"InfluxDB refuses {len(numbers)} readings: {why}", rows=numbers, reason=why)

    def _lines(self, batch: ReadingBatch) -> tuple[list[str], Sequence[int], list[tuple[int, str]]]:
        """Lines to send, the row of each, and (row, why) of points that have no series."""
        finite = np.isfinite(batch.values)
        columns = (batch.points.tolist(), batch.values.tolist(), batch.quality.tolist(), batch.times.tolist())
        prefixes = self._prefixes
        if not batch.texts and bool(finite.all()):
            try:  # the hot path: 0.5 us a reading
                lines = [f"{prefixes[p]}{q}i,value={v!r} {t}" for p, v, q, t in zip(*columns, strict=True)]
                return lines, range(len(lines)), []
            except KeyError:
                pass  # a point without a series is among them: one by one
        return self._lines_one_by_one(batch, zip(*columns, finite.tolist(), strict=True))

    def _lines_one_by_one(
        self, batch: ReadingBatch, readings: Iterable[tuple[int, float, int, int, bool]]
    ) -> tuple[list[str], Sequence[int], list[tuple[int, str]]]:
        lines: list[str] = []
        rows: list[int] = []
        refused: list[tuple[int, str]] = []
        for row, (point, value, quality, at, finite) in enumerate(readings):
            prefix = self._prefixes.get(point)
            if prefix is None:
                refused.append((row, f"point {point} is not of this estate"))
                continue
            fields = f"{prefix}{quality}i"
            if finite:
                fields = f"{fields},value={value!r}"
            if row in batch.texts:
                fields = f"{fields},text={escape_text(batch.texts[row])}"
            lines.append(f"{fields} {at}")
            rows.append(row)
        return lines, rows, refused

    def _send(self, lines: Sequence[str], rows: Sequence[int]) -> list[tuple[int, str]]:
        """Send; where the server refuses some, halve until they stand alone. -> (row, why) of the refused ones."""
        if not lines:
            return []
        try:
            self._server.send("\n".join(lines).encode())
        except LinesRefused as wrong:
            if len(lines) == 1:
                return [(rows[0], str(wrong).strip())]
            half = len(lines) // 2
            return self._send(lines[:half], rows[:half]) + self._send(lines[half:], rows[half:])
        return []

    def durable_upto(self) -> Position:
        """See `ReadingStore.durable_upto`. 0 after a start: who reads the journal keeps the position elsewhere."""
        return self._durable

    def flush(self) -> None:
        """Nothing waits here."""
        self._usable()

    # ------------------------------------------------------------------ read

    def latest(self, points: Sequence[int]) -> Sequence[Latest]:
        """See `ReadingStore.latest`."""
        self._usable()
        known = [point for point in points if point in self._names]
        if not known:
            return []
        where = ""
        if len(known) <= _FEW:
            where = "WHERE " + " OR ".join(f"({self._where(point)})" for point in known)
        found: dict[int, Latest] = {}
        for series in self._server.ask(
            f"SELECT last(quality) AS quality, value, text FROM reading {where} GROUP BY site, device, point"
        ):
            tags = series["tags"]
            point = self._ids.get((tags["site"], tags["device"], tags["point"]))
            if point is not None:
                at, quality, value, text = series["values"][-1]
                found[point] = Latest(point, int(at), None if value is None else float(value), int(quality), text)
        return [found[point] for point in known if point in found]

    def _where(self, point: int) -> str:
        name = self._names[point]
        return f"site='{quoted(name.site)}' AND device='{quoted(name.device)}' AND point='{quoted(name.point)}'"

    def _rows(self, select: str, point: int, start_ns: int, end_ns: int, rest: str = "") -> list[Row]:
        """The rows of one point's series in [start, end)."""
        if point not in self._names or start_ns >= end_ns:
            return []
        series = self._server.ask(
            f"SELECT {select} FROM reading WHERE {self._where(point)} AND time >= {start_ns} AND time < {end_ns} {rest}"
        )
        rows: list[Row] = series[0]["values"] if series else []
        return rows

    def read(self, point: int, start_ns: int, end_ns: int, limit: int = 100_000) -> Series:
        """See `ReadingStore.read`."""
        self._usable()
        rows = self._rows("quality, value, text", point, start_ns, end_ns, f"ORDER BY time ASC LIMIT {limit}")
        return Series(
            np.array([row[0] for row in rows], np.int64),
            np.array([np.nan if row[2] is None else row[2] for row in rows], np.float64),
            np.array([row[1] for row in rows], np.uint8),
            {number: row[3] for number, row in enumerate(rows) if row[3] is not None},
        )

    def downsample(self, point: int, start_ns: int, end_ns: int, every_ns: int) -> Buckets:
        """See `ReadingStore.downsample`. Raises ValueError when `every_ns` is not positive."""
        if every_ns <= 0:
            raise ValueError("a bucket is at least one nanosecond wide")
        self._usable()
        rows: list[Row] = [
            row
            for row in self._rows(
                "mean(value), min(value), max(value), count(value)",
                point,
                start_ns,
                end_ns,
                f"AND quality & {QUALITY_BITS} != {int(Quality.BAD)} GROUP BY time({every_ns}ns) fill(none)",
            )
            if row[4]
        ]
        columns: list[list[Any]] = [[row[number] for row in rows] for number in range(5)]
        return Buckets(
            np.array(columns[0], np.int64),
            np.array(columns[1], np.float64),
            np.array(columns[2], np.float64),
            np.array(columns[3], np.float64),
            np.array(columns[4], np.int64),
        )

    # ------------------------------------------------------------------ care

    def forget(self, before_ns: int) -> int:
        """See `ReadingStore.forget`. In 2.x and 3.x the bucket's retention does it: 0 here."""
        self._usable()
        if not self._server.forgets():
            return 0
        counted = self._server.ask(f"SELECT count(quality) FROM reading WHERE time < {before_ns}")
        if not counted:
            return 0
        self._server.ask(f"DELETE FROM reading WHERE time < {before_ns}")
        return int(counted[0]["values"][0][1])

    def ping(self) -> str:
        """See `ReadingStore.ping`."""
        self._usable()
        return self._server.version()

    def close(self) -> None:
        """See `ReadingStore.close`."""
        if not self._closed:
            self._closed = True
            self._server.close()

    def _usable(self) -> None:
        if self._closed:
            raise StoreUnavailable("the reading store is closed")


def _prefix(name: SeriesName) -> str:
    """Everything of a line up to the quality's number; built once per series."""
    tags = ",".join(
        f"{key}={escape_key(value, 'tag value')}"
        for key, value in (("device", name.device), ("point", name.point), ("site", name.site))
    )
    return f"reading,{tags} quality="


def _secret(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text("utf-8").strip().split("\n")[0]
    except OSError as wrong:
        raise ConfigurationError(f"CARETAKER_STORE_TOKEN_FILE: {file} cannot be read ({wrong.strerror})") from wrong


def _server(address: str, secret: str) -> LineServer:
    scheme, _, rest = address.partition("+")
    parts = urlsplit(rest)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise _wrong(address)
    url = f"{parts.scheme}://{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 8086)}"
    if scheme == "influx1":
        database = unquote(parts.path.strip("/"))
        if not database:
            raise _wrong(address)
        return Influx1(url, database, unquote(parts.username or ""), secret)
    asked = parse_qs(parts.query)
    if scheme != "influx2" or "bucket" not in asked:
        raise _wrong(address)
    return Influx2(url, asked.get("org", [""])[0], asked["bucket"][0], secret)


def _wrong(address: str) -> ConfigurationError:
    return ConfigurationError(
        f"CARETAKER_STORE is {address!r}; expected influx1+http://host:port/database or "
        "influx2+http://host:port/?org=…&bucket=…"
    )
