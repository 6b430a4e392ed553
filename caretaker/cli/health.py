"""`caretaker health [PART]`: one question, one exit code. What docker-compose.yml's health checks run."""

from __future__ import annotations

import http.client
import json
from typing import Final

from caretaker.cli.language import told
from caretaker.config import Settings
from caretaker.domain.errors import CaretakerError

BEATING: Final = ("gateway", "ingest", "rules")
"""Parts that leave their heartbeat in the database."""
SILENT_S: Final = 15.0
_HTTP_S: Final = 5.0


def ask(settings: Settings, part: str) -> tuple[bool, str]:
    """(is it there?, one line about it). `degraded` counts as there: a part that complains does its work.

    `api` is asked over HTTP where CARETAKER_HTTP listens; the others by their last heartbeat.
    """
    return _page(settings.http) if part == "api" else _beat(settings, part)


def _beat(settings: Settings, part: str) -> tuple[bool, str]:
    from caretaker import bootstrap  # half a second; the question to the api does without

    try:
        beats = bootstrap.read_heartbeats(settings)
    except CaretakerError as away:
        return False, f"{part}: {told(away.message)}"
    if part not in beats:
        return False, f"{part}: no heartbeat yet"
    at_ns, facts = beats[part]
    age_s = (bootstrap.now_ns() - at_ns) / 1e9
    if age_s > SILENT_S:
        return False, f"{part}: no heartbeat for {age_s:.0f} s"
    reason = facts.get("reason")
    return True, f"{part}: {facts.get('status', 'ok')}" + (f" ({reason})" if reason else "")


def _page(address: str) -> tuple[bool, str]:
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection("127.0.0.1" if host == "0.0.0.0" else host, int(port), timeout=_HTTP_S)  # noqa: S104
    try:
        connection.request("GET", "/api/v1/health")
        answer = connection.getresponse()
        said = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as wrong:
        return False, f"api: nothing useful answers at {address}: {wrong}"
    finally:
        connection.close()
    return answer.status == http.client.OK, f"api: answers {answer.status}; the house is {said.get('status')}"
