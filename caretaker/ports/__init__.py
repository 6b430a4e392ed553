"""What the use cases need from the world, as Protocols. The adapters make them real.

All ports are synchronous: SQLite, LMDB and the store's HTTP are blocking calls that belong on threads of their own;
the event loop only holds sockets (docs/adr tells the numbers).
"""

from caretaker.ports.alarms import Alarms as Alarms
from caretaker.ports.audit import Audit as Audit
from caretaker.ports.broker import BrokerLink as BrokerLink
from caretaker.ports.broker import LinkStatus as LinkStatus
from caretaker.ports.broker import Publishes as Publishes
from caretaker.ports.clock import Clock as Clock
from caretaker.ports.cursors import Cursor as Cursor
from caretaker.ports.cursors import Cursors as Cursors
from caretaker.ports.cursors import Parts as Parts
from caretaker.ports.cursors import Snapshots as Snapshots
from caretaker.ports.estates import Estates as Estates
from caretaker.ports.handovers import Handovers as Handovers
from caretaker.ports.incidents import Incidents as Incidents
from caretaker.ports.journal import Journal as Journal
from caretaker.ports.journal import JournalDepth as JournalDepth
from caretaker.ports.journal import Position as Position
from caretaker.ports.journal import Quarantined as Quarantined
from caretaker.ports.journal import Record as Record
from caretaker.ports.notices import Notifier as Notifier
from caretaker.ports.notices import Outbox as Outbox
from caretaker.ports.people import Credential as Credential
from caretaker.ports.people import Passwords as Passwords
from caretaker.ports.people import People as People
from caretaker.ports.people import Phones as Phones
from caretaker.ports.people import Teams as Teams
from caretaker.ports.photos import Photos as Photos
from caretaker.ports.repeats import Once as Once
from caretaker.ports.repeats import Repeats as Repeats
from caretaker.ports.rounds import Checkpoints as Checkpoints
from caretaker.ports.rounds import Decision as Decision
from caretaker.ports.rounds import Findings as Findings
from caretaker.ports.rounds import KeptScan as KeptScan
from caretaker.ports.rounds import Making as Making
from caretaker.ports.rounds import RoundPlans as RoundPlans
from caretaker.ports.rounds import Rounds as Rounds
from caretaker.ports.rounds import Scans as Scans
from caretaker.ports.store import Aggregate as Aggregate
from caretaker.ports.store import Buckets as Buckets
from caretaker.ports.store import Latest as Latest
from caretaker.ports.store import ReadingStore as ReadingStore
from caretaker.ports.store import Series as Series
from caretaker.ports.unit_of_work import Transactions as Transactions
from caretaker.ports.unit_of_work import UnitOfWork as UnitOfWork
from caretaker.ports.work_orders import WorkOrders as WorkOrders
from caretaker.ports.work_requests import WorkRequests as WorkRequests
