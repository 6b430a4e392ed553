"""Checkpoints and round plans in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.exc import IntegrityError

from caretaker.adapters.sql.rounds_codec import checkpoint_facts, checkpoint_of, plan_facts, plan_of
from caretaker.adapters.sql.tables_rounds import checkpoints, plan_makings, round_plans
from caretaker.adapters.sql.upsert import insert_once, upsert
from caretaker.domain.errors import Conflict, NotFound
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.plans import RoundPlan
from caretaker.ports.rounds import Making, PlanVersion


class SqlCheckpoints:
    """`ports.Checkpoints`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, checkpoint: Checkpoint) -> bool:
        """Insert unless known."""
        last = self._connection.execute(
            select(func.max(checkpoints.c.rank)).where(checkpoints.c.site == checkpoint.site)
        ).scalar()
        row = _row(checkpoint) | {"site": checkpoint.site, "id": checkpoint.id, "rank": (last or 0) + 1}
        return insert_once(self._connection, checkpoints, row)

    def save(self, checkpoint: Checkpoint) -> None:
        """Write."""
        try:
            with self._connection.begin_nested():
                changed = self._connection.execute(
                    update(checkpoints)
                    .where(checkpoints.c.site == checkpoint.site, checkpoints.c.id == checkpoint.id)
                    .values(_row(checkpoint))
                ).rowcount
        except IntegrityError as taken:
            raise Conflict(
                f"the short code or tag of {checkpoint.id} belongs to another checkpoint", checkpoint=checkpoint.id
            ) from taken
        if changed != 1:
            raise NotFound(f"there is no checkpoint {checkpoint.id}", checkpoint=checkpoint.id)

    def get(self, site: str, checkpoint_id: str) -> Checkpoint:
        """One."""
        row = self._connection.execute(
            select(checkpoints).where(checkpoints.c.site == site, checkpoints.c.id == checkpoint_id)
        ).one_or_none()
        if row is None:
            raise NotFound(f"there is no checkpoint {checkpoint_id}", checkpoint=checkpoint_id)
        return _checkpoint(row)

    def find(self, site: str, *, short_code: str | None = None, nfc: str | None = None) -> Checkpoint | None:
        """By code or tag."""
        wanted = checkpoints.c.short_code == short_code if short_code is not None else checkpoints.c.nfc == nfc
        row = self._connection.execute(select(checkpoints).where(checkpoints.c.site == site, wanted)).one_or_none()
        return None if row is None else _checkpoint(row)

    def list(self, site: str) -> Sequence[Checkpoint]:
        """By rank."""
        query = select(checkpoints).where(checkpoints.c.site == site).order_by(checkpoints.c.rank, checkpoints.c.id)
        return [_checkpoint(row) for row in self._connection.execute(query)]


def _row(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "space": checkpoint.space,
        "asset": checkpoint.asset,
        "short_code": checkpoint.short_code,
        "code_version": checkpoint.code_version,
        "nfc": checkpoint.nfc,
        "facts": checkpoint_facts(checkpoint),
    }


def _checkpoint(row: Row[Any]) -> Checkpoint:
    return checkpoint_of(dict(row._mapping), row.facts)  # noqa: SLF001


class SqlRoundPlans:
    """`ports.RoundPlans`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, plan: RoundPlan, at_ns: int, by: str | None = None) -> bool:
        """Insert a version."""
        row = {"site": plan.site, "id": plan.id, "version": plan.version}
        told = {"changed_ns": at_ns, "changed_by": by, "facts": plan_facts(plan)}
        return insert_once(self._connection, round_plans, row | told)

    def get(self, site: str, plan_id: str, version: int | None = None) -> RoundPlan:
        """One version, or the newest."""
        query = select(round_plans).where(round_plans.c.site == site, round_plans.c.id == plan_id)
        if version is not None:
            query = query.where(round_plans.c.version == version)
        row = self._connection.execute(query.order_by(round_plans.c.version.desc()).limit(1)).one_or_none()
        if row is None:
            raise NotFound(f"there is no round plan {plan_id}", plan=plan_id)
        return plan_of(row.site, row.id, row.version, row.facts)

    def list(self, site: str, *, active: bool | None = None) -> Sequence[RoundPlan]:
        """The newest of each."""
        newest = (
            select(round_plans.c.id, func.max(round_plans.c.version).label("version"))
            .where(round_plans.c.site == site)
            .group_by(round_plans.c.id)
            .subquery()
        )
        query = (
            select(round_plans)
            .join(newest, (newest.c.id == round_plans.c.id) & (newest.c.version == round_plans.c.version))
            .where(round_plans.c.site == site)
            .order_by(round_plans.c.id)
        )
        plans = [plan_of(row.site, row.id, row.version, row.facts) for row in self._connection.execute(query)]
        return [plan for plan in plans if active is None or plan.active is active]

    def history(self, site: str, plan_id: str) -> Sequence[PlanVersion]:
        """All versions."""
        query = select(round_plans).where(round_plans.c.site == site, round_plans.c.id == plan_id)
        rows = self._connection.execute(query.order_by(round_plans.c.version.desc()))
        return [
            PlanVersion(plan_of(row.site, row.id, row.version, row.facts), row.changed_ns, row.changed_by)
            for row in rows
        ]

    def made(self, site: str) -> Mapping[str, Making]:
        """Per plan."""
        query = select(plan_makings).where(plan_makings.c.site == site)
        return {
            row.plan: Making(row.until_ns, row.version, date.fromisoformat(row.day))
            for row in self._connection.execute(query)
        }

    def note_made(self, site: str, plan_id: str, making: Making) -> None:
        """Replace."""
        row = {"site": site, "plan": plan_id, "until_ns": making.until_ns}
        row |= {"version": making.version, "day": making.day.isoformat()}
        self._connection.execute(upsert(self._connection, plan_makings, row, keys=("site", "plan")))
