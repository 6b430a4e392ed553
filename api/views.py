"""Domain things as JSON shapes, with what they say now."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from api.house import House
from api.schemas.common import Words, ms
from api.schemas.estate import (
    AlarmCounts,
    AssetDetail,
    AssetShape,
    DeviceShape,
    LimitShape,
    PointValue,
)
from api.schemas.work import AlarmShape, AlarmTotals, EvidenceShape, OrderShape, Reason, Verification
from caretaker.domain.alarms import Alarm
from caretaker.domain.assets import Asset, Device, Point, Protocol, SpaceType
from caretaker.domain.equipment import EquipmentKind, Op, Priority, RuleSpec, Term, Text
from caretaker.domain.errors import NotFound
from caretaker.domain.work_orders import UNFINISHED, WorkOrder, allowed
from caretaker.ports import UnitOfWork
from caretaker.services.work_orders import blockers

_REASON_TEXT: Mapping[str, Words] = {
    "sensor_still_bad": Words(zh="传感器仍显示：{title}", en="The sensor still says: {title}"),
    "sensor_silent": Words(
        zh="传感器没有数据，无法证明已恢复：{title}", en="The sensor is silent, so this is not proven repaired: {title}"
    ),
}


class Views:
    """One per request; reads `house.live` at one moment `now_ns`."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.now_ns = house.clock.now_ns()
        self.estate = house.estate

    def asset_of(self, asset_id: str) -> Asset:
        """The asset. Raises NotFound."""
        asset = self.estate.assets.get(asset_id)
        if asset is None:
            raise NotFound(f"there is no asset {asset_id}", asset=asset_id)
        return asset

    def kind_of(self, asset_id: str) -> EquipmentKind:
        """Its kind."""
        return self.estate.kind_of(asset_id)

    def points_of(self, asset_id: str) -> list[Point]:
        """Its points in the order of the kind."""
        return [self.estate.by_key[asset_id, spec.id] for spec in self.kind_of(asset_id).points]

    def value(self, point: Point, limits: Sequence[LimitShape] = ()) -> PointValue:
        """A point and what it says now."""
        now = self.house.live.now(point.id)
        spec = point.spec
        return PointValue(
            id=point.id,
            key=point.key,
            title=Words.needed(spec.title),
            type=spec.type,
            unit=spec.unit,
            decimals=spec.decimals,
            codes={code: Words.needed(text) for code, text in spec.codes.items()} or None,
            value=now.value,
            text=now.text,
            quality=now.quality.name.lower(),
            stale=self.house.live.stale(point, self.now_ns),
            at_ms=ms(now.at_ns) or None,
            received_ms=ms(now.received_ns) or None,
            source=now.source,
            limits=list(limits),
            shown_on_card=spec.key,
        )

    def limits(self, asset_id: str) -> Mapping[str, list[LimitShape]]:
        """Point key -> the plain limits that judge it."""
        found: dict[str, list[LimitShape]] = defaultdict(list)
        for rule in self.estate.rules_of(asset_id):
            for term in rule.terms:
                if term.op in (Op.ABOVE, Op.BELOW) and term.relative_to is None and len(rule.terms) == 1:
                    edge = {str(term.op): term.value}
                    found[term.point].append(LimitShape(rule=rule.id, priority=rule.priority, **edge))
        return found

    def places(self, space_id: str) -> tuple[str | None, str | None]:
        """(building, floor) above a space."""
        building = floor = None
        seen: str | None = space_id
        while seen is not None and (space := self.estate.spaces.get(seen)) is not None:
            if space.type is SpaceType.FLOOR:
                floor = space.id
            elif space.type in (SpaceType.BUILDING, SpaceType.OUTDOOR):
                building = space.id
            seen = space.parent
        return building, floor

    def asset(self, asset: Asset, active: Sequence[Alarm], orders: Counter[str]) -> AssetShape:
        """A machine at a glance. `active`: the site's active or unacknowledged alarms."""
        points = self.points_of(asset.id)
        heard = [self.house.live.now(point.id).received_ns for point in points if point.device is not None]
        newest = max(heard, default=0)
        mine = [alarm for alarm in active if alarm.asset == asset.id]
        counts = alarm_counts(mine)
        building, floor = self.places(asset.space)
        return AssetShape(
            id=asset.id,
            kind=asset.kind,
            title=Words.needed(asset.title),
            space=asset.space,
            building=building,
            floor=floor,
            criticality=asset.criticality,
            attributes=dict(asset.attributes),
            status=self._status(asset, points, newest),
            newest_ms=ms(newest) or None,
            key_points=[self.value(point) for point in points if point.spec.key],
            alarms=counts,
            worst=next((p for p in Priority if any(a.priority is p and a.active for a in mine)), None),
            open_orders=orders[asset.id],
        )

    def _status(self, asset: Asset, points: Sequence[Point], newest: int) -> str:
        """offline: nothing heard from any of its points in time; running or idle by the kind's own word."""
        if newest == 0:
            return "unknown"
        listening = [point for point in points if point.device is not None]
        if all(self.house.live.stale(point, self.now_ns) for point in listening):
            return "offline"
        for term in self.kind_of(asset.id).running:
            value = self.house.live.now(self.estate.by_key[asset.id, term.point].id).value
            if value is not None and _holds(term, value):
                return "running"
        return "idle"

    def asset_detail(self, asset: Asset, active: Sequence[Alarm], orders: Counter[str]) -> AssetDetail:
        """A machine in full."""
        limits = self.limits(asset.id)
        return AssetDetail(
            **self.asset(asset, active, orders).model_dump(exclude={"key_points", "alarms"}),
            key_points=[self.value(p, limits.get(p.key, ())) for p in self.points_of(asset.id) if p.spec.key],
            alarms=alarm_counts([alarm for alarm in active if alarm.asset == asset.id]),
            points=[self.value(point, limits.get(point.key, ())) for point in self.points_of(asset.id)],
            devices=[
                self._device(device)
                for device in self.estate.devices.values()
                if any(watched.asset == asset.id for watched in device.watches)
            ],
        )

    def _device(self, device: Device) -> DeviceShape:
        address = f"mqtt {device.mapping}"
        if device.protocol is Protocol.MODBUS and device.connection is not None:
            bus = self.estate.connections[device.connection]
            address = f"{bus.transport}://{bus.host}:{bus.port} unit {device.unit_id}"
        with self.house.transactions.begin(write=False) as unit:
            beat = unit.parts.all().get("gateway")
        facts = _told(beat[1] if beat else {}, str(device.protocol), device.id)
        online = {True: "ok", False: "down", None: "unknown"}[facts.get("online")]
        return DeviceShape(
            id=device.id,
            protocol=device.protocol,
            address=address,
            status=str(facts.get("status", online)),
            last_error=facts.get("last_error") or facts.get("error"),
        )

    def alarm(self, alarm: Alarm) -> AlarmShape:
        """An alarm with its words; of a kind or rule that is gone it keeps the ids."""
        asset = self.estate.assets.get(alarm.asset)
        kind = self.estate.kinds.get(asset.kind) if asset else None
        rule = _rule(kind, alarm.rule)
        fault = kind.failure_modes.get(alarm.fault) if kind else None
        return AlarmShape(
            id=alarm.id,
            asset=alarm.asset,
            asset_title=_words(asset.title if asset else None, alarm.asset),
            rule=alarm.rule,
            title=_words(rule.title if rule else None, alarm.rule),
            priority=alarm.priority,
            fault=alarm.fault,
            fault_title=_words(fault, alarm.fault),
            state=alarm.state,
            active=alarm.active,
            since_ms=alarm.since_ns // 1_000_000,
            raised_ms=alarm.raised_ns // 1_000_000,
            cleared_ms=ms(alarm.cleared_ns),
            latched=alarm.latched,
            acknowledged_ms=ms(alarm.acknowledged_ns),
            acknowledged_by=alarm.acknowledged_by,
            comment=alarm.comment,
            work_order=alarm.work_order,
            evidence=[
                EvidenceShape(
                    point=item.point,
                    key=item.key,
                    title=_words(self._point_title(item.point), item.key),
                    unit=self._unit(item.point),
                    at_ms=item.at_ns // 1_000_000,
                    value=item.value,
                    quality=item.quality,
                    limit=item.limit,
                )
                for item in alarm.evidence
            ],
            cause=Words.of(rule.cause) if rule else None,
            consequence=Words.of(rule.consequence) if rule else None,
            action=Words.of(rule.action) if rule else None,
        )

    def _point_title(self, point_id: int) -> Text | None:
        point = self.estate.points.get(point_id)
        return point.spec.title if point else None

    def _unit(self, point_id: int) -> str:
        point = self.estate.points.get(point_id)
        return point.spec.unit if point else ""

    def silent(self, unit: UnitOfWork, order_id: str) -> frozenset[str]:
        """Ids of the order's cleared alarms whose sensors are stale or bad now: they cannot prove a repair."""
        found: set[str] = set()
        for alarm in unit.alarms.list(work_order=order_id, limit=1000):
            for item in alarm.evidence:
                point = self.estate.points.get(item.point)
                if point is None or point.device is None:
                    continue
                if self.house.live.stale(point, self.now_ns) or self.house.live.now(point.id).quality == 2:
                    found.add(alarm.id)
        return frozenset(found)

    def order(self, unit: UnitOfWork, order: WorkOrder) -> OrderShape:
        """A work order with its alarms and what stands against closing it."""
        asset = self.estate.assets.get(order.asset)
        alarms = {alarm.id: alarm for alarm in unit.alarms.list(work_order=order.id, limit=100)}
        reasons: list[Reason] = []
        if order.state in UNFINISHED:
            standing_against = blockers(unit, order, self.silent(unit, order.id))
            reasons = [self._reason(b.code, alarms.get(b.alarm), b.alarm) for b in standing_against]
        return OrderShape(
            id=order.id,
            asset=order.asset,
            asset_title=_words(asset.title if asset else self._space_title(order.asset), order.asset),
            fault=order.fault,
            title=Words(zh=order.title_zh, en=order.title_en),
            priority=order.priority,
            state=order.state,
            detected_by=order.detected_by,
            opened_ms=order.opened_ns // 1_000_000,
            due_ms=ms(order.due_ns),
            overdue=order.due_ns is not None and order.state in UNFINISHED and order.due_ns < self.now_ns,
            assignee=order.assignee,
            started_ms=ms(order.started_ns),
            completed_ms=ms(order.completed_ns),
            closed_ms=ms(order.closed_ns),
            closed_by=order.closed_by,
            alarms=[self.alarm(alarm) for alarm in alarms.values()],
            allowed_actions=[str(action) for action in allowed(order.state)],
            verification=Verification(can_close=not reasons, reasons=reasons),
        )

    def _space_title(self, subject: str) -> Text | None:
        """Of an order for a place without a machine (`space:<id>`)."""
        space = self.estate.spaces.get(subject.removeprefix("space:"))
        return space.title if space and subject.startswith("space:") else None

    def _reason(self, code: str, alarm: Alarm | None, alarm_id: str) -> Reason:
        shape = self.alarm(alarm) if alarm else None
        words = _REASON_TEXT[code]
        title = shape.title if shape else Words(zh=alarm_id, en=alarm_id)
        proof = alarm.evidence[0] if alarm and alarm.evidence else None
        known = proof is not None and proof.point in self.estate.points
        return Reason(
            code=code,
            text=Words(zh=words.zh.format(title=title.zh), en=words.en.format(title=title.en)),
            alarm=alarm_id,
            point=proof.point if proof else None,
            value=self.house.live.now(proof.point).value if proof and known else None,
            limit=proof.limit if proof else None,
            unit=self._unit(proof.point) if proof else None,
        )


