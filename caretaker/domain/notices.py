"""Notice: a message to people about something that happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """One row of the outbox.

    key     idempotency key, the same on every repeat: `<event>:<id>`, e.g. `alarm.raised:al_0123…`
    event   past tense: alarm.raised, alarm.cleared, work_order.opened, work_order.joined …
    facts   plain JSON values, complete enough to send without asking the database
    """

    id: int
    key: str
    event: str
    at_ns: int
    facts: Mapping[str, object]
    tries: int = 0
    next_ns: int = 0
