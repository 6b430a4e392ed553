"""Alarms: list, look, acknowledge, reset."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.auth import Repeatable, Watcher, needs
from api.house import TheHouse
from api.schemas.common import ns
from api.schemas.work import AlarmList, AlarmShape, CommentBody
from api.views import Views, alarm_totals, standing
from caretaker.domain.equipment import Priority
from caretaker.domain.people import Person, Right
from caretaker.services import alarms

router = APIRouter(tags=["alarms"])
Acknowledger = Annotated[Person, Depends(needs(Right.ACKNOWLEDGE))]


@router.get("/alarms", operation_id="listAlarms")
def list_alarms(
    _person: Watcher,
    house: TheHouse,
    active: bool | None = None,
    unacknowledged: bool | None = None,
    asset: str | None = None,
    priority: Priority | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    before_ms: Annotated[int | None, Query(ge=0, le=253_402_300_799_000)] = None,
) -> AlarmList:
    """Newest first; `counts` always speaks of all active alarms."""
    views = Views(house)
    with house.transactions.begin(write=False) as unit:
        found = unit.alarms.list(
            active=active,
            unacknowledged=unacknowledged,
            asset=asset,
            limit=limit,
            before_ns=ns(before_ms),
        )
        totals = alarm_totals(standing(unit))
    items = [views.alarm(alarm) for alarm in found if priority is None or alarm.priority is priority]
    return AlarmList(items=items, counts=totals)


@router.get("/alarms/{alarm}", operation_id="getAlarm")
def get_alarm(alarm: str, _person: Watcher, house: TheHouse) -> AlarmShape:
    """One alarm with its evidence."""
    with house.transactions.begin(write=False) as unit:
        return Views(house).alarm(unit.alarms.get(alarm))


@router.post("/alarms/{alarm}/acknowledge", operation_id="acknowledgeAlarm")
def acknowledge(alarm: str, body: CommentBody, person: Acknowledger, house: TheHouse, once: Repeatable) -> AlarmShape:
    """Say "seen" with your name; the condition goes on."""
    done = alarms.acknowledge(house.transactions, alarm, person, body.comment, house.clock.now_ns(), once)
    return Views(house).alarm(done)


@router.post("/alarms/{alarm}/reset", operation_id="resetAlarm", status_code=202)
def reset(alarm: str, person: Acknowledger, house: TheHouse, once: Repeatable) -> AlarmShape:
    """Release a latched alarm; it clears when its condition is gone."""
    asked = alarms.request_reset(house.transactions, alarm, person, house.clock.now_ns(), once)
    return Views(house).alarm(asked)
