"""The demo estate in simulated time, and a plain judge of its rules that shares nothing with the rule engine."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from caretaker.catalog import read_kinds, read_site
from caretaker.domain.assets import SiteFile
from caretaker.domain.equipment import EquipmentKind, Op, RuleSpec
from simulators.machines import Machine
from simulators.models.physics import Value
from simulators.truth import holds

ROOT = Path(__file__).resolve().parents[3]
ZONE = ZoneInfo("Asia/Shanghai")


@cache
def estate() -> tuple[SiteFile, Mapping[str, EquipmentKind]]:
    """sites/demo and equipment/ as they are shipped."""
    kinds = read_kinds(ROOT / "equipment")
    return read_site(ROOT / "sites" / "demo", kinds), kinds


def machine_of(asset_id: str, seed: int = 1) -> Machine:
    """A fresh machine of the demo estate."""
    site, kinds = estate()
    asset = next(asset for asset in site.assets if asset.id == asset_id)
    return Machine(asset, kinds[asset.kind], seed)


def at(hour: float) -> datetime:
    """A Monday at this hour."""
    return datetime(2026, 11, 23, tzinfo=ZONE) + timedelta(hours=hour)


class Watch:
    """Judges one asset, second by second. `raised` is every rule that raised an alarm, in order, with repetitions."""

    def __init__(self, rules: Iterable[RuleSpec]) -> None:
        self.raised: list[str] = []
        self._rules = list(rules)
        self._true_since: dict[str, float] = {}
        self._false_since: dict[str, float] = {}
        self._active: set[str] = set()
        self._past: dict[str, deque[tuple[float, float]]] = {}

    def see(self, t: float, values: Mapping[str, Value]) -> None:
        """The values at second `t`."""
        for rule in self._rules:
            verdict = self._rises(rule, t, values) if rule.terms[0].op is Op.RISES else holds(rule, values)
            if verdict:
                self._false_since.pop(rule.id, None)
                since = self._true_since.setdefault(rule.id, t)
                if t - since >= rule.on_delay_s and rule.id not in self._active:
                    self._active.add(rule.id)
                    self.raised.append(rule.id)
            else:
                self._true_since.pop(rule.id, None)
                since = self._false_since.setdefault(rule.id, t)
                if t - since >= rule.off_delay_s and not rule.latched:
                    self._active.discard(rule.id)

    def _rises(self, rule: RuleSpec, t: float, values: Mapping[str, Value]) -> bool:
        term = rule.terms[0]
        past = self._past.setdefault(rule.id, deque())
        past.append((t, float(values[term.point])))
        while t - past[0][0] > term.within_s:
            past.popleft()
        rest = RuleSpec(rule.id, rule.title, rule.kind, rule.terms[1:], rule.priority, rule.fault, unless=rule.unless)
        return past[-1][1] - min(value for _, value in past) > term.value and holds(rest, values) is True


def live(machine: Machine, start: datetime, seconds: int, watch: Watch | None = None, offset: int = 0) -> None:
    """Let seconds pass, one at a time."""
    for second in range(seconds):
        machine.model.step(1.0, start + timedelta(seconds=offset + second))
        if watch is not None:
            watch.see(offset + second, machine.model.values())
