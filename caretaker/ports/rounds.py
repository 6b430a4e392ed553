"""Where checkpoints, plans, rounds, scans and findings are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.columns import RoundColumns
from caretaker.domain.rounds.findings import Finding
from caretaker.domain.rounds.plans import RoundPlan
from caretaker.domain.rounds.rounds import Round, RoundState, Visit
from caretaker.domain.rounds.scans import Scan, Verdict

LAST_STEP: Final = 9
"""The step of a round about which everybody has been told."""


class Checkpoints(Protocol):
    """Marked places."""

    def add(self, checkpoint: Checkpoint) -> bool:
        """Insert; False when the id is known, or its short code or tag is another's at this site."""
        ...

    def save(self, checkpoint: Checkpoint) -> None:
        """Write. Raises Conflict when the short code or the tag is another's, NotFound when there is none."""
        ...

    def get(self, site: str, checkpoint_id: str) -> Checkpoint:
        """Raises NotFound."""
        ...

    def find(self, site: str, *, short_code: str | None = None, nfc: str | None = None) -> Checkpoint | None:
        """By what somebody typed, or by the tag."""
        ...

    def list(self, site: str) -> Sequence[Checkpoint]:
        """In the order of the site file, later ones after it."""
        ...


class RoundPlans(Protocol):
    """Plans with all their versions: a round keeps the one it was made from."""

    def keep(self, plan: RoundPlan, at_ns: int, by: str | None = None) -> bool:
        """Insert this version, made by this person; False when it is there already. Versions are never changed."""
        ...

    def get(self, site: str, plan_id: str, version: int | None = None) -> RoundPlan:
        """The newest version, or one. Raises NotFound."""
        ...

    def list(self, site: str, *, active: bool | None = None) -> Sequence[RoundPlan]:
        """The newest version of each, by id."""
        ...

    def history(self, site: str, plan_id: str) -> Sequence[PlanVersion]:
        """All versions, the newest first; none of an unknown plan."""
        ...

    def made(self, site: str) -> Mapping[str, Making]:
        """plan id -> how far rounds are made."""
        ...

    def note_made(self, site: str, plan_id: str, making: Making) -> None:
        """Remember it."""
        ...


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """A version of a plan: since when, by whom (None: not known)."""

    plan: RoundPlan
    at_ns: int
    by: str | None


@dataclass(frozen=True, slots=True)
class Making:
    """Rounds of a plan that start before `until_ns` exist; `version` of the plan then, `day` it was looked at."""

    until_ns: int
    version: int
    day: date


@dataclass(frozen=True, slots=True)
class Stop:
    """A visit with the round it belongs to."""

    round: str
    plan: str
    plan_version: int
    person: str | None
    visit: Visit


class Rounds(Protocol):
    """Walks and their visits."""

    def add(self, walk: Round) -> bool:
        """Insert with visits; False when the id is known."""
        ...

    def get(self, round_id: str, *, lock: bool = False) -> Round:
        """`lock`: nobody else changes it until this transaction ends. Raises NotFound."""
        ...

    def save(self, walk: Round) -> None:
        """Write the round and all its visits; call it on what `get(lock=True)` gave."""
        ...

    def list(
        self,
        site: str,
        *,
        from_ns: int | None = None,
        to_ns: int | None = None,
        states: Sequence[RoundState] | None = None,
        plan: str | None = None,
        person: str | None = None,
        limit: int = 500,
    ) -> Sequence[Round]:
        """By start, ascending; `from_ns`, `to_ns`: the round's time overlaps [from, to)."""
        ...

    def watched(self, site: str, now_ns: int, ended_after_ns: int) -> Sequence[tuple[Round, int]]:
        """(round, step) of those begun by time or by a person and not finished, unless their notices have come to their
        end; of the ones that are over only those that ended after `ended_after_ns`."""
        ...

    def columns(self, site: str, from_ns: int, to_ns: int) -> RoundColumns:
        """All rounds that overlap [from, to) and were not called off, with their visits, as columns."""
        ...

    def stops(self, site: str, checkpoint: str, from_ns: int, to_ns: int) -> Sequence[Stop]:
        """The visits of one point whose window opens in [from, to), newest first; not those of rounds called off."""
        ...

    def step(self, round_id: str) -> int:
        """How far its notices have gone, 0 none to LAST_STEP."""
        ...

    def set_step(self, round_id: str, step: int) -> None:
        """Remember it."""
        ...


@dataclass(frozen=True, slots=True)
class Decision:
    """What a supervisor said of a marked scan."""

    accepted: bool
    by: str
    at_ns: int
    comment: str


@dataclass(frozen=True, slots=True)
class KeptScan:
    """A scan as it is kept: what came, what it is worth, what was decided.

    checkpoint  the place its code stands for (what the phone called it is in `scan.checkpoint`)
    visit       the sequence of the visit it is for, whether it counts or not; None: not on the round
    """

    scan: Scan
    verdict: Verdict | None
    checkpoint: str | None = None
    visit: int | None = None
    decision: Decision | None = None

    @property
    def counts(self) -> bool:
        """Does it make a visit? A person's word goes before the judge's."""
        if self.decision is not None:
            return self.decision.accepted
        return self.verdict is not None and self.verdict.accepted


@dataclass(frozen=True, slots=True)
class Tallied:
    """How many scans (or findings) of one person on rounds of one plan; `plan` None: on no round."""

    person: str
    plan: str | None
    count: int
    marked: int = 0
    manual: int = 0


class Scans(Protocol):
    """Scans, never changed once judged, only decided."""

    def add(self, scan: Scan) -> bool:
        """Insert as it came; False when this id is known (another transaction's insert is waited for)."""
        ...

    def judge(self, scan_id: str, verdict: Verdict, checkpoint: str | None, visit: int | None) -> None:
        """Write the verdict, the place and the visit it is for, once."""
        ...

    def showing(self, site: str, photo: str, besides: str) -> str | None:
        """The id of another scan that shows this photo (hex SHA-256), the first one; None when there is none."""
        ...

    def decide(self, scan_id: str, decision: Decision) -> None:
        """Write a supervisor's word."""
        ...

    def get(self, scan_id: str) -> KeptScan:
        """Raises NotFound."""
        ...

    def list(  # noqa: PLR0913  (each a filter by name)
        self,
        site: str,
        *,
        round_id: str | None = None,
        person: str | None = None,
        phone: str | None = None,
        checkpoint: str | None = None,
        suspicious: bool | None = None,
        undecided: bool | None = None,
        from_ns: int | None = None,
        to_ns: int | None = None,
        limit: int = 500,
    ) -> Sequence[KeptScan]:
        """Newest first by the believed time; [from, to) on it."""
        ...

    def tally(self, site: str, from_ns: int, to_ns: int) -> Sequence[Tallied]:
        """Scans of [from, to) counted by person and plan: all, those that were marked, those typed by hand."""
        ...


class Findings(Protocol):
    """Checks answered not ok."""

    def add(self, finding: Finding) -> bool:
        """Insert; False when known."""
        ...

    def list(
        self,
        site: str,
        *,
        scan: str | None = None,
        round_id: str | None = None,
        checkpoint: str | None = None,
        from_ns: int | None = None,
        to_ns: int | None = None,
        limit: int = 500,
    ) -> Sequence[Finding]:
        """Newest first."""
        ...

    def tally(self, site: str, from_ns: int, to_ns: int) -> Sequence[Tallied]:
        """Findings of [from, to) counted by person and plan."""
        ...
