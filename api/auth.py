"""Who asks, and may they? Cookie sessions for people, bearer tokens for machines; nothing is open but what says so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Depends, Request, Response

from api.errors import Problem, SignInNeeded
from api.house import TheHouse
from caretaker.domain.errors import NotAllowed
from caretaker.domain.people import Person, Right
from caretaker.services import people

COOKIE: Final = "caretaker_session"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def session_of(request: Request) -> str | None:
    """The session secret the browser sent."""
    return request.cookies.get(_name(request)) or None


def _name(request: Request) -> str:
    return f"__Host-{COOKIE}" if request.url.scheme == "https" else COOKIE


def set_session(request: Request, response: Response, secret: str) -> None:
    """Give the browser its cookie; over https it is bound to this host."""
    response.set_cookie(
        _name(request),
        secret,
        max_age=int(people.SESSION_LIFE / 1e9),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )


def drop_session(request: Request, response: Response) -> None:
    """Take the cookie back."""
    response.delete_cookie(_name(request), path="/", httponly=True, samesite="strict")


def same_origin(request: Request) -> None:
    """An unsafe request that rides on a cookie must come from our own page. Raises Problem 403 or 415."""
    if request.method in _SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        raise Problem(403, "cross_site")
    if site is None and origin is not None and origin.split("://", 1)[-1] != request.headers.get("host"):
        raise Problem(403, "cross_site")
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if request.headers.get("content-length", "0") != "0" and media != "application/json":
        raise Problem(415, "content_type")


def anybody(request: Request, house: TheHouse) -> Person:
    """The signed-in person or machine. Raises SignInNeeded."""
    now_ns = house.clock.now_ns()
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        person = people.who(house.transactions, token.strip(), "token", now_ns)
        if person is not None:
            return person
    secret = session_of(request)
    if secret:
        same_origin(request)
        person = people.who(house.transactions, secret, "session", now_ns)
        if person is not None:
            return person
    raise SignInNeeded("")


def needs(right: Right) -> Callable[[Person], Person]:
    """A dependency: somebody with this right. Raises SignInNeeded (401) or NotAllowed (403)."""

    def check(person: Annotated[Person, Depends(anybody)]) -> Person:
        if not person.may(right):
            raise NotAllowed(f"{person.name} ({person.role}) lacks the right to {right}", right=str(right))
        return person

    return check


Anybody = Annotated[Person, Depends(anybody)]
Watcher = Annotated[Person, Depends(needs(Right.WATCH))]


class Throttle:
    """A token bucket for each address: `burst` tries at once, then one every `every_s`. Bounded memory."""

    def __init__(self, burst: int = 5, every_s: float = 12.0) -> None:
        self._burst, self._every_ns = burst, round(every_s * 1e9)
        self._full_at: dict[str, int] = {}
        self._lock = threading.Lock()

    def take(self, address: str, now_ns: int) -> None:
        """Count one try. Raises Problem 429."""
        with self._lock:
            if len(self._full_at) > 10_000:
                self._full_at = {key: at for key, at in self._full_at.items() if at > now_ns}
            full_at = max(self._full_at.get(address, 0), now_ns)
            if full_at - now_ns > (self._burst - 1) * self._every_ns:
                wait_s = (full_at - now_ns - (self._burst - 1) * self._every_ns) / 1e9
                raise Problem(429, "too_many", retry_after_s=max(1, round(wait_s)))
            self._full_at[address] = full_at + self._every_ns
