"""The audit trail, to be read."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.auth import needs
from api.house import TheHouse
from api.schemas.people import AuditPage, AuditRow
from caretaker.domain.audit import AuditEntry
from caretaker.domain.people import Person, Right
from caretaker.services import audit

router = APIRouter(tags=["audit"])
Auditor = Annotated[Person, Depends(needs(Right.AUDIT))]
Row = Annotated[int | None, Query(ge=0, le=2**62)]


@router.get("/audit", operation_id="readAudit")
def read_audit(
    _person: Auditor,
    house: TheHouse,
    after: Row = None,
    before: Row = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> AuditPage:
    """Who did what. `after`: rows above this id, ascending; else the newest first, those below `before`."""
    entries = audit.page(house.transactions, house.estate.site.id, after=after, before=before, limit=limit)
    with house.transactions.begin(write=False) as unit:
        names = {person.id: person.name for person in unit.people.persons()}
    return AuditPage(items=[_row(entry, names.get(entry.actor)) for entry in entries])


def _row(entry: AuditEntry, name: str | None) -> AuditRow:
    return AuditRow(
        id=entry.id,
        at_ms=entry.at_ns // 1_000_000,
        site=entry.site,
        actor=entry.actor,
        actor_name=name,
        action=entry.action,
        subject=entry.subject,
        before=_facts(entry.before),
        after=_facts(entry.after),
        mac=entry.mac,
    )


def _facts(text: str | None) -> dict[str, object] | None:
    """What a row says. Somebody who forges a row may write anything there: then it is shown as it is."""
    if text is None:
        return None
    try:
        facts = json.loads(text)
    except ValueError:
        return {"unreadable": text}
    return facts if isinstance(facts, dict) else {"unreadable": text}
