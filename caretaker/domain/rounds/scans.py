"""Scan: one reading of a sticker by a person, with everything that speaks for or against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class TokenType(StrEnum):
    """How the place was proven."""

    PRINTED = "printed"
    ROTATING = "rotating"
    NFC = "nfc"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Position:
    """Where the phone thought it was. `accuracy_m`: radius of 68 % confidence."""

    lat: float
    lon: float
    accuracy_m: float


@dataclass(frozen=True, slots=True)
class Answer:
    """One check answered: `ok`, `not_ok`, `cannot` (with reason) or a value."""

    check: str
    result: str
    value: float | str | bool | None = None
    reason: str | None = None
    photos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Anchor:
    """The server's word for the time, given at the last contact: server time, and the phone's monotonic then."""

    server_ns: int
    monotonic_ms: float
    mac: str


@dataclass(frozen=True, slots=True)
class Scan:
    """As the phone wrote it down.

    id            UUID by the phone; the same id again is the same scan
    token         what the code said (or the short code, or the tag id)
    device_ns     the phone's wall clock; monotonic_ms: its monotonic clock since `boot`
    counter       1, 2, 3 … of this phone; previous: hash of its previous scan; signature: by the phone's key
    """

    id: str
    site: str
    person: str
    phone: str
    token: str
    token_type: TokenType
    device_ns: int
    monotonic_ms: float
    boot: str
    counter: int
    previous: str
    signature: str
    round: str | None = None
    checkpoint: str | None = None
    position: Position | None = None
    anchor: Anchor | None = None
    answers: tuple[Answer, ...] = ()
    photos: tuple[str, ...] = ()
    received_ns: int = 0


class Reason(StrEnum):
    """Why a scan is doubted. Stable words; zh and en in the catalogues."""

    FORGED = "forged"
    WITHDRAWN_CODE = "withdrawn_code"
    EXPIRED_KEY = "expired_key"
    STALE_ROTATING_CODE = "stale_rotating_code"
    OTHER_SITE = "other_site"
    NOT_ON_ROUND = "not_on_round"
    NOT_YOUR_ROUND = "not_your_round"
    EARLY = "early"
    LATE = "late"
    OUT_OF_ORDER = "out_of_order"
    TOO_FAST = "too_fast"
    BATCH = "batch"
    DUPLICATE = "duplicate"
    REPLAY = "replay"
    TWO_PHONES = "two_phones"
    SHARED_SIGN_IN = "shared_sign_in"
    CLOCK_TAMPERED = "clock_tampered"
    BAD_SIGNATURE = "bad_signature"
    BROKEN_CHAIN = "broken_chain"
    COUNTER_GAP = "counter_gap"
    FAR_AWAY = "far_away"
    POSITION_SPOOFED = "position_spoofed"
    OLD_PHOTO = "old_photo"
    UNSIGNED = "unsigned"
    SKIPPED_CHECKS = "skipped_checks"
    MANUAL_CODE = "manual_code"
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, slots=True)
class Doubt:
    """One reason with what was seen, e.g. 9 s for a walk of at least 74 s."""

    reason: Reason
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Witness:
    """Something independent that happened near the place near the time."""

    point: str
    at_ns: int
    supports: bool
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a scan is worth. `confidence` 0 … 1; `suspicious`: a supervisor decides; `accepted`: counts as a visit.

    Suspicious scans are marked, never dropped.
    """

    accepted: bool
    suspicious: bool
    confidence: float
    at_ns: int
    """The time we believe."""
    doubts: tuple[Doubt, ...] = ()
    witnesses: tuple[Witness, ...] = ()
