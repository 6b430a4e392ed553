"""`caretaker up`: broker, simulated estate, collectors, journal, store, rules, API and page in one process."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import structlog

import api.compose
import gateway.compose
import gateway.main
import ingest.main
import rules.main
from api.app import Server, server
from api.doors import ANYWHERE, HTTPS, Doors, open_door, ways
from caretaker import bootstrap
from caretaker.adapters.broker import EmbeddedBroker, free_port
from caretaker.bootstrap import House
from caretaker.cli import demo_guards
from caretaker.cli.language import say
from caretaker.cli.tls import in_words
from caretaker.config import ROOT, Settings
from caretaker.domain.certificates import RENEW_DAYS
from caretaker.domain.errors import CaretakerError, ConfigurationError
from caretaker.domain.people import Person, Role
from caretaker.ports import Transactions
from caretaker.services import people

_log = structlog.get_logger(__name__)
HTTP: Final = "127.0.0.1:8080"
MQTT: Final = "127.0.0.1:1883"
_SIMULATORS_S: Final = 30.0
_STOP_S: Final = 9.0
ADMIN: Final = Person("admin", "管理员", Role.ADMIN)


def person_id(name: str, role: Role) -> str:
    """A stable id for somebody the command line names."""
    if name == ADMIN.name and role is ADMIN.role:
        return ADMIN.id
    plain = "".join(letter if letter.isascii() and letter.isalnum() else f"u{ord(letter):x}" for letter in name)
    return f"{role}-{plain}"[:64]


def administrator(transactions: Transactions) -> Person:
    """Whom the link of `up` signs in: the first administrator, or another one when that one was deactivated."""
    with transactions.begin(write=False) as unit:
        known = [person for person in unit.people.persons(Role.ADMIN) if not person.id.startswith(people.TOKEN)]
    if all(person.id != ADMIN.id for person in known):
        return ADMIN
    active = sorted((person for person in known if person.active), key=lambda person: person.id != ADMIN.id)
    return active[0] if active else ADMIN


def link_for(transactions: Transactions, person: Person, now_ns: int, base: str) -> str:
    """A one-time sign-in link; the code is in the fragment, so that no proxy or log sees it."""
    return f"{base.rstrip('/')}/sign-in#code={people.create_link(transactions, person, now_ns)}"


def run_up(settings: Settings, http: str | None, mqtt: str | None, scenario: Path | None) -> int:
    """Run until SIGTERM or Ctrl-C; the exit code. Raises CaretakerError when it cannot start."""
    bootstrap.set_up_logging(as_json=settings.json_logs)
    if scenario is not None and not scenario.is_file():
        raise ConfigurationError(say("no_scenario", file=scenario))
    if http is None and "http" in settings.model_fields_set:
        http = settings.http
    make_data_folder(settings.data)
    certificates = bootstrap.open_certificates(settings)
    with in_words():
        https = open_door(settings, certificates, bootstrap.now_ns())
    # phones come for the certificate over plain http: beside https its usual address hears the network too
    address = _address("--http", http, HTTP if https is None else f"{https[0]}:{HTTP.rpartition(':')[2]}")
    if https is not None:
        https = _address("--https", f"{https[0]}:{https[1]}" if settings.https else None, HTTPS)
    running = Running(settings, Doors(address, https, certificates), mqtt, scenario)
    try:
        return asyncio.run(running.run())
    finally:
        running.close()


def make_data_folder(folder: Path) -> None:
    """Make it and prove that it can be written. Raises ConfigurationError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".write-test"
        probe.write_bytes(b"ok")
        probe.unlink()
    except OSError as wrong:
        raise ConfigurationError(say("cannot_write", folder=folder, reason=wrong.strerror)) from wrong


def _address(option: str, given: str | None, usual: str) -> tuple[str, int]:
    """HOST:PORT that is free now. One that was asked for must be; the usual one may give way to a free port."""
    text = given or usual
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigurationError(say("no_address", option=option, address=text, usual=usual))
    if int(port) == 0:
        return host, free_port(host)
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, int(port)))
    except OSError as wrong:
        if given is not None:
            raise ConfigurationError(
                say("cannot_listen", option=option, address=text, reason=wrong.strerror)
            ) from wrong
        other = free_port(host)
        print(say("port_busy", what=option.removeprefix("--"), address=text, other=f"{host}:{other}"), flush=True)
        return host, other
    return host, int(port)


