"""The journal's reader that judges: evaluate, respond, keep the place."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import structlog

from caretaker.domain.assets import Estate
from caretaker.domain.errors import JournalUnavailable, PositionLost, Unavailable
from caretaker.domain.rules.engine import RuleEngine
from caretaker.domain.rules.types import RuleRef, Transition
from caretaker.ports import Clock, Cursor, Journal, Position, Record, Transactions
from caretaker.services.alarms import RESET_REQUESTED
from caretaker.wire import decode_batch
from rules.place import Place, Respond
from rules.trouble import Trouble

CONSUMER = "rules"
RESETS = "rules-resets"
"""The cursor over the outbox: up to which notice requests to reset latched alarms were heard."""
SECOND = 1_000_000_000
_SETTLED_NS = SECOND // 10
"""The clock runs this much behind for timers: what was accepted before then is certainly readable by now."""

_log: Any = structlog.get_logger(__name__)


@dataclass(slots=True)
class Counters:
    """What the heartbeat tells."""

    records: int = 0
    readings: int = 0
    raised: int = 0
    cleared: int = 0
    unreadable: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things are done, in seconds; `records`: how many are read at once."""

    tick_s: float = 0.2
    save_s: float = 5.0
    beat_s: float = 3.0
    reset_s: float = 1.0
    records: int = 64


@dataclass(slots=True)
class _Due:
    save_ns: int = 0
    beat_ns: int = 0
    tick_ns: int = 0
    reset_ns: int = 0
    changed: bool = field(default=False)