def _told(beat: Mapping[str, object], collector: str, device: str) -> dict[str, Any]:
    """What a collector's heartbeat says of one device; empty when it says nothing."""
    part = beat.get(collector)
    devices = part.get("devices") if isinstance(part, dict) else None
    found = devices.get(device) if isinstance(devices, dict) else None
    return found if isinstance(found, dict) else {}


def _rule(kind: EquipmentKind | None, rule_id: str) -> RuleSpec | None:
    return next((rule for rule in kind.rules if rule.id == rule_id), None) if kind else None


def _words(text: Text | None, fallback: str) -> Words:
    return Words.needed(text) if text else Words(zh=fallback, en=fallback)


def _holds(term: Term, value: float) -> bool:
    match term.op:
        case Op.ABOVE:
            return value > term.value
        case Op.BELOW:
            return value < term.value
        case Op.IS_NOT:
            return value != term.value
        case Op.IN:
            return value in term.values
        case Op.NOT_IN:
            return value not in term.values
        case _:
            return value == term.value


def alarm_counts(alarms: Sequence[Alarm]) -> AlarmCounts:
    """Active ones by priority; unacknowledged ones also when cleared."""
    by = Counter(str(alarm.priority) for alarm in alarms if alarm.active)
    return AlarmCounts(**by, unacknowledged=sum(alarm.acknowledged_ns is None for alarm in alarms))


def alarm_totals(alarms: Sequence[Alarm]) -> AlarmTotals:
    """The same for the whole site."""
    return AlarmTotals(**alarm_counts(alarms).model_dump())


def standing(unit: UnitOfWork) -> list[Alarm]:
    """All alarms that are active, and those that cleared but nobody has acknowledged."""
    active = {alarm.id: alarm for alarm in unit.alarms.list(active=True, limit=5000)}
    waiting = unit.alarms.list(active=False, unacknowledged=True, limit=1000)
    return list(active.values()) + [alarm for alarm in waiting if alarm.id not in active]


def open_orders(unit: UnitOfWork) -> Counter[str]:
    """asset id -> unfinished orders."""
    return Counter(order.asset for order in unit.work_orders.list(states=sorted(UNFINISHED), limit=5000))
