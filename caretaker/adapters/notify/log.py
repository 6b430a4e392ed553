"""Notices as log lines: the notifier of a house that was given no address."""

from __future__ import annotations

from typing import Any

import structlog

from caretaker.domain.notices import Notice

_log: Any = structlog.get_logger(__name__)


class LogNotifier:
    """`ports.Notifier`: one line per notice."""

    name = "log"

    def send(self, notice: Notice) -> None:
        """Write it; never fails."""
        _log.info(
            "notice", key=notice.key, notice_event=notice.event, **{f"about_{k}": v for k, v in notice.facts.items()}
        )
