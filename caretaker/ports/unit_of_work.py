"""One transaction over everything that is kept in SQL."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from caretaker.ports.alarms import Alarms
from caretaker.ports.audit import Audit
from caretaker.ports.cursors import Cursors, Parts, Snapshots
from caretaker.ports.estates import Estates
from caretaker.ports.handovers import Handovers
from caretaker.ports.incidents import Incidents
from caretaker.ports.notices import Outbox
from caretaker.ports.people import Passwords, People, Phones, Teams
from caretaker.ports.photos import Photos
from caretaker.ports.repeats import Repeats
from caretaker.ports.rounds import Checkpoints, Findings, RoundPlans, Rounds, Scans
from caretaker.ports.work_orders import WorkOrders
from caretaker.ports.work_requests import WorkRequests


class UnitOfWork(Protocol):
    """One transaction. Leaving the block without an exception commits; with one rolls back."""

    @property
    def estates(self) -> Estates:
        """Sites."""
        ...

    @property
    def cursors(self) -> Cursors:
        """Positions of readers."""
        ...

    @property
    def snapshots(self) -> Snapshots:
        """Engine states."""
        ...

    @property
    def alarms(self) -> Alarms:
        """Alarms."""
        ...

    @property
    def work_orders(self) -> WorkOrders:
        """Work orders."""
        ...

    @property
    def work_requests(self) -> WorkRequests:
        """What people asked for."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Notices."""
        ...

    @property
    def people(self) -> People:
        """Persons and credentials."""
        ...

    @property
    def teams(self) -> Teams:
        """Teams and shifts."""
        ...

    @property
    def phones(self) -> Phones:
        """Enrolled phones."""
        ...

    @property
    def passwords(self) -> Passwords:
        """Password hashes and wrong tries."""
        ...

    @property
    def audit(self) -> Audit:
        """The trail."""
        ...

    @property
    def parts(self) -> Parts:
        """Heartbeats."""
        ...

    @property
    def checkpoints(self) -> Checkpoints:
        """Marked places."""
        ...

    @property
    def round_plans(self) -> RoundPlans:
        """Plans with their versions."""
        ...

    @property
    def rounds(self) -> Rounds:
        """Walks and visits."""
        ...

    @property
    def scans(self) -> Scans:
        """Scans and their verdicts."""
        ...

    @property
    def findings(self) -> Findings:
        """Checks answered not ok."""
        ...

    @property
    def handovers(self) -> Handovers:
        """Signed handover sheets."""
        ...

    @property
    def photos(self) -> Photos:
        """What is known of photos."""
        ...

    @property
    def incidents(self) -> Incidents:
        """Reported happenings."""
        ...

    @property
    def repeats(self) -> Repeats:
        """Keys of requests that were done."""
        ...


class Transactions(Protocol):
    """Opens units of work; one per use case; usable from any thread."""

    def begin(self, *, write: bool = True) -> AbstractContextManager[UnitOfWork]:
        """A read-write transaction takes the write lock at once (SQLite BEGIN IMMEDIATE)."""
        ...

    def migrate(self) -> None:
        """Bring the schema up to date."""
        ...

    def close(self) -> None:
        """Release connections."""
        ...
