"""The built pages: hashed files for ever; `/m…` is the phone's page, `/s/<token>` a sticker's, `/display/<checkpoint>` a
display's, every other path that is not the API's the console's index.html."""

from __future__ import annotations

import gzip
import mimetypes
from functools import lru_cache
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

_PHONE = "m.html"
_PHONE_CSP = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' blob:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""The code reader is WebAssembly; nothing else may be compiled at run time, and nothing comes from elsewhere."""
_OPEN: Final = {"s": "s.html", "display": "display.html"}
_OPEN_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Robots-Tag": "noindex",
}
"""Open to everybody, so it may do the least: no inline styles, no forms that send themselves, and no search engine."""
_TEXTS: Final = frozenset({".js", ".css", ".html", ".svg", ".wasm", ".webmanifest"})
mimetypes.add_type("application/manifest+json", ".webmanifest")
mimetypes.add_type("application/wasm", ".wasm")
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_NOT_BUILT = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>看护 Caretaker</title>
<p>页面还没有构建：请运行 <code>bin/caretaker up</code>（它会自动构建）。</p>
<p>The page has not been built yet: run <code>bin/caretaker up</code>, which builds it.</p></html>"""


def install(app: FastAPI, static: Path | None) -> None:
    """Serve `static` (the folder vite wrote). Must be installed after the API's routes."""
    root = static.resolve() if static is not None else None

    @app.api_route("/{path:path}", methods=_METHODS, include_in_schema=False)
    def page(path: str, request: Request) -> Response:
        if path == "api" or path.startswith("api/"):
            ours = (route.matches(request.scope)[0] for route in app.routes)
            if Match.PARTIAL in ours:
                raise HTTPException(405, f"/{path} does not take {request.method}")
            raise HTTPException(404, f"there is no /{path}")
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405, f"/{path} does not take {request.method}", {"Allow": "GET, HEAD"})
        if root is None or not (root / "index.html").is_file():
            return HTMLResponse(_NOT_BUILT, 503)
        file = (root / path).resolve()
        if path and file.is_file() and file.is_relative_to(root):
            hashed = path.startswith("assets/")
            return _answer(file, request, {"Cache-Control": _cache(hashed=hashed)})
        if path.startswith("assets/"):
            raise HTTPException(404, f"/{path} is not part of this build")
        return _page(root, path, request)


def _page(root: Path, path: str, request: Request) -> Response:
    headers = {"Cache-Control": _cache(hashed=False)}
    if (path == "m" or path.startswith("m/")) and (root / _PHONE).is_file():
        return _answer(root / _PHONE, request, headers | {"Content-Security-Policy": _PHONE_CSP})
    first, slash, _ = path.partition("/")
    if slash and first in _OPEN and (root / _OPEN[first]).is_file():
        return _answer(root / _OPEN[first], request, headers | _OPEN_HEADERS)
    return _answer(root / "index.html", request, headers)


def _answer(file: Path, request: Request, headers: dict[str, str]) -> Response:
    """The file, compressed for those who can read it: a phone in a cellar loads a third."""
    if file.suffix not in _TEXTS or "gzip" not in request.headers.get("accept-encoding", ""):
        return FileResponse(file, headers=headers)
    headers = headers | {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    told = file.stat()
    media = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return Response(_zipped(file, told.st_mtime_ns, told.st_size), headers=headers, media_type=media)


@lru_cache(maxsize=256)
def _zipped(file: Path, _changed_ns: int, _size: int) -> bytes:
    return gzip.compress(file.read_bytes(), 6)


def _cache(*, hashed: bool) -> str:
    return "public, max-age=31536000, immutable" if hashed else "no-cache"
