"""Notices reach a real HTTP server that fails, redirects, dies and comes back: told once per key."""

from __future__ import annotations

import base64
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from caretaker.adapters.memory.clock import HandClock
from caretaker.adapters.notify import LogNotifier, WebhookNotifier
from caretaker.adapters.sql import SqlTransactions
from caretaker.domain.errors import ConfigurationError, Refused, Unavailable
from caretaker.domain.notices import Notice
from caretaker.ports import Notifier
from rules.outbox import DEAD_NS, Patience, Sender

NOTICE = Notice(
    1,
    "alarm.raised:al_1",
    "alarm.raised",
    1_790_000_000_000_000_000,
    {"alarm": "al_1", "asset": "lift-1", "标题": "困人"},
)
SECRET = "whsec_" + base64.b64encode(b"a key of some length").decode()


class Receiver:
    """A webhook receiver that removes doubles by Idempotency-Key, as its documentation asks.

    answers   statuses to give before it turns to 200
    posts     every request that came: (headers, body)
    taken     the keys it acted upon, in order
    """

    def __init__(self, port: int = 0) -> None:
        self.answers: list[int] = []
        self.body = b"thank you"
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.taken: list[str] = []
        self.port = port or _free_port()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=geheim"

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append((dict(self.headers.items()), body))
                status = receiver.answers.pop(0) if receiver.answers else 200
                key = self.headers["Idempotency-Key"]
                if status == 200 and key not in receiver.taken:
                    receiver.taken.append(key)
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", receiver.url)
                self.send_header("Content-Length", str(len(receiver.body)))
                self.end_headers()
                try:
                    self.wfile.write(receiver.body)
                except ConnectionError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Quiet."""

        ThreadingHTTPServer.allow_reuse_address = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    it = Receiver()
    it.start()
    yield it
    it.stop()


@pytest.fixture
def transactions(tmp_path: Path) -> Iterator[SqlTransactions]:
    sql = SqlTransactions(f"sqlite:///{tmp_path / 'notices.db'}")
    sql.migrate()
    yield sql
    sql.close()


@contextmanager
def webhook(url: str, **more: object) -> Iterator[WebhookNotifier]:
    notifier = WebhookNotifier(url, **more)  # type: ignore[arg-type]
    try:
        yield notifier
    finally:
        notifier.close()


def add(transactions: SqlTransactions, clock: HandClock, *keys: str, alarm: str | None = None) -> None:
    with transactions.begin() as unit:
        for key in keys:
            event, _, subject = key.partition(":")
            unit.outbox.add(key, event, clock.now_ns(), {"alarm": alarm or subject})


def unsent(transactions: SqlTransactions) -> list[Notice]:
    with transactions.begin(write=False) as unit:
        return list(unit.outbox.due(DEAD_NS))


def test_a_notice_is_a_signed_cloud_event(receiver: Receiver) -> None:
    with webhook(receiver.url, secret=SECRET, source="/caretaker/demo") as notifier:
        notifier.send(NOTICE)

    ((headers, body),) = receiver.posts
    event = json.loads(body)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    signature = base64.b64encode(hmac.digest(b"a key of some length", signed, sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{signature}"
    assert headers["Idempotency-Key"] == headers["webhook-id"] == NOTICE.key == event["id"]
    assert event == {
        "specversion": "1.0",
        "id": "alarm.raised:al_1",
        "source": "/caretaker/demo",
        "type": "caretaker.alarm.raised",
        "time": "2026-09-21T14:13:20.000Z",
        "datacontenttype": "application/json",
        "subject": "lift-1",
        "data": dict(NOTICE.facts),
    }


@pytest.mark.parametrize("status", [500, 503, 429, 404, 401])
def test_what_may_pass_is_tried_again(receiver: Receiver, status: int) -> None:
    receiver.answers = [status]

    with webhook(receiver.url) as notifier, pytest.raises(Unavailable, match=str(status)) as told:
        notifier.send(NOTICE)

    assert "geheim" not in str(told.value)


@pytest.mark.parametrize("status", [302, 307, 400, 410, 422])
def test_what_will_not_pass_is_refused_and_redirects_are_not_followed(receiver: Receiver, status: int) -> None:
    receiver.answers = [status]

    with webhook(receiver.url) as notifier, pytest.raises(Refused, match=str(status)):
        notifier.send(NOTICE)

    assert len(receiver.posts) == 1


def test_a_closed_port_is_unavailable() -> None:
    with webhook(f"http://127.0.0.1:{_free_port()}/") as notifier, pytest.raises(Unavailable, match="ConnectError"):
        notifier.send(NOTICE)


def test_a_receiver_that_never_answers_is_left_after_the_time_out() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        with webhook(url, timeout_s=0.3) as notifier, pytest.raises(Unavailable, match="Timeout"):
            notifier.send(NOTICE)


def test_a_huge_answer_is_cut(receiver: Receiver) -> None:
    receiver.body = b"x" * 50_000_000
    with webhook(receiver.url) as notifier:
        notifier.send(NOTICE)

    assert receiver.taken == [NOTICE.key]


@pytest.mark.parametrize("url", ["ftp://h/x", "file:///etc/passwd", "http://", "h:80", ""])
def test_only_http_addresses_are_taken(url: str) -> None:
    with pytest.raises(ConfigurationError, match="CARETAKER_WEBHOOK"):
        WebhookNotifier(url)


def test_a_secret_that_is_no_base64_is_named() -> None:
    with pytest.raises(ConfigurationError, match="base64"):
        WebhookNotifier("http://h/", secret="whsec_???")


def test_the_log_notifier_writes_one_line() -> None:
    with capture_logs() as lines:
        LogNotifier().send(NOTICE)

    assert [(line["event"], line["key"], line["about_asset"]) for line in lines] == [
        ("notice", "alarm.raised:al_1", "lift-1")
    ]


def test_five_failures_a_death_and_a_restart_give_one_delivery_per_key(
    transactions: SqlTransactions, receiver: Receiver
) -> None:
    """R24: 500 five times, the receiver gone, our own process replaced; then every notice arrives once, in order."""
    clock = HandClock()
    receiver.answers = [500] * 5
    keys = ["alarm.raised:al_1", "alarm.raised:al_2", "alarm.cleared:al_1"]
    add(transactions, clock, keys[0])
    add(transactions, clock, keys[1])
    add(transactions, clock, keys[2], alarm="al_1")

    with webhook(receiver.url) as notifier:
        for round_ in range(40):
            if round_ == 2:
                receiver.stop()
            if round_ == 5:
                receiver.start()
            Sender(transactions, notifier, clock).round()  # a new process each time
            clock.advance(30)

    assert len(receiver.posts) == 5 + 3, "the fault took effect: five refusals came before"
    assert sorted(receiver.taken) == sorted(keys)
    assert receiver.taken.index(keys[2]) > receiver.taken.index(keys[0])
    assert unsent(transactions) == []


def test_a_repeat_after_a_crash_between_post_and_commit_carries_the_same_key(
    transactions: SqlTransactions, receiver: Receiver
) -> None:
    clock = HandClock()
    add(transactions, clock, "alarm.raised:al_9")

    with webhook(receiver.url) as notifier:
        notifier.send(unsent(transactions)[0])  # posted; then the process died before it could remember
        Sender(transactions, notifier, clock).round()

    assert len(receiver.posts) == 2
    assert receiver.taken == ["alarm.raised:al_9"]


class Scripted:
    """A notifier that fails as told."""

    name = "scripted"

    def __init__(self) -> None:
        self.fail: dict[str, Exception] = {}
        self.told: list[str] = []
        self.tries: list[str] = []

    def send(self, notice: Notice) -> None:
        self.tries.append(notice.key)
        if (fault := self.fail.get(notice.key)) is not None:
            raise fault
        self.told.append(notice.key)


def sender(transactions: SqlTransactions, notifier: Notifier, clock: HandClock, **patience: float) -> Sender:
    return Sender(transactions, notifier, clock, patience=Patience(**patience))  # type: ignore[arg-type]


def test_one_poisoned_notice_holds_back_only_its_own_alarm(transactions: SqlTransactions) -> None:
    clock, notifier = HandClock(), Scripted()
    add(transactions, clock, "alarm.raised:al_1", "alarm.raised:al_2")
    add(transactions, clock, "alarm.cleared:al_1", alarm="al_1")
    notifier.fail = {"alarm.raised:al_1": Unavailable("no")}

    sender(transactions, notifier, clock).round()
    assert notifier.told == ["alarm.raised:al_2"]

    notifier.fail = {}
    clock.advance(2)
    sender(transactions, notifier, clock).round()
    assert notifier.told == ["alarm.raised:al_2", "alarm.raised:al_1", "alarm.cleared:al_1"]


def test_the_waits_grow_to_ten_minutes(transactions: SqlTransactions) -> None:
    clock, notifier = HandClock(), Scripted()
    add(transactions, clock, "alarm.raised:al_1")
    notifier.fail = {"alarm.raised:al_1": Unavailable("no")}
    waits = []

    for _ in range(14):
        sender(transactions, notifier, clock).round()
        wait = (unsent(transactions)[0].next_ns - clock.now_ns()) / 1e9
        waits.append(wait)
        clock.advance(wait + 0.001)

    assert 0.75 <= waits[0] <= 1.0
    assert all(later > sooner for sooner, later in pairwise(waits[:10]))
    assert 450 <= waits[-1] <= 600


def test_a_call_for_help_is_tried_every_few_seconds_however_long_the_receiver_is_away(
    transactions: SqlTransactions,
) -> None:
    clock, notifier = HandClock(), Scripted()
    with transactions.begin() as unit:
        unit.outbox.add("sos.raised:i1:1", "sos.raised", clock.now_ns(), {"incident": "i1", "to": "supervisor"})
    notifier.fail = {"sos.raised:i1:1": Unavailable("no")}
    waits = []

    for _ in range(14):
        sender(transactions, notifier, clock).round()
        waits.append((unsent(transactions)[0].next_ns - clock.now_ns()) / 1e9)
        clock.advance(waits[-1] + 0.001)

    assert max(waits) <= 10


def test_giving_up_is_told_and_kept(transactions: SqlTransactions) -> None:
    clock, notifier = HandClock(), Scripted()
    add(transactions, clock, "alarm.raised:al_1", "alarm.raised:al_2")
    notifier.fail = {"alarm.raised:al_1": Unavailable("no"), "alarm.raised:al_2": Refused("never")}
    clock.advance(4 * 86_400)
    it = sender(transactions, notifier, clock)

    with capture_logs() as lines:
        it.round()

    assert it.dead == 2
    assert [line["key"] for line in lines if line["event"] == "notice_not_delivered"] == [
        "alarm.raised:al_1",
        "alarm.raised:al_2",
    ]
    assert {notice.next_ns for notice in unsent(transactions)} == {DEAD_NS}
    assert it.round() == 0


def test_a_receiver_that_is_away_is_not_hammered(transactions: SqlTransactions) -> None:
    clock, notifier = HandClock(), Scripted()
    keys = [f"alarm.raised:al_{n}" for n in range(20)]
    add(transactions, clock, *keys)
    notifier.fail = {key: Unavailable("down") for key in keys}

    with capture_logs() as lines:
        it = sender(transactions, notifier, clock)
        it.round()

    assert len(notifier.tries) == 3
    assert [line["event"] for line in lines] == ["broken"]