class Judge:
    """Judges one partition of the journal. Build one, `run` it on one thread; a fallen one is replaced, not mended."""

    def __init__(
        self,
        journal: Journal,
        transactions: Transactions,
        estate: Estate,
        clock: Clock,
        respond: Respond,
        *,
        partition: int = 0,
        pace: Pace | None = None,
    ) -> None:
        self._journal, self._transactions, self._estate, self._clock = journal, transactions, estate, clock
        self._respond = respond
        self._partition = partition
        self._pace = pace or Pace()
        self._engine = RuleEngine(estate)
        self._stop = threading.Event()
        self._place = Place(transactions, CONSUMER, partition, lambda trouble: trouble.pause(self._stop))
        self._journal_trouble = Trouble("journal read by the rules")
        self._position: Position = 0
        self._accepted_ns = 0
        self._resets_at: Cursor | None = None
        self._due = _Due()
        self.counters = Counters()

    def run(self, stop: threading.Event) -> None:
        """Judge until `stop`. Raises Fenced when another process took over: do not start again then."""
        self._stop = stop
        if not self._begin():
            return
        while not stop.is_set():
            records = self._read(self._pace.records)
            if records is None:
                continue
            if not self._take(records):
                return
            now = self._clock.now_ns()
            if not records and not self._idle(now):
                return
            if not self._housekeeping(now):
                return
            if not records:
                self._journal.wait(self._partition, self._position, self._pace.tick_s)
        if self._due.changed:
            self._save()
        self._beat(stopped=True)

    # ------------------------------------------------------------------ coming back

    def _begin(self) -> bool:
        """Claim, restore, replay what was already answered, take over the open alarms, catch up. False: stopped."""
        started_ns = self._clock.now_ns()
        found = self._arrive()
        if found is None:
            return False
        saved, alarms = found
        for ref, why in self._engine.disabled.items():
            _log.error("rule_disabled", asset=ref.asset, rule=ref.rule, reason=why)
        self._restore(saved)
        answered = self._sane(self._place.cursor.position)
        if not self._replay(answered, silent=True) or not self._adopt(alarms, started_ns):
            return False
        if not self._replay(self._journal.last(self._partition), silent=False):
            return False
        if self._position:
            self._engine.resume(started_ns, self._accepted_ns or self._last_accepted(started_ns))
        _log.info("judging", position=self._position, answered=answered, alarms=len(alarms))
        return self._take([], self._engine.advance(started_ns)) and self._save()

    def _last_accepted(self, now_ns: int) -> int:
        """When the last record was accepted, after a stop that left nothing to replay; now when it is not kept."""
        try:
            records = self._journal.read(self._partition, self._position - 1, 1)
        except (PositionLost, JournalUnavailable):
            return now_ns
        return records[0].accepted_ns if records else now_ns

    def _arrive(self) -> tuple[tuple[Position, bytes] | None, dict[RuleRef, int]] | None:
        """Snapshot and open alarms, as soon as the database gives them; None: stopped."""
        sql = self._place.sql
        while True:
            try:
                saved, alarms = self._place.claim(), self._place.open_alarms(self._estate.site.id)
            except Unavailable as away:
                sql.failed(away.message)
                if not sql.pause(self._stop):
                    return None
            else:
                sql.well()
                return saved, alarms

    def _restore(self, saved: tuple[Position, bytes] | None) -> None:
        if saved is None:
            return
        try:
            self._engine.restore(saved[1])
        except ValueError as wrong:
            _log.error("snapshot_unreadable", reason=str(wrong), next="judging anew from what the journal still keeps")
            self._engine = RuleEngine(self._estate)
            return
        self._position = saved[0]

    def _sane(self, answered: Position) -> Position:
        """A cursor beyond the journal's end means that the journal was replaced: begin at what it holds."""
        last = self._journal.last(self._partition)
        if answered <= last:
            return answered
        _log.error("journal_replaced", cursor=answered, last=last, next="judging what the journal holds now")
        self._position = self._journal.first(self._partition) - 1
        return self._position

    def _replay(self, upto: Position, *, silent: bool) -> bool:
        """Evaluate up to a position; silent: the effects are already committed."""
        while self._position < upto and not self._stop.is_set():
            records = self._read(min(self._pace.records, upto - self._position))
            if records is None:
                continue
            if not records:
                break
            if silent:
                self._evaluate(records)
            elif not self._take(records):
                return False
        if silent:
            self._position = max(self._position, upto)
        return not self._stop.is_set()

    def _adopt(self, alarms: dict[RuleRef, int], now_ns: int) -> bool:
        known = self._engine.refs()
        orphans = [ref for ref in alarms if ref not in known]
        if orphans:
            self._place.close_orphans(self._estate.site.id, orphans, now_ns)
        return self._take([], self._engine.reconcile(alarms, now_ns))

    # ------------------------------------------------------------------ the work

    def _read(self, limit: int) -> list[Record] | None:
        """The next records; None when the journal could not be read and it was waited."""
        try:
            records = list(self._journal.read(self._partition, self._position, limit))
        except PositionLost as lost:
            first = self._journal.first(self._partition)
            self.counters.lost += max(first - 1 - self._position, 1)
            _log.error("readings_lost", after=self._position, first=first, reason=lost.message)
            self._position = first - 1
            return None
        except JournalUnavailable as away:
            self._journal_trouble.failed(away.message)
            self._journal_trouble.pause(self._stop)
            return None
        self._journal_trouble.well()
        return records

    def _evaluate(self, records: list[Record]) -> list[Transition]:
        out: list[Transition] = []
        for record in records:
            try:
                batch = decode_batch(record.payload)
            except ValueError as wrong:
                self.counters.unreadable += 1
                _log.error("record_unreadable", position=record.position, reason=str(wrong))
            else:
                out += self._engine.evaluate(batch, record.accepted_ns)
                self.counters.readings += len(batch)
            self._position, self._accepted_ns = record.position, record.accepted_ns
        self.counters.records += len(records)
        self._due.changed |= bool(records)
        return out

    def _take(self, records: list[Record], more: list[Transition] | None = None) -> bool:
        """Evaluate records and answer what follows; False when we stop before it is committed."""
        transitions = (more or []) + self._evaluate(records)
        if not transitions:
            return True
        if not self._place.respond(self._respond, transitions, self._position):
            return False
        raised = sum(transition.change == "raised" for transition in transitions)
        self.counters.raised += raised
        self.counters.cleared += len(transitions) - raised
        # what a timer did is not in the journal: a replay must not cross it
        return bool(records) or self._save()

    def _idle(self, now_ns: int) -> bool:
        """Nothing is waiting in the journal, so the present is the clock's: let timers run, hear requests."""
        if now_ns < self._due.tick_ns:
            return True
        self._due.tick_ns = now_ns + int(self._pace.tick_s * SECOND)
        return self._take([], self._engine.advance(now_ns - _SETTLED_NS))

    def _housekeeping(self, now_ns: int) -> bool:
        due = self._due
        if now_ns >= due.reset_ns:
            due.reset_ns = now_ns + int(self._pace.reset_s * SECOND)
            if not self._resets(now_ns):
                return False
        if now_ns >= due.save_ns and due.changed and not self._save():
            return False
        if now_ns >= due.beat_ns:
            self._beat()
        return True

    def _resets(self, now_ns: int) -> bool:
        """Release latched alarms that people reset; a request is forgotten only with its effect committed."""
        try:
            if self._resets_at is None:
                with self._transactions.begin() as unit:
                    self._resets_at = unit.cursors.claim(RESETS, self._partition)
            with self._transactions.begin(write=False) as unit:
                notices = unit.outbox.since(self._resets_at.position)
                asked = [n.facts for n in notices if n.event == RESET_REQUESTED]
                alarms = [unit.alarms.get(str(facts["alarm"])) for facts in asked]
        except Unavailable as away:
            self._place.sql.failed(away.message)
            return True
        if not notices:
            return True
        refs = [RuleRef(alarm.asset, alarm.rule) for alarm in alarms if alarm.active]
        out = [t for ref in refs if ref in self._engine.refs() for t in self._engine.reset(ref, now_ns)]
        if not self._take([], out):
            return False
        try:
            with self._transactions.begin() as unit:
                self._resets_at = unit.cursors.advance(self._resets_at, notices[-1].id)
        except Unavailable as away:
            self._place.sql.failed(away.message)
        return True

    def _save(self) -> bool:
        if not self._place.save(self._engine, self._position):
            return False
        self._due.changed = False
        self._due.save_ns = self._clock.now_ns() + int(self._pace.save_s * SECOND)
        self._journal.release(CONSUMER, self._partition, self._position)
        return True

    def _beat(self, *, stopped: bool = False) -> None:
        now_ns = self._clock.now_ns()
        self._due.beat_ns = now_ns + int(self._pace.beat_s * SECOND)
        counters, disabled = self.counters, self._engine.disabled
        reasons = [f"{len(disabled)} rules are disabled"] if disabled else []
        if counters.lost:
            reasons.append(f"{counters.lost} records were dropped before they were judged")
        if counters.unreadable:
            reasons.append(f"{counters.unreadable} records could not be read")
        if stopped:
            reasons = ["stopped"]
        facts = {
            "status": "down" if stopped else "degraded" if reasons else "ok",
            "reason": "; ".join(reasons) or None,
            "position": self._position,
            "lag": max(self._journal.last(self._partition) - self._position, 0),
            "active": len(self._engine.active()),
            "late": self._engine.late,
            "disabled": {f"{ref.asset}/{ref.rule}": why for ref, why in disabled.items()},
            **{name: getattr(counters, name) for name in Counters.__slots__},
        }
        try:
            with self._transactions.begin() as unit:
                unit.parts.beat("rules", now_ns, facts)
        except Unavailable as away:
            self._place.sql.failed(away.message)
        else:
            self._place.sql.well()
