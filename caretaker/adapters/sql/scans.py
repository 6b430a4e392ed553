"""Scans and findings in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, case, func, select, update

from caretaker.adapters.sql.rounds_codec import answer_of, scan_facts, scan_of, verdict_facts, verdict_of
from caretaker.adapters.sql.tables_rounds import findings, rounds, scan_photos, scans
from caretaker.adapters.sql.upsert import insert_once
from caretaker.domain.equipment import Priority
from caretaker.domain.errors import NotFound
from caretaker.domain.rounds.findings import Finding
from caretaker.domain.rounds.scans import Scan, TokenType, Verdict
from caretaker.ports.rounds import Decision, KeptScan, Tallied


class SqlScans:
    """`ports.Scans`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, scan: Scan) -> bool:
        """Insert as it came."""
        row = {
            "id": scan.id,
            "site": scan.site,
            "round": scan.round,
            "checkpoint": scan.checkpoint,
            "person": scan.person,
            "phone": scan.phone,
            "received_ns": scan.received_ns,
            "at_ns": scan.received_ns,
            "suspicious": False,
            "confidence": 0.0,
            "token_type": str(scan.token_type),
            "facts": scan_facts(scan),
        }
        if not insert_once(self._connection, scans, row):
            return False
        for sha in dict.fromkeys((*scan.photos, *(sha for answer in scan.answers for sha in answer.photos))):
            insert_once(self._connection, scan_photos, {"scan": scan.id, "sha256": sha})
        return True

    def showing(self, site: str, photo: str, besides: str) -> str | None:
        """The first other scan with this photo."""
        query = (
            select(scans.c.id)
            .join(scan_photos, scan_photos.c.scan == scans.c.id)
            .where(scan_photos.c.sha256 == photo, scans.c.site == site, scans.c.id != besides)
            .order_by(scans.c.received_ns)
            .limit(1)
        )
        return self._connection.execute(query).scalar()

    def judge(self, scan_id: str, verdict: Verdict, checkpoint: str | None, visit: int | None) -> None:
        """Once."""
        self._connection.execute(
            update(scans)
            .where(scans.c.id == scan_id, scans.c.verdict.is_(None))
            .values(
                verdict=verdict_facts(verdict),
                at_ns=verdict.at_ns,
                suspicious=verdict.suspicious,
                marked=verdict.suspicious or not verdict.accepted,
                confidence=verdict.confidence,
                checkpoint=checkpoint,
                visit=visit,
            )
        )

    def decide(self, scan_id: str, decision: Decision) -> None:
        """A supervisor's word."""
        self._connection.execute(update(scans).where(scans.c.id == scan_id).values(decision=asdict(decision)))

    def get(self, scan_id: str) -> KeptScan:
        """One."""
        row = self._connection.execute(select(scans).where(scans.c.id == scan_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no scan {scan_id}", scan=scan_id)
        return _kept(row)

    def list(  # noqa: PLR0913  (each a filter by name)
        self,
        site: str,
        *,
        round_id: str | None = None,
        person: str | None = None,
        phone: str | None = None,
        checkpoint: str | None = None,
        suspicious: bool | None = None,
        undecided: bool | None = None,
        from_ns: int | None = None,
        to_ns: int | None = None,
        limit: int = 500,
    ) -> Sequence[KeptScan]:
        """Newest first."""
        query = select(scans).where(scans.c.site == site)
        equal = {"round": round_id, "person": person, "phone": phone, "checkpoint": checkpoint}
        for name, value in equal.items():
            if value is not None:
                query = query.where(scans.c[name] == value)
        if suspicious is not None:
            query = query.where(scans.c.suspicious.is_(suspicious))
        if undecided is not None:
            query = query.where(scans.c.decision.is_(None) if undecided else scans.c.decision.is_not(None))
        if from_ns is not None:
            query = query.where(scans.c.at_ns >= from_ns)
        if to_ns is not None:
            query = query.where(scans.c.at_ns < to_ns)
        # a batch of one second shares its time: the id keeps two looks at the same facts equal
        query = query.order_by(scans.c.at_ns.desc(), scans.c.id).limit(limit)
        return [_kept(row) for row in self._connection.execute(query)]

    def tally(self, site: str, from_ns: int, to_ns: int) -> Sequence[Tallied]:
        """Counted by the database, out of one index."""
        query = (
            select(
                scans.c.person,
                rounds.c.plan,
                func.count(),
                func.sum(case((scans.c.marked, 1), else_=0)),
                func.sum(case((scans.c.token_type == str(TokenType.MANUAL), 1), else_=0)),
            )
            .select_from(scans.outerjoin(rounds, (rounds.c.id == scans.c.round) & (rounds.c.site == site)))
            .where(scans.c.site == site, scans.c.at_ns >= from_ns, scans.c.at_ns < to_ns)
            .group_by(scans.c.person, rounds.c.plan)
        )
        return [Tallied(row[0], row[1], *(int(n) for n in row[2:])) for row in self._connection.execute(query)]


def _kept(row: Row[Any]) -> KeptScan:
    return KeptScan(
        scan=scan_of(row.facts),
        verdict=None if row.verdict is None else verdict_of(row.verdict),
        visit=row.visit,
        decision=None if row.decision is None else Decision(**row.decision),
        checkpoint=row.checkpoint,
    )


class SqlFindings:
    """`ports.Findings`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, finding: Finding) -> bool:
        """Insert unless known."""
        row = asdict(finding) | {"priority": str(finding.priority)}
        row["answer"] = asdict(finding.answer) | {"photos": list(finding.answer.photos)}
        return insert_once(self._connection, findings, row)

    def list(
        self,
        site: str,
        *,
        scan: str | None = None,
        round_id: str | None = None,
        checkpoint: str | None = None,
        from_ns: int | None = None,
        to_ns: int | None = None,
        limit: int = 500,
    ) -> Sequence[Finding]:
        """Newest first."""
        query = select(findings).where(findings.c.site == site)
        for name, value in {"scan": scan, "round": round_id, "checkpoint": checkpoint}.items():
            if value is not None:
                query = query.where(findings.c[name] == value)
        if from_ns is not None:
            query = query.where(findings.c.at_ns >= from_ns)
        if to_ns is not None:
            query = query.where(findings.c.at_ns < to_ns)
        query = query.order_by(findings.c.at_ns.desc(), findings.c.id).limit(limit)
        return [_finding(row) for row in self._connection.execute(query)]

    def tally(self, site: str, from_ns: int, to_ns: int) -> Sequence[Tallied]:
        """Counted by the database."""
        query = (
            select(findings.c.person, rounds.c.plan, func.count())
            .select_from(findings.outerjoin(rounds, (rounds.c.id == findings.c.round) & (rounds.c.site == site)))
            .where(findings.c.site == site, findings.c.at_ns >= from_ns, findings.c.at_ns < to_ns)
            .group_by(findings.c.person, rounds.c.plan)
        )
        return [Tallied(*row) for row in self._connection.execute(query)]


def _finding(row: Row[Any]) -> Finding:
    facts = dict(row._mapping)  # noqa: SLF001
    return Finding(**facts | {"answer": answer_of(row.answer), "priority": Priority(row.priority)})
