"""Alarms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from caretaker.domain.alarms import Alarm


class Alarms(Protocol):
    """Alarms."""

    def open(self, alarm: Alarm) -> bool:
        """Insert; False when this id exists or the same (asset, rule) is already active (partial unique index)."""
        ...

    def clear(self, site: str, asset: str, rule: str, cleared_ns: int) -> Alarm | None:
        """End the active episode raised before `cleared_ns`; None when there is none."""
        ...

    def get(self, alarm_id: str) -> Alarm:
        """Raises NotFound."""
        ...

    def save(self, alarm: Alarm) -> None:
        """Write acknowledgement, comment, work order."""
        ...

    def list(
        self,
        *,
        active: bool | None = None,
        unacknowledged: bool | None = None,
        asset: str | None = None,
        work_order: str | None = None,
        limit: int = 200,
        before_ns: int | None = None,
    ) -> Sequence[Alarm]:
        """Newest first."""
        ...
