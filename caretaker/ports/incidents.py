"""Incidents and their timelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from caretaker.domain.incidents import Incident, IncidentEntry, IncidentKind, IncidentState


class Incidents(Protocol):
    """Incidents."""

    def add(self, incident: Incident) -> bool:
        """Insert; False when this id is known (another transaction's insert is waited for)."""
        ...

    def get(self, incident_id: str) -> Incident:
        """Raises NotFound."""
        ...

    def save(self, incident: Incident, expected: Incident) -> None:
        """Write; raises Conflict when state or taker are no longer as in `expected` (somebody was faster)."""
        ...

    def call(self, incident: Incident, now_ns: int) -> bool:
        """Count one more call, made now; False when somebody took it or another keeper called in between."""
        ...

    def untaken(self, site: str) -> Sequence[Incident]:
        """Reported and taken by nobody, the oldest first."""
        ...

    def list(
        self,
        site: str,
        *,
        states: Sequence[IncidentState] | None = None,
        kinds: Sequence[IncidentKind] | None = None,
        reporter: str | None = None,
        limit: int = 200,
        before_ns: int | None = None,
    ) -> Sequence[Incident]:
        """Newest first by the time they were received."""
        ...

    def note(
        self, incident_id: str, at_ns: int, actor: str, action: str, text: str | None, facts: Mapping[str, object]
    ) -> int:
        """Append one line to the timeline; its number."""
        ...

    def timeline(self, incident_id: str) -> Sequence[IncidentEntry]:
        """Oldest first."""
        ...

    def forget_people(self, closed_before_ns: int) -> int:
        """Blank who was involved in what was closed before; how many incidents there were."""
        ...
