"""Sign-in, health, quarantine, ingest as JSON."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, FiniteFloat

from api.schemas.common import Body, Shape
from api.schemas.estate import SiteShape
from api.schemas.people import PersonShape

LATEST_MS: Final = 4_102_444_800_000
"""The year 2100: in nanoseconds it still fits an int64. What is plausible is for the gate to say."""


class SignIn(Body):
    """One of: a one-time code; an API token; a person (id or name) with a password; an enrolled phone with its PIN."""

    code: str | None = Field(default=None, min_length=8, max_length=128)
    token: str | None = Field(default=None, min_length=8, max_length=128)
    person: str | None = Field(default=None, min_length=1, max_length=64)
    password: str | None = Field(default=None, min_length=1, max_length=256)
    phone: str | None = Field(default=None, min_length=1, max_length=64)
    pin: str | None = Field(default=None, min_length=1, max_length=16)

    def way(self) -> str | None:
        """code | token | password | pin; None when it is not exactly one of them."""
        given = {name for name in type(self).model_fields if getattr(self, name) is not None}
        ways = {"code": {"code"}, "token": {"token"}, "password": {"person", "password"}, "pin": {"phone", "pin"}}
        return next((name for name, fields in ways.items() if fields == given), None)


class Session(Shape):
    """The signed-in session. `phone`: the enrolled phone it runs on."""

    person: PersonShape
    phone: str | None = None
    site: SiteShape
    demo: bool
    version: str


class Part(Shape):
    """A part's state; `facts` only for signed-in people."""

    status: str
    age_ms: int | None = None
    reason: str | None = None
    facts: dict[str, object] = Field(default_factory=dict)


class Health(Shape):
    """ok: all parts beat and none complains. degraded: one complains. down: one does not beat."""

    status: str
    now_ms: int
    version: str
    demo: bool
    parts: dict[str, Part]

    def without_facts(self) -> Health:
        """For those who are not signed in: states and ages only."""
        bare = {name: Part(status=part.status, age_ms=part.age_ms) for name, part in self.parts.items()}
        return self.model_copy(update={"parts": bare})


class QuarantineItem(Shape):
    """Refused input; `excerpt` shows at most 200 bytes, unprintable ones escaped."""

    at_ms: int
    source: str
    reason: str
    detail: str
    excerpt: str


class Quarantine(Shape):
    """The newest refused input, and how often each reason occurred among what is kept."""

    items: list[QuarantineItem]
    counters: dict[str, int]


class SentReading(Body):
    """One reading of one point (`key`, or `asset.key` when the device watches several assets). `value`: number, bool or
    text; `ts` in ms UTC, missing = now; `q`: good, uncertain or bad."""

    point: str = Field(max_length=130, examples=["p_out"])
    value: FiniteFloat | bool | Annotated[str, Field(max_length=1000)] | None = Field(
        default=None, union_mode="left_to_right"
    )
    ts: int | None = Field(default=None, ge=0, le=LATEST_MS)
    q: str = Field(default="good", pattern="^(good|uncertain|bad)$")


class Ingest(Body):
    """Readings of one device."""

    device: str = Field(max_length=64)
    readings: list[SentReading] = Field(min_length=1, max_length=5000)


class RefusedReading(Shape):
    """A reading the gate kept out, and why; it lies in quarantine."""

    reason: str
    detail: str


class Accepted(Shape):
    """What became of the readings; all of it is durable. `duplicates` were known already."""

    accepted: int
    duplicates: int
    refused: list[RefusedReading]
