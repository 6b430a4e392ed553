"""What a sticker says: a signed token, a short human code, a rotating code. Pure; keys come in as arguments.

Token: `ct1.<checkpoint>.<step>.<mac>`, mac = first 16 bytes of HMAC-SHA256(key, "ct1|site|key id|code version|checkpoint|
step") in base64url without padding. Step 0 is a printed sticker, otherwise the number of 30 s steps since 1970 that a
display shows. Key id and code version are not in the token: checking tries the few that can be, so that a sticker stays
small and tells nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.scans import Reason, TokenType

SCHEME: Final = "ct1"
LONGEST: Final = 200
"""Characters; the largest QR code holds 4,296, none of ours more than 110."""
STEP_S: Final = 30
DRIFT_STEPS: Final = 1
"""A display's clock may be this many steps off, either way."""
_TOKEN: Final = re.compile(r"ct1\.([A-Za-z0-9][A-Za-z0-9_-]{0,63})\.(0|[1-9][0-9]{0,11})\.([A-Za-z0-9_-]{22})")
_URL: Final = re.compile(r"https?://[^\s/?#]{1,120}/s/(ct1\.[A-Za-z0-9_.-]{1,140})")
_SHORT: Final = re.compile(r"[0-9]{6}")


@dataclass(frozen=True, slots=True)
class SiteKey:
    """A site's signing key. `retired_ns`: rotated away then; stickers made with it count until `grace_until_ns`."""

    id: str
    secret: bytes
    retired_ns: int | None = None
    grace_until_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A token as read, not yet believed."""

    checkpoint: str
    step: int
    mac: str

    @property
    def text(self) -> str:
        """As it stands in the code."""
        return f"{SCHEME}.{self.checkpoint}.{self.step}.{self.mac}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a code proved: the checkpoint (None when it proved none), how, and what is wrong with it."""

    checkpoint: str | None
    type: TokenType
    doubt: Reason | None = None
    facts: tuple[tuple[str, object], ...] = ()


def mac_of(key: SiteKey, site: str, version: int, checkpoint: str, step: int) -> str:
    """The signature part of a token."""
    text = f"{SCHEME}|{site}|{key.id}|{version}|{checkpoint}|{step}".encode()
    digest = hmac.new(key.secret, text, hashlib.sha256).digest()[:16]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def token_of(key: SiteKey, checkpoint: Checkpoint, step: int = 0) -> str:
    """The token to print (step 0) or to show (`step_at`)."""
    mac = mac_of(key, checkpoint.site, checkpoint.code_version, checkpoint.id, step)
    return Token(checkpoint.id, step, mac).text


def step_at(at_ns: int) -> int:
    """The rotating step of a moment."""
    return at_ns // (STEP_S * 1_000_000_000)


def read(text: str) -> Token | None:
    """The token in a scanned text: bare, or in a sticker's URL of any host (the host is never opened). White space
    around it is dropped once; anything else, and anything over 200 characters, is None."""
    if len(text) > LONGEST:
        return None
    text = text.strip()
    in_url = _URL.fullmatch(text)
    found = _TOKEN.fullmatch(in_url.group(1) if in_url else text)
    return Token(found[1], int(found[2]), found[3]) if found else None


def check(
    text: str,
    type_: TokenType,
    site: str,
    checkpoints: Sequence[Checkpoint],
    keys: Sequence[SiteKey],
    at_ns: int,
) -> Checked:
    """Which checkpoint does this code prove at `at_ns` (the time we believe the scan was made)?

    A forged or unreadable code proves none; a withdrawn, expired or stale one names its checkpoint with a doubt.
    """
    if type_ is TokenType.MANUAL:
        return _short(text.strip(), checkpoints)
    if type_ is TokenType.NFC:
        return _tag(text.strip().lower(), checkpoints)
    token = read(text)
    if token is None:
        return Checked(None, type_, Reason.FORGED, (("why", "unreadable"),))
    checkpoint = next((each for each in checkpoints if each.id == token.checkpoint and each.site == site), None)
    if checkpoint is None:
        return Checked(None, type_, Reason.FORGED, (("why", "unknown_checkpoint"),))
    kind = TokenType.ROTATING if token.step else TokenType.PRINTED
    for key in keys:
        for version in range(checkpoint.code_version, -1, -1):
            if hmac.compare_digest(mac_of(key, site, version, checkpoint.id, token.step), token.mac):
                return _genuine(checkpoint, kind, token, key, version, at_ns)
    return Checked(None, kind, Reason.FORGED, (("why", "wrong_mac"),))


def _genuine(checkpoint: Checkpoint, kind: TokenType, token: Token, key: SiteKey, version: int, at_ns: int) -> Checked:
    if version < checkpoint.code_version:
        facts = (("version", version), ("current", checkpoint.code_version))
        return Checked(checkpoint.id, kind, Reason.WITHDRAWN_CODE, facts)
    if key.grace_until_ns is not None and at_ns > key.grace_until_ns:
        return Checked(checkpoint.id, kind, Reason.EXPIRED_KEY, (("key", key.id),))
    if kind is TokenType.ROTATING:
        off = step_at(at_ns) - token.step
        if abs(off) > DRIFT_STEPS:
            return Checked(checkpoint.id, kind, Reason.STALE_ROTATING_CODE, (("age_s", off * STEP_S),))
    elif checkpoint.rotating:
        # a place with a display proves nothing by a picture of an old sticker
        return Checked(checkpoint.id, kind, Reason.STALE_ROTATING_CODE, (("why", "printed_at_a_display"),))
    return Checked(checkpoint.id, kind)


def _short(code: str, checkpoints: Sequence[Checkpoint]) -> Checked:
    found = next((each for each in checkpoints if each.short_code and each.short_code == code), None)
    if found is None or not _SHORT.fullmatch(code):
        return Checked(None, TokenType.MANUAL, Reason.FORGED, (("why", "unknown_short_code"),))
    return Checked(found.id, TokenType.MANUAL, Reason.MANUAL_CODE)


def _tag(tag: str, checkpoints: Sequence[Checkpoint]) -> Checked:
    found = next((each for each in checkpoints if each.nfc and each.nfc == tag), None)
    if found is None:
        return Checked(None, TokenType.NFC, Reason.FORGED, (("why", "unknown_tag"),))
    return Checked(found.id, TokenType.NFC)
