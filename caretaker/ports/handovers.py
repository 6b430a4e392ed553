"""Where signed handover sheets are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from caretaker.domain.handovers import Handover


class Handovers(Protocol):
    """Sheets; once signed they are never changed, only signed by the second person."""

    def find(self, handover_id: str, *, lock: bool = False) -> Handover | None:
        """One, None when nobody has signed it. `lock`: nobody else signs it until this transaction ends."""
        ...

    def add(self, handover: Handover) -> bool:
        """Insert with its first signature; False when it is there already."""
        ...

    def take_over(self, handover: Handover) -> None:
        """Write the second signature. Raises Conflict when there is one."""
        ...

    def list(self, site: str, from_ns: int, to_ns: int) -> Sequence[Handover]:
        """Those whose shift touches [from, to), the newest first."""
        ...
