"""Checkpoints: list, make, change, withdraw a sticker."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends

from api.auth import Watcher, needs
from api.house import TheHouse
from api.schemas.checkpoints import (
    CheckBody,
    CheckpointBody,
    CheckpointChange,
    CheckpointList,
    CheckpointShape,
    PlaceBody,
)
from api.views_rounds import RoundViews
from caretaker.domain.equipment import CheckSpec, CheckType, Text
from caretaker.domain.people import Person, Right
from caretaker.domain.rounds.checkpoints import Checkpoint, Place
from caretaker.services import checkpoints

router = APIRouter(tags=["rounds"])
Planner = Annotated[Person, Depends(needs(Right.PLAN))]


@router.get("/checkpoints", operation_id="listCheckpoints")
def list_checkpoints(person: Watcher, house: TheHouse) -> CheckpointList:
    """All marked places; short codes and tags only for those who may plan."""
    with house.transactions.begin(write=False) as unit:
        views = RoundViews(house, unit)
        codes = person.may(Right.PLAN)
        return CheckpointList(items=[views.checkpoint(place, codes=codes) for place in views.checkpoints.values()])


@router.get("/checkpoints/{checkpoint}", operation_id="getCheckpoint")
def get_checkpoint(checkpoint: str, person: Watcher, house: TheHouse) -> CheckpointShape:
    """One marked place."""
    with house.transactions.begin(write=False) as unit:
        place = unit.checkpoints.get(house.estate.site.id, checkpoint)
        return RoundViews(house, unit).checkpoint(place, codes=person.may(Right.PLAN))


@router.post("/checkpoints", operation_id="addCheckpoint")
def add(body: CheckpointBody, person: Planner, house: TheHouse) -> CheckpointShape:
    """A new marked place; the same again changes nothing, another one of that id is a conflict."""
    place = Checkpoint(
        id=body.id,
        site=house.estate.site.id,
        title=Text(body.title.zh, body.title.en),
        space=body.space,
        asset=body.asset,
        place=_place(body.place),
        checks=tuple(_check(item) for item in body.checks),
        use_kind_checks=body.use_kind_checks,
        rotating=body.rotating,
        nfc=body.nfc,
        witnesses=tuple(body.witnesses),
    )
    made = checkpoints.add(house.transactions, house.estate, place, person, house.clock.now_ns())
    return _shape(house, made)


@router.patch("/checkpoints/{checkpoint}", operation_id="changeCheckpoint")
def change(checkpoint: str, body: CheckpointChange, person: Planner, house: TheHouse) -> CheckpointShape:
    """Change what is given."""
    with house.transactions.begin(write=False) as unit:
        before = unit.checkpoints.get(house.estate.site.id, checkpoint)
    given = body.model_fields_set
    changed = replace(
        before,
        title=Text(body.title.zh, body.title.en) if body.title is not None else before.title,
        space=body.space if body.space is not None else before.space,
        asset=body.asset if "asset" in given else before.asset,
        place=_place(body.place) if body.place is not None else before.place,
        checks=tuple(_check(item) for item in body.checks) if body.checks is not None else before.checks,
        use_kind_checks=before.use_kind_checks if body.use_kind_checks is None else body.use_kind_checks,
        rotating=before.rotating if body.rotating is None else body.rotating,
        nfc=body.nfc if "nfc" in given else before.nfc,
        witnesses=tuple(body.witnesses) if body.witnesses is not None else before.witnesses,
    )
    done = checkpoints.change(house.transactions, house.estate, changed, person, house.clock.now_ns())
    return _shape(house, done)


@router.post("/checkpoints/{checkpoint}/reprint", operation_id="reprintCheckpoint")
def reprint(checkpoint: str, person: Planner, house: TheHouse) -> CheckpointShape:
    """Withdraw the sticker that hangs there; a new one has to be printed."""
    site = house.estate.site.id
    return _shape(house, checkpoints.reprint(house.transactions, site, checkpoint, person, house.clock.now_ns()))


def _shape(house: TheHouse, place: Checkpoint) -> CheckpointShape:
    with house.transactions.begin(write=False) as unit:
        return RoundViews(house, unit).checkpoint(place, codes=True)


def _place(body: PlaceBody) -> Place:
    return Place(body.x_m, body.y_m, body.level, body.lat, body.lon)


def _check(body: CheckBody) -> CheckSpec:
    return CheckSpec(
        id=body.id,
        ask=Text(body.ask.zh, body.ask.en),
        type=CheckType(body.type),
        expect=body.expect,
        choices=tuple(Text(choice.zh, choice.en) for choice in body.choices),
        limits=None if body.limits is None else (body.limits[0], body.limits[1]),
        unit=body.unit,
        point=body.point,
        fault=body.fault,
        graded=body.graded,
    )
