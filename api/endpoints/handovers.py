"""Handover sheets: list, look, sign."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from api.auth import Repeatable, Watcher, needs
from api.house import House, TheHouse
from api.schemas.common import Words
from api.schemas.handovers import (
    ChangeShape,
    HandoverBrief,
    HandoverList,
    HandoverShape,
    SheetShape,
    SignatureShape,
    SignBody,
)
from api.words_rounds import REASONS
from caretaker.domain.errors import NotFound
from caretaker.domain.handovers import (
    EARLIEST_NS,
    LATEST_NS,
    Change,
    Handover,
    HandoverState,
    Part,
    Side,
    Signature,
    followed,
    may_sign,
)
from caretaker.domain.people import NS, Duty, Person, Right, Team
from caretaker.domain.rounds.scans import Reason
from caretaker.ports import UnitOfWork
from caretaker.services import handovers
from caretaker.services.handovers import Sheet, Word

router = APIRouter(tags=["handovers"])
Walker = Annotated[Person, Depends(needs(Right.PATROL))]
DAY_NS = 86_400 * NS


@router.get("/handovers", operation_id="listHandovers")
def list_handovers(
    _person: Watcher,
    house: TheHouse,
    days: Annotated[int, Query(ge=1, le=400, description="how far back")] = 3,
    team: str | None = None,
) -> HandoverList:
    """The shifts that run now or began in the last days, with the state of their handover."""
    now_ns = house.clock.now_ns()
    zone = house.estate.site.zone
    with house.transactions.begin(write=False) as unit:
        teams = {one.id: one for one in unit.teams.list(house.estate.site.id)}
        shifts = unit.teams.shifts(house.estate.site.id)
        kept = {one.id: one for one in unit.handovers.list(house.estate.site.id, now_ns - days * DAY_NS, now_ns + 1)}
        first = unit.audit.list(after=0, limit=1)
    moved_in_ns = first[0].at_ns if first else 0  # nobody could hand over a shift on a house that was not there
    all_ = handovers.duties(shifts, zone, now_ns - days * DAY_NS, now_ns + 1)
    around = handovers.duties(shifts, zone, now_ns - days * DAY_NS, now_ns + 2 * DAY_NS)
    found = {handovers.handover_id(duty, zone): duty for duty in all_ if duty.ends_ns > moved_in_ns}
    for name, one in kept.items():  # a shift may have been moved or ended since
        shift = next((each for each in shifts if each.id == one.shift), None)
        if shift is not None:
            found[name] = Duty(shift, one.starts_ns, one.ends_ns)
    items = [
        _brief(name, duty, teams.get(duty.shift.team), kept.get(name), followed(duty, around))
        for name, duty in sorted(found.items(), key=lambda item: (-item[1].starts_ns, item[0]))
        if team in (None, duty.shift.team)
    ]
    return HandoverList(items=items)


@router.get("/handovers/current", operation_id="getCurrentHandover")
def get_current(person: Watcher, house: TheHouse, team: str | None = None) -> HandoverShape:
    """The sheet of the shift that runs now, of one's own team unless another is named. 404 when none runs."""
    now_ns = house.clock.now_ns()
    zone = house.estate.site.zone
    wanted = team or person.team
    with house.transactions.begin(write=False) as unit:
        running = handovers.duties(unit.teams.shifts(house.estate.site.id), zone, now_ns, now_ns + 1)
        mine = [duty for duty in running if wanted in (None, duty.shift.team)]
        if not mine:
            raise NotFound("no shift of this team runs now", team=wanted)
        return _shape(
            house, unit, handovers.look(unit, house.estate, handovers.handover_id(mine[0], zone), now_ns), person
        )


@router.get("/handovers/{handover}", operation_id="getHandover")
def get_handover(handover: str, person: Watcher, house: TheHouse) -> HandoverShape:
    """The sheet of one shift."""
    with house.transactions.begin(write=False) as unit:
        sheet = handovers.look(unit, house.estate, handover, house.clock.now_ns())
        return _shape(house, unit, sheet, person)


