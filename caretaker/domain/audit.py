"""The audit trail: rows chained by HMAC, so that no single one can be changed, taken out or moved unseen.

What the chain proves and what not: who can write the database but has not the key can do nothing unseen, except cut
off the tail that is newer than the head file. Who holds database, key and head file can write a new history, and who
puts back an old copy of both database and head file goes back in time; against that only a copy kept elsewhere helps.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

GENESIS = ""
"""`previous` of the first row."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One row. Ids run 1, 2, 3 … without a gap.

    site      id, "" = the whole house
    actor     a person's id, `caretaker` for the system, `cli` for somebody at the machine, `?` for nobody known
    action    `sign_in`, `person.change`, `work_order.close` …; `subject` is what was acted on (its id)
    before, after   canonical JSON text, exactly as kept; None = nothing to tell
    previous, mac   hex
    """

    id: int
    at_ns: int
    site: str
    actor: str
    action: str
    subject: str
    before: str | None
    after: str | None
    previous: str
    mac: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row known outside the database."""

    id: int
    mac: str


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """`flaw` names the first bad row and says what is wrong with it; None = the chain is whole."""

    rows: int
    row: int | None = None
    flaw: str | None = None


def canonical(facts: Mapping[str, object] | None) -> str | None:
    """The one way to write facts. Raises TypeError or ValueError on what JSON cannot say."""
    if facts is None:
        return None
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def mac_of(key: bytes, entry: AuditEntry) -> str:
    """HMAC-SHA256 over the previous row's mac and everything this row says, its id too."""
    said = [entry.id, entry.at_ns, entry.site, entry.actor, entry.action, entry.subject, entry.before, entry.after]
    text = f"{entry.previous}|{json.dumps(said, ensure_ascii=False, separators=(',', ':'))}"
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def check(entries: Iterable[AuditEntry], key: bytes, head: Head | None) -> AuditCheck:
    """Walk the chain, oldest first; stop at the first bad row."""
    last = AuditEntry(0, 0, "", "", "", "", None, None, "", GENESIS)
    head_seen = head is None
    for entry in entries:
        flaw = _flaw(last, entry, key)
        if flaw is None and head is not None and entry.id == head.id:
            head_seen = hmac.compare_digest(entry.mac, head.mac)
            flaw = None if head_seen else "is not the row the head file remembers: rows were cut off and written anew"
        if flaw is not None:
            return AuditCheck(last.id, entry.id, flaw)
        last = entry
    if head is None and last.id:
        return AuditCheck(
            last.id, last.id, "is the newest, but the head file is missing: nothing tells what came after"
        )
    if not head_seen and head is not None:
        return AuditCheck(last.id, last.id + 1, f"is missing: the head file remembers rows up to {head.id}")
    return AuditCheck(last.id)


def _flaw(last: AuditEntry, entry: AuditEntry, key: bytes) -> str | None:
    if entry.id != last.id + 1:
        return f"stands where row {last.id + 1} belongs: a row is missing or was moved"
    if not hmac.compare_digest(entry.previous.encode(), last.mac.encode()):
        return "does not follow from the row before it"
    if not hmac.compare_digest(entry.mac.encode(), mac_of(key, entry).encode()):
        return "was changed, or was written with another key"
    return None
