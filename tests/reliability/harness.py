"""Caretaker as real processes that can be killed, a load that is remembered, and what is found afterwards."""

from __future__ import annotations

import contextlib
import os
import random
import selectors
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from caretaker.adapters.journal_lmdb import LmdbJournal
from caretaker.adapters.sql import SqlTransactions
from caretaker.adapters.store_blocks import BlockStore
from caretaker.catalog import read_kinds
from caretaker.domain.alarms import Alarm
from caretaker.domain.assets import Estate
from caretaker.domain.work_orders import WorkOrder
from caretaker.ports import JournalDepth, ReadingStore
from caretaker.wire import decode_batch, tele_topic
from tests.reliability.checker import History
from tests.reliability.yard import LIMIT, SITE_ID
from tests.servers.base import Server

ROOT = Path(__file__).resolve().parents[2]
MS = 1_000_000
REDELIVERY = "Sending PUBLISH to caretaker-gateway (d1"
"""What mosquitto logs (log_type all) for a message that it sends again."""


class Caretaker(Server):
    """`caretaker up --no-demo` on a site of its own, or one part of the house. `module` is what python runs."""

    start_seconds = 90.0

    def __init__(
        self,
        folder: Path,
        yard: tuple[Path, Path],
        broker: int,
        *,
        module: str = "caretaker.cli",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder)
        self.data = folder / "data"
        self.module = module
        self.settings = {
            "CARETAKER_DATA": str(self.data),
            "CARETAKER_EQUIPMENT": str(yard[0]),
            "CARETAKER_SITE": str(yard[1]),
            "CARETAKER_MQTT": f"mqtt://127.0.0.1:{broker}",
            "CARETAKER_DISK_SOFT_LIMIT": "1.0",
            **(settings or {}),
        }
        self.hurried = False
        self._log_at = 0

    def command(self) -> Sequence[str]:
        self._log_at = len(self.log())
        return [sys.executable, "-m", self.module, "up", "--no-demo", "--http", f"{self.host}:{self.port}"]

    def environment(self) -> Mapping[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CARETAKER_")}
        return {**inherited, **self.settings, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

    def is_ready(self) -> bool:
        """It said so, and hangs on the broker; a hurried one is taken as it is, in the middle of its start."""
        said = self.log()[self._log_at :]
        return self.hurried or ("ready http" in said and "mqtt_connected" in said)

    def terminate(self, within_s: float) -> tuple[int, float]:
        """SIGTERM; exit code and seconds."""
        process, began = self._running(), time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = process.wait(within_s)
        self._process = None
        return code, time.monotonic() - began

    # ---- what is found, while it runs and afterwards

    @contextlib.contextmanager
    def transactions(self) -> Iterator[SqlTransactions]:
        """Its database, beside it."""
        url = self.settings.get("CARETAKER_SQL") or f"sqlite:///{self.data / 'caretaker.db'}"
        opened = SqlTransactions(url, owner=False)
        try:
            yield opened
        finally:
            opened.close()

    def estate(self) -> Estate:
        """The estate as its database has it."""
        kinds = read_kinds(Path(self.settings["CARETAKER_EQUIPMENT"]))
        with self.transactions() as opened, opened.begin(write=False) as unit:
            return unit.estates.get(kinds)

    def alarms(self) -> list[Alarm]:
        """All of them."""
        with self.transactions() as opened, opened.begin(write=False) as unit:
            return list(unit.alarms.list(limit=10_000))

    def orders(self) -> list[WorkOrder]:
        """All of them."""
        with self.transactions() as opened, opened.begin(write=False) as unit:
            return list(unit.work_orders.list(limit=10_000))

    def depth(self) -> JournalDepth:
        """Of the journal file."""
        journal = LmdbJournal(self.data / "journal", writer=False)
        try:
            return journal.depth()
        finally:
            journal.close()

    def journaled(self) -> list[tuple[str, float]]:
        """(id, value) of every reading in the journal, in order, repeats included."""
        points = self.estate().points
        journal = LmdbJournal(self.data / "journal", writer=False)
        found: list[tuple[str, float]] = []
        after = journal.first(0) - 1
        try:
            while records := journal.read(0, after, 1000):
                for batch in (decode_batch(record.payload) for record in records):
                    for point, at_ns, value in zip(
                        batch.points.tolist(), batch.times.tolist(), batch.values.tolist(), strict=True
                    ):
                        found.append((f"{points[point].asset}/{at_ns // MS}", value))
                after = records[-1].position
        finally:
            journal.close()
        return found

    def stored(self, store: ReadingStore | None = None) -> list[tuple[str, float]]:
        """(id, value) of every reading in the store; only while it does not run, unless a store is given."""
        opened = store or BlockStore(self.data / "store")
        found: list[tuple[str, float]] = []
        for point in self.estate().points.values():
            series = opened.read(point.id, 0, 4_000_000_000 * 10**9, 1_000_000)
            for at_ns, value in zip(series.times.tolist(), series.values.tolist(), strict=True):
                found.append((f"{point.asset}/{at_ns // MS}", value))
        opened.close()
        return found

    def wait_until_quiet(self, wanted: int, within_s: float) -> float:
        """Wait until the journal holds `wanted` readings, or nothing new came for 4 s; the seconds it took."""
        began = grew = time.monotonic()
        points_before, last = 0, -1
        journal = LmdbJournal(self.data / "journal", writer=False)
        after = journal.first(0) - 1
        try:
            while points_before < wanted and time.monotonic() - grew < 4 and time.monotonic() - began < within_s:
                for record in journal.read(0, after, 1000):
                    points_before += len(decode_batch(record.payload))
                    after = record.position
                if points_before != last:
                    last, grew = points_before, time.monotonic()
                time.sleep(0.02)
        finally:
            journal.close()
        return time.monotonic() - began


@dataclass(frozen=True, slots=True)
class Episode:
    """A planted anomaly: the reading at which the alarm must be raised."""

    asset: str
    raised_ms: int


@dataclass(slots=True)
class Load(threading.Thread):
    """Publishes readings at QoS 1 from many devices and remembers them; what a lost connection left open is sent again.

    rate      messages a second
    planted   so many devices have one episode of five readings above the limit
    allowed   sends no more than this for now; a test raises it to have traffic when it wants some
    """

    port: int
    history: Path
    messages: int
    rate: float
    devices: int = 50
    planted: int = 20
    seed: int = 0
    episodes: list[Episode] = field(default_factory=list)
    sent: int = 0
    trouble: str | None = None
    allowed: int = 10**9

    def __post_init__(self) -> None:
        threading.Thread.__init__(self, name="load", daemon=True)
        self.halt = threading.Event()
        self._random = random.Random(self.seed)
        rounds = self.messages // self.devices
        hot = self._random.sample(range(self.devices), min(self.planted, self.devices))
        self._start = {n: self._random.randrange(rounds // 10, rounds * 8 // 10) for n in hot}

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        """As `Thread.run`; `trouble` says why it gave up."""
        log = History(self.history)
        try:
            self._publish(log)
        except OSError as wrong:
            self.trouble = str(wrong)
        finally:
            log.close()

    def _publish(self, log: History) -> None:
        link = _Publisher(self.port)
        waiting: dict[int, tuple[str, bytes]] = {}
        stamps = dict.fromkeys(range(self.devices), 0)
        paid, before = 1.0, time.monotonic()
        while (self.sent < self.messages and not self.halt.is_set()) or waiting:
            now = time.monotonic()
            paid, before = min(paid + (now - before) * self.rate, max(1.0, self.rate)), now
            due = min(self.messages, self.allowed, self.sent + int(paid))
            paid -= max(0, due - self.sent)
            while self.sent < due and not self.halt.is_set():
                identity, packet_id, packet, value = self._next(stamps)
                waiting[packet_id] = (identity, packet)
                log.invoke(identity, value)
                link.send(packet)
                self.sent += 1
            for packet_id in link.acknowledged(0.005):
                log.ok(waiting.pop(packet_id)[0])
            if link.lost:
                link.close()
                link = _Publisher(self.port)
                for _, packet in waiting.values():
                    link.send(packet)
        link.close()

    def _next(self, stamps: dict[int, int]) -> tuple[str, int, bytes, float]:
        n, turn = self.sent % self.devices, self.sent // self.devices
        at_ms = stamps[n] = max(stamps[n] + 1, time.time_ns() // MS)
        start = self._start.get(n, -10)
        value = (LIMIT + 10 if start <= turn < start + 5 else 20.0) + self.sent % 4000 / 100
        if turn == start:
            self.episodes.append(Episode(f"m{n + 1}", at_ms))
        packet_id = self.sent % 60_000 + 1
        payload = b'{"ts":%d,"v":{"temp":%.2f}}' % (at_ms, value)
        topic = tele_topic(SITE_ID, f"d{n + 1}").encode()
        body = struct.pack(">H", len(topic)) + topic + struct.pack(">H", packet_id) + payload
        return f"m{n + 1}/{at_ms}", packet_id, b"\x32" + bytes([len(body)]) + body, float(f"{value:.2f}")


class _Publisher:
    """MQTT 3.1.1 on a plain socket: enough to publish and to see PUBACKs."""

    def __init__(self, port: int) -> None:
        self._socket = _connected(port)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._rest = b""
        self.lost = False

    def send(self, packet: bytes) -> None:
        """One packet; a loss is seen in `lost`."""
        try:
            self._socket.sendall(packet)
        except OSError:
            self.lost = True

    def acknowledged(self, patience_s: float) -> list[int]:
        """Packet ids the broker acknowledged meanwhile."""
        if self.lost or not self._selector.select(patience_s):
            return []
        try:
            data = self._socket.recv(65536)
        except OSError:
            data = b""
        self.lost = not data
        data = self._rest + data
        whole = len(data) // 4 * 4
        self._rest = data[whole:]
        assert all(data[at] == 0x40 for at in range(0, whole, 4)), "only PUBACKs come here"
        return [data[at + 2] << 8 | data[at + 3] for at in range(0, whole, 4)]

    def close(self) -> None:
        """DISCONNECT."""
        with contextlib.suppress(OSError):
            self._socket.sendall(b"\xe0\x00")
        self._selector.close()
        self._socket.close()


def _connected(port: int) -> socket.socket:
    """A socket after CONNACK, as soon as there is a broker. Raises OSError when there is none for 20 s."""
    end = time.monotonic() + 20
    while True:
        opened = socket.socket()
        opened.settimeout(5)
        try:
            opened.connect(("127.0.0.1", port))
            opened.sendall(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05loady")
            if opened.recv(4)[:1] == b"\x20":
                return opened
        except OSError:
            if time.monotonic() > end:
                opened.close()
                raise
        opened.close()
        time.sleep(0.05)
