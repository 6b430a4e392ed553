"""Who asks, and may they? Cookie sessions for people, bearer tokens for machines; nothing is open but what says so."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Depends, Header, Request, Response

from api.errors import Problem, SignInNeeded
from api.house import House, TheHouse
from caretaker.domain.errors import NotAllowed, NotFound
from caretaker.domain.people import Person, Right
from caretaker.ports import Once
from caretaker.services import people

COOKIE: Final = "caretaker_session"
PHONE_COOKIE: Final = "caretaker_phone"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def session_of(request: Request) -> str | None:
    """The session secret the browser sent."""
    return request.cookies.get(_name(request)) or None


def _name(request: Request, cookie: str = COOKIE) -> str:
    return f"__Host-{cookie}" if request.url.scheme == "https" else cookie


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
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    picture = request.method == "PUT" and media.startswith("image/")  # no form can send a PUT
    if (has_body or media) and media != "application/json" and not picture:
        raise Problem(415, "content_type")


def phone_secret_of(request: Request) -> str:
    """What an enrolled phone shows beside its PIN; "" when it shows nothing."""
    return request.cookies.get(_name(request, PHONE_COOKIE)) or ""


def set_phone(request: Request, response: Response, secret: str) -> None:
    """Let the phone keep its secret; 400 days is the longest a browser keeps any cookie, each sign-in renews it."""
    response.set_cookie(
        _name(request, PHONE_COOKIE),
        secret,
        max_age=400 * 86_400,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )


def known(request: Request, house: House) -> Person | None:
    """Who asks: by bearer token, else by session cookie; None for a stranger."""
    request.state.phone = None
    now_ns = house.clock.now_ns()
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        person = people.who(house.transactions, token.strip(), "token", now_ns)
        if person is not None:
            return person
    secret = session_of(request)
    if not secret:
        return None
    same_origin(request)
    session = people.find(house.transactions, secret, "session", now_ns)
    if session is None:
        return None
    request.state.phone = session.phone
    return session.person


def anybody(request: Request, house: TheHouse) -> Person:
    """The signed-in person or machine, at home at this site. Raises SignInNeeded, or NotFound: for people of other
    sites there is nothing here, not even a refusal (reliability S3). The only place that compares sites."""
    person = known(request, house)
    if person is None:
        raise SignInNeeded("")
    if not person.at(house.estate.site.id):
        raise NotFound("there is nothing here for you", site=house.estate.site.id)
    return person


def phone_of(request: Request, _person: Annotated[Person, Depends(anybody)]) -> str | None:
    """The id of the enrolled phone this request comes from; None from a console or a machine."""
    phone: str | None = request.state.phone
    return phone


def needs(right: Right) -> Callable[[Person], Person]:
    """A dependency: somebody with this right. Raises SignInNeeded (401) or NotAllowed (403)."""

    def check(person: Annotated[Person, Depends(anybody)]) -> Person:
        if not person.may(right):
            raise NotAllowed(f"{person.name} ({person.role}) lacks the right to {right}", right=str(right))
        return person

    return check


def caller(request: Request, house: TheHouse) -> Person:
    """Who reports or calls for help: whoever is signed in, else the person of the enrolled phone, whose session may have
    ended in the night. Raises SignInNeeded, NotFound (another site), NotAllowed (a machine)."""
    person = known(request, house)
    secret = phone_secret_of(request)
    request.state.by_phone = person is None
    if person is None and secret:
        same_origin(request)
        phone = people.find(house.transactions, secret, "phone", house.clock.now_ns())
        if phone is not None:
            person, request.state.phone = phone.person, phone.phone
    if person is None:
        raise SignInNeeded("")
    if not person.at(house.estate.site.id):
        raise NotFound("there is nothing here for you", site=house.estate.site.id)
    if not person.may(Right.WATCH):
        raise NotAllowed(f"{person.name} ({person.role}) lacks the right to {Right.WATCH}", right=str(Right.WATCH))
    return person


Anybody = Annotated[Person, Depends(anybody)]
Caller = Annotated[Person, Depends(caller)]
FromPhone = Annotated[str | None, Depends(phone_of)]
Watcher = Annotated[Person, Depends(needs(Right.WATCH))]
Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=128, pattern=r"^[!-~]+$")]


async def once(request: Request, person: Anybody, idempotency_key: Key = None) -> Once | None:
    """The sender's key for this request, if there is one: with it a repeat acts once and is answered as done."""
    return await _once(request, person, idempotency_key)


async def once_of_caller(request: Request, person: Caller, idempotency_key: Key = None) -> Once | None:
    """The same for who may call for help without being signed in."""
    return await _once(request, person, idempotency_key)


async def _once(request: Request, person: Person, idempotency_key: str | None) -> Once | None:
    if idempotency_key is None:
        return None
    asked = f"{request.method} {request.url.path}\n".encode() + await request.body()
    return Once(f"{person.id}:{idempotency_key}", hashlib.sha256(asked).hexdigest())


Repeatable = Annotated[Once | None, Depends(once)]
CallerOnce = Annotated[Once | None, Depends(once_of_caller)]


class Throttle:
    """A bucket of wrong tries for each address: `burst` at once, then one every `every_s`. Bounded memory."""

    def __init__(self, burst: int = 5, every_s: float = 12.0) -> None:
        self._burst, self._every_ns = burst, round(every_s * 1e9)
        self._full_at: dict[str, int] = {}
        self._lock = threading.Lock()

    def take(self, address: str, now_ns: int) -> None:
        """Count a try before it is known to be wrong, so that tries at the same moment count too. Raises Problem 429."""
        with self._lock:
            if len(self._full_at) > 10_000:
                self._full_at = {key: at for key, at in self._full_at.items() if at > now_ns}
            full_at = max(self._full_at.get(address, 0), now_ns)
            if full_at - now_ns > (self._burst - 1) * self._every_ns:
                wait_s = (full_at - now_ns - (self._burst - 1) * self._every_ns) / 1e9
                raise Problem(429, "too_many", retry_after_s=max(1, round(wait_s)))
            self._full_at[address] = full_at + self._every_ns

    def give_back(self, address: str) -> None:
        """It was right: a shift that signs in from one address is no attack."""
        with self._lock:
            self._full_at[address] = self._full_at.get(address, 0) - self._every_ns
