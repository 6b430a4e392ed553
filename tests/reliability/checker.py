"""What became of every reading: the history of a run held against what was found afterwards.

The load generator writes the history, JSON lines, one event a line:

    {"event": "invoke", "id": "m7/1790000000123", "value": 21.5}   about to be sent
    {"event": "ok",     "id": "m7/1790000000123"}                  the broker has it: from now on it must not be lost
    {"event": "fail",   "id": ...}                                 certainly never sent

An id without `ok` and `fail` has an unknown outcome: it may be there or not. Duplicates are decided by identity
(asset, time), never by a flag of the protocol.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO


class History:
    """Writes a history. Not for two threads."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("a", encoding="utf-8")

    def invoke(self, identity: str, value: float) -> None:
        """About to be sent."""
        self._write(event="invoke", id=identity, value=value)

    def ok(self, identity: str) -> None:
        """Acknowledged."""
        self._write(event="ok", id=identity)

    def fail(self, identity: str) -> None:
        """Certainly never sent."""
        self._write(event="fail", id=identity)

    def _write(self, **event: object) -> None:
        self._file.write(json.dumps(event) + "\n")

    def close(self) -> None:
        """Everything is in the file."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Ids by what became of them, sorted.

    ok          acknowledged and found once
    lost        acknowledged and not found
    duplicated  found more than once
    unexpected  found but never sent, or found with another value than was sent
    recovered   outcome unknown, found once (which is fine)
    """

    ok: list[str]
    lost: list[str]
    duplicated: list[str]
    unexpected: list[str]
    recovered: list[str]

    @property
    def passed(self) -> bool:
        """Nothing lost, doubled or made up."""
        return not (self.lost or self.duplicated or self.unexpected)

    def __str__(self) -> str:
        parts = [f"ok {len(self.ok)}"]
        for name in ("lost", "duplicated", "unexpected", "recovered"):
            ids = getattr(self, name)
            parts.append(f"{name} {len(ids)}" + (f" ({', '.join(ids[:5])} …)" if ids else ""))
        return ", ".join(parts)


def check(history: Path, found: Iterable[tuple[str, float]]) -> Verdict:
    """Sort the ids of a history; `found`: (id, value) of every reading there is, repeats included."""
    sent: dict[str, float] = {}
    acknowledged: set[str] = set()
    failed: set[str] = set()
    for line in history.read_text("utf-8").splitlines():
        event = json.loads(line)
        match event["event"]:
            case "invoke":
                sent[event["id"]] = event["value"]
            case "ok":
                acknowledged.add(event["id"])
            case "fail":
                failed.add(event["id"])
    times: Counter[str] = Counter()
    unexpected: set[str] = set()
    for identity, value in found:
        times[identity] += 1
        if identity in failed or sent.get(identity) != value:
            unexpected.add(identity)
    good = times.keys() - unexpected
    return Verdict(
        ok=sorted(identity for identity in good & acknowledged if times[identity] == 1),
        lost=sorted(acknowledged - times.keys()),
        duplicated=sorted(identity for identity, count in times.items() if count > 1),
        unexpected=sorted(unexpected),
        recovered=sorted(identity for identity in good - acknowledged if times[identity] == 1),
    )
