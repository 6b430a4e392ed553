"""Reading and verifying the audit trail. Writing is part of every deed: `unit.audit.append` in its transaction."""

from __future__ import annotations

from collections.abc import Sequence

from caretaker.domain.audit import AuditCheck, AuditEntry
from caretaker.ports import Transactions


def page(
    transactions: Transactions, site: str, *, after: int | None = None, before: int | None = None, limit: int = 200
) -> Sequence[AuditEntry]:
    """Rows of a site and of the whole house: after an id ascending, else the newest first."""
    with transactions.begin(write=False) as unit:
        return unit.audit.list(after=after, before=before, site=site, limit=limit)


def verify(transactions: Transactions) -> AuditCheck:
    """Walk the chain from its first row to the head file's."""
    with transactions.begin(write=False) as unit:
        return unit.audit.check()