@router.post("/handovers/{handover}/sign", operation_id="signHandover")
def sign(handover: str, body: SignBody, person: Walker, house: TheHouse, once: Repeatable) -> HandoverShape:
    """Sign. The first signature, of the outgoing person, freezes the sheet; the second is the incoming person's."""
    now_ns = house.clock.now_ns()
    word = Word(Side(body.side), body.saw, body.remarks)
    sheet = handovers.sign(house.transactions, house.estate, handover, word, person, now_ns, once)
    with house.transactions.begin(write=False) as unit:
        return _shape(house, unit, sheet, person)


def _shape(house: House, unit: UnitOfWork, sheet: Sheet, person: Person) -> HandoverShape:
    site, now_ns = house.estate.site, house.clock.now_ns()
    teams = {team.id: team for team in unit.teams.list(site.id)}
    duty = sheet.duty
    near = handovers.duties(unit.teams.shifts(site.id), site.zone, duty.ends_ns - DAY_NS, duty.ends_ns + DAY_NS)
    brief = _brief(sheet.id, duty, teams.get(duty.shift.team), sheet.kept, followed(duty, near))
    return HandoverShape(
        **brief.model_dump(),
        sheet=SheetShape(
            made_ms=sheet.made_ms,
            seen=sheet.seen,
            remarks=sheet.remarks,
            **{part: [_line(part, line) for line in sheet.sections.get(part, ())] for part in Part},
        ),
        changes=[_change(change) for change in sheet.changes],
        intact=sheet.intact,
        may_sign=_sides(sheet, person, now_ns),
        from_ms=(duty.ends_ns - EARLIEST_NS) // 1_000_000,
    )


def _sides(sheet: Sheet, person: Person, now_ns: int) -> list[str]:
    if not (person.may(Right.PATROL) and may_sign(sheet.duty.shift.team, person)):
        return []
    if sheet.kept is None:
        in_time = sheet.duty.ends_ns - EARLIEST_NS <= now_ns <= sheet.duty.ends_ns + LATEST_NS
        return [str(Side.OUTGOING)] if in_time else []
    other = sheet.kept.incoming is None and sheet.kept.outgoing.person != person.id
    return [str(Side.INCOMING)] if other else []


def _brief(name: str, duty: Duty, team: Team | None, kept: Handover | None, expected: bool) -> HandoverBrief:
    return HandoverBrief(
        id=name,
        team=duty.shift.team,
        team_title=Words(zh=duty.shift.team, en=duty.shift.team) if team is None else Words.needed(team.title),
        shift=duty.shift.id,
        title=Words.needed(duty.shift.title),
        starts_ms=duty.starts_ns // 1_000_000,
        ends_ms=duty.ends_ns // 1_000_000,
        state=HandoverState.OPEN if kept is None else kept.state,
        expected=expected,
        outgoing=None if kept is None else _signature(kept.outgoing),
        incoming=None if kept is None or kept.incoming is None else _signature(kept.incoming),
        sha256=None if kept is None else kept.sha256,
    )


def _signature(signature: Signature) -> SignatureShape:
    return SignatureShape(person=signature.person, name=signature.name, at_ms=signature.at_ns // 1_000_000)


def _line(part: str, line: Any) -> Any:
    """A line as the page reads it: reasons in words."""
    if part != Part.SCANS:
        return dict(line)
    return {**line, "doubts": [_reason(reason) for reason in line["doubts"]]}


def _reason(reason: str) -> Words:
    known = reason in set(Reason)
    return REASONS[Reason(reason)] if known else Words(zh=reason, en=reason)


def _change(change: Change) -> ChangeShape:
    title = change.line.get("title") or {"zh": change.line["id"], "en": change.line["id"]}
    return ChangeShape(
        part=change.part, kind=change.kind, id=change.line["id"], title=Words(**title), fields=list(change.fields)
    )
