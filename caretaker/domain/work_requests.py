"""WorkRequest: somebody asks for work at a marked place, without signing in; may be refused, which a work order may not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from caretaker.domain.equipment import EquipmentKind, Priority, Text
from caretaker.domain.work_orders import OrderState

OTHER: Final = "other"
AT_SPACE: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "no-light": Text("灯不亮", "Light out"),
        "water": Text("漏水或积水", "Water leaking or standing"),
        "door": Text("门或门锁坏了", "Door or lock broken"),
        "blocked": Text("通道被堵", "Way blocked"),
        "damage": Text("墙地面或设施破损", "Something damaged"),
        "dirty": Text("脏污或异味", "Dirty or smelly"),
    }
)
"""What can be wrong at a place without a machine."""
_OTHER_TEXT: Final = Text("其他问题", "Something else")
_HIDDEN_TEXT: Final = Text("设备故障", "Equipment fault")
CONTACT_KEPT_NS: Final = 90 * 86_400 * 1_000_000_000
"""A name and a number to call back are forgotten this long after the report."""


@dataclass(frozen=True, slots=True)
class Contact:
    """How to call back. Personal data: kept with the request alone, told nowhere else, forgotten in time."""

    name: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class WorkRequest:
    """A report as it came.

    id        `id_of` the reporter's key; the key itself is not kept: who has it may ask what became of the report
    fault     one of `choices`; with asset or space it decides which work order it opens or joins
    photo     hex SHA-256 of the one picture that may follow; photo_ns: when it came
    contact   None: not given, or forgotten
    joined    the order was there before
    refused_* a supervisor's word; the reporter reads the reason
    """

    id: str
    site: str
    checkpoint: str
    space: str
    asset: str | None
    fault: str
    description: str
    priority: Priority
    received_ns: int
    photo: str | None = None
    photo_ns: int | None = None
    contact: Contact | None = None
    work_order: str | None = None
    joined: bool = False
    refused_ns: int | None = None
    refused_by: str | None = None
    refused_reason: str | None = None

    @property
    def stands_for(self) -> str:
        """What the work order is for: the asset, or the place itself."""
        return stands_for(self.asset, self.space)


class Progress(StrEnum):
    """What becomes of a report, in words for people who do not work here."""

    WAITING = "waiting"
    REPAIRING = "repairing"
    PAUSED = "paused"
    REPAIRED = "repaired"
    """Done, a supervisor has yet to agree."""
    CLOSED = "closed"
    CANCELLED = "cancelled"
    REFUSED = "refused"


_PROGRESS: Final[Mapping[OrderState, Progress]] = MappingProxyType(
    {
        OrderState.OPEN: Progress.WAITING,
        OrderState.ASSIGNED: Progress.WAITING,
        OrderState.IN_PROGRESS: Progress.REPAIRING,
        OrderState.ON_HOLD: Progress.PAUSED,
        OrderState.COMPLETED: Progress.REPAIRED,
        OrderState.CLOSED: Progress.CLOSED,
        OrderState.CANCELLED: Progress.CANCELLED,
    }
)


def progress(state: OrderState) -> Progress:
    """What a state of an order means to the reporter."""
    return _PROGRESS[state]


def id_of(site: str, key: str) -> str:
    """The request that a reporter's key (a UUID of the phone's) stands for: the same key, the same request."""
    return "wr_" + hashlib.sha256(f"{site}|{key.lower()}".encode()).hexdigest()[:32]


def stands_for(asset: str | None, space: str) -> str:
    """A place without asset stands as `space:<id>` at the work-order desk."""
    return asset or f"space:{space}"


def choices(kind: EquipmentKind | None) -> Mapping[str, Text]:
    """What somebody may report: what the kind says anybody can see (else all its failure modes), or what can be wrong at
    a plain place; and something else."""
    if kind is None:
        return {**AT_SPACE, OTHER: _OTHER_TEXT}
    modes = kind.reportable or tuple(kind.failure_modes)
    return {mode: kind.failure_modes[mode] for mode in modes} | {OTHER: kind.failure_modes.get(OTHER, _OTHER_TEXT)}


def public_title(kind: EquipmentKind | None, fault: str) -> Text:
    """The same for strangers: of what they could not see themselves (a forced door, a tampered box, a silent sensor) only
    that something is the matter."""
    return choices(kind).get(fault, _HIDDEN_TEXT)


def fault_title(kind: EquipmentKind | None, fault: str) -> Text:
    """A fault in words for everybody; of one that has none, only that there is one."""
    known = AT_SPACE if kind is None else kind.failure_modes
    return known.get(fault, _OTHER_TEXT)
