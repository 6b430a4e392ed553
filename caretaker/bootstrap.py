"""The only place that chooses adapters: settings -> a `House` with every port made real; logging; the life of a process."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

import structlog

from caretaker import __version__
from caretaker.adapters.audit_seal import FileSeal
from caretaker.adapters.certificates import CertificateFolder
from caretaker.adapters.journal_lmdb import LmdbJournal
from caretaker.adapters.key_ring import KeyRing
from caretaker.adapters.memory.clock import SystemClock
from caretaker.adapters.mqtt import BrokerAddress, open_link
from caretaker.adapters.notify import LogNotifier, WebhookNotifier
from caretaker.adapters.photo_files import PhotoFolder
from caretaker.adapters.report_files import ReportFolder
from caretaker.adapters.signatures import verify_signature
from caretaker.adapters.sql import SqlTransactions
from caretaker.adapters.stores import open_store
from caretaker.catalog import read_kinds, read_people, read_rounds, read_site
from caretaker.config import Settings, load
from caretaker.domain.assets import Estate
from caretaker.domain.errors import CaretakerError, ConfigurationError, Conflict, NotFound, Refused, Unavailable
from caretaker.ports import BrokerLink, Clock, Journal, Notifier, ReadingStore, Transactions
from caretaker.ports.certificates import Certificates
from caretaker.ports.keys import Signatures, SiteKeys
from caretaker.ports.photos import PhotoFiles
from caretaker.ports.reports import ReportFiles
from caretaker.services import checkpoints, staff

_log = structlog.get_logger(__name__)
READERS: Final = ("ingest", "rules")
"""Who must have read a journal record before it may be trimmed: the consumers' own names. A name that nobody uses
would hold everything for ever, until the journal is full and nothing is accepted any more."""
_STORE_PARTS: Final = frozenset({"ingest", "api"})
_PATIENCE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class House:
    """Every port of one process."""

    settings: Settings
    clock: Clock
    transactions: Transactions
    estate: Estate
    journal: Journal
    notifier: Notifier
    opened_store: ReadingStore | None
    version: str = __version__

    @property
    def store(self) -> ReadingStore:
        """The reading store. Raises RuntimeError in a part that has no business with it (gateway, rules)."""
        if self.opened_store is None:
            raise RuntimeError("this part of the house opened no reading store")
        return self.opened_store

    def site_keys(self) -> SiteKeys:
        """What signs stickers and anchors; made at first use."""
        return KeyRing(self.settings.data / "keys")

    def certificates(self) -> Certificates:
        """Of the https door."""
        return open_certificates(self.settings)

    def photo_files(self) -> PhotoFiles:
        """Where photos lie."""
        return PhotoFolder(self.settings.data / "photos", self.estate.site.zone)

    def report_files(self) -> ReportFiles:
        """Where archived reports lie."""
        return report_folder(self.settings)

    def signatures(self) -> Signatures:
        """The check of a phone's signature."""
        return verify_signature

    def broker_link(self) -> BrokerLink | None:
        """A fresh link to the configured broker; None when there is none. Raises ConfigurationError."""
        settings = self.settings
        if not settings.mqtt:
            return None
        password = None
        if settings.mqtt_password_file is not None:
            password = read_secret(settings.mqtt_password_file, "CARETAKER_MQTT_PASSWORD_FILE")
        return open_link(BrokerAddress.parse(settings.mqtt, password), settings.mqtt_client_id, self.clock)

    def close(self) -> None:
        """Store first (it flushes what the journal holds), then journal, then SQL."""
        if self.opened_store is not None:
            self.opened_store.close()
        self.journal.close()
        self.transactions.close()


def report_folder(settings: Settings) -> ReportFiles:
    """Where archived reports lie, also for a command that opens no house."""
    return ReportFolder(settings.data / "reports")


def replace_settings(house: House, **changes: object) -> House:
    """The same house with some settings changed after it was opened (ports that are known only now)."""
    return replace(house, settings=house.settings.model_copy(update=changes))


def now_ns() -> int:
    """The present, for commands that open no house."""
    return SystemClock().now_ns()


def read_secret(path: Path, key: str) -> str:
    """The first line of a secret file. Raises ConfigurationError."""
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0].strip()
    except OSError as wrong:
        raise ConfigurationError(f"{key}: {path} cannot be read: {wrong.strerror}") from wrong


def open_certificates(settings: Settings) -> CertificateFolder:
    """The certificates of the data folder."""
    return CertificateFolder(settings.data / "tls")


def open_transactions(settings: Settings, *, owner: bool) -> SqlTransactions:
    """The SQL side alone, migrated. Raises ConfigurationError, DatabaseUnavailable."""
    transactions = _connect(settings, owner=owner)
    transactions.migrate()
    return transactions


def _connect(settings: Settings, *, owner: bool) -> SqlTransactions:
    password = None
    if settings.sql_password_file is not None:
        password = read_secret(settings.sql_password_file, "CARETAKER_SQL_PASSWORD_FILE")
    return SqlTransactions(settings.sql_url(), owner=owner, password=password, seal=FileSeal(settings.data / "keys"))


