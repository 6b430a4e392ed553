"""A house with its HTTP door open on a free port: SQLite file, LMDB journal, block store, real uvicorn.

Time is a hand clock, so that links expire and sensors fall silent without waiting.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from api.app import Server, create_app, server
from api.doors import Doors, SecureDoor
from caretaker import wire
from caretaker.adapters.certificates import CertificateFolder
from caretaker.adapters.journal_lmdb import LmdbJournal
from caretaker.adapters.key_ring import KeyRing
from caretaker.adapters.memory.clock import HandClock
from caretaker.adapters.photo_files import PhotoFolder
from caretaker.adapters.report_files import ReportFolder
from caretaker.adapters.signatures import verify_signature
from caretaker.adapters.sql import SqlTransactions
from caretaker.adapters.store_blocks import BlockStore
from caretaker.domain.alarms import Alarm
from caretaker.domain.assets import Estate
from caretaker.domain.people import Person, Role
from caretaker.domain.readings import Quality, ReadingBatch
from caretaker.domain.rules.types import Change, Evidence, RuleRef, Transition
from caretaker.services import people, plain_judge
from caretaker.services.alarms import clear_alarm, raise_alarm
from caretaker.services.gate import Gate
from caretaker.services.photos import facts_of
from caretaker.services.proof import Proof
from caretaker.services.readings import Acceptor
from tests.factories import demo_kinds, demo_site
from tests.servers import free_port

MS = 1_000_000
PROBLEM = "application/problem+json"


@dataclass
class ApiHouse:
    """What a test needs of a running API: the ports behind it, clients before it, and hands to make things happen."""

    transactions: SqlTransactions
    journal: LmdbJournal
    store: BlockStore
    estate: Estate
    clock: HandClock
    acceptor: Acceptor
    base: str
    http: Server
    doors: Doors
    tokens: dict[Role, str] = field(default_factory=dict)
    _records: int = 0

    def token(self, role: Role) -> str:
        """A bearer token of this role."""
        if role not in self.tokens:
            self.tokens[role] = people.create_token(self.transactions, role, f"the {role}", self.clock.now_ns())
        return self.tokens[role]

    def client(self, role: Role | None, **headers: str) -> httpx.Client:
        """A client that carries the role's token (None: a stranger) and reads English."""
        said = {"Accept-Language": "en", **headers}
        if role is not None:
            said["Authorization"] = f"Bearer {self.token(role)}"
        return httpx.Client(base_url=self.base, headers=said, timeout=10)

    def link(self, role: Role, name: str = "王海涛") -> str:
        """The code of a fresh one-time link."""
        return people.create_link(self.transactions, Person(f"p-{role}", name, role), self.clock.now_ns())

    @contextmanager
    def browser(self, role: Role, **headers: str) -> Iterator[httpx.Client]:
        """A client signed in by cookie, as a page is."""
        with self.client(None, **headers) as client:
            answer = client.post("/api/v1/session", json={"code": self.link(role)})
            assert answer.status_code == 200, answer.text
            yield client

    def say(self, asset: str, quality: Quality = Quality.GOOD, **values: float) -> None:
        """The asset's sensors say this now: into the journal, and into the store as ingest would."""
        now = self.clock.now_ns()
        ids = [self.estate.by_key[asset, key].id for key in values]
        n = len(ids)
        batch = ReadingBatch.of(ids, [now] * n, list(values.values()), [quality] * n)
        self._records += 1
        position = self.journal.append("test", f"r{self._records}", wire.encode_batch(batch), now)
        self.store.write(batch, position)

    def raised(self, asset: str, rule: str, point: str, value: float, limit: float) -> Alarm:
        """The rule judged the asset broken now."""
        now = self.clock.now_ns()
        proof = Evidence(self.estate.by_key[asset, point].id, point, now, value, 0, limit)
        with self.transactions.begin() as unit:
            alarm = raise_alarm(
                unit, self.estate, Transition(RuleRef(asset, rule), Change.RAISED, now, now, now, (proof,)), now
            )
        assert alarm is not None
        return alarm

    def cleared(self, asset: str, rule: str) -> Alarm:
        """The rule judged the asset normal now."""
        now = self.clock.now_ns()
        with self.transactions.begin() as unit:
            alarm = clear_alarm(unit, self.estate, Transition(RuleRef(asset, rule), Change.CLEARED, now, now, now), now)
        assert alarm is not None
        return alarm


