"""Rounds, scans and findings as JSON shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from api.house import House
from api.schemas.checkpoints import CheckpointShape, CheckShape, PlaceShape
from api.schemas.common import Words, ms
from api.schemas.plans import PlanPointShape, PlanShape, WeightShape
from api.schemas.rounds import AssetNow, Brief, LostShape, PhonePoint, RoundShape, ScoreShape, VisitShape
from api.schemas.scans import (
    AnswerShape,
    DecisionShape,
    DoubtShape,
    FindingShape,
    ScanShape,
    VerdictShape,
    WitnessShape,
)
from api.views import Views
from api.words_rounds import REASONS
from caretaker.domain.equipment import CheckSpec, Text
from caretaker.domain.errors import NotFound, Refused
from caretaker.domain.people import persons_on_duty
from caretaker.domain.rounds.checkpoints import Checkpoint, Place
from caretaker.domain.rounds.findings import Finding, required
from caretaker.domain.rounds.plans import RoundPlan, sequence
from caretaker.domain.rounds.rounds import Round, RoundState, deadline_ns
from caretaker.domain.rounds.scans import Answer, Verdict
from caretaker.domain.rounds.scores import Lost, Score
from caretaker.domain.rounds.walking import last_sign_ns, patience_ns, walks_s
from caretaker.domain.work_orders import UNFINISHED
from caretaker.ports import UnitOfWork
from caretaker.ports.rounds import KeptScan
from caretaker.recurrence import next_starts
from caretaker.services.scans import checks_at
from caretaker.services.scores import score_of


class RoundViews:
    """One per request, inside one transaction."""

    def __init__(self, house: House, unit: UnitOfWork) -> None:
        self.house, self.unit = house, unit
        self.site = house.estate.site.id
        self.views = Views(house)
        self.checkpoints: Mapping[str, Checkpoint] = {place.id: place for place in unit.checkpoints.list(self.site)}
        self._plans: dict[tuple[str, int], RoundPlan] = {}
        self._persons = unit.people.persons()
        self._names = {person.id: person.name for person in self._persons}
        self._shifts = unit.teams.shifts(self.site)

    def name(self, person: str) -> str:
        """What somebody is called; of a person who is gone the id."""
        return self._names.get(person, person)

    def title(self, checkpoint: str) -> Words:
        """What a point is called; of one that is gone the id."""
        place = self.checkpoints.get(checkpoint)
        return Words(zh=checkpoint, en=checkpoint) if place is None else Words.needed(place.title)

    def plan_of(self, walk: Round) -> RoundPlan:
        """The version a round was made from."""
        key = (walk.plan, walk.plan_version)
        if key not in self._plans:
            self._plans[key] = self.unit.round_plans.get(walk.site, *key)
        return self._plans[key]

    def plan_title(self, plan: str, version: int | None = None) -> Words:
        """What a plan is called, in one version or now."""
        if version is not None:
            key = (plan, version)
            if key not in self._plans:
                self._plans[key] = self.unit.round_plans.get(self.site, plan, version)
            return Words.needed(self._plans[key].title)
        return Words.needed(self.unit.round_plans.get(self.site, plan).title)

    def score_of(self, walk: Round) -> Score | None:
        """The score of a round, if its plan is scored and something was seen."""
        return score_of(self.unit, self.house.estate, self.checkpoints, self.plan_of(walk), walk)

    def score(self, walk: Round) -> ScoreShape | None:
        """The same, in words."""
        found = self.score_of(walk)
        if found is None:
            return None
        return ScoreShape(
            percent=None if found.percent is None else round(found.percent, 1),
            points=round(found.points, 2),
            worth=round(found.worth, 2),
            excluded=found.excluded,
            unseen=found.unseen,
            lost=[self._lost(item) for item in found.lost],
        )

    def _lost(self, item: Lost) -> LostShape:
        asked = {check.id: check for check in checks_at(self.house.estate, self.checkpoints.get(item.checkpoint))}
        check = asked.get(item.check)
        return LostShape(
            checkpoint=item.checkpoint,
            title=self.title(item.checkpoint),
            check=item.check,
            ask=_words(check.ask if check else None, item.check),
            lost=round(item.lost, 2),
            worth=round(item.worth, 2),
            why=item.why,
            value=None if item.answer is None else item.answer.value,
            unit=check.unit if check else "",
        )

    def round(self, walk: Round) -> RoundShape:
        """A round with its stops."""
        plan = self.plan_of(walk)
        stops = sequence(plan, walk.id)
        places = {place.id: place.place for place in self.checkpoints.values()}
        walks = walks_s(stops, places)
        visits = [
            VisitShape(
                checkpoint=visit.checkpoint,
                title=self.title(visit.checkpoint),
                sequence=visit.sequence,
                opens_ms=visit.opens_ns // 1_000_000,
                closes_ms=visit.closes_ns // 1_000_000,
                state=visit.state,
                scan=visit.scan,
                scanned_ms=ms(visit.scanned_ns),
                partly=visit.partly,
                walk_s=round(walk_s, 1),
                least_dwell_s=stop.least_dwell_s,
            )
            for visit, stop, walk_s in zip(walk.visits, stops, walks, strict=True)
        ]
        return RoundShape(
            id=walk.id,
            plan=walk.plan,
            plan_version=walk.plan_version,
            title=Words.needed(plan.title),
            kind=plan.kind,
            order=plan.order,
            scored=plan.scored,
            starts_ms=walk.starts_ns // 1_000_000,
            ends_ms=walk.ends_ns // 1_000_000,
            deadline_ms=deadline_ns(plan, walk) // 1_000_000,
            tolerance_s=plan.tolerance_s,
            state=walk.state,
            person=walk.person,
            person_name=None if walk.person is None else self.name(walk.person),
            team=walk.team,
            on_duty=[
                person.id
                for person in persons_on_duty(self._persons, self._shifts, walk.starts_ns, self.house.estate.site.zone)
                if walk.team in (None, person.team)
            ],
            opened_ms=ms(walk.opened_ns),
            closed_ms=ms(walk.closed_ns),
            ended_early=walk.ended_early,
            silent_since_ms=self._silent_since_ms(walk, plan, places),
            done=sum(visit.scan is not None for visit in walk.visits),
            total=len(walk.visits),
            score=self.score(walk),
            visits=visits,
        )

    def _silent_since_ms(self, walk: Round, plan: RoundPlan, places: Mapping[str, Place]) -> int | None:
        if walk.state is not RoundState.IN_PROGRESS:
            return None
        since = last_sign_ns(walk)
        return since // 1_000_000 if self.views.now_ns - since >= patience_ns(plan, walk, places) else None

    def plan(self, plan: RoundPlan) -> PlanShape:
        """A plan."""
        places = {place.id: place.place for place in self.checkpoints.values()}
        walks = walks_s(plan.points, places)
        return PlanShape(
            id=plan.id,
            title=Words.needed(plan.title),
            kind=plan.kind,
            points=[
                PlanPointShape(
                    checkpoint=point.checkpoint,
                    least_walk_s=point.least_walk_s,
                    walk_s=round(walk_s, 1),
                    least_dwell_s=point.least_dwell_s,
                    opens_s=point.opens_s,
                    closes_s=point.closes_s,
                )
                for point, walk_s in zip(plan.points, walks, strict=True)
            ],
            order=plan.order,
            rrule=plan.rrule,
            starts_at=plan.starts_at.isoformat("minutes"),
            duration_s=plan.duration_s,
            tolerance_s=plan.tolerance_s,
            valid_from=plan.valid_from.isoformat(),
            valid_until=None if plan.valid_until is None else plan.valid_until.isoformat(),
            holidays=plan.holidays,
            team=plan.team,
            person=plan.person,
            scored=plan.scored,
            weights=[WeightShape(check=w.check, points=w.points, checkpoint=w.checkpoint) for w in plan.weights],
            active=plan.active,
            version=plan.version,
            next_ms=self._next(plan),
        )

    def _next(self, plan: RoundPlan) -> list[int]:
        try:
            found = next_starts(plan, self.house.estate.site.zone, self.house.clock.now_ns(), 3)
        except Refused:  # kept by an older program that took it: the keeper of rounds says so, the list stays whole
            return []
        return [at // 1_000_000 for at in found]

    def checkpoint(self, place: Checkpoint, *, codes: bool) -> CheckpointShape:
        """A marked place. `codes`: with the short code."""
        _, floor = self.views.places(place.space)
        return CheckpointShape(
            id=place.id,
            title=Words.needed(place.title),
            space=place.space,
            space_title=self.space_title(place.space),
            floor=floor,
            asset=place.asset,
            place=PlaceShape(
                x_m=place.place.x_m,
                y_m=place.place.y_m,
                level=place.place.level,
                lat=place.place.lat,
                lon=place.place.lon,
            ),
            checks=[check_shape(check) for check in checks_at(self.house.estate, place)],
            use_kind_checks=place.use_kind_checks,
            short_code=place.short_code if codes else None,
            code_version=place.code_version,
            rotating=place.rotating,
            nfc=place.nfc if codes else None,
            witnesses=list(place.witnesses),
        )

    def space_title(self, space: str) -> Words:
        """What a space is called."""
        found = self.house.estate.spaces.get(space)
        return Words(zh=space, en=space) if found is None else Words.needed(found.title)

    def phone_points(self, places: Iterable[Checkpoint]) -> dict[str, PhonePoint]:
        """What a phone needs of these places without a network."""
        found: dict[str, PhonePoint] = {}
        now: dict[str, AssetNow | None] = {}
        for place in places:
            if place.asset is not None and place.asset not in now:
                now[place.asset] = self.asset_now(place.asset)
            _, floor = self.views.places(place.space)
            found[place.id] = PhonePoint(
                id=place.id,
                title=Words.needed(place.title),
                space_title=self.space_title(place.space),
                floor=floor,
                level=place.place.level,
                asset=place.asset,
                short_code_sha256=sha256(place.short_code.encode()).hexdigest(),
                nfc_sha256=None if place.nfc is None else sha256(place.nfc.encode()).hexdigest(),
                rotating=place.rotating,
                checks=[check_shape(check) for check in checks_at(self.house.estate, place)],
                asset_now=None if place.asset is None else now[place.asset],
            )
        return found

    def asset_now(self, asset_id: str) -> AssetNow | None:
        """The asset's active alarms, unfinished orders and key values; None when it is gone."""
        asset = self.house.estate.assets.get(asset_id)
        if asset is None:
            return None
        alarms = [self.views.alarm(alarm) for alarm in self.unit.alarms.list(active=True, asset=asset_id, limit=20)]
        orders = self.unit.work_orders.list(states=sorted(UNFINISHED), asset=asset_id, limit=20)
        return AssetNow(
            id=asset.id,
            title=Words.needed(asset.title),
            alarms=[
                Brief(id=a.id, title=a.title, priority=a.priority, state=a.state, since_ms=a.since_ms) for a in alarms
            ],
            orders=[
                Brief(
                    id=order.id,
                    title=Words(zh=order.title_zh, en=order.title_en),
                    priority=order.priority,
                    state=order.state,
                    since_ms=order.opened_ns // 1_000_000,
                    due_ms=ms(order.due_ns),
                )
                for order in orders
            ],
            values=[self.views.value(point) for point in self.views.points_of(asset_id) if point.spec.key],
        )

    def scan(self, kept: KeptScan) -> ScanShape:
        """A kept scan."""
        scan, decision = kept.scan, kept.decision
        return ScanShape(
            id=scan.id,
            round=scan.round,
            checkpoint=kept.checkpoint,
            title=None if kept.checkpoint is None else self.title(kept.checkpoint),
            person=scan.person,
            person_name=self.name(scan.person),
            phone=scan.phone,
            token_type=scan.token_type,
            device_ms=scan.device_ns // 1_000_000,
            received_ms=scan.received_ns // 1_000_000,
            counter=scan.counter,
            answers=[answer_shape(answer) for answer in scan.answers],
            photos=list(scan.photos),
            verdict=None if kept.verdict is None else verdict_shape(kept.verdict),
            visit=kept.visit,
            counts=kept.counts,
            decision=None
            if decision is None
            else DecisionShape(
                accepted=decision.accepted,
                by=self.name(decision.by),
                at_ms=decision.at_ns // 1_000_000,
                comment=decision.comment,
            ),
        )

    def finding(self, finding: Finding) -> FindingShape:
        """A finding with the state of its order."""
        place = self.checkpoints.get(finding.checkpoint)
        asked = {check.id: check for check in checks_at(self.house.estate, place)}
        check = asked.get(finding.check)
        return FindingShape(
            id=finding.id,
            scan=finding.scan,
            round=finding.round,
            checkpoint=finding.checkpoint,
            title=self.title(finding.checkpoint),
            check=finding.check,
            ask=_words(check.ask if check else None, finding.check),
            asset=finding.asset,
            fault=finding.fault,
            answer=answer_shape(finding.answer),
            unit=check.unit if check else "",
            priority=finding.priority,
            person=finding.person,
            person_name=self.name(finding.person),
            at_ms=finding.at_ns // 1_000_000,
            work_order=finding.work_order,
            order_state=self._order_state(finding.work_order),
        )

    def _order_state(self, order: str | None) -> str | None:
        if order is None:
            return None
        try:
            return str(self.unit.work_orders.get(order).state)
        except NotFound:
            return None


