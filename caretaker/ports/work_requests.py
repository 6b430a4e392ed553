"""Where work requests are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from caretaker.domain.work_requests import WorkRequest


class WorkRequests(Protocol):
    """Work requests: never changed but for the order they became part of, the photo that came, and a refusal."""

    def add(self, request: WorkRequest) -> bool:
        """Insert; False when this id is known (another transaction's insert is waited for)."""
        ...

    def get(self, request_id: str) -> WorkRequest:
        """Raises NotFound."""
        ...

    def join(self, request_id: str, work_order: str, *, joined: bool) -> None:
        """Write the order it opened (or joined)."""
        ...

    def picture(self, request_id: str, at_ns: int) -> bool:
        """Its photo has come; False when that was known."""
        ...

    def refuse(self, request_id: str, at_ns: int, by: str, reason: str) -> bool:
        """Write a supervisor's word; False when there is one already."""
        ...

    def forget_contacts(self, received_before_ns: int) -> int:
        """Forget names and numbers of older requests; how many there were."""
        ...

    def list(
        self,
        site: str,
        *,
        work_order: str | None = None,
        refused: bool | None = None,
        limit: int = 200,
        before_ns: int | None = None,
    ) -> Sequence[WorkRequest]:
        """Newest first."""
        ...
