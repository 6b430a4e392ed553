"""From the link to the journal and back: decode, gather, submit, acknowledge.

Gathering follows the writer: while it syncs one batch the next one grows, so batches are as large as the load makes
them. Little load waits at most `linger_s`. A broker may let only a few messages be unacknowledged at a time (rumqttd
about 100), so a handful is submitted as soon as the writer is free, until the broker has shown that it allows more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from caretaker.domain.assets import Estate
from caretaker.ports import BrokerLink, Clock, Publishes
from caretaker.services.readings import RECORD, Acceptor, Outcome, Submission
from gateway.collectors.mqtt.columns import Columns
from gateway.collectors.mqtt.decode import Decoder

log = structlog.get_logger(__name__)

LINGER_S: Final = 0.01
BUSY_LINGER_S: Final = 0.03
"""After a batch of several handfuls: fewer and larger records, each of which costs a sync and a millisecond."""
HANDFUL: Final = 64
ARMFUL: Final = 1000
IN_FLIGHT: Final = 2
HOLD: Final = 4 * RECORD
"""Decoded readings waiting for the writer at which reading from the broker stops."""
DRAIN_S: Final = 5.0


class MqttCollector:
    """All MQTT devices of an estate over one broker link."""

    name = "mqtt"

    def __init__(
        self, estate: Estate, link: BrokerLink, acceptor: Acceptor, clock: Clock, linger_s: float = LINGER_S
    ) -> None:
        self._link = link
        self._acceptor = acceptor
        self._clock = clock
        self._linger_s = linger_s
        self._decoder = Decoder(estate)
        self._columns = Columns()
        self._acks: list[int] = []
        self._messages = 0
        self._connection = 0
        self._unacknowledged = 0
        self._enough = HANDFUL
        self._in_flight = 0
        self._holding = False
        self._draining = False
        self._timer: asyncio.TimerHandle | None = None
        self._wait_s = linger_s

    async def run(self) -> None:
        """Collect until cancelled."""
        self._loop = asyncio.get_running_loop()
        await self._link.run(self._decoder.filters, self._take)

    async def drain(self) -> None:
        """Stop reading; wait until what was read is durable and acknowledged (or the journal cannot, for 5 s)."""
        self._draining = self._holding = True
        self._link.hold()
        end = self._clock.now_ns() + int(DRAIN_S * 1e9)
        while (self._messages or self._in_flight) and self._clock.now_ns() < end:
            self._flush()
            await asyncio.sleep(0.005)

    def facts(self, now_ns: int) -> Mapping[str, object]:
        """For the heartbeat."""
        link = self._link.status()
        received = link.received_ns
        return {
            "status": "ok" if link.error is None else "degraded",
            "reason": link.error,
            "connected_s": None if link.connected_ns is None else round((now_ns - link.connected_ns) / 1e9, 1),
            "received_age_s": None if received is None else round((now_ns - received) / 1e9, 1),
            "link": dict(link.counters),
            "devices": self._decoder.devices.facts(now_ns),
        }

    def _take(self, chunk: Publishes) -> None:
        if chunk.connection != self._connection:
            if self._messages:
                self._submit()  # its acknowledgements belong to the old connection
            self._connection, self._unacknowledged, self._enough = chunk.connection, 0, HANDFUL
        now_ns = self._clock.now_ns()
        columns = self._columns
        self._decoder.take(chunk.topics, chunk.payloads, chunk.retained, now_ns, columns)
        self._acks.extend(chunk.acks)
        self._messages += len(chunk.topics)
        self._unacknowledged += len(chunk.acks)
        if self._unacknowledged > 2 * HANDFUL:
            self._enough = ARMFUL
        if self._messages >= self._enough:
            self._flush()
        if self._messages and self._timer is None:
            self._timer = self._loop.call_later(self._wait_s, self._lingered)
        if not self._holding and self._messages > HANDFUL and len(columns) > HOLD:
            self._holding = True
            self._link.hold()

    def _lingered(self) -> None:
        self._timer = None
        self._flush()

    def _flush(self) -> None:
        """Submit what is gathered, unless the writer is busy: then it goes out when the writer is free."""
        if self._messages and self._in_flight < IN_FLIGHT:
            self._submit()

    def _submit(self) -> None:
        columns, acks, connection = self._columns, self._acks, self._connection
        self._wait_s = self._linger_s if self._messages < 4 * HANDFUL else max(self._linger_s, BUSY_LINGER_S)
        self._columns, self._acks, self._messages = Columns(), [], 0
        self._in_flight += 1
        self._decoder.devices.note(*columns.arrivals(), self._clock.now_ns())

        def durable(_outcome: Outcome) -> None:
            self._loop.call_soon_threadsafe(self._acknowledge, connection, acks)

        self._acceptor.submit(Submission("mqtt", columns.batch(), columns.refused), durable)

    def _acknowledge(self, connection: int, acks: Sequence[int]) -> None:
        self._in_flight -= 1
        self._link.acknowledge(connection, acks)
        if connection == self._connection:
            self._unacknowledged -= len(acks)
        if self._messages >= self._enough:
            self._flush()
        if self._holding and not self._draining and len(self._columns) <= HOLD // 2:
            self._holding = False
            self._link.release()