@contextmanager
def api_house(
    folder: Path, static: Path | None = None, *, secure: Sequence[str] | None = None, proven: bool = False
) -> Iterator[ApiHouse]:
    """Open it, serve on a thread with its own loop, close all. `static`: the built pages. `secure`: an https door with a
    CA made here, too. `proven`: scans are judged by their codes as well, as in the house that people start."""
    transactions = SqlTransactions(f"sqlite:///{folder / 'caretaker.db'}")
    transactions.migrate()
    with transactions.begin() as unit:
        unit.estates.load(demo_kinds(), demo_site())
    with transactions.begin(write=False) as unit:
        estate = unit.estates.get(demo_kinds())
    journal = LmdbJournal(folder / "journal", limit_bytes=64 << 20)
    store = BlockStore(folder / "store")
    clock = HandClock(time.time_ns())
    acceptor = Acceptor(journal, Gate(estate.points.values(), 10**18), clock, "http")
    port = free_port()
    certificates = CertificateFolder(folder / "tls")
    if secure is not None:
        certificates.make(secure, clock.now_ns())
    doors = Doors(("127.0.0.1", port), ("127.0.0.1", free_port()) if secure is not None else None, certificates)
    keys = KeyRing(folder / "keys")
    app = create_app(
        transactions=transactions,
        estate=estate,
        journal=journal,
        store=store,
        clock=clock,
        version="test",
        static=static,
        accept=acceptor.accept_now,
        photos=PhotoFolder(folder / "photos", estate.site.zone),
        reports=ReportFolder(folder / "reports"),
        keys=keys,
        judge=Proof(keys, verify_signature, store, facts_of) if proven else plain_judge.judge,
        doors=doors,
    )
    door = None if doors.https is None else SecureDoor(doors.https, certificates, clock, look_s=0.05)
    http = server(app, "127.0.0.1", port, door)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=_serve, args=(loop, http), name="uvicorn")
    thread.start()
    try:
        while not http.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.005)
        base = f"http://127.0.0.1:{port}"
        yield ApiHouse(transactions, journal, store, estate, clock, acceptor, base, http, doors)
    finally:
        if thread.is_alive():
            asyncio.run_coroutine_threadsafe(http.stop(), loop).result(10)
        thread.join(10)
        loop.close()
        store.close()
        journal.close()
        transactions.close()
    assert not thread.is_alive()


def _serve(loop: asyncio.AbstractEventLoop, http: Server) -> None:
    asyncio.set_event_loop(loop)
    loop.run_until_complete(http.serve())


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    name: str
    id: int | None
    body: Mapping[str, Any]


def events(answer: httpx.Response) -> Iterator[Event]:
    """The events of an open stream, comments left out."""
    name, event_id = "", None
    for line in answer.iter_lines():
        key, _, value = line.partition(": ")
        if key == "event":
            name = value
        elif key == "id":
            event_id = int(value)
        elif key == "data":
            yield Event(name, event_id, json.loads(value))
            name, event_id = "", None


def problem_of(answer: httpx.Response, status: int, code: str) -> Mapping[str, Any]:
    """The body of a refusal, proven to be one: problem+json with this status and code, and no traceback."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    body: Mapping[str, Any] = answer.json()
    assert (body["status"], body["code"]) == (status, code), body
    assert {"type", "title", "detail", "facts"} <= body.keys()
    assert "Traceback" not in answer.text
    return body
