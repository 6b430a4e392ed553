"""`bench pipeline`: real mosquitto -> collector -> synced journal -> three rules a point -> store, nothing lost.

The clock runs from the first send until the last reading is durable, stored and judged. CPU is the product's process
alone, from the first send until the store has flushed everything to disk. Zero loss is counted after the process has
ended, by asking the database itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

from benchmarks import estate, machine, servers
from caretaker.config import ROOT
from caretaker.domain.errors import CaretakerError

_DATABASE: Final = "bench"


@dataclass(frozen=True, slots=True)
class Options:
    """messages: how many the generator sends; each holds `fields` values.
    withhold: so many are counted as sent and never sent; patience_s: nothing new for so long is a loss."""

    qos: int = 1
    fields: int = 1
    messages: int = 1_000_000
    store: str = "blocks"
    withhold: int = 0
    patience_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run.

    seconds            first send until the last reading is durable in the journal, stored and judged
    cpu_s_per_100k     product process, user + system, per 100,000 messages, the final flush to disk included
    rss_mb, rss_peak_mb  at the end of the load; the most it ever was
    others             CPU seconds per 100,000 messages of what shares the machine: broker, generator, database
    """

    messages: int
    sent: int
    stored: int
    judged: int
    lost: int
    alarms: int
    seconds: float
    messages_per_s: float
    values_per_s: float
    cpu_s_per_100k: float
    rss_mb: float
    rss_peak_mb: float
    flush_s: float
    records: int
    sent_in_s: float
    others: dict[str, float]
    load: float


def run(options: Options) -> Run:
    """One run in a folder of its own. Raises ConfigurationError (a server is not installed), CaretakerError."""
    with tempfile.TemporaryDirectory(prefix="caretaker-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        shape = estate.Shape(options.fields)
        equipment, site = estate.write(folder, shape)
        broker = stack.enter_context(servers.mosquitto(folder / "mosquitto"))
        watched = {"broker": broker.pid}
        store, database = options.store, None
        if options.store == "influx":
            database = stack.enter_context(servers.influxdb(folder / "influxdb"))
            servers.influx_query(database.port, f'CREATE DATABASE "{_DATABASE}"')
            store = f"influx1+http://127.0.0.1:{database.port}/{_DATABASE}"
            watched["database"] = database.pid
        data = folder / "data"
        data.mkdir()
        settings = {
            "CARETAKER_DATA": str(data),
            "CARETAKER_EQUIPMENT": str(equipment),
            "CARETAKER_SITE": str(site),
            "CARETAKER_STORE": store,
            "CARETAKER_MQTT": f"mqtt://127.0.0.1:{broker.port}",
        }
        log = stack.enter_context((folder / "product.log").open("w+"))
        subject = stack.enter_context(_child("benchmarks.subject", [], settings, log))
        _hear(subject)
        send = ["--port", str(broker.port), "--qos", str(options.qos), "--fields", str(options.fields)]
        send += ["--messages", str(options.messages), "--withhold", str(options.withhold)]
        generator = stack.enter_context(_child("benchmarks.loadgen", send, {}, None))
        assert generator.stdout is not None
        if generator.stdout.readline().strip() != "READY":
            raise CaretakerError("the load generator did not start; its own message is above")
        load = os.getloadavg()[0]
        before = {who: machine.cpu_s(pid) for who, pid in {**watched, "product": subject.pid}.items()}
        expected = options.messages * options.fields
        _tell(subject, json.dumps({"readings": expected, "patience_s": options.patience_s}))
        _tell(generator, "go")
        sent = _hear(generator)
        found = _hear(subject)
        used = {who: machine.cpu_s(pid) - before[who] for who, pid in {**watched, "product": subject.pid}.items()}
        used["generator"] = float(sent["cpu_s"])
        _, peak = machine.memory_mb(subject.pid)
        _tell(subject, "stop")
        if subject.wait(60) != 0:
            raise CaretakerError("the product did not end cleanly; its own message is above")
        stored = _count_influx(database.port) if database else count_blocks(data)
        judged, alarms = _count_judged(data)
        seconds = (max(found["stored_ns"], found["judged_ns"]) - sent["began_ns"]) / 1e9
        per = 100_000 / options.messages
        return Run(
            messages=options.messages,
            sent=expected,
            stored=stored,
            judged=judged,
            lost=expected - min(stored, judged),
            alarms=alarms,
            seconds=round(seconds, 3),
            messages_per_s=round(options.messages / seconds),
            values_per_s=round(expected / seconds),
            cpu_s_per_100k=round(used.pop("product") * per, 3),
            rss_mb=round(found["resident_mb"], 1),
            rss_peak_mb=round(peak, 1),
            flush_s=round((found["flushed_ns"] - max(found["stored_ns"], found["judged_ns"])) / 1e9, 3),
            records=found["journal"],
            sent_in_s=round(float(sent["seconds"]), 3),
            others={who: round(spent * per, 3) for who, spent in used.items()},
            load=round(load, 2),
        )


def facts(one: Run) -> dict[str, Any]:
    """Plain JSON."""
    return asdict(one)


@contextlib.contextmanager
def _child(
    module: str, arguments: list[str], settings: dict[str, str], log: IO[str] | None
) -> Iterator[subprocess.Popen[str]]:
    """A Python module as a process that is spoken to line by line; it never outlives the block."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("CARETAKER_")}
    child = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**inherited, **settings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        yield child
    except CaretakerError:
        if log is not None:
            log.seek(0)
            sys.stderr.write(log.read()[-4000:])
        raise
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


def _tell(child: subprocess.Popen[str], line: str) -> None:
    pipe: IO[str] | None = child.stdin
    assert pipe is not None
    pipe.write(line + "\n")
    pipe.flush()


def _hear(child: subprocess.Popen[str]) -> dict[str, Any]:
    """The next line it says. Raises CaretakerError when it ends instead."""
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise CaretakerError(f"a process of the benchmark ended (code {child.wait(10)}); its own message is above")
    said: dict[str, Any] = json.loads(line)
    return said


def count_blocks(data: Path) -> int:
    """Readings in the block store of a data folder that nobody has open."""
    with contextlib.closing(sqlite3.connect(data / "store" / "readings.db")) as database:
        return int(database.execute("SELECT total(rows) FROM block").fetchone()[0])


def _count_influx(port: int) -> int:
    said = json.loads(servers.influx_query(port, "SELECT count(quality) FROM reading", _DATABASE))
    series = said["results"][0].get("series", [])
    return int(series[0]["values"][0][1]) if series else 0


def _count_judged(data: Path) -> tuple[int, int]:
    """(readings judged as the rules' last heartbeat tells, alarms raised as the database has them)"""
    with contextlib.closing(sqlite3.connect(data / "caretaker.db")) as database:
        said = database.execute("SELECT facts FROM parts WHERE part='rules'").fetchone()
        alarms = int(database.execute("SELECT count(*) FROM alarms").fetchone()[0])
    return int(json.loads(said[0])["readings"]), alarms
