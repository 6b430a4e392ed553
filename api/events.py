"""Live events over SSE: values as they change, alarms and orders as they happen.

One task looks four times a second; all clients that stand at the same state share one serialised message. Alarm and
order events carry their outbox id, so that a browser that was away gets what it missed by Last-Event-ID.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Annotated, Final

import msgspec
import structlog
from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.auth import Watcher
from api.health import look
from api.house import House
from api.views import Views
from caretaker.domain.errors import CaretakerError, NotFound
from caretaker.domain.notices import Notice

_log = structlog.get_logger(__name__)
TICK_S: Final = 0.25
HEALTH_S: Final = 10.0
KEPT: Final = 500
"""Events kept in memory; older ones are read from SQL again, more than this behind gets a resync."""
_json = msgspec.json.Encoder().encode


def message(event: str, body: object, event_id: int | None = None) -> bytes:
    """One SSE message."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {event}\ndata: ".encode() + _json(body) + b"\n\n"


class Hub:
    """Follows the outbox and the live columns for all connected browsers."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.clients = 0
        self.last_id = 0
        self.recent: deque[tuple[int, bytes]] = deque(maxlen=KEPT)
        self.health: bytes = b""
        self._values: dict[tuple[int, int], bytes] = {}
        self._turn = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to follow."""
        self.last_id = await run_in_threadpool(self._newest)
        self._task = asyncio.create_task(self._follow(), name="events")

    async def stop(self) -> None:
        """End all streams."""
        self._closing = True
        self._turn.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _newest(self) -> int:
        with self.house.transactions.begin(write=False) as unit:
            return unit.outbox.last_id()

    async def _follow(self) -> None:
        next_health = 0.0
        loop = asyncio.get_running_loop()
        broken = False
        while True:
            await asyncio.sleep(TICK_S)
            if not self.clients:
                continue
            try:
                for event_id, made in await run_in_threadpool(self.after, self.last_id):
                    self.recent.append((event_id, made))
                    self.last_id = event_id
                if loop.time() >= next_health:
                    next_health = loop.time() + HEALTH_S
                    health = await run_in_threadpool(look, self.house)
                    self.health = message("health", health.model_dump())
                broken = False
            except CaretakerError as away:
                if not broken:
                    _log.warning("events stand still", reason=away.message)
                broken = True
            self._values.clear()
            turn, self._turn = self._turn, asyncio.Event()
            turn.set()

    def after(self, event_id: int) -> list[tuple[int, bytes]]:
        """Alarm and order events with a larger id, at most KEPT, as messages."""
        with self.house.transactions.begin(write=False) as unit:
            notices = unit.outbox.since(event_id, KEPT)
        return [(notice.id, self._told(notice)) for notice in notices]

    def _told(self, notice: Notice) -> bytes:
        views = Views(self.house)
        body: dict[str, object] = {"type": notice.event, "at_ms": notice.at_ns // 1_000_000, "facts": notice.facts}
        kind = "alarm" if notice.event.startswith("alarm.") else "work_order"
        subject = notice.facts.get(kind)
        try:
            with self.house.transactions.begin(write=False) as unit:
                if kind == "alarm":
                    body["alarm"] = views.alarm(unit.alarms.get(str(subject))).model_dump()
                else:
                    body["work_order"] = views.order(unit, unit.work_orders.get(str(subject))).model_dump()
        except NotFound:
            body["gone"] = True
        return message(kind, body, notice.id)

    def values(self, sequence: int) -> tuple[int, bytes]:
        """What changed after `sequence` as a message (empty when nothing did); `full` when it is everything."""
        now = self.house.live.sequence
        made = self._values.get((sequence, now))
        if made is None:
            now, rows = self.house.live.since(sequence)
            body = {"now_ms": self.house.clock.now_ns() // 1_000_000, "full": sequence == 0, "points": rows}
            made = message("values", body) if rows or sequence == 0 else b""
            self._values[sequence, now] = made
        return now, made

    async def stream(self, last_event_id: int | None) -> AsyncIterator[bytes]:
        """All that one browser is told."""
        self.clients += 1
        try:
            seen = self.last_id if last_event_id is None else last_event_id
            newest = await run_in_threadpool(self._newest)
            resync = last_event_id is not None and (newest - last_event_id > KEPT or last_event_id > newest)
            if resync or last_event_id is None:
                seen = newest
            hello = {"now_ms": self.house.clock.now_ns() // 1_000_000, "cursor": seen, "resync": resync}
            yield b"retry: 1000\n" + message("hello", hello, seen)
            health = await run_in_threadpool(look, self.house)
            yield message("health", health.model_dump())
            if last_event_id is not None and not resync:
                for event_id, made in await run_in_threadpool(self.after, seen):
                    yield made
                    seen = event_id
            sequence, made = self.values(0)
            yield made
            told_health, quiet = self.health, 0
            while not self._closing:
                await self._turn.wait()
                out = [made for event_id, made in self.recent if event_id > seen]
                seen = max(seen, self.recent[-1][0]) if self.recent else seen
                sequence, changed = self.values(max(sequence, 1))
                if changed:
                    out.append(changed)
                if self.health is not told_health:
                    told_health = self.health
                    out.append(told_health)
                quiet = 0 if out else quiet + 1
                if quiet >= HEALTH_S / TICK_S:
                    out, quiet = [b": still here\n\n"], 0
                if out:
                    yield b"".join(out)
        finally:
            self.clients -= 1


router = APIRouter(tags=["events"])


@router.get(
    "/events",
    operation_id="followEvents",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "hello, values, alarm, work_order, health"}},
)
async def events(
    request: Request,
    _person: Watcher,
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> StreamingResponse:
    """Server-sent events; reconnect with Last-Event-ID (browsers do) and nothing is missed."""
    hub: Hub = request.app.state.hub
    last = (
        int(last_event_id)
        if last_event_id is not None and last_event_id.isascii() and last_event_id.isdigit()
        else None
    )
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(hub.stream(last), media_type="text/event-stream", headers=headers)
