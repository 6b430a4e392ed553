"""Rounds and their visits in SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Select, bindparam, insert, or_, select, update

from caretaker.adapters.sql.tables_rounds import rounds, visits
from caretaker.adapters.sql.upsert import insert_once
from caretaker.domain.errors import NotFound
from caretaker.domain.rounds.columns import ROUND_STATES, VISIT_STATES, RoundColumns
from caretaker.domain.rounds.rounds import Round, RoundState, Visit, VisitState
from caretaker.ports.rounds import LAST_STEP, Stop

_IN_ONE = 500


class SqlRounds:
    """`ports.Rounds`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, walk: Round) -> bool:
        """Insert unless known."""
        if not insert_once(self._connection, rounds, _row(walk) | {"id": walk.id, "step": 0}):
            return False
        self._connection.execute(insert(visits), [_visit_row(walk.id, visit) for visit in walk.visits])
        return True

    def get(self, round_id: str, *, lock: bool = False) -> Round:
        """One; SQLite's writer is alone anyway."""
        query = select(rounds).where(rounds.c.id == round_id)
        if lock and self._connection.dialect.name == "postgresql":
            query = query.with_for_update()
        found = self._rounds(query)
        if not found:
            raise NotFound(f"there is no round {round_id}", round=round_id)
        return found[0]

    def save(self, walk: Round) -> None:
        """The round and its visits; visits of a changed plan replace the old ones."""
        self._connection.execute(update(rounds).where(rounds.c.id == walk.id).values(_row(walk)))
        known = self._connection.execute(select(visits.c.sequence).where(visits.c.round == walk.id)).scalars().all()
        if sorted(known) != [visit.sequence for visit in walk.visits]:
            self._connection.execute(visits.delete().where(visits.c.round == walk.id))
            self._connection.execute(insert(visits), [_visit_row(walk.id, visit) for visit in walk.visits])
            return
        rows = [_visit_row(walk.id, visit) for visit in walk.visits]
        changed: dict[str, Any] = {
            name: bindparam(f"new_{name}") for name in rows[0] if name not in ("round", "sequence")
        }
        self._connection.execute(
            update(visits)
            .where(visits.c.round == walk.id, visits.c.sequence == bindparam("of_sequence"))
            .values(changed),
            [
                {"of_sequence" if name == "sequence" else f"new_{name}": row[name] for name in row if name != "round"}
                for row in rows
            ],
        )

    def list(
        self,
        site: str,
        *,
        from_ns: int | None = None,
        to_ns: int | None = None,
        states: Sequence[RoundState] | None = None,
        plan: str | None = None,
        person: str | None = None,
        limit: int = 500,
    ) -> Sequence[Round]:
        """By start."""
        query = select(rounds).where(rounds.c.site == site).order_by(rounds.c.starts_ns, rounds.c.id).limit(limit)
        if from_ns is not None:
            query = query.where(rounds.c.ends_ns > from_ns)
        if to_ns is not None:
            query = query.where(rounds.c.starts_ns < to_ns)
        if states is not None:
            query = query.where(rounds.c.state.in_([str(state) for state in states]))
        if plan is not None:
            query = query.where(rounds.c.plan == plan)
        if person is not None:
            query = query.where(rounds.c.person == person)
        return self._rounds(query)

    def watched(self, site: str, now_ns: int, ended_after_ns: int) -> Sequence[tuple[Round, int]]:
        """What time may still change or tell."""
        going = [str(RoundState.SCHEDULED), str(RoundState.IN_PROGRESS)]
        over = [str(RoundState.MISSED), str(RoundState.INCOMPLETE)]
        telling = rounds.c.state.in_(over) & (rounds.c.step < LAST_STEP) & (rounds.c.ends_ns > ended_after_ns)
        query = select(rounds).where(
            rounds.c.site == site, rounds.c.starts_ns <= now_ns, or_(rounds.c.state.in_(going), telling)
        )
        steps = {row.id: row.step for row in self._connection.execute(query)}
        return [(walk, steps[walk.id]) for walk in self._rounds(query.order_by(rounds.c.starts_ns, rounds.c.id))]

    def columns(self, site: str, from_ns: int, to_ns: int) -> RoundColumns:
        """Two queries, whatever the length."""
        wanted = (
            (rounds.c.site == site)
            & (rounds.c.ends_ns > from_ns)
            & (rounds.c.starts_ns < to_ns)
            & (rounds.c.state != str(RoundState.CANCELLED))
        )
        walks = self._raw(
            select(rounds.c.id, rounds.c.plan, rounds.c.person, rounds.c.state, rounds.c.starts_ns).where(wanted)
        )
        stops = self._raw(
            select(
                visits.c.round,
                visits.c.checkpoint,
                visits.c.opens_ns,
                visits.c.closes_ns,
                visits.c.scanned_ns,
                visits.c.state,
                visits.c.partly,
            )
            .join(rounds, rounds.c.id == visits.c.round)
            .where(wanted)
        )
        return _columns(walks, stops)

    def stops(self, site: str, checkpoint: str, from_ns: int, to_ns: int) -> Sequence[Stop]:
        """By the rounds of the time, then their visits: there are far fewer rounds than visits of all times."""
        query = (
            select(visits, rounds.c.plan, rounds.c.plan_version, rounds.c.person)
            .join(rounds, rounds.c.id == visits.c.round)
            .where(
                rounds.c.site == site,
                rounds.c.ends_ns > from_ns,
                rounds.c.starts_ns < to_ns,
                rounds.c.state != str(RoundState.CANCELLED),
                visits.c.checkpoint == checkpoint,
                visits.c.opens_ns >= from_ns,
                visits.c.opens_ns < to_ns,
            )
            .order_by(visits.c.opens_ns.desc(), visits.c.round, visits.c.sequence)
        )
        names = Visit.__slots__
        return [
            Stop(
                row.round,
                row.plan,
                row.plan_version,
                row.person,
                Visit(**{name: getattr(row, name) for name in names} | {"state": VisitState(row.state)}),
            )
            for row in self._connection.execute(query)
        ]

    def _raw(self, query: Select[Any]) -> Sequence[tuple[Any, ...]]:
        """The driver's own tuples: for 300,000 visits SQLAlchemy's rows would cost three times the query."""
        result = self._connection.execute(query)
        try:
            found: Sequence[tuple[Any, ...]] = result.cursor.fetchall()
        finally:
            result.close()
        return found

    def step(self, round_id: str) -> int:
        """How far told."""
        return int(self._connection.execute(select(rounds.c.step).where(rounds.c.id == round_id)).scalar_one())

    def set_step(self, round_id: str, step: int) -> None:
        """Remember."""
        self._connection.execute(update(rounds).where(rounds.c.id == round_id).values(step=step))

    def _rounds(self, query: Select[Any]) -> Sequence[Round]:
        rows = self._connection.execute(query).all()
        stops: dict[str, list[Visit]] = defaultdict(list)
        ids = [row.id for row in rows]
        for first in range(0, len(ids), _IN_ONE):
            mine = select(visits).where(visits.c.round.in_(ids[first : first + _IN_ONE]))
            for visit in self._connection.execute(mine.order_by(visits.c.sequence)):
                stops[visit.round].append(_visit(visit))
        return [_round(row, tuple(stops[row.id])) for row in rows]


