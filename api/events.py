"""Live events over SSE: values as they change, alarms and orders as they happen.

One task looks four times a second; all clients that stand at the same state share one serialised message. Alarm and
order events carry their outbox id, so that a browser that was away gets what it missed by Last-Event-ID.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Annotated, Final

import msgspec
import structlog
from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.auth import Watcher, known
from api.health import look
from api.house import House
from api.views import Views
from caretaker.domain.errors import CaretakerError, NotFound, Unavailable
from caretaker.domain.notices import Notice

_log = structlog.get_logger(__name__)
TICK_S: Final = 0.25
HEALTH_S: Final = 10.0
SIGNED_IN_S: Final = 1.0
"""How often a stream asks whether its session still is: signing out ends it, and watching counts as use."""
KEPT: Final = 500
"""Events kept in memory; older ones are read from SQL again, more than this behind gets a resync."""
KINDS: Final[Mapping[str, str]] = {
    "alarm": "alarm",
    "work_order": "work_order",
    "round": "round",
    "visit": "round",
    "scan": "scan",
    "finding": "finding",
    "handover": "handover",
    "incident": "incident",
    "sos": "incident",
}
"""First word of an outbox event -> name of the SSE event. Rounds, scans and findings are told by their facts alone."""
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
        broken = alone = False
        while True:
            await asyncio.sleep(TICK_S)
            if not self.clients:
                alone = True
                continue
            try:
                if alone:  # nobody listened: streams read what they missed from SQL, the hub goes on from here
                    self.recent.clear()
                    self.last_id = await run_in_threadpool(self._newest)
                    alone = False
                for event_id, made in await run_in_threadpool(self.after, self.last_id):
                    self.recent.append((event_id, made))
                    self.last_id = event_id
                if loop.time() >= next_health:
                    next_health = loop.time() + HEALTH_S
                    health = await run_in_threadpool(look, self.house)
                    self.health = message("health", health.model_dump())
                if broken:
                    _log.info("events go on")
                broken = False
            except CaretakerError as away:
                if not broken:
                    _log.warning("events stand still", reason=away.message)
                broken = True
            except Exception:  # noqa: BLE001  (outermost loop of all streams: an event that cannot be told ends none)
                if not broken:
                    _log.exception("events stand still")
                broken = True
            self._values.clear()
            turn, self._turn = self._turn, asyncio.Event()
            turn.set()

    async def _missed(self, seen: int) -> tuple[int, list[bytes]]:
        """What one stream has not been told yet: from memory, or from SQL when it is too far behind for that."""
        if self.last_id <= seen:
            return seen, []
        if self.recent and self.recent[0][0] <= seen + 1:
            return self.last_id, [made for event_id, made in self.recent if event_id > seen]
        found = await run_in_threadpool(self.after, seen)
        return (found[-1][0] if found else self.last_id), [made for _, made in found]

    def after(self, event_id: int) -> list[tuple[int, bytes]]:
        """Alarm and order events with a larger id, at most KEPT, as messages."""
        with self.house.transactions.begin(write=False) as unit:
            notices = unit.outbox.since(event_id, KEPT)
        return [(notice.id, self._told(notice)) for notice in notices]

    def _told(self, notice: Notice) -> bytes:
        views = Views(self.house)
        body: dict[str, object] = {"type": notice.event, "at_ms": notice.at_ns // 1_000_000, "facts": notice.facts}
        kind = KINDS.get(notice.event.partition(".")[0], "notice")
        if kind not in ("alarm", "work_order"):
            return message(kind, body, notice.id)
        subject = notice.facts.get(kind)
        try:
            with self.house.transactions.begin(write=False) as unit:
                if kind == "alarm":
                    body["alarm"] = views.alarm(unit.alarms.get(str(subject))).model_dump()
                else:
                    body["work_order"] = views.order(unit, unit.work_orders.get(str(subject))).model_dump()
        except NotFound:  # nothing to show: a page must not take it for an alarm or order
            kind, body["gone"] = "notice", True
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

    async def stream(self, last_event_id: int | None, signed_in: Callable[[], bool]) -> AsyncIterator[bytes]:
        """All that one browser is told, until it goes, its session ends or we stop.

        It waits here while the browser does not read: that costs one suspended call, no queue.
        """
        self.clients += 1
        try:
            async for made in self._told_to_one(last_event_id, signed_in):
                yield made
        except CaretakerError as away:
            _log.info("stream ended", reason=away.message)
        finally:
            self.clients -= 1

    async def _told_to_one(self, last_event_id: int | None, signed_in: Callable[[], bool]) -> AsyncIterator[bytes]:
        newest = await run_in_threadpool(self._newest)
        resync = last_event_id is not None and not 0 <= newest - last_event_id <= KEPT
        seen = newest if resync or last_event_id is None else last_event_id
        hello = {"now_ms": self.house.clock.now_ns() // 1_000_000, "cursor": seen, "resync": resync}
        yield b"retry: 1000\n" + message("hello", hello, seen)
        health = await run_in_threadpool(look, self.house)
        yield message("health", health.model_dump())
        for event_id, made in await run_in_threadpool(self.after, seen):
            yield made
            seen = event_id
        sequence, made = self.values(0)
        yield made
        told_health, quiet, turns = self.health, 0, 0
        while not self._closing:
            await self._turn.wait()
            turns += 1
            if turns % round(SIGNED_IN_S / TICK_S) == 0 and not await run_in_threadpool(signed_in):
                return
            seen, out = await self._missed(seen)
            sequence, changed = self.values(sequence)
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

    def signed_in() -> bool:
        try:
            return known(request, hub.house) is not None
        except Unavailable:
            return True  # nobody was signed out by a database that is away

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(hub.stream(last, signed_in), media_type="text/event-stream", headers=headers)
