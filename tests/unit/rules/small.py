"""A small estate made of nothing but points and rules, and a hand for feeding it."""

from __future__ import annotations

from collections.abc import Sequence

from caretaker.domain.assets import Asset, Estate, Point, Site, Space, SpaceType
from caretaker.domain.equipment import EquipmentKind, Op, PointSpec, Priority, RuleKind, RuleSpec, Term, Text, ValueType
from caretaker.domain.readings import ReadingBatch
from caretaker.domain.rules.types import Transition

S = 1_000_000_000
T = Text("", "")


def rule(id: str, *terms: Term, **more: object) -> RuleSpec:
    """A rule with the dull parts filled in."""
    return RuleSpec(id=id, title=T, kind=RuleKind.LIMIT, terms=terms, priority=Priority.HIGH, fault=id, **more)  # type: ignore[arg-type]


def above(point: str = "p", value: float = 80.0, deadband: float = 5.0, **more: object) -> Term:
    """A high limit."""
    return Term(point, Op.ABOVE, value=value, deadband=deadband, **more)  # type: ignore[arg-type]


def small_estate(*rules: RuleSpec, points: Sequence[str] = ("p", "q", "r"), assets: int = 1, text: str = "") -> Estate:
    """`assets` machines of one kind; the point ids are 1, 2, 3 … asset by asset."""
    specs = tuple(
        PointSpec(id=key, title=T, type=ValueType.TEXT if key == text else ValueType.NUMBER) for key in points
    )
    kind = EquipmentKind(id="thing", title=T, points=specs, rules=rules)
    stock = {f"a{n}": Asset(id=f"a{n}", kind="thing", title=T, space="hall") for n in range(1, assets + 1)}
    signals: dict[int, Point] = {}
    for asset in stock:
        for spec in specs:
            number = len(signals) + 1
            signals[number] = Point(id=number, asset=asset, key=spec.id, device=None, spec=spec)
    return Estate(
        site=Site("s", T),
        spaces={"hall": Space("hall", SpaceType.ROOM, T)},
        kinds={"thing": kind},
        assets=stock,
        devices={},
        connections={},
        points=signals,
        by_key={(p.asset, p.key): p for p in signals.values()},
    )


def readings(*rows: tuple[float, int, float | None] | tuple[float, int, float | None, int]) -> ReadingBatch:
    """Rows of (seconds, point, value[, quality]); None is a bad reading."""
    columns = [(*row, 0) if len(row) == 3 else row for row in rows]
    return ReadingBatch.of(
        [int(c[1]) for c in columns],
        [round(c[0] * S) for c in columns],
        [float("nan") if c[2] is None else float(c[2]) for c in columns],
        [2 if c[2] is None else int(c[3]) for c in columns],
    )


def told(transitions: Sequence[Transition]) -> list[tuple[float, str]]:
    """(at in seconds, change)"""
    return [(t.at_ns / S, str(t.change)) for t in transitions]
