"""The house as a process that can be killed, and phones that send what they wrote down until it is acknowledged.

A phone does what the page does (web/src/phone/store/sync.ts): one job after the other, the same bytes again after any
failure, gone from the queue only by the server's 200. Besides it breaks lines of its own: in the middle of a body, and
after the body before the answer, which is the case in which a server that counts calls instead of ids counts twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import socket
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from caretaker import bootstrap
from caretaker.adapters.audit_seal import FileSeal
from caretaker.adapters.key_ring import KeyRing
from caretaker.adapters.sql import SqlTransactions
from caretaker.config import load
from caretaker.domain.equipment import Text
from caretaker.domain.people import Person, Role
from caretaker.domain.rounds.codes import token_of
from caretaker.domain.rounds.plans import Order, PlanKind, PlanPoint, RoundPlan
from caretaker.services import phones, rounds
from simulators.guards.phone import Phone
from simulators.guards.picture import snapshot
from tests.servers.base import Server
from tests.servers.databases import Postgres

ROOT = Path(__file__).resolve().parents[2]
SITE, ZONE = "demo", ZoneInfo("Asia/Shanghai")
BOSS = Person("boss", "Boss", Role.ADMIN)
GUARDS = ("zhang-wei", "sun-lei", "ma-chao", "guo-qiang")
STOPS = (
    "gate-south-post",
    "fire-lane",
    "b3-lobby",
    "garage-b1",
    "b2-lobby",
    "b2-stairs-3",
    "gate-north-post",
    "b1-lobby",
)
MS = 1_000_000


class Door(Server):
    """`caretaker up --no-demo` on a folder and a database that were prepared before."""

    start_seconds = 90.0

    def __init__(self, folder: Path, sql: str) -> None:
        super().__init__(folder)
        self.data = folder / "data"
        self.sql = sql or f"sqlite:///{self.data / 'caretaker.db'}"
        self.url = f"http://{self.host}:{self.port}"
        self._settings = {
            "CARETAKER_DATA": str(self.data),
            "CARETAKER_EQUIPMENT": str(ROOT / "equipment"),
            "CARETAKER_SITE": str(ROOT / "sites" / "demo"),
            "CARETAKER_SQL": sql,
            "CARETAKER_DISK_SOFT_LIMIT": "1.0",
        }
        self._log_at = 0

    def command(self) -> Sequence[str]:
        self._log_at = len(self.log())
        where = ["--http", f"{self.host}:{self.port}", "--mqtt", f"{self.host}:0"]
        return [sys.executable, "-m", "caretaker.cli", "up", "--no-demo", *where]

    def is_ready(self) -> bool:
        return "ready http" in self.log()[self._log_at :]

    def environment(self) -> Mapping[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CARETAKER_")}
        return {**inherited, **self._settings, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

    def prepare(self) -> dict[str, tuple[str, str]]:
        """Site, people and a round for each guard, under way since an hour ago; person -> (round, enrolment code)."""
        self.data.mkdir(parents=True)
        settings = load(
            data=self.data,
            equipment=ROOT / "equipment",
            site=ROOT / "sites" / "demo",
            sql=self._settings["CARETAKER_SQL"],
        )
        house = bootstrap.open_house(settings, writer=True, owner=True, load_site=True, with_store=False)
        house.site_keys().keys(SITE)
        begins = (datetime.now(ZONE) - timedelta(minutes=60)).replace(second=0, microsecond=0)
        found: dict[str, tuple[str, str]] = {}
        now_ns = time.time_ns()
        for person in GUARDS:
            points = tuple(PlanPoint(stop, least_walk_s=0.0) for stop in STOPS)
            plan = RoundPlan(
                id=f"walk-{person}",
                site=SITE,
                title=Text("一轮", "A round"),
                kind=PlanKind.PATROL,
                points=points,
                order=Order.FREE,
                rrule="FREQ=DAILY",
                starts_at=begins.time(),
                duration_s=7200.0,
                valid_from=begins.date(),
                person=person,
            )
            with house.transactions.begin() as unit:
                unit.round_plans.keep(plan, now_ns)
                rounds.make_plan(unit, plan, str(ZONE), now_ns)
            code = phones.create_enrolment(house.transactions, BOSS, person, now_ns)
            found[person] = (f"{plan.id}@{begins:%Y%m%dT%H%M}", code)
        house.close()
        return found

    def tokens(self) -> dict[str, str]:
        """What is printed on the stickers."""
        key = KeyRing(self.data / "keys").keys(SITE)[0]
        with self.transactions() as opened, opened.begin(write=False) as unit:
            return {stop: token_of(key, unit.checkpoints.get(SITE, stop)) for stop in STOPS}

    @contextlib.contextmanager
    def transactions(self) -> Iterator[SqlTransactions]:
        """Its database, beside it."""
        opened = SqlTransactions(self.sql, owner=False, seal=FileSeal(self.data / "keys"))
        try:
            yield opened
        finally:
            opened.close()


def cut_power(postgres: Postgres) -> None:
    """SIGKILL to the server and all its sessions at once, and up again: a killed server alone leaves sessions behind,
    and while one of them lives no new one starts."""
    parent = postgres.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    for child in children:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself since we looked
            os.kill(int(child), signal.SIGKILL)
    postgres.kill9()
    postgres.start()


@dataclass(frozen=True)
class Job:
    """One thing in the queue of a phone."""

    method: str
    path: str
    body: bytes
    media: str
    scan: str | None = None


@dataclass
class Sender(threading.Thread):
    """Empties the queue of one phone. `fresh_ids`: the mistake of a phone that makes a new id for every try."""

    url: str
    cookies: Mapping[str, str]
    jobs: Sequence[Job]
    seed: int
    fresh_ids: bool = False
    rough: bool = True
    said: Counter[str] = field(default_factory=Counter)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: int = 0
    sending: bool = False
    trouble: str | None = None

    def __post_init__(self) -> None:
        threading.Thread.__init__(self, name=f"phone {self.seed}", daemon=True)
        self.dice = random.Random(self.seed)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        """As `Thread.run`."""
        end = time.monotonic() + 180
        with httpx.Client(base_url=self.url, timeout=10, trust_env=False) as http:
            for job in self.jobs:
                while not self._try(http, job):
                    if time.monotonic() > end or self.trouble:
                        self.trouble = self.trouble or f"{job.path} never got through"
                        return
                    time.sleep(self.dice.uniform(0.05, 0.3))
                self.sent += 1
                time.sleep(self.dice.uniform(0.0, 0.06))

    def _headers(self, job: Job) -> dict[str, str]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Origin": self.url, "Cookie": cookie, "Content-Type": job.media}

    def _try(self, http: httpx.Client, job: Job) -> bool:
        body = job.body
        if self.fresh_ids and job.scan is not None:
            body = json.dumps(json.loads(body) | {"id": str(uuid.UUID(int=self.dice.getrandbits(128)))}).encode()
        self.sending = True
        try:
            drawn = self.dice.random()
            if self.rough and drawn < 0.3:
                self._break(job, body, whole=drawn < 0.18)
                return False
            answer = http.request(job.method, f"/api/v1{job.path}", content=body, headers=self._headers(job))
        except (httpx.TransportError, OSError) as wrong:
            self.said[type(wrong).__name__] += 1
            return False
        finally:
            self.sending = False
        return self._hear(job, answer)

    def _hear(self, job: Job, answer: httpx.Response) -> bool:
        self.said[str(answer.status_code)] += 1
        if answer.status_code >= 500 or answer.status_code == 429:
            return False
        if answer.status_code != 200:
            self.trouble = f"{job.path}: {answer.status_code} {answer.text[:300]}"
            return False
        if job.scan is not None:
            told = answer.json()
            self.said[told["state"]] += 1
            self.answers[job.scan] = told
        return True

    def _break(self, job: Job, body: bytes, *, whole: bool) -> None:
        """Half a body, or all of it and away before the answer; RST, not FIN."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        lines = [f"{job.method} /api/v1{job.path} HTTP/1.1", f"Host: {host}:{port}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in self._headers(job).items()]
        raw = "\r\n".join([*lines, "", ""]).encode() + (body if whole else body[: len(body) // 2])
        with socket.create_connection((host, int(port)), timeout=5) as line:
            line.sendall(raw)
            time.sleep(self.dice.uniform(0.0, 0.08) if whole else 0.0)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.said["answer lost" if whole else "cut in the body"] += 1


@dataclass
class Diary:
    """What one guard wrote down: the truth to compare with."""

    person: str
    round: str
    scans: list[dict[str, Any]] = field(default_factory=list)
    photos: list[str] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)


def write(phone: Phone, walk: str, tokens: Mapping[str, str], checks: Mapping[str, Sequence[str]], seed: int) -> Diary:
    """A round walked without signal: a photo and a scan at every stop, two minutes apart, up to now. At every fourth
    stop something is wrong."""
    dice = random.Random(seed)
    diary = Diary(phone.memory.person, walk)
    for row, stop in enumerate(STOPS):
        shot = snapshot(f"{stop} {seed}", datetime.now(ZONE) - timedelta(seconds=120 * (len(STOPS) - row)), dice)
        name = hashlib.sha256(shot).hexdigest()
        wrong = row % 4 == 1
        answers: list[dict[str, Any]] = [
            {
                "check": check,
                "result": "not_ok" if wrong and not at else "ok",
                "value": None,
                "reason": None,
                "photos": [],
            }
            for at, check in enumerate(checks[stop])
        ]
        answers[0]["photos"] = [name]
        ago_ms = 120_000 * (len(STOPS) - row)
        body: dict[str, Any] = {"id": str(uuid.UUID(int=dice.getrandbits(128))), "round": walk, "checkpoint": stop}
        body |= {"token": tokens[stop], "token_type": "printed", **phone.stamp(), "position": None}
        # the phone runs much longer than this test: its monotonic clock stands where it stood then
        body |= {"device_ms": body["device_ms"] - ago_ms, "monotonic_ms": body["monotonic_ms"] - ago_ms + 10**8}
        body |= {"anchor": None, "answers": answers, "photos": []}
        phone.scan(body)
        sealed = phone.memory.waiting
        assert sealed is not None
        diary.scans.append(sealed)
        diary.photos.append(name)
        diary.jobs.append(Job("PUT", f"/photos/{name}", shot, "image/jpeg"))
        diary.jobs.append(Job("POST", "/scans", json.dumps(sealed).encode(), "application/json", str(sealed["id"])))
    return diary