def _row(walk: Round) -> dict[str, Any]:
    return {
        "site": walk.site,
        "plan": walk.plan,
        "plan_version": walk.plan_version,
        "starts_ns": walk.starts_ns,
        "ends_ns": walk.ends_ns,
        "state": str(walk.state),
        "person": walk.person,
        "team": walk.team,
        "opened_ns": walk.opened_ns,
        "closed_ns": walk.closed_ns,
        "ended_early": walk.ended_early,
    }


def _round(row: Row[Any], stops: tuple[Visit, ...]) -> Round:
    facts = {key: value for key, value in row._mapping.items() if key != "step"}  # noqa: SLF001
    return Round(**facts | {"state": RoundState(row.state), "visits": stops})


def _visit_row(round_id: str, visit: Visit) -> dict[str, Any]:
    return asdict(visit) | {"round": round_id, "state": str(visit.state)}


def _visit(row: Row[Any]) -> Visit:
    facts = {key: value for key, value in row._mapping.items() if key != "round"}  # noqa: SLF001
    return Visit(**facts | {"state": VisitState(row.state)})


def _columns(walks: Sequence[tuple[Any, ...]], stops: Sequence[tuple[Any, ...]]) -> RoundColumns:
    ids, plans, persons, states, starts = zip(*walks, strict=True) if walks else ((),) * 5
    walk, places, opens, closes, scanned, visit, partly = zip(*stops, strict=True) if stops else ((),) * 7
    of_plan, of_person, of_place = (
        {name: number for number, name in enumerate(sorted({name for name in column if name is not None}))}
        for column in (plans, persons, places)
    )
    of_walk = {name: number for number, name in enumerate(ids)}
    of_state = {str(state): number for number, state in enumerate(ROUND_STATES)}
    of_visit = {str(state): number for number, state in enumerate(VISIT_STATES)}
    return RoundColumns(
        ids=ids,
        plans=tuple(of_plan),
        persons=tuple(of_person),
        places=tuple(of_place),
        plan=np.array([of_plan[name] for name in plans], np.int32),
        person=np.array([of_person.get(name, -1) for name in persons], np.int32),
        state=np.array([of_state[name] for name in states], np.int32),
        starts=np.array(starts, np.int64),
        walk=np.array([of_walk[name] for name in walk], np.int32),
        place=np.array([of_place[name] for name in places], np.int32),
        opens=np.array(opens, np.int64),
        closes=np.array(closes, np.int64),
        scanned=np.array([at or 0 for at in scanned], np.int64),
        visit=np.array([of_visit[name] for name in visit], np.int32),
        partly=np.array(partly, np.bool_),
    )
