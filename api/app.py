"""The FastAPI application over given ports."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware

from api import errors, events, install_page, page
from api.auth import Throttle
from api.doors import Doors, SecureDoor, cannot_listen
from api.endpoints import (
    alarms,
    audit,
    checkpoints,
    displays,
    door,
    estate,
    handovers,
    incidents,
    labels,
    people,
    phones,
    plans,
    rounds,
    scans,
    service,
    session,
    work_orders,
    work_requests,
)
from api.endpoints import photos as photo_routes
from api.endpoints import reports as report_routes
from api.house import Accept, House
from api.limits import PublicLimits
from api.live import Live
from api.middleware import Anchor, BodyLimit, Headers, PlainDoor
from api.schemas.common import ProblemShape
from caretaker.domain.assets import Estate
from caretaker.domain.rounds.chain import anchor_text
from caretaker.ports import Clock, Journal, ReadingStore, Transactions
from caretaker.ports.keys import SiteKeys
from caretaker.ports.photos import PhotoFiles
from caretaker.ports.reports import ReportFiles
from caretaker.services import plain_judge
from caretaker.services.scans import Judge

PREFIX: Final = "/api/v1"


def api_router() -> APIRouter:
    """All routes of the API."""
    router = APIRouter(prefix=PREFIX, responses={"default": {"model": ProblemShape, "description": "problem+json"}})
    for part in (
        session,
        people,
        phones,
        estate,
        alarms,
        work_orders,
        work_requests,
        door,
        checkpoints,
        labels,
        displays,
        plans,
        rounds,
        scans,
        handovers,
        incidents,
        audit,
        service,
        photo_routes,
        report_routes,
        events,
    ):
        router.include_router(part.router)
    return router


def create_app(  # noqa: PLR0913  (the ports of the house, each by name)
    *,
    transactions: Transactions,
    estate: Estate,
    journal: Journal,
    store: ReadingStore,
    clock: Clock,
    version: str,
    demo: bool = False,
    static: Path | None = None,
    accept: Accept | None = None,
    judge: Judge = plain_judge.judge,
    photos: PhotoFiles | None = None,
    keys: SiteKeys | None = None,
    doors: Doors | None = None,
    reports: ReportFiles | None = None,
) -> FastAPI:
    """The application. Its lifespan starts and stops the live view."""
    live = Live(estate, journal, store)
    house = House(
        transactions,
        estate,
        journal,
        store,
        clock,
        live,
        version,
        demo,
        accept,
        judge,
        photos,
        keys,
        doors,
        reports,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(live.start)
        hub = app.state.hub = events.Hub(house)
        await hub.start()
        try:
            yield
        finally:
            await hub.stop()
            await run_in_threadpool(live.stop)

    # openapi_url=None: the interactive pages would load scripts from a CDN; api/openapi.json is the contract
    app = FastAPI(title="看护 Caretaker", version=version, openapi_url=None, lifespan=lifespan)
    app.state.house = house
    app.state.throttle = Throttle()
    app.state.limits = PublicLimits()
    app.include_router(api_router())
    install_page.install(app, doors)
    page.install(app, static)
    errors.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(PlainDoor, doors=doors)
    app.add_middleware(GZipMiddleware, minimum_size=2000, compresslevel=5)  # leaves event streams alone
    app.add_middleware(Headers, clock=clock, prefix=PREFIX, anchor=_anchors(keys, estate.site.id))
    return app


def _anchors(keys: SiteKeys | None, site: str) -> Anchor | None:
    return None if keys is None else lambda phone, now_ms: anchor_text(keys.keys(site)[0], phone, now_ms)


class Server(uvicorn.Server):
    """Runs inside the house's own event loop; signals are the house's business.

    Streams must learn of the end before uvicorn waits for them, so `stop` tells them first. With a secure door the same
    application answers there too: one life, one set of connections, two listeners.
    """

    secure: SecureDoor | None = None
    _watching: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """The usual door, then the secure one. Raises ConfigurationError when its port is taken."""
        await super().startup(sockets)
        if self.secure is None or not self.started:
            return
        self.started = False
        try:
            door = await asyncio.get_running_loop().create_server(
                self._protocol, *self.secure.address, ssl=self.secure.context, backlog=self.config.backlog
            )
        except OSError as wrong:
            await self.shutdown(sockets)
            raise cannot_listen(self.secure.address, wrong) from wrong
        self.servers.append(door)
        self._watching = asyncio.create_task(self.secure.watch(), name="certificate")
        self.started = True

    def _protocol(self) -> asyncio.Protocol:
        config = self.config
        made: asyncio.Protocol = config.http_protocol_class(  # type: ignore[call-arg]
            config=config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Both doors."""
        if self._watching is not None:
            self._watching.cancel()
        await super().shutdown(sockets)

    def capture_signals(self):  # type: ignore[no-untyped-def]
        """None of ours."""
        from contextlib import nullcontext

        return nullcontext()

    async def stop(self) -> None:
        """End all streams, then let uvicorn finish the requests under way."""
        hub: events.Hub | None = getattr(self.config.app.state, "hub", None)  # type: ignore[union-attr]
        if hub is not None:  # told to end before it had begun
            await hub.stop()
        self.should_exit = True


def server(app: FastAPI, host: str, port: int, secure: SecureDoor | None = None) -> Server:
    """A server for `app`: `await serve()` runs until `stop()`."""
    made = Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            loop="asyncio",
            http="httptools",
            ws="none",
            lifespan="on",
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=3,
            timeout_keep_alive=75,
        )
    )
    made.secure = secure
    return made
