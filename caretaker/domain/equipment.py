"""What sort of machine something is: its points, how to read them, what to judge. Loaded from equipment/*.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in both languages."""

    zh: str
    en: str


class Priority(StrEnum):
    """How soon to respond; the only ranking word for alarms and work."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class ValueType(StrEnum):
    """What a point says."""

    NUMBER = "number"
    BOOL = "bool"
    ENUM = "enum"
    TEXT = "text"


class Table(StrEnum):
    """The four Modbus tables and with them the function codes 1 to 4."""

    COIL = "coil"
    DISCRETE = "discrete"
    INPUT = "input"
    HOLDING = "holding"


@dataclass(frozen=True, slots=True)
class ModbusSpec:
    """Where and how a point lies in Modbus registers.

    address  zero-based protocol address within the kind; a device adds its own offset
    type     bool int8l int8h uint8l uint8h int16 uint16 int32 uint32 int64 uint64 float16 float32 float64 string bcd16 bcd32
    order    letters of byte order for one value: ABCD CDAB BADC DCBA (64 bit values repeat the pattern)
    bit      take this bit of the value as 0/1; 0 is the least significant, up to 15 (31 for the 32 bit types)
    width    with `bit`: how many bits make the number
    words    for strings: how many registers
    invalid  raw integers that mean "no sensor": the point turns bad; unsigned as on the wire or signed, both match
    minimum, maximum  after scale and offset: a value outside is brought back to this edge (Home Assistant's words)
    zero_suppress     after scale and offset: a value this close to 0 is 0
    encoding          of a string: utf-8, latin-1, gbk ...; a string that is not that is no reading
    length            of a string in bytes when it is shorter than its registers; NUL ends it anyway
    chars             both | lower | upper: which byte of each register holds a letter
    """

    table: Table
    address: int
    type: str = "uint16"
    order: str = "ABCD"
    scale: float = 1.0
    offset: float = 0.0
    bit: int | None = None
    words: int | None = None
    invalid: tuple[int, ...] = ()
    width: int = 1
    minimum: float | None = None
    maximum: float | None = None
    zero_suppress: float = 0.0
    encoding: str = "utf-8"
    length: int | None = None
    chars: str = "both"


@dataclass(frozen=True, slots=True)
class PointSpec:
    """One signal of a kind.

    every_s  expected period in seconds; stale after `stale_after_s` (default 3 x every_s, at least 10 s)
    range    plausible closed interval in `unit`; outside is quarantined as implausible
    key      shown on the asset's card
    codes    enum code -> words
    """

    id: str
    title: Text
    type: ValueType = ValueType.NUMBER
    unit: str = ""
    quantity: str = ""
    every_s: float = 5.0
    stale_after_s: float = 15.0
    range: tuple[float, float] | None = None
    decimals: int = 2
    key: bool = False
    codes: Mapping[int, Text] = field(default_factory=dict)
    modbus: ModbusSpec | None = None


class Op(StrEnum):
    """How a term compares. The first six compare the value; rates compare change; stale compares age."""

    ABOVE = "above"
    BELOW = "below"
    IS = "is"
    IS_NOT = "is_not"
    IN = "in"
    NOT_IN = "not_in"
    RISES = "rises"
    FALLS = "falls"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison of one point.

    value      limit in the point's unit (above, below), the code or 0/1 (is, is_not), the change (rises, falls),
               the age in seconds (stale)
    values     for in, not_in
    deadband   how far back inside the limit the value must come before the term turns false (above, below)
    within_s   for rises, falls: the stretch of time in which the change happens
    relative_to  the limit is `latest value of that point + value` (same asset)
    """

    point: str
    op: Op
    value: float = 0.0
    values: tuple[float, ...] = ()
    deadband: float = 0.0
    within_s: float = 0.0
    relative_to: str | None = None


class RuleKind(StrEnum):
    """What the rule file called it; evaluation only looks at terms."""

    LIMIT = "limit"
    STATE = "state"
    COMBINATION = "combination"
    RATE = "rate"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A judgement on one asset. Verdict true for on_delay_s raises; false for off_delay_s clears.

    any_of       false: all terms must hold; true: one suffices. `unless`: terms that gate the rule off while true
    fault        failure mode; alarms of one asset with the same fault share one open work order
    work_order   whether an alarm opens (or joins) a corrective work order
    due_s        time to restore, seconds
    latched      stays active until a person resets it
    cause, consequence, action  required for critical to medium: without an action it is not an alarm (ISA-18.2)
    source       where the number comes from
    """

    id: str
    title: Text
    kind: RuleKind
    terms: tuple[Term, ...]
    priority: Priority
    fault: str
    any_of: bool = False
    unless: tuple[Term, ...] = ()
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0
    latched: bool = False
    work_order: bool = True
    due_s: float = 0.0
    cause: Text | None = None
    consequence: Text | None = None
    action: Text | None = None
    source: str = ""


class CheckType(StrEnum):
    """How an inspection check is answered."""

    YES_NO = "yes_no"
    CHOICE = "choice"
    NUMBER = "number"
    PHOTO = "photo"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One question asked at a checkpoint.

    point   the answer is also a reading of that point
    graded  the answer is itself a mark: of a scored round a number brings its share of the upper limit, a choice its rank
            from the best to the worst
    """

    id: str
    ask: Text
    type: CheckType = CheckType.YES_NO
    expect: bool = True
    choices: tuple[Text, ...] = ()
    limits: tuple[float, float] | None = None
    unit: str = ""
    point: str | None = None
    fault: str | None = None
    graded: bool = False


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """One field of a vendor's JSON: `path` ($.a.b[0]) -> point, with scale, offset and a lookup of words."""

    path: str
    point: str
    scale: float = 1.0
    offset: float = 0.0
    map: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MqttMapping:
    """A vendor's message shape. `topic` has `{device}` as one level, e.g. `vendor/{device}/up`.

    time  path of the time field or None (use receive time); time_unit one of s, ms, us, ns, iso
    """

    id: str
    topic: str
    fields: tuple[FieldMapping, ...]
    time: str | None = None
    time_unit: str = "ms"


@dataclass(frozen=True, slots=True)
class EquipmentKind:
    """A sort of machine, complete: readable, judged, inspectable, repairable.

    running any of these terms true: the machine runs (is lit, is open); none: it stands idle
    reportable  failure modes that anybody can see and report; none named: all of them
    file    the path it was read from, for error messages
    """

    id: str
    title: Text
    points: tuple[PointSpec, ...]
    rules: tuple[RuleSpec, ...]
    checks: tuple[CheckSpec, ...] = ()
    mqtt: tuple[MqttMapping, ...] = ()
    failure_modes: Mapping[str, Text] = field(default_factory=dict)
    samples: tuple[Mapping[str, object], ...] = ()
    caveats: tuple[Mapping[str, str], ...] = ()
    running: tuple[Term, ...] = ()
    reportable: tuple[str, ...] = ()
    file: str = ""

    def point(self, point_id: str) -> PointSpec:
        """The spec of a point. Raises KeyError."""
        for spec in self.points:
            if spec.id == point_id:
                return spec
        raise KeyError(point_id)


def effective(rules: tuple[RuleSpec, ...], overrides: Mapping[str, Mapping[str, object]]) -> tuple[RuleSpec, ...]:
    """The kind's rules with one asset's numbers. Keys: enabled, value and deadband (of the first term), on_delay_s,
    off_delay_s, priority, due_s. Unknown rule ids or keys were refused when the site was read."""
    out: list[RuleSpec] = []
    for rule in rules:
        change = dict(overrides.get(rule.id, {}))
        if change.pop("enabled", True) is False:
            continue
        term = {key: change.pop(key) for key in ("value", "deadband") if key in change}
        if term:
            change["terms"] = (replace(rule.terms[0], **term), *rule.terms[1:])  # type: ignore[arg-type]
        if "priority" in change:
            change["priority"] = Priority(str(change["priority"]))
        out.append(replace(rule, **change) if change else rule)  # type: ignore[arg-type]
    return tuple(out)
