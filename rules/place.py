"""Where a judge stands: its cursor and its snapshot, and how it comes back to both after a restart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import structlog

from caretaker.domain.errors import Fenced, Unavailable
from caretaker.domain.rules.engine import RuleEngine
from caretaker.domain.rules.types import RuleRef, Transition
from caretaker.ports import Cursor, Position, Transactions
from rules.trouble import Trouble

_log: Any = structlog.get_logger(__name__)


class Respond(Protocol):
    """Commits the effects of transitions together with the cursor (`services.alarms.respond` with its world bound)."""

    def __call__(self, transitions: Sequence[Transition], cursor: Cursor, to: Position) -> Cursor:
        """Raises Fenced, Unavailable."""
        ...


class Place:
    """The cursor and the snapshot of one reader of one partition. `pause` waits before a retry; False: give up, we stop."""

    def __init__(
        self, transactions: Transactions, consumer: str, partition: int, pause: Callable[[Trouble], bool]
    ) -> None:
        self._transactions = transactions
        self.consumer, self.partition = consumer, partition
        self._pause = pause
        self.sql = Trouble("database of the rules")
        self.cursor = Cursor(consumer, partition, 0, 0)

    def claim(self) -> tuple[Position, bytes] | None:
        """Become the owner; the newest snapshot, when there is one. Raises Unavailable."""
        with self._transactions.begin() as unit:
            self.cursor = unit.cursors.claim(self.consumer, self.partition)
            return unit.snapshots.load(self.consumer, self.partition)

    def open_alarms(self, site: str) -> dict[RuleRef, int]:
        """Which rules hold an alarm open, and since when. Raises Unavailable."""
        with self._transactions.begin(write=False) as unit:
            alarms = unit.alarms.list(active=True, limit=1_000_000)
        return {RuleRef(a.asset, a.rule): a.raised_ns for a in alarms if a.site == site}

    def close_orphans(self, site: str, orphans: Sequence[RuleRef], now_ns: int) -> None:
        """End alarms whose rule exists no more: nothing would ever clear them. Raises Unavailable."""
        with self._transactions.begin() as unit:
            for ref in orphans:
                unit.alarms.clear(site, ref.asset, ref.rule, now_ns)
        _log.warning("alarms_without_rule_cleared", rules=[f"{ref.asset}/{ref.rule}" for ref in orphans])

    def respond(self, respond: Respond, transitions: Sequence[Transition], to: Position) -> bool:
        """Commit, as often as it takes; False when we stop before it worked. Raises Fenced."""

        def commit() -> None:
            self.cursor = respond(transitions, self.cursor, to)

        return self._insist(commit, to)

    def save(self, engine: RuleEngine, to: Position) -> bool:
        """Snapshot and cursor in one transaction, as often as it takes; False when we stop first. Raises Fenced."""
        state = engine.snapshot()

        def commit() -> None:
            with self._transactions.begin() as unit:
                moved = unit.cursors.advance(self.cursor, to)
                unit.snapshots.save(self.consumer, self.partition, to, state)
            self.cursor = moved

        return self._insist(commit, to)

    def _insist(self, commit: Callable[[], None], to: Position) -> bool:
        unsure = False
        while True:
            try:
                commit()
            except Fenced:
                if not (unsure and self._landed(to)):
                    raise
            except Unavailable as away:
                unsure = True
                self.sql.failed(away.message)
                if not self._pause(self.sql):
                    return False
                continue
            self.sql.well()
            return True

    def _landed(self, to: Position) -> bool:
        """Was it our own commit that moved the cursor, and only its answer was lost?"""
        there = replace(self.cursor, position=to)
        try:
            with self._transactions.begin() as unit:
                self.cursor = unit.cursors.advance(there, to)
        except Fenced:
            return False
        return True
