"""What somebody answers at a checkpoint: what is asked comes from the server, what is true from the machine itself."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Final

from simulators.machines import Machine

Photo = str
"""Hex SHA-256 of a picture that was made."""
TROUBLES: Final = (
    "有轻微损坏，需要处理",
    "与要求不符，已拍照",
    "上一轮也是这样，请尽快处理",
    "已当场提醒，请安排人员跟进",
)


def answer(
    check: Mapping[str, Any], machine: Machine | None, photo: Photo | None, dice: random.Random, *, trouble: bool
) -> dict[str, Any] | None:
    """One answer as the phone writes it; None: left out (remarks are optional). `trouble`: something is wrong here."""
    made: dict[str, Any] = {"check": check["id"], "result": "ok", "value": None, "reason": None, "photos": []}
    match check["type"]:
        case "number":
            made["value"] = _measured(check, machine, dice)
        case "choice":
            made["value"] = check["choices"][0]["zh"] if check["choices"] else None
        case "photo":
            if photo is None:
                return made | {"result": "cannot", "reason": "镜头起雾，稍后补拍"}
            made["photos"] = [photo]
        case "text":
            return None
        case _ if trouble:
            made |= {"result": "not_ok", "reason": dice.choice(TROUBLES), "photos": [] if photo is None else [photo]}
    return made


def _measured(check: Mapping[str, Any], machine: Machine | None, dice: random.Random) -> float:
    """What the gauge shows: the machine's own value, read as exactly as people read."""
    low, high = check["limits"] or (0.0, 100.0)
    value = None if machine is None or check["point"] is None else machine.shown.get(check["point"])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return round(low + (high - low) * dice.uniform(0.7, 0.95), 1)
    return round(float(value) * dice.uniform(0.995, 1.005), 2)
