"""The text a phone signs for a scan, and what goes with it. The page writes the same text (web/src/phone/device.ts)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence

from caretaker.domain.rounds.codes import SiteKey
from caretaker.domain.rounds.scans import Answer, Scan


def answers_text(answers: Sequence[Answer]) -> str:
    """JSON of the answers, members in this order, as JavaScript writes it."""
    return _json(
        [
            {
                "check": answer.check,
                "result": answer.result,
                "value": _plain(answer.value),
                "reason": answer.reason,
                "photos": list(answer.photos),
            }
            for answer in answers
        ]
    )


def canonical(scan: Scan) -> str:
    """What the phone signed, and whose hash its next scan names as `previous`."""
    parts = [
        scan.id,
        scan.round,
        scan.checkpoint,
        scan.token,
        str(scan.token_type),
        scan.device_ns // 1_000_000,
        _plain(scan.monotonic_ms),
        scan.boot,
        scan.counter,
        scan.previous,
        hashlib.sha256(answers_text(scan.answers).encode()).hexdigest(),
        list(scan.photos),
    ]
    return f"ct1\n{_json(parts)}"


def hash_of(scan: Scan) -> str:
    """Hex SHA-256 of the canonical text."""
    return hashlib.sha256(canonical(scan).encode()).hexdigest()


def anchor_mac(key: SiteKey, phone: str, server_ms: int) -> str:
    """The server's signature under a time it gave this phone."""
    digest = hmac.new(key.secret, f"anchor|{phone}|{server_ms}".encode(), hashlib.sha256).digest()[:16]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def anchor_text(key: SiteKey, phone: str, server_ms: int) -> str:
    """The header X-Caretaker-Anchor."""
    return f"{server_ms}.{anchor_mac(key, phone, server_ms)}"


def _plain(value: object) -> object:
    """JavaScript knows one kind of number and writes 3 where Python writes 3.0."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
