"""How a device is doing, for health and for the page."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class DeviceState(StrEnum):
    """starting: not asked yet; ok: everything answers; partial: some points are refused; down: nothing answers."""

    STARTING = "starting"
    OK = "ok"
    PARTIAL = "partial"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """One device at one moment. Times are ns since 1970, 0 for never.

    fault       names the layer: no_route, refused, timeout, wrong_count, illegal_address … (`check.Fault`), "" when ok
    detail      the same as a sentence
    since_ns    when this state began
    ok_ns       when the last whole round of answers came
    retry_in_s  how long until a device that is down is asked again
    polls       rounds that were due and begun; skipped: grid ticks that were not (late or backing off)
    answers     right answers; faults: how often each fault was met
    connects    TCP connections opened
    points, bad_points  how many points it speaks for, and how many of them have no value now
    """

    device: str
    connection: str
    address: str
    unit: int
    state: DeviceState = DeviceState.STARTING
    fault: str = ""
    detail: str = ""
    since_ns: int = 0
    ok_ns: int = 0
    retry_in_s: float = 0.0
    polls: int = 0
    skipped: int = 0
    answers: int = 0
    connects: int = 0
    points: int = 0
    bad_points: int = 0
    faults: dict[str, int] = field(default_factory=dict)
