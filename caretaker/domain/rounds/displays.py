"""What a display beside a checkpoint shows instead of a session: a secret that is computed, not kept. Pure.

secret = HMAC-SHA256(site key, "display|site|key id|code version|checkpoint") in base64url: whoever has the link may see
this one place's changing code and nothing else. A reprint withdraws it with the stickers, a rotated key when its grace
is over, so there is no table of links and nothing to forget in it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.codes import DRIFT_STEPS, STEP_S, SiteKey, step_at

SCHEME: Final = "display"
_STEP_NS: Final = STEP_S * 1_000_000_000


class Standing(StrEnum):
    """What a link is worth now."""

    GOOD = "good"
    WITHDRAWN = "withdrawn"
    """Ours once: reprinted since, or the key's grace is over."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Held:
    """A link as checked. `ends_ns`: when the grace of its key ends; None for the key in use."""

    standing: Standing
    ends_ns: int | None = None


def secret_of(key: SiteKey, checkpoint: Checkpoint, version: int | None = None) -> str:
    """The secret of a display link; `version`: of the code, else the present one."""
    version = checkpoint.code_version if version is None else version
    text = f"{SCHEME}|{checkpoint.site}|{key.id}|{version}|{checkpoint.id}".encode()
    return base64.urlsafe_b64encode(hmac.new(key.secret, text, hashlib.sha256).digest()).rstrip(b"=").decode()


def held(secret: str, checkpoint: Checkpoint, keys: Sequence[SiteKey], at_ns: int) -> Held:
    """Is this secret the place's, and does it still count? Keys in grace count, as they do for stickers."""
    shown = secret.encode()
    for key in keys:
        for version in range(checkpoint.code_version, -1, -1):
            if not hmac.compare_digest(secret_of(key, checkpoint, version).encode(), shown):
                continue
            over = key.grace_until_ns is not None and at_ns > key.grace_until_ns
            if over or version < checkpoint.code_version:
                return Held(Standing.WITHDRAWN)
            return Held(Standing.GOOD, key.grace_until_ns)
    return Held(Standing.UNKNOWN)


def span_of(at_ns: int) -> tuple[int, int, int]:
    """The step of a moment, when it ends, and when its code is no longer believed."""
    step = step_at(at_ns)
    ends = (step + 1) * _STEP_NS
    return step, ends, ends + DRIFT_STEPS * _STEP_NS
