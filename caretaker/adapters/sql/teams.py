"""Teams, shifts and phones in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from typing import Any

from sqlalchemy import Connection, Row, select

from caretaker.adapters.sql.tables_people import phones, shifts, teams
from caretaker.adapters.sql.upsert import insert_once, upsert
from caretaker.domain.equipment import Text
from caretaker.domain.errors import NotFound
from caretaker.domain.people import Shift, Team
from caretaker.domain.phones import Phone


class SqlTeams:
    """`ports.Teams`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, team: Team) -> None:
        """Write a team."""
        self._connection.execute(upsert(self._connection, teams, _team_row(team), keys=("id",)))

    def introduce(self, team: Team) -> bool:
        """Write a new team."""
        return insert_once(self._connection, teams, _team_row(team))

    def get(self, team_id: str) -> Team:
        """One team."""
        row = self._connection.execute(select(teams).where(teams.c.id == team_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no team {team_id}", team=team_id)
        return Team(row.id, row.site, Text(row.title_zh, row.title_en))

    def list(self, site: str) -> Sequence[Team]:
        """All of a site."""
        query = select(teams).where(teams.c.site == site).order_by(teams.c.id)
        return [Team(row.id, row.site, Text(row.title_zh, row.title_en)) for row in self._connection.execute(query)]

    def keep_shift(self, shift: Shift) -> None:
        """Write a shift."""
        self._connection.execute(upsert(self._connection, shifts, _shift_row(shift), keys=("id",)))

    def introduce_shift(self, shift: Shift) -> bool:
        """Write a new shift."""
        return insert_once(self._connection, shifts, _shift_row(shift))

    def get_shift(self, shift_id: str) -> Shift:
        """One shift."""
        row = self._connection.execute(select(shifts).where(shifts.c.id == shift_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no shift {shift_id}", shift=shift_id)
        return _shift(row)

    def shifts(self, site: str) -> Sequence[Shift]:
        """All of a site."""
        query = select(shifts).where(shifts.c.site == site).order_by(shifts.c.id)
        return [_shift(row) for row in self._connection.execute(query)]


class SqlPhones:
    """`ports.Phones`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, phone: Phone) -> None:
        """Write a phone."""
        row = {name: getattr(phone, name) for name in Phone.__slots__}
        row["public_key"] = None if phone.public_key is None else dict(phone.public_key)
        self._connection.execute(upsert(self._connection, phones, row, keys=("id",)))

    def get(self, phone_id: str) -> Phone:
        """One phone."""
        row = self._connection.execute(select(phones).where(phones.c.id == phone_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no phone {phone_id}", phone=phone_id)
        return Phone(**row._mapping)  # noqa: SLF001

    def list(self, person: str | None = None) -> Sequence[Phone]:
        """The newest first."""
        query = select(phones).order_by(phones.c.enrolled_ns.desc(), phones.c.id)
        if person is not None:
            query = query.where(phones.c.person == person)
        return [Phone(**row._mapping) for row in self._connection.execute(query)]  # noqa: SLF001


def _team_row(team: Team) -> dict[str, Any]:
    return {"id": team.id, "site": team.site, "title_zh": team.title.zh, "title_en": team.title.en}


def _shift_row(shift: Shift) -> dict[str, Any]:
    return {
        "id": shift.id,
        "site": shift.site,
        "team": shift.team,
        "title_zh": shift.title.zh,
        "title_en": shift.title.en,
        "weekdays": sorted(shift.weekdays),
        "starts": shift.starts.isoformat("minutes"),
        "ends": shift.ends.isoformat("minutes"),
        "active": shift.active,
    }


def _shift(row: Row[Any]) -> Shift:
    return Shift(
        id=row.id,
        site=row.site,
        team=row.team,
        title=Text(row.title_zh, row.title_en),
        weekdays=frozenset(row.weekdays),
        starts=time.fromisoformat(row.starts),
        ends=time.fromisoformat(row.ends),
        active=row.active,
    )
