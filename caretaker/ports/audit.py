"""The audit trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from caretaker.domain.audit import AuditCheck, AuditEntry


class Audit(Protocol):
    """Rows that can be added and read, never changed."""

    def append(
        self,
        at_ns: int,
        actor: str,
        action: str,
        subject: str,
        *,
        site: str = "",
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
    ) -> None:
        """Add a row; it is written with this transaction or not at all. Raises TypeError or ValueError when `before`
        or `after` cannot be said in JSON."""
        ...

    def list(
        self,
        *,
        after: int | None = None,
        before: int | None = None,
        site: str | None = None,
        subject: str | None = None,
        action: str | None = None,
        limit: int = 200,
    ) -> Sequence[AuditEntry]:
        """Rows with a larger id ascending (`after`), or the newest first, those below `before`. `site`: its own rows
        and those of the whole house."""
        ...

    def check(self) -> AuditCheck:
        """Walk the whole chain."""
        ...