def check_shape(check: CheckSpec) -> CheckShape:
    """A question."""
    return CheckShape(
        id=check.id,
        ask=Words.needed(check.ask),
        type=check.type.value,
        expect=check.expect,
        choices=[Words.needed(choice) for choice in check.choices],
        limits=check.limits,
        unit=check.unit,
        required=required(check),
        point=check.point,
        fault=check.fault,
        graded=check.graded,
    )


def answer_shape(answer: Answer) -> AnswerShape:
    """As given."""
    return AnswerShape(
        check=answer.check, result=answer.result, value=answer.value, reason=answer.reason, photos=list(answer.photos)
    )


def verdict_shape(verdict: Verdict) -> VerdictShape:
    """With its doubts in words."""
    return VerdictShape(
        accepted=verdict.accepted,
        suspicious=verdict.suspicious,
        confidence=round(verdict.confidence, 3),
        at_ms=verdict.at_ns // 1_000_000,
        doubts=[
            DoubtShape(reason=doubt.reason, text=REASONS[doubt.reason], facts=dict(doubt.facts))
            for doubt in verdict.doubts
        ],
        witnesses=[
            WitnessShape(point=item.point, at_ms=item.at_ns // 1_000_000, supports=item.supports, what=item.what)
            for item in verdict.witnesses
        ],
    )


def counts_of(states: Sequence[str]) -> dict[str, int]:
    """state -> how many."""
    return {state: states.count(state) for state in sorted(set(states))}


def _words(text: Text | None, fallback: str) -> Words:
    return Words.needed(text) if text else Words(zh=fallback, en=fallback)
