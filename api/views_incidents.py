"""Incidents as JSON shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.house import House
from api.schemas.common import Words, ms
from api.schemas.incidents import CallShape, IncidentDetail, IncidentEntryShape, IncidentShape, PositionShape
from api.views import Views
from caretaker.domain.incidents import TITLES, Incident, IncidentEntry, IncidentKind, IncidentState, allowed
from caretaker.domain.people import Person, Right
from caretaker.ports import UnitOfWork
from caretaker.services.incidents import place_of


class IncidentViews:
    """One per request, inside one transaction, for one reader."""

    def __init__(self, house: House, unit: UnitOfWork, reader: Person) -> None:
        self.house, self.unit, self.reader = house, unit, reader
        self.site = house.estate.site.id
        self._views = Views(house)
        self._names = {person.id: person.name for person in unit.people.persons()}

    def name(self, person: str | None) -> str | None:
        """What somebody is called; of a person who is gone the id."""
        return None if person is None else self._names.get(person, person)

    def glance(self, incident: Incident) -> IncidentShape:
        """For lists and the bar."""
        timeline = self.unit.incidents.timeline(incident.id) if incident.state is IncidentState.REPORTED else ()
        return IncidentShape(**self._facts(incident, timeline))

    def detail(self, incident: Incident) -> IncidentDetail:
        """With its timeline."""
        timeline = self.unit.incidents.timeline(incident.id)
        where = incident.position
        return IncidentDetail(
            **self._facts(incident, timeline),
            description=incident.description,
            people=incident.people if self._may_know(incident) else None,
            position=None
            if where is None
            else PositionShape(lat=where.lat, lon=where.lon, accuracy_m=where.accuracy_m),
            photos=list(incident.photos),
            phone=incident.phone,
            reason=incident.reason,
            timeline=[self._entry(entry) for entry in timeline],
            allowed_actions=[action.value for action in allowed(incident.state) if self._may(incident, action.value)],
        )

    def _facts(self, incident: Incident, timeline: Sequence[IncidentEntry]) -> Mapping[str, Any]:
        place = place_of(self.unit, self.house.estate, incident)
        asset = self.house.estate.assets.get(incident.asset) if incident.asset else None
        calls = [entry for entry in timeline if entry.action == "called"]
        return {
            "id": incident.id,
            "kind": incident.kind,
            "title": Words.needed(TITLES[incident.kind]),
            "priority": incident.priority,
            "urgent": incident.urgent,
            "state": incident.state.value,
            "place": Words.of(place),
            "floor": self._floor(incident),
            "checkpoint": incident.checkpoint,
            "space": incident.space,
            "asset": incident.asset,
            "asset_title": None if asset is None else Words.needed(asset.title),
            "reporter": incident.reporter,
            "reporter_name": self.name(incident.reporter),
            "device_ms": ms(incident.device_ns),
            "received_ms": incident.received_ns // 1_000_000,
            "taken_by": incident.taken_by,
            "taken_by_name": self.name(incident.taken_by),
            "taken_ms": ms(incident.taken_ns),
            "closed_by_name": self.name(incident.closed_by),
            "closed_ms": ms(incident.closed_ns),
            "work_order": incident.work_order,
            "call": self._call(calls[-1], len(calls)) if calls and incident.state is IncidentState.REPORTED else None,
        }

    def _floor(self, incident: Incident) -> Words | None:
        if incident.space is None:
            return None
        building, floor = self._views.places(incident.space)
        found = self.house.estate.spaces.get(floor or building or "")
        return None if found is None or found.id == incident.space else Words.needed(found.title)

    def _call(self, entry: IncidentEntry, number: int) -> CallShape:
        names: Any = entry.facts["names"]
        rung: Any = entry.facts["rung"]
        return CallShape(rung=rung, names=list(names), at_ms=entry.at_ns // 1_000_000, number=number)

    def _entry(self, entry: IncidentEntry) -> IncidentEntryShape:
        facts: Mapping[str, Any] = entry.facts
        action: Any = entry.action
        return IncidentEntryShape(
            id=entry.id,
            at_ms=entry.at_ns // 1_000_000,
            actor_name=self.name(entry.actor) if entry.actor else None,
            action=action,
            text=entry.text,
            photos=list(facts.get("photos", ())),
            rung=facts.get("rung"),
            names=list(facts.get("names", ())),
            work_order=facts.get("work_order"),
        )

    def _may_know(self, incident: Incident) -> bool:
        """Who is involved is for those who handle it, and for who wrote it."""
        return self.reader.may(Right.DISPATCH) or self.reader.id == incident.reporter

    def _may(self, incident: Incident, action: str) -> bool:
        if action == "close":
            return self.reader.may(Right.CLOSE)
        own_call = incident.kind is IncidentKind.SOS and incident.reporter == self.reader.id
        return self.reader.may(Right.DISPATCH) and not own_call and incident.taken_by != self.reader.id
