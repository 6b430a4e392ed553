"""Around every request: body limit, security headers, the server's time."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Problem, problem
from caretaker.ports import Clock

MOST_BODY: Final = 1_000_000
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


class Headers:
    """Security headers on everything; `X-Caretaker-Now` (ms) on the API, so that a page can correct its clock."""

    def __init__(self, app: ASGIApp, clock: Clock, prefix: str) -> None:
        self.app, self.clock, self.prefix = app, clock, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith(self.prefix):
                    headers["X-Caretaker-Now"] = str(self.clock.now_ns() // 1_000_000)
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, with_headers)


class BodyLimit:
    """Refuses bodies over 1 MB while they arrive, whatever Content-Length claims."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        got = 0

        async def counted() -> Message:
            nonlocal got
            part = await receive()
            got += len(part.get("body", b""))
            if got > MOST_BODY:
                raise Problem(413, "too_large", limit_bytes=MOST_BODY)
            return part

        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > MOST_BODY:
            answer = problem(Request(scope), 413, "too_large", "", {"limit_bytes": MOST_BODY})
            await answer(scope, receive, send)
            return
        await self.app(scope, counted, send)
