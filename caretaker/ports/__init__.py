"""What the use cases need from the world, as Protocols. The adapters make them real.

All ports are synchronous: SQLite, LMDB and the store's HTTP are blocking calls that belong on threads of their own;
the event loop only holds sockets (docs/adr tells the numbers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from caretaker.domain.alarms import Alarm
from caretaker.domain.assets import Estate, SiteFile
from caretaker.domain.equipment import EquipmentKind
from caretaker.domain.notices import Notice
from caretaker.domain.readings import F64, I64, ReadingBatch
from caretaker.domain.work_orders import OrderEntry, OrderState, WorkOrder
from caretaker.ports.audit import Audit as Audit
from caretaker.ports.handovers import Handovers as Handovers
from caretaker.ports.incidents import Incidents as Incidents
from caretaker.ports.people import Credential as Credential
from caretaker.ports.people import Passwords as Passwords
from caretaker.ports.people import People as People
from caretaker.ports.people import Phones as Phones
from caretaker.ports.people import Teams as Teams
from caretaker.ports.photos import Photos as Photos
from caretaker.ports.repeats import Once as Once
from caretaker.ports.repeats import Repeats as Repeats
from caretaker.ports.rounds import Checkpoints as Checkpoints
from caretaker.ports.rounds import Decision as Decision
from caretaker.ports.rounds import Findings as Findings
from caretaker.ports.rounds import KeptScan as KeptScan
from caretaker.ports.rounds import Making as Making
from caretaker.ports.rounds import RoundPlans as RoundPlans
from caretaker.ports.rounds import Rounds as Rounds
from caretaker.ports.rounds import Scans as Scans
from caretaker.ports.work_requests import WorkRequests as WorkRequests

Position = int
"""Where a record lies in its partition: 1, 2, 3 … ; 0 is before the first."""


class Clock(Protocol):
    """The only source of the present."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC; never goes back within a process."""
        ...


@dataclass(frozen=True, slots=True)
class Record:
    """One journal record."""

    partition: int
    position: Position
    key: str
    batch_id: str
    accepted_ns: int
    payload: bytes


class Journal(Protocol):
    """The synced, append-only log of accepted readings. What is in it is acknowledged."""

    def append(self, key: str, batch_id: str, payload: bytes, accepted_ns: int) -> Position:
        """Durable on return (synced). A repeated (key, batch_id) returns the first position and writes nothing.

        Raises JournalFull, RecordTooLarge, JournalUnavailable, in bounded time.
        """
        ...

    def read(self, partition: int, after: Position, limit: int = 64) -> Sequence[Record]:
        """Records after a position, in order, never skipping. Raises PositionLost when the next one is gone."""
        ...

    def last(self, partition: int) -> Position:
        """The newest position, 0 when empty."""
        ...

    def first(self, partition: int) -> Position:
        """The oldest position still kept (last + 1 when empty)."""
        ...

    def wait(self, partition: int, after: Position, timeout_s: float) -> bool:
        """Block until something newer than `after` is there; False after the timeout."""
        ...

    def partitions(self) -> Sequence[int]:
        """All partitions; LMDB has one, 0."""
        ...

    def release(self, consumer: str, partition: int, position: Position) -> None:
        """A reader says: I never need anything up to here again. Trimming respects the slowest reader."""
        ...

    def quarantine(self, items: Sequence[Quarantined]) -> None:
        """Keep refused input aside (bounded; the oldest go first, counted)."""
        ...

    def quarantined(self, limit: int = 100) -> Sequence[Quarantined]:
        """The newest first."""
        ...

    def depth(self) -> JournalDepth:
        """For health: records and bytes kept, the declared limits, the slowest reader."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Refused input. `reason` is a stable word (unknown_point, not_finite, …); `excerpt` at most 200 bytes of what came."""

    at_ns: int
    source: str
    reason: str
    detail: str
    excerpt: bytes


@dataclass(frozen=True, slots=True)
class JournalDepth:
    """How full the journal is."""

    first: Position
    last: Position
    bytes: int
    limit_bytes: int
    readers: Mapping[str, Position]
    dropped: int