@dataclass(slots=True)
class Running:
    """Everything `up` has started, so that everything is stopped."""

    settings: Settings
    doors: Doors
    mqtt: str | None
    scenario: Path | None
    broker: EmbeddedBroker | None = None
    simulators: subprocess.Popen[str] | None = None
    house: House | None = None
    halt: threading.Event = field(default_factory=threading.Event)
    troubles: list[BaseException] = field(default_factory=list)
    steps: int = 0

    def step(self, key: str, **facts: object) -> None:
        """One line of progress."""
        self.steps += 1
        print(say("step", n=self.steps, of=4 if self.settings.demo else 3, what=say(key, **facts)), flush=True)

    async def run(self) -> int:
        """Start, serve, stop."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        # the house first: what is wrong with folder, files or settings is said before anything else is started
        self.step("step_site")
        house = self.house = bootstrap.open_house(self.settings, writer=True, owner=True, load_site=True)
        devices = self._start_broker()
        if self.settings.demo:
            self._start_simulators(devices)
        connections = await self._ports_of_simulators()
        changes = {"connections": connections} if connections else {}
        house = self.house = bootstrap.replace_settings(house, mqtt=self.settings.mqtt, **changes)
        self.step("step_parts")
        return await self._serve(house, stop, devices)

    def _start_broker(self) -> str:
        """The embedded broker, unless CARETAKER_MQTT names another; returns where devices connect."""
        if self.settings.mqtt:
            return self.settings.mqtt
        host, port = _address("--mqtt", self.mqtt, MQTT)
        self.step("step_broker", address=f"{host}:{port}")
        self.broker = EmbeddedBroker(host, port, self.settings.data)
        self.broker.start()
        self.settings = self.settings.model_copy(update={"mqtt": f"mqtt://{host}:{self.broker.port5}"})
        return f"{host}:{port}"

    def _start_simulators(self, devices: str) -> None:
        self.step("step_simulators")
        ports = self.settings.data / "simulators.json"
        ports.unlink(missing_ok=True)
        guards = self.settings.data / demo_guards.FOLDER
        command = [sys.executable, "-m", "simulators", "--site", str(self.settings.site)]
        command += ["--equipment", str(self.settings.equipment), "--mqtt", devices.removeprefix("mqtt://")]
        command += [
            "--modbus-port",
            "0",
            "--ports-file",
            str(ports),
            "--truth",
            str(self.settings.data / "truth.jsonl"),
        ]
        command += ["--scenario", str(self.scenario or ROOT / "simulators" / "scenarios" / "demo.yaml")]
        command += ["--guards", str(guards), "--parent", str(os.getpid())]
        # a session of its own: Ctrl-C reaches us first, and we stop the simulators after the collectors
        self.simulators = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    async def _ports_of_simulators(self) -> Mapping[str, str]:
        """connection id -> host:port once the simulators listen. Raises ConfigurationError when they do not."""
        if self.simulators is None:
            return {}
        ports = self.settings.data / "simulators.json"
        for _ in range(int(_SIMULATORS_S / 0.05)):
            if ports.exists():
                found: dict[str, str] = json.loads(ports.read_text())
                return found
            if self.simulators.poll() is not None:
                break
            await asyncio.sleep(0.05)
        raise ConfigurationError(say("no_simulators"))

    async def _serve(self, house: House, stop: asyncio.Event, devices: str) -> int:
        collecting = gateway.compose.build(house)
        app = api.compose.build(house, collecting.acceptor.accept_now, self.doors)
        web = server(app, *self.doors.http, api.compose.secure_door(house, self.doors))
        loop = asyncio.get_running_loop()

        def fell(name: str, trouble: BaseException) -> None:
            self.troubles.append(trouble)
            _log.error("part_ended", part=name, reason=str(trouble))
            loop.call_soon_threadsafe(stop.set)

        # the rules first: what is accepted from now on is judged as new, not as backlog
        threads = [
            self._thread(
                "rules",
                fell,
                rules.main.run,
                house.journal,
                house.transactions,
                house.estate,
                house.notifier,
                house.clock,
                self.halt,
                house.settings.call_patience(),
            ),
            self._thread(
                "ingest",
                fell,
                ingest.main.run,
                house.journal,
                house.store,
                house.transactions,
                house.clock,
                self.halt,
                house.settings.retention_days,
            ),
        ]
        done_collecting = asyncio.Event()
        tasks = {
            "gateway": asyncio.create_task(gateway.main.run(collecting, done_collecting), name="gateway"),
            "http": asyncio.create_task(web.serve(), name="http"),
        }
        for name, task in tasks.items():
            task.add_done_callback(partial(_ended, name, fell, stop))
        await self._announce(house, web, stop, devices)
        gc.collect()
        gc.freeze()  # what is alive now stays; collections look only at what comes after
        await stop.wait()
        print(say("stopping"), flush=True)
        await web.stop()
        done_collecting.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*tasks.values(), return_exceptions=True), _STOP_S)
        self._stop_simulators()  # after the collectors, which would report each device as lost
        self.halt.set()
        for thread in threads:
            await asyncio.to_thread(thread.join, _STOP_S)
        self.close()
        print(say("stopped"), flush=True)
        return 1 if self.troubles else 0

    def _thread(
        self, name: str, fell: Callable[[str, BaseException], None], work: Callable[..., None], *arguments: object
    ) -> threading.Thread:
        def body() -> None:
            try:
                work(*arguments)
            except CaretakerError as trouble:
                fell(name, trouble)

        thread = threading.Thread(target=body, name=name)
        thread.start()
        return thread

    async def _announce(self, house: House, web: Server, stop: asyncio.Event, devices: str) -> None:
        while not web.started and not stop.is_set():  # noqa: ASYNC110  (uvicorn tells nobody)
            await asyncio.sleep(0.02)
        if stop.is_set():
            return
        host, port = self.doors.http
        base = f"http://{'127.0.0.1' if host == ANYWHERE else host}:{port}"
        self._send_guards(house, base)
        print(say("ready", url=base))
        print(
            say(
                "sign_in",
                link=link_for(house.transactions, administrator(house.transactions), house.clock.now_ns(), base),
            )
        )
        self._say_phones()
        print(say("devices", mqtt=devices, data=house.settings.data))
        print(say("stop_hint"), flush=True)

    def _say_phones(self) -> None:
        """What a phone on the building's network opens; nothing when only this machine hears us."""
        way = ways(None, self.doors)
        if way.reachable:
            print(say("phones_secure" if way.secure else "phones_plain", url=f"{way.base}/m"))
        if way.install is not None:
            print(say("phones_install", url=way.install))
        if not way.secure:
            print(say("phones_how"))
            return
        known = self.doors.known()
        days = RENEW_DAYS if known is None else known.days_left(bootstrap.now_ns())
        if days < RENEW_DAYS:  # one's own: nobody here renews it
            print(say("phones_until", days=days))

    def _send_guards(self, house: House, base: str) -> None:
        """Let the simulated guards begin; the pipe says what no file shall keep."""
        child = self.simulators
        if child is None or child.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError), child.stdin as pipe:
            pipe.write(demo_guards.letter(house, administrator(house.transactions), base))

    def _stop_simulators(self) -> None:
        child, self.simulators = self.simulators, None
        if child is not None and child.poll() is None:
            child.terminate()
            try:
                child.wait(3)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def close(self) -> None:
        """Stop and release whatever still is; twice does no harm."""
        self._stop_simulators()
        self.halt.set()
        house, self.house = self.house, None
        if house is not None:
            house.close()
        broker, self.broker = self.broker, None
        if broker is not None:
            broker.stop()


def _ended(
    name: str, fell: Callable[[str, BaseException], None], stop: asyncio.Event, task: asyncio.Task[None]
) -> None:
    trouble = None if task.cancelled() else task.exception()
    if trouble is not None:
        fell(name, trouble)
    elif not stop.is_set():
        fell(name, CaretakerError(f"the {name} ended by itself"))
