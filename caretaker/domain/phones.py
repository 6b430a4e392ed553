"""The phones people scan with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from caretaker.domain.errors import Refused

WRONG_PINS: Final = 5
"""After so many wrong PINs in a row the phone must be enrolled again."""
_COORDINATE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Phone:
    """An enrolled phone.

    public_key     JWK {kty, crv, x, y} of its ECDSA P-256 key; None when the page was opened on plain http, where a
                   browser gives no keys (its scans are then unsigned)
    wrong_pins     in a row
    withdrawn_ns   since when it may no longer be used; `withdrawn_by` a person's id, or `pin` after too many wrong ones
    """

    id: str
    person: str
    label: str
    public_key: Mapping[str, str] | None
    enrolled_ns: int
    seen_ns: int | None = None
    wrong_pins: int = 0
    withdrawn_ns: int | None = None
    withdrawn_by: str | None = None


def public_jwk(given: Mapping[str, object]) -> dict[str, str]:
    """The four members that make a P-256 public key; everything else a browser adds is left out. Raises Refused."""
    if "d" in given:
        raise Refused("this is a private key: it must never leave the phone", field="public_key")
    if given.get("kty") != "EC" or given.get("crv") != "P-256":
        raise Refused("expected a JWK with kty EC and crv P-256", field="public_key")
    x, y = given.get("x"), given.get("y")
    if not (isinstance(x, str) and isinstance(y, str) and _COORDINATE.fullmatch(x) and _COORDINATE.fullmatch(y)):
        raise Refused("x and y of the JWK must be 32 bytes each in base64url", field="public_key")
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}
