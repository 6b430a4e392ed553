"""Notices as CloudEvents 1.0 (structured JSON) POSTed to an address, signed by the Standard Webhooks scheme.

A repeat of a notice carries the same `id`, `Idempotency-Key` and `webhook-id`: a receiver that remembers them sees each
notice once. Redirects are not followed, and what the receiver answers is read to 64 KB and thrown away: an answer never
leads this program anywhere else.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import time
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

import httpx

from caretaker.domain.errors import ConfigurationError, Refused, Unavailable
from caretaker.domain.notices import Notice

ANSWER_LIMIT: Final = 64 * 1024
_FINAL: Final = frozenset({400, 405, 410, 411, 413, 415, 422})
"""Answers that will be the same next time. 401, 403, 404 are not among them: a receiver being set up says those."""
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 the scheme's word, not a secret


class WebhookNotifier:
    """`ports.Notifier` over HTTP(S).

    url       http or https, taken from the operator's settings only
    secret    `whsec_` + base64 or any text; None: not signed
    source    the CloudEvents source, a URI reference
    """

    name = "webhook"

    def __init__(
        self, url: str, *, secret: str | None = None, source: str = "/caretaker", timeout_s: float = 10.0
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigurationError(f"CARETAKER_WEBHOOK: {url!r} is no http:// or https:// address")
        self._url, self._source = url, source
        self._key = None if secret is None else _signing_key(secret)
        self._timeout_s = timeout_s
        self._client = httpx.Client(follow_redirects=False, timeout=httpx.Timeout(timeout_s), trust_env=False)

    def send(self, notice: Notice) -> None:
        """POST once. Raises Unavailable (try again) or Refused (never again)."""
        body = json.dumps(self._event(notice), ensure_ascii=False, separators=(",", ":")).encode()
        try:
            with self._client.stream("POST", self._url, content=body, headers=self._headers(notice, body)) as answer:
                status, said = answer.status_code, self._read(answer)
        except httpx.HTTPError as away:
            raise Unavailable(f"{self._where()}: {type(away).__name__}: {away}") from away
        if 200 <= status < 300:
            return
        message = f"{self._where()} answered {status}: {said[:200].decode('utf-8', 'replace')!r}"
        if status in _FINAL or 300 <= status < 400:
            raise Refused(message, field="webhook", status=status)
        raise Unavailable(message)

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _where(self) -> str:
        """The address without user, password, path and query, which may hold secrets."""
        parts = urlsplit(self._url)
        return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")

    def _read(self, answer: httpx.Response) -> bytes:
        """The beginning of the answer; a slow one is left after the time-out, however it trickles."""
        said, deadline = b"", time.monotonic() + self._timeout_s
        for chunk in answer.iter_raw(8192):
            said += chunk
            if len(said) >= ANSWER_LIMIT or time.monotonic() > deadline:
                break
        return said[:ANSWER_LIMIT]

    def _event(self, notice: Notice) -> dict[str, object]:
        at = datetime.fromtimestamp(notice.at_ns / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event: dict[str, object] = {
            "specversion": "1.0",
            "id": notice.key,
            "source": self._source,
            "type": f"caretaker.{notice.event}",
            "time": at,
            "datacontenttype": "application/json",
            "data": dict(notice.facts),
        }
        if asset := notice.facts.get("asset"):
            event["subject"] = str(asset)
        return event

    def _headers(self, notice: Notice, body: bytes) -> dict[str, str]:
        now = str(int(time.time()))
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "User-Agent": "caretaker",
            "Idempotency-Key": notice.key,
            "webhook-id": notice.key,
            "webhook-timestamp": now,
        }
        if self._key is not None:
            signed = hmac.digest(self._key, f"{notice.key}.{now}.".encode() + body, sha256)
            headers["webhook-signature"] = "v1," + base64.b64encode(signed).decode()
        return headers


def _signing_key(secret: str) -> bytes:
    if not secret.startswith(_SECRET_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error as wrong:
        raise ConfigurationError("the webhook secret begins with whsec_ but the rest is not base64") from wrong
