"""What the estate notices of somebody at a checkpoint: the machines its witnesses name, each in its own way."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Final

from caretaker.domain.rounds.checkpoints import Checkpoint
from simulators.machines import Machine

NOTICED: Final = 0.85
"""A lift that stands there already, a door held open by a neighbour: not every machine notices everybody."""


class Presence:
    """Where people are, as far as machines care."""

    def __init__(self, machines: Mapping[str, Machine], checkpoints: Iterable[Checkpoint], seed: int = 1) -> None:
        self._machines = machines
        self._dice = random.Random(seed)
        self._near: dict[str, list[tuple[str, bool]]] = {}
        self._level: dict[str, int] = {}
        for place in checkpoints:
            named: dict[str, bool] = {}
            for witness in place.witnesses:
                asset = witness.partition(".")[0]
                named[asset] = named.get(asset, False) or witness.endswith("!")
            self._near[place.id] = list(named.items())
            self._level[place.id] = place.place.level

    def arrive(self, checkpoint: str) -> list[str]:
        """Somebody comes to a checkpoint; the assets that notice. A door without which nobody gets in always does."""
        noticed: list[str] = []
        for asset, needed in self._near.get(checkpoint, ()):
            if asset in self._machines and (needed or self._dice.random() < NOTICED):
                self._machines[asset].model.notice(self._level[checkpoint])
                noticed.append(asset)
        return noticed
