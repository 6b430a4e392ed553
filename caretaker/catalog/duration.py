"""Durations as people write them: `500ms`, `5s`, `10min`, `2h`, `3d`."""

from __future__ import annotations

import re
from typing import Final

_PATTERN: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|min|h|d)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(text: object) -> float:
    """`10min` -> 600.0. Raises ValueError on anything else (the schema has refused it before)."""
    match = _PATTERN.fullmatch(str(text))
    if match is None:
        raise ValueError(f"{text!r} is not a duration like 500ms, 5s, 10min, 2h or 3d")
    return float(match[1]) * _SECONDS[match[2]]