class Aggregate(StrEnum):
    """How down-sampled readings are made; a bucket is [start, start + every)."""

    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Series:
    """Raw readings of one point, ascending by time, one per time."""

    times: I64
    values: F64
    quality: np.ndarray
    texts: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Buckets:
    """Down-sampled readings: only buckets with at least one good or uncertain, finite value. Columns of equal length."""

    starts: I64
    mean: F64
    min: F64
    max: F64
    count: I64


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest reading of a point."""

    point: int
    at_ns: int
    value: float | None
    quality: int
    text: str | None = None


class ReadingStore(Protocol):
    """What the points said, for long. Writes are idempotent by (point, time): the last write of a time wins."""

    @property
    def keeps_position(self) -> bool:
        """Does `durable_upto()` survive a restart of ours? Else who writes keeps its cursor in SQL."""
        ...

    def write(self, batch: ReadingBatch, upto: Position) -> None:
        """Take a batch whose journal position is `upto`. Durable only when `durable_upto()` has reached it.

        Raises StoreUnavailable (resend the same batch later) or BadReading (never resend these rows; the others are in).
        """
        ...

    def durable_upto(self) -> Position:
        """Everything up to this journal position survives a crash of this process and of the store."""
        ...

    def flush(self) -> None:
        """Make everything written durable now. Raises StoreUnavailable."""
        ...

    def latest(self, points: Sequence[int]) -> Sequence[Latest]:
        """The newest reading of each point that has one."""
        ...

    def read(self, point: int, start_ns: int, end_ns: int, limit: int = 100_000) -> Series:
        """Raw readings in [start, end)."""
        ...

    def downsample(self, point: int, start_ns: int, end_ns: int, every_ns: int) -> Buckets:
        """Buckets aligned to multiples of `every_ns` since 1970."""
        ...

    def forget(self, before_ns: int) -> int:
        """Drop readings older than this; returns how many (an estimate where the store cannot tell)."""
        ...

    def ping(self) -> str:
        """A word about the store for health (`blocks 12 MB`, `InfluxDB 1.6.7`). Raises StoreUnavailable."""
        ...

    def close(self) -> None:
        """Flush and release."""
        ...


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a named reader has come, and which owner may move it."""

    consumer: str
    partition: int
    epoch: int
    position: Position


class Estates(Protocol):
    """Sites and what stands there."""

    def load(self, kinds: Mapping[str, EquipmentKind], site: SiteFile) -> None:
        """Write a site file into SQL; the same file twice changes nothing; points keep their ids for ever."""
        ...

    def get(self, kinds: Mapping[str, EquipmentKind], site: str | None = None) -> Estate:
        """The estate (the only one when `site` is None). Raises NotFound."""
        ...


class Cursors(Protocol):
    """Positions with epochs (architecture 4b)."""

    def claim(self, consumer: str, partition: int) -> Cursor:
        """Become the owner: epoch + 1; creates the row at position 0."""
        ...

    def advance(self, cursor: Cursor, to: Position) -> Cursor:
        """Move in this transaction. Raises Fenced when another owner has claimed it."""
        ...


class Snapshots(Protocol):
    """The rule engine's state at a position."""

    def save(self, consumer: str, partition: int, position: Position, state: bytes) -> None:
        """Replace the reader's snapshot."""
        ...

    def load(self, consumer: str, partition: int) -> tuple[Position, bytes] | None:
        """The newest snapshot or None."""
        ...


class Alarms(Protocol):
    """Alarms."""

    def open(self, alarm: Alarm) -> bool:
        """Insert; False when this id exists or the same (asset, rule) is already active (partial unique index)."""
        ...

    def clear(self, site: str, asset: str, rule: str, cleared_ns: int) -> Alarm | None:
        """End the active episode raised before `cleared_ns`; None when there is none."""
        ...

    def get(self, alarm_id: str) -> Alarm:
        """Raises NotFound."""
        ...

    def save(self, alarm: Alarm) -> None:
        """Write acknowledgement, comment, work order."""
        ...

    def list(
        self,
        *,
        active: bool | None = None,
        unacknowledged: bool | None = None,
        asset: str | None = None,
        work_order: str | None = None,
        limit: int = 200,
        before_ns: int | None = None,
    ) -> Sequence[Alarm]:
        """Newest first."""
        ...


class WorkOrders(Protocol):
    """Work orders and their history."""

    def open(self, order: WorkOrder) -> tuple[WorkOrder, bool]:
        """Insert (True), or give back the unfinished order of the same asset and fault (False; partial unique index).

        `order.id` may be empty: the adapter numbers it.
        """
        ...

    def get(self, order_id: str) -> WorkOrder:
        """Raises NotFound."""
        ...

    def save(self, order: WorkOrder, expected: OrderState) -> None:
        """Write; raises Conflict when the stored state is no longer `expected` (somebody was faster)."""
        ...

    def note(
        self, order_id: str, at_ns: int, actor: str, action: str, comment: str | None, facts: Mapping[str, object]
    ) -> None:
        """Append one line of history."""
        ...

    def history(self, order_id: str) -> Sequence[OrderEntry]:
        """Oldest first."""
        ...

    def list(
        self,
        *,
        states: Sequence[OrderState] | None = None,
        asset: str | None = None,
        assignee: str | None = None,
        limit: int = 200,
        before_ns: int | None = None,
    ) -> Sequence[WorkOrder]:
        """Newest first."""
        ...


class Outbox(Protocol):
    """Notices committed but not yet sent."""

    def add(self, key: str, event: str, at_ns: int, facts: Mapping[str, object]) -> None:
        """Once per key; a second add of the same key does nothing."""
        ...

    def due(self, now_ns: int, limit: int = 50) -> Sequence[Notice]:
        """Unsent notices whose next try has come: calls for help and incidents first, then the oldest."""
        ...

    def sent(self, notice_id: int, at_ns: int) -> None:
        """Remember that it was told."""
        ...

    def failed(self, notice_id: int, next_ns: int, error: str) -> None:
        """Count the try."""
        ...

    def since(self, after_id: int, limit: int = 500) -> Sequence[Notice]:
        """All notices (sent or not) with a larger id, ascending: the live page's event log (Last-Event-ID)."""
        ...

    def last_id(self) -> int:
        """The newest id, 0 when empty."""
        ...