def set_up(settings: Settings, transactions: Transactions) -> None:
    """Write the site file into SQL, and of its people and rounds what SQL does not know yet. The same file twice changes
    nothing."""
    kinds = read_kinds(settings.equipment)
    site = read_site(settings.site, kinds)
    rounds = read_rounds(settings.site, site, kinds)
    people = read_people(settings.site, site.site.id)
    try:
        with transactions.begin() as unit:
            unit.estates.load(kinds, site)
            staff.load(unit, people.teams, people.shifts, people.persons, now_ns())
            if rounds.checkpoints:
                checkpoints.load(
                    unit, unit.estates.get(kinds, site.site.id), rounds.checkpoints, rounds.plans, now_ns()
                )
    except (Refused, Conflict) as wrong:
        raise ConfigurationError(f"{settings.site / 'rounds.yaml'}: {wrong.message}") from wrong


def read_estate(settings: Settings, transactions: Transactions) -> Estate:
    """The estate as SQL has it. Raises NotFound when no site was loaded."""
    kinds = read_kinds(settings.equipment)
    with transactions.begin(write=False) as unit:
        return unit.estates.get(kinds)


def read_heartbeats(settings: Settings) -> Mapping[str, tuple[int, Mapping[str, object]]]:
    """part -> (when, what it said), from the database alone. Raises ConfigurationError, DatabaseUnavailable."""
    transactions = _connect(settings, owner=False)
    try:
        with transactions.begin(write=False) as unit:
            return unit.parts.all()
    finally:
        transactions.close()


def open_house(settings: Settings, *, writer: bool, owner: bool, load_site: bool, with_store: bool = True) -> House:
    """Open every port. `writer`: this process appends to the journal; `owner`: it does SQLite's checkpoints.

    Raises ConfigurationError (say it and end) or Unavailable (try again later); nothing stays open then.
    """
    clock = SystemClock()
    with ExitStack() as opened:
        # the journal first: its lock tells a second Caretaker on the same folder before it touches anything
        journal = LmdbJournal(
            settings.data / "journal",
            writer=writer,
            limit_bytes=settings.journal_limit_bytes,
            max_age_s=settings.journal_age_days * 86400.0,
            policy=settings.journal_policy,
            disk_soft_limit=settings.disk_soft_limit,
            readers=READERS,
        )
        opened.callback(journal.close)
        transactions = open_transactions(settings, owner=owner)
        opened.callback(transactions.close)
        if load_site:
            set_up(settings, transactions)
        estate = read_estate(settings, transactions)
        store = open_store(settings, estate) if with_store else None
        opened.pop_all()
    return House(settings, clock, transactions, estate, journal, _notifier(settings), store)


def _notifier(settings: Settings) -> Notifier:
    return WebhookNotifier(settings.webhook) if settings.webhook else LogNotifier()


def _plain_words(_logger: object, _method: str, event: MutableMapping[str, object]) -> Mapping[str, object]:
    """`down`, not `<DeviceState.DOWN: 'down'>`."""
    return {key: str(value) if isinstance(value, StrEnum) else value for key, value in event.items()}


def set_up_logging(*, as_json: bool) -> None:
    """One line per event on stderr, key=value or JSON."""
    shared: Sequence[Callable[..., object]] = (
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=False),
        structlog.processors.format_exc_info,
        _plain_words,
    )
    render = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])
    )
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        processors=[*shared, render],  # type: ignore[list-item]
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # our own check layer says what failed, once


Main = Callable[[House, asyncio.Event], Awaitable[None]]


def run_part(name: str, main: Main, overrides: Mapping[str, object] | None = None) -> int:
    """Run one part as a process of its own until SIGTERM or Ctrl-C; the exit code. Wrong configuration: 2, at once;
    something not there yet (database, site not loaded): waited for, 60 s, then 1."""
    try:
        settings = load(**(overrides or {}))
        if name in _STORE_PARTS and not settings.store.startswith("influx"):
            raise ConfigurationError(
                f"CARETAKER_STORE={settings.store} belongs to one process (`caretaker up`); parts that run alone share "
                "InfluxDB: influx1+http://host:port/database or influx2+http://host:port/?org=…&bucket=…"
            )
        set_up_logging(as_json=settings.json_logs)
        house = _patiently(settings, name)
    except ConfigurationError as wrong:
        _tell(name, wrong.message)
        return 2
    except CaretakerError as away:
        _tell(name, f"gave up after {_PATIENCE_S:.0f} s: {away.message}")
        return 1
    try:
        asyncio.run(_until_signal(house, main))
    except CaretakerError as wrong:
        _tell(name, wrong.message)
        return 1
    finally:
        house.close()
    return 0


def _tell(name: str, sentence: str) -> None:
    sys.stderr.write(f"caretaker {name}: {sentence}\n")


def _patiently(settings: Settings, name: str) -> House:
    end = time.monotonic() + _PATIENCE_S
    told = False
    while True:
        try:
            first = name == "gateway"
            return open_house(settings, writer=first, owner=first, load_site=False, with_store=name in _STORE_PARTS)
        except (Unavailable, NotFound) as away:
            if time.monotonic() > end:
                raise
            if not told:
                _log.warning("waiting", part=name, reason=away.message)
            told = True
            time.sleep(0.5)


async def _until_signal(house: House, main: Main) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await main(house, stop)
