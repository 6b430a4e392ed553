"""Strict JSON, times and paths: what a payload may say, and the words for refusing it. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

MAX_PAYLOAD: Final = 64 << 10
"""A message of readings is under 1 kB; 64 kB leaves room for gateways that send packs."""
MILLISECOND: Final = 1_000_000
_LEAP: Final = re.compile(r"^(.*T\d\d:\d\d):60")
_PATH: Final = re.compile(r"""\.([A-Za-z_][A-Za-z0-9_-]*)|\[(\d+)\]|\['([^']+)'\]|\["([^"]+)"\]""")
_NUMBER: Final = re.compile(r"[+-]?(\d{1,300}(\.\d{0,300})?|\.\d{1,300})([eE][+-]?\d{1,3})?", re.ASCII)
_UNITS: Final = {"s": 1_000_000_000, "ms": MILLISECOND, "us": 1000, "ns": 1}

MISSING: Final = object()


class RefusedError(Exception):
    """This message, or this value of it, is refused. `reason` is a stable word, `detail` a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def strict_json(payload: bytes) -> Any:
    """JSON without NaN, Infinity, numbers beyond a double, duplicate keys or endless nesting. Raises RefusedError."""
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise RefusedError("not_utf8", f"the payload is not UTF-8 at byte {wrong.start}") from wrong
    try:
        return _decode(text)
    except json.JSONDecodeError as wrong:
        raise RefusedError("bad_json", f"no JSON: {wrong.msg} at character {wrong.pos}") from wrong
    except RecursionError as wrong:
        raise RefusedError("too_deep", "JSON nested too deeply") from wrong


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RefusedError("duplicate_key", "the same key twice in one JSON object")
    return found


def _constant(word: str) -> Any:
    raise RefusedError("not_finite", f"{word} is no number")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise RefusedError("not_finite", f"{text[:40]} is beyond a double")
    return value


def _int(text: str) -> int:
    if len(text) > 20:
        raise RefusedError("too_large_number", f"{text[:40]} is beyond 64 bits")
    return int(text)


_decode = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float, parse_int=_int
).decode


def time_ns(said: object, now_ns: int, unit: str | None = None) -> int:
    """A device's time in nanoseconds; `now_ns` when it said none.

    Without a declared unit the magnitude tells: below 1e11 seconds (until the year 5138), below 1e14 milliseconds,
    below 1e17 microseconds, else nanoseconds. Text is ISO 8601; without a zone it is UTC. Raises RefusedError.
    """
    if said is None or said is MISSING:
        return now_ns
    if isinstance(said, str):
        return _iso_ns(said)
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise RefusedError("time_invalid", f"a time is a number or ISO 8601 text, not {type(said).__name__}")
    if unit in _UNITS:
        factor = _UNITS[unit]
    elif unit is not None:
        raise RefusedError("time_invalid", f"a number where time is declared as {unit}")
    else:
        size = abs(said)
        factor = _UNITS["s" if size < 1e11 else "ms" if size < 1e14 else "us" if size < 1e17 else "ns"]
    found = said * factor if isinstance(said, int) else round(said * factor)
    if not 0 <= found < 1 << 63:
        raise RefusedError("time_invalid", f"{said} is no time")
    return found


def _iso_ns(text: str) -> int:
    leap = _LEAP.match(text)
    try:
        at = datetime.fromisoformat(f"{leap[1]}:59{text[leap.end() :]}" if leap else text)
    except ValueError as wrong:
        raise RefusedError("time_invalid", f"{text[:40]!r} is no ISO 8601 time") from wrong
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    whole = at - datetime(1970, 1, 1, tzinfo=UTC)
    return ((whole.days * 86400 + whole.seconds + bool(leap)) * 1_000_000 + whole.microseconds) * 1000


def number(text: str) -> float | None:
    """A number written as text (ASCII, no underscores), else None."""
    stripped = text.strip()
    if not _NUMBER.fullmatch(stripped):
        return None
    value = float(stripped)
    return None if math.isinf(value) else value


def path(text: str) -> tuple[str | int, ...]:
    """`$.a.b[0]['x y']` -> ('a', 'b', 0, 'x y'). Raises ValueError."""
    steps: list[str | int] = []
    if not text.startswith("$"):
        raise ValueError(f"{text!r}: a path starts with $")
    at = 1
    while at < len(text):
        step = _PATH.match(text, at)
        if step is None:
            raise ValueError(f"{text!r}: cannot read {text[at:]!r}; expected .name, [0] or ['name']")
        name = step[1] or step[3] or step[4]
        steps.append(int(step[2]) if name is None else name)
        at = step.end()
    return tuple(steps)


def follow(document: Any, steps: Iterable[str | int]) -> Any:
    """What lies at a path; MISSING when nothing does."""
    for step in steps:
        if isinstance(step, str):
            document = document.get(step, MISSING) if isinstance(document, dict) else MISSING
        else:
            document = document[step] if isinstance(document, list) and step < len(document) else MISSING
        if document is MISSING:
            return MISSING
    return document