class Parts(Protocol):
    """Heartbeats of the parts (gateway, ingest, rules, api …), so that health works over many processes."""

    def beat(self, part: str, at_ns: int, facts: Mapping[str, object]) -> None:
        """Replace this part's heartbeat. `facts['status']` is ok | degraded | down, with `facts['reason']`."""
        ...

    def all(self) -> Mapping[str, tuple[int, Mapping[str, object]]]:
        """part -> (at_ns, facts)"""
        ...


class UnitOfWork(Protocol):
    """One transaction. Leaving the block without an exception commits; with one rolls back."""

    @property
    def estates(self) -> Estates:
        """Sites."""
        ...

    @property
    def cursors(self) -> Cursors:
        """Positions of readers."""
        ...

    @property
    def snapshots(self) -> Snapshots:
        """Engine states."""
        ...

    @property
    def alarms(self) -> Alarms:
        """Alarms."""
        ...

    @property
    def work_orders(self) -> WorkOrders:
        """Work orders."""
        ...

    @property
    def work_requests(self) -> WorkRequests:
        """What people asked for."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Notices."""
        ...

    @property
    def people(self) -> People:
        """Persons and credentials."""
        ...

    @property
    def teams(self) -> Teams:
        """Teams and shifts."""
        ...

    @property
    def phones(self) -> Phones:
        """Enrolled phones."""
        ...

    @property
    def passwords(self) -> Passwords:
        """Password hashes and wrong tries."""
        ...

    @property
    def audit(self) -> Audit:
        """The trail."""
        ...

    @property
    def parts(self) -> Parts:
        """Heartbeats."""
        ...

    @property
    def checkpoints(self) -> Checkpoints:
        """Marked places."""
        ...

    @property
    def round_plans(self) -> RoundPlans:
        """Plans with their versions."""
        ...

    @property
    def rounds(self) -> Rounds:
        """Walks and visits."""
        ...

    @property
    def scans(self) -> Scans:
        """Scans and their verdicts."""
        ...

    @property
    def findings(self) -> Findings:
        """Checks answered not ok."""
        ...

    @property
    def handovers(self) -> Handovers:
        """Signed handover sheets."""
        ...

    @property
    def photos(self) -> Photos:
        """What is known of photos."""
        ...

    @property
    def incidents(self) -> Incidents:
        """Reported happenings."""
        ...

    @property
    def repeats(self) -> Repeats:
        """Keys of requests that were done."""
        ...


class Transactions(Protocol):
    """Opens units of work; one per use case; usable from any thread."""

    def begin(self, *, write: bool = True) -> AbstractContextManager[UnitOfWork]:
        """A read-write transaction takes the write lock at once (SQLite BEGIN IMMEDIATE)."""
        ...

    def migrate(self) -> None:
        """Bring the schema up to date."""
        ...

    def close(self) -> None:
        """Release connections."""
        ...


class Notifier(Protocol):
    """A way to tell people."""

    name: str

    def send(self, notice: Notice) -> None:
        """Send once. Raises Unavailable to be tried again, Refused to give up."""
        ...


@dataclass(frozen=True, slots=True)
class Publishes:
    """The messages of one read from a broker, in order of arrival.

    topics, payloads   parallel, as the bytes that came; a topic may be anything, also not UTF-8
    retained           rows that the broker replayed from its memory
    acks               packet ids that wait for `BrokerLink.acknowledge`, in order (QoS 1 only)
    connection         the connection they came on; packet ids mean nothing on another one
    """

    topics: Sequence[bytes]
    payloads: Sequence[bytes]
    retained: frozenset[int]
    acks: Sequence[int]
    connection: int


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """A broker connection for health. Trust the ages, not `connected` (reliability M32).

    connected_ns, received_ns   since when connected; when the last byte came; None = never or not now
    error                       why it is not connected, None when it is
    counters                    messages, bytes, connects, lost, malformed, acknowledged, stale_acks
    """

    connected_ns: int | None
    received_ns: int | None
    error: str | None
    counters: Mapping[str, int]


class BrokerLink(Protocol):
    """A lasting MQTT session that subscribes at QoS 1 and acknowledges only what it is told to."""

    async def run(self, filters: Sequence[str], deliver: Callable[[Publishes], None]) -> None:
        """Connect, subscribe, deliver in the event loop's thread, reconnect for ever; ends by cancellation."""
        ...

    def acknowledge(self, connection: int, acks: Sequence[int]) -> None:
        """Send all PUBACKs in one write; nothing when that connection is gone (the broker will redeliver)."""
        ...

    def hold(self) -> None:
        """Stop reading from the broker (the journal cannot take more); keep the connection."""
        ...

    def release(self) -> None:
        """Read again."""
        ...

    def status(self) -> LinkStatus:
        """For health."""
        ...
