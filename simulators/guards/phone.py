"""A phone of a simulated guard: a key that signs, a chain over what was scanned, and memory that outlives its process.

It writes the text a scan is signed by in its own words, as the phone page does in TypeScript: shared code would hide a
mistake from both sides.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from caretaker.domain.passwords import pin_weakness

_AGAIN: Final = frozenset({408, 425, 429})
_TIMEOUT_S: Final = 20.0
_ANCHOR: Final = "X-Caretaker-Anchor"


class Away(Exception):
    """The server was not reached, or could not just now; the same again later."""


class SignedOut(Exception):
    """This phone may do nothing any more: it was withdrawn."""


class Said(Exception):
    """The server said no, and will say so again. `status`: its number."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status} {text[:200]}")
        self.status = status


@dataclass(slots=True)
class Memory:
    """What lies on the phone. `waiting`: a scan that is written down and not yet acknowledged."""

    person: str
    phone: str
    pin: str
    secret: int
    cookies: dict[str, str] = field(default_factory=dict)
    counter: int = 0
    previous: str = ""
    rounds: int = 0
    waiting: dict[str, Any] | None = None


class Phone:
    """One phone. Calls block; they raise Away, SignedOut or Said."""

    def __init__(self, path: Path, base: str, memory: Memory) -> None:
        self.memory = memory
        self._path = path
        self._key = ec.derive_private_key(memory.secret, ec.SECP256R1())
        self._boot = str(uuid.uuid4())
        self._anchor: dict[str, Any] | None = None
        self._http = _client(base)

    @classmethod
    def enrol(cls, path: Path, base: str, person: str, code: str, label: str) -> Phone:
        """A new phone by a one-time code: its key is made here, its PIN is nobody's but its own."""
        key = ec.generate_private_key(ec.SECP256R1())
        pin = _pin(random.SystemRandom())
        cookies: dict[str, str] = {}
        with _client(base) as http:
            body = {"code": code, "label": label, "pin": pin, "public_key": _jwk(key)}
            found = _answer(http, cookies, "POST", "/phones", json=body).json()
        secret = key.private_numbers().private_value
        phone = cls(path, base, Memory(person, found["phone"]["id"], pin, secret, cookies))
        phone.keep()
        return phone

    @classmethod
    def remember(cls, path: Path, base: str) -> Phone | None:
        """The phone that lies at `path`; None when there is none."""
        if not path.exists():
            return None
        return cls(path, base, Memory(**json.loads(path.read_text(encoding="utf-8"))))

    def keep(self) -> None:
        """Everything to disk, whole or not at all, for nobody else to read."""
        beside = self._path.with_suffix(".new")
        beside.touch(mode=0o600)
        beside.write_text(json.dumps(asdict(self.memory)), encoding="utf-8")
        beside.replace(self._path)

    def forget(self) -> None:
        """Withdrawn: the next start may enrol another."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Release the connection."""
        self._http.close()

    def public_key(self) -> dict[str, str]:
        """As the house got it."""
        return _jwk(self._key)

    # ---- what a phone asks

    def today(self) -> dict[str, Any]:
        """The packet for the day."""
        found: dict[str, Any] = self._call("GET", "/m/today").json()
        return found

    def open(self, round_id: str) -> None:
        """Begin a round."""
        self._call("POST", f"/rounds/{round_id}/open", json={})

    def end(self, round_id: str, reason: str | None) -> None:
        """Say that it is over."""
        self._call("POST", f"/rounds/{round_id}/end", json={"reason": reason})

    def photo(self, data: bytes) -> str:
        """Send a picture; its name."""
        name = hashlib.sha256(data).hexdigest()
        self._call("PUT", f"/photos/{name}", content=data, headers={"Content-Type": "image/jpeg"})
        return name

    def scan(self, written: Mapping[str, Any], *, foreign_key: bool = False) -> None:
        """Seal what was written at the point and put it in line; `flush` sends it. `foreign_key`: another phone signs."""
        body = dict(written)
        counter = self.memory.counter + 1
        text = canonical(body, counter, self.memory.previous)
        key = ec.generate_private_key(ec.SECP256R1()) if foreign_key else self._key
        seal = {"counter": counter, "previous": self.memory.previous, "signature": _sign(key, text)}
        self.memory.counter, self.memory.previous = counter, hashlib.sha256(text.encode()).hexdigest()
        self.memory.waiting = body | seal
        self.keep()

    def flush(self) -> dict[str, Any] | None:
        """Send what waits; its answer. The id makes a repeat harmless."""
        if self.memory.waiting is None:
            return None
        try:
            answer: dict[str, Any] | None = self._call("POST", "/scans", json=self.memory.waiting).json()
        except Said:  # refused for good: like the page, go on with the rest
            answer = None
        self.memory.waiting = None
        self.keep()
        return answer

    def stamp(self, off_s: float = 0.0) -> dict[str, Any]:
        """The times of a scan at this moment, by a wall clock that is off by so much."""
        return {
            "device_ms": time.time_ns() // 1_000_000 + round(off_s * 1000),
            "monotonic_ms": time.monotonic_ns() // 1_000_000,
            "boot": self._boot,
            "anchor": self._anchor,
        }

    def _call(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = _answer(self._http, self.memory.cookies, method, path, **more)
        except SignedOut:
            self._sign_in()
            answer = _answer(self._http, self.memory.cookies, method, path, **more)
        self._keep_anchor(answer.headers.get(_ANCHOR))
        return answer

    def _sign_in(self) -> None:
        body = {"phone": self.memory.phone, "pin": self.memory.pin}
        _answer(self._http, self.memory.cookies, "POST", "/session", json=body)
        self.keep()

    def _keep_anchor(self, header: str | None) -> None:
        server_ms, dot, mac = (header or "").partition(".")
        if dot:
            now = time.monotonic_ns() // 1_000_000
            self._anchor = {"server_ms": int(server_ms), "monotonic_ms": now, "mac": mac}


def canonical(body: Mapping[str, Any], counter: int, previous: str) -> str:
    """The text a scan is signed by."""
    members = ("check", "result", "value", "reason", "photos")
    answers = _json([{name: given[name] for name in members} for given in body["answers"]])
    named = ("id", "round", "checkpoint", "token", "token_type", "device_ms", "monotonic_ms", "boot")
    parts = [body[name] for name in named]
    return f"ct1\n{_json([*parts, counter, previous, hashlib.sha256(answers.encode()).hexdigest(), body['photos']])}"


def _json(value: object) -> str:
    """As JavaScript writes it: whole numbers without a point."""
    return json.dumps(_whole(value), ensure_ascii=False, separators=(",", ":"))


def _whole(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return {name: _whole(item) for name, item in value.items()} if isinstance(value, dict) else value


def _client(base: str) -> httpx.Client:
    # what comes from our own page names it; a proxy of the environment has no business between two loopback processes
    return httpx.Client(base_url=f"{base}/api/v1", headers={"Origin": base}, timeout=_TIMEOUT_S, trust_env=False)


def _answer(http: httpx.Client, cookies: dict[str, str], method: str, path: str, **more: Any) -> httpx.Response:
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
    try:
        answer = http.request(method, path, headers={**headers, **more.pop("headers", {})}, **more)
    except httpx.TransportError as wrong:
        raise Away(str(wrong)) from wrong
    cookies.update(answer.cookies)
    http.cookies.clear()
    if answer.status_code == 401:
        raise SignedOut(answer.text[:200])
    if answer.status_code >= 500 or answer.status_code in _AGAIN:
        raise Away(f"{answer.status_code}")
    if answer.is_error:
        raise Said(answer.status_code, answer.text)
    return answer


def _jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": _text(numbers.x.to_bytes(32)), "y": _text(numbers.y.to_bytes(32))}


def _sign(key: ec.EllipticCurvePrivateKey, text: str) -> str:
    r, s = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(SHA256())))
    return _text(r.to_bytes(32) + s.to_bytes(32))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _pin(dice: random.SystemRandom) -> str:
    """Six digits the house does not call weak."""
    while True:
        pin = f"{dice.randrange(10**6):06d}"
        if pin_weakness(pin) is None:
            return pin
