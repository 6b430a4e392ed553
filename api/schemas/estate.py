"""Site, kinds, assets and points as JSON."""

from __future__ import annotations

from pydantic import Field

from api.schemas.common import Shape, Words
from caretaker.domain.equipment import EquipmentKind, Op, PointSpec, RuleSpec, Term


class SpaceShape(Shape):
    """A place."""

    id: str
    type: str
    title: Words
    parent: str | None
    level: int


class SiteShape(Shape):
    """The property and its places."""

    id: str
    title: Words
    zone: str
    spaces: list[SpaceShape] = Field(default_factory=list)


class TermShape(Shape):
    """One comparison of a rule."""

    point: str
    op: Op
    value: float
    values: list[float]
    deadband: float
    within_s: float
    relative_to: str | None

    @classmethod
    def of(cls, term: Term) -> TermShape:
        """From the domain."""
        return cls(
            point=term.point,
            op=term.op,
            value=term.value,
            values=list(term.values),
            deadband=term.deadband,
            within_s=term.within_s,
            relative_to=term.relative_to,
        )


class RuleShape(Shape):
    """A judgement."""

    id: str
    title: Words
    kind: str
    terms: list[TermShape]
    any_of: bool
    unless: list[TermShape]
    on_delay_s: float
    off_delay_s: float
    priority: str
    fault: str
    latched: bool
    work_order: bool
    due_s: float
    cause: Words | None
    consequence: Words | None
    action: Words | None
    source: str

    @classmethod
    def of(cls, rule: RuleSpec) -> RuleShape:
        """From the domain."""
        return cls(
            id=rule.id,
            title=Words.needed(rule.title),
            kind=rule.kind,
            terms=[TermShape.of(term) for term in rule.terms],
            any_of=rule.any_of,
            unless=[TermShape.of(term) for term in rule.unless],
            on_delay_s=rule.on_delay_s,
            off_delay_s=rule.off_delay_s,
            priority=rule.priority,
            fault=rule.fault,
            latched=rule.latched,
            work_order=rule.work_order,
            due_s=rule.due_s,
            cause=Words.of(rule.cause),
            consequence=Words.of(rule.consequence),
            action=Words.of(rule.action),
            source=rule.source,
        )


class PointSpecShape(Shape):
    """A point as its kind describes it."""

    key: str
    title: Words
    type: str
    unit: str
    quantity: str
    decimals: int
    every_s: float
    stale_after_s: float
    range: tuple[float, float] | None
    codes: dict[int, Words]
    shown_on_card: bool

    @classmethod
    def of(cls, spec: PointSpec) -> PointSpecShape:
        """From the domain."""
        return cls(
            key=spec.id,
            title=Words.needed(spec.title),
            type=spec.type,
            unit=spec.unit,
            quantity=spec.quantity,
            decimals=spec.decimals,
            every_s=spec.every_s,
            stale_after_s=spec.stale_after_s,
            range=spec.range,
            codes={code: Words.needed(text) for code, text in spec.codes.items()},
            shown_on_card=spec.key,
        )


class KindShape(Shape):
    """A sort of machine."""

    id: str
    title: Words
    points: list[PointSpecShape]
    rules: list[RuleShape]
    failure_modes: dict[str, Words]

    @classmethod
    def of(cls, kind: EquipmentKind) -> KindShape:
        """From the domain."""
        return cls(
            id=kind.id,
            title=Words.needed(kind.title),
            points=[PointSpecShape.of(spec) for spec in kind.points],
            rules=[RuleShape.of(rule) for rule in kind.rules],
            failure_modes={mode: Words.needed(text) for mode, text in kind.failure_modes.items()},
        )


class Kinds(Shape):
    """All kinds of this site."""

    items: list[KindShape]


class LimitShape(Shape):
    """A limit that judges a point."""

    rule: str
    priority: str
    above: float | None = None
    below: float | None = None


class PointValue(Shape):
    """A point and what it says now. `value` is null for text, bad and never heard."""

    id: int
    key: str
    title: Words
    type: str
    unit: str
    decimals: int
    codes: dict[int, Words] | None
    value: float | None
    text: str | None
    quality: str
    stale: bool
    at_ms: int | None
    received_ms: int | None
    source: str
    limits: list[LimitShape]
    shown_on_card: bool


class AlarmCounts(Shape):
    """Active alarms by priority, and how many nobody has acknowledged."""

    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    unacknowledged: int = 0


class DeviceShape(Shape):
    """Who speaks for the asset. `last_error` names the layer that failed."""

    id: str
    protocol: str
    address: str
    status: str
    last_error: str | None


class AssetShape(Shape):
    """A machine at a glance."""

    id: str
    kind: str
    title: Words
    space: str
    building: str | None
    floor: str | None
    criticality: str
    attributes: dict[str, object]
    status: str
    newest_ms: int | None
    key_points: list[PointValue]
    alarms: AlarmCounts
    worst: str | None
    open_orders: int


class AssetDetail(AssetShape):
    """A machine in full."""

    points: list[PointValue]
    devices: list[DeviceShape]


class Assets(Shape):
    """A list of machines."""

    items: list[AssetShape]


class Columns(Shape):
    """Raw readings as columns."""

    t: list[int]
    v: list[float | None]
    q: list[int]


class BucketColumns(Shape):
    """Down-sampled readings as columns; `t` is the start of each bucket."""

    t: list[int]
    mean: list[float]
    min: list[float]
    max: list[float]
    count: list[int]


class Readings(Shape):
    """The readings of one point: raw when `every_ms` is null."""

    point: int
    key: str
    unit: str
    every_ms: int | None
    truncated: bool
    raw: Columns | None = None
    buckets: BucketColumns | None = None


class SeriesOfAsset(Shape):
    """Readings of several points of one asset."""

    series: dict[str, Readings]
