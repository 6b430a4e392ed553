"""Around every request: body limit, security headers, the server's time."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.doors import Doors, is_loopback, ways
from api.errors import problem, unexpected
from caretaker.ports import Clock

MOST_BODY: Final = 1_000_000
MOST_PHOTO: Final = 3_000_000
MOST_REPORT: Final = 20_000
"""Of a stranger: a thousand characters, escaped at the worst, and some fields."""
_DOOR: Final = "/api/v1/stickers/"
_PHOTO: Final = re.compile(r"/api/v1/(photos/|stickers/[^/]+/work-requests/[^/]+/photo/)")
_CSP: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Styles may be inline because Element Plus sets style attributes; scripts never."""
_HEADERS: Final = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}


Anchor = Callable[[str, int], str]
"""(phone, server time in ms) -> the signed time."""


class Headers:
    """Security headers on everything; `X-Caretaker-Now` (ms) on the API, so that a page can correct its clock; to an
    enrolled phone also `X-Caretaker-Anchor`, the same time signed, which it shows again with its scans.

    The outermost of ours: what nobody foresaw ends here as one log entry and a plain 500.
    """

    def __init__(self, app: ASGIApp, clock: Clock, prefix: str, anchor: Anchor | None = None) -> None:
        self.app, self.clock, self.prefix, self.anchor = app, clock, prefix, anchor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        started = False

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith(self.prefix):
                    now_ms = self.clock.now_ns() // 1_000_000
                    headers["X-Caretaker-Now"] = str(now_ms)
                    phone = scope.get("state", {}).get("phone")
                    if phone is not None and self.anchor is not None:
                        headers["X-Caretaker-Anchor"] = self.anchor(phone, now_ms)
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self.app(scope, receive, with_headers)
        except Exception as error:  # the outermost loop of a request
            if started:
                raise
            await unexpected(Request(scope), error)(scope, receive, with_headers)


def _most(path: str) -> int:
    if _PHOTO.match(path):
        return MOST_PHOTO
    return MOST_REPORT if path.startswith(_DOOR) else MOST_BODY


class BodyLimit:
    """Refuses bodies over 1 MB (photos: 3 MB, strangers: 20 kB) while they arrive, whatever Content-Length claims."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = _most(scope["path"])
        got = 0

        async def counted() -> Message:
            nonlocal got
            part = await receive()
            got += len(part.get("body", b""))
            if got > most:
                raise HTTPException(413, f"more than {most} bytes")  # of all errors, FastAPI lets this one pass
            return part

        told = dict(scope["headers"])
        if told.get(b"content-encoding", b"identity") != b"identity":  # 10 KB could unpack to 10 GB
            await problem(Request(scope), 415, "encoding", "", {})(scope, receive, send)
            return
        declared = told.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > most:
            answer = problem(Request(scope), 413, "too_large", "", {"limit_bytes": most})
            await answer(scope, receive, send)
            return
        await self.app(scope, counted, send)


_FOR_STRANGERS: Final = ("/ca", "/s", "/display", "/assets")
"""Pages without sign-in: how to install the certificate, what a sticker says, the code of a display. Their readers have
installed nothing yet."""
_SIGNING_IN: Final = ("/api/v1/session", "/api/v1/phones")


class PlainDoor:
    """Once there is an https door, nothing secret passes the plain one from the network: its pages send people over to
    https, its API takes no session, token or code. This machine itself and strangers are served."""

    def __init__(self, app: ASGIApp, doors: Doors | None) -> None:
        self.app = app
        self.doors = doors if doors is not None and doors.https is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if self.doors is None or scope["type"] != "http" or scope["scheme"] == "https" or _from_here(scope):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        path = request.url.path
        over = (
            ways(request.url.hostname, self.doors).base + path + (f"?{request.url.query}" if request.url.query else "")
        )
        if not path.startswith("/api/"):
            first = "/" + path.lstrip("/").partition("/")[0]
            if request.method in ("GET", "HEAD") and first not in _FOR_STRANGERS and "." not in path.rpartition("/")[2]:
                await RedirectResponse(over, 307, {"Cache-Control": "no-store"})(scope, receive, send)
                return
        elif "authorization" in request.headers or (request.method == "POST" and path in _SIGNING_IN):
            answer = problem(request, 426, "needs_https", "", {"url": over})
            await answer(scope, receive, send)
            return
        bare = [(name, value) for name, value in scope["headers"] if name != b"cookie"]  # of the time before https
        await self.app({**scope, "headers": bare}, receive, send)


def _from_here(scope: Scope) -> bool:
    """Did this come in by an address that only this machine has?"""
    server = scope.get("server")
    return server is not None and is_loopback(str(server[0]))
