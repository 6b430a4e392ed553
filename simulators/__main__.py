"""python -m simulators: the estate as a process of its own. Stops on SIGTERM, SIGINT and when its parent is gone."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog

from caretaker.catalog import read_kinds, read_rounds, read_site
from caretaker.domain.errors import ConfigurationError
from caretaker.domain.rounds.checkpoints import Checkpoint
from simulators.guards import Guards, Letter
from simulators.mqtt import Broker
from simulators.scenario import Scenario, read_scenario
from simulators.simulation import Simulation

_PARENT_LOOK_S = 1.0


def main(arguments: list[str] | None = None) -> int:
    """Parse, run, and give the exit code: 0 stopped as asked, 2 wrong configuration."""
    options = _parser().parse_args(arguments)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
    )
    try:
        asyncio.run(_run(options))
    except ConfigurationError as wrong:
        print(wrong.message, file=sys.stderr)
        return 2
    return 0


async def _run(options: argparse.Namespace) -> None:
    parent: int = options.parent or os.getppid()  # asked now: one that dies while we start must be missed, too
    kinds = read_kinds(options.equipment)
    site = read_site(options.site, kinds)
    estate = Simulation(
        site,
        kinds,
        broker=options.mqtt,
        seed=options.seed,
        modbus_port=options.modbus_port,
        truth=options.truth,
    )
    scenario = None
    if options.scenario is not None:
        faults = {asset: machine.model.faults for asset, machine in estate.machines.items()}
        scenario = read_scenario(options.scenario, {asset.id: kinds[asset.kind] for asset in site.assets}, faults)
    guards = None
    if scenario is not None and scenario.guards and options.guards is not None:
        guards = _guards(scenario, estate, read_rounds(options.site, site, kinds).checkpoints, options)
        guards.advertise()
    async with estate:
        if scenario is not None:
            estate.faults.play(scenario)
        if options.ports_file is not None:
            _write_whole(options.ports_file, json.dumps(estate.ports))
        print(
            f"simulators ready assets={len(estate.machines)} mqtt={len(estate.speakers)} modbus={len(estate.ports)}",
            flush=True,
        )
        if guards is not None:
            estate.join(asyncio.create_task(_walk(guards, estate), name="guards"))
        await _until_told(estate, parent)


def _guards(
    scenario: Scenario, estate: Simulation, checkpoints: Sequence[Checkpoint], options: argparse.Namespace
) -> Guards:
    return Guards(
        scenario.guards, options.guards, estate.machines, checkpoints, estate.zone, estate.truth, options.seed
    )


async def _walk(guards: Guards, estate: Simulation) -> None:
    """The guards begin when a letter comes; without one they stay at home."""
    reader = asyncio.StreamReader()
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        line = await reader.readline()
    finally:
        pipe.close()
    if line.strip():
        for task in guards.tasks(Letter.read(line.decode())):
            estate.join(task)


async def _until_told(estate: Simulation, parent: int) -> None:
    """Run until a signal comes, the parent is gone or a part breaks (which raises)."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    running = asyncio.create_task(estate.run())
    waiting = [asyncio.create_task(told.wait()), asyncio.create_task(_orphaned(parent))]
    try:
        await asyncio.wait([running, *waiting], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        if not running.done():
            running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def _orphaned(parent: int) -> None:
    """Return when our parent is not `parent` any more. Looking is portable and, unlike PR_SET_PDEATHSIG, not bound to the
    thread that started us."""
    while os.getppid() == parent:  # noqa: ASYNC110 - the kernel tells nobody
        await asyncio.sleep(_PARENT_LOOK_S)


def _write_whole(path: Path, text: str) -> None:
    """Whoever waits for the file never sees half of it."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _broker(text: str) -> Broker:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}; expected HOST:PORT, such as 127.0.0.1:1883")
    return Broker(host, int(port))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulators", description=__doc__)
    parser.add_argument("--site", type=Path, required=True, help="folder (or file) of the site")
    parser.add_argument("--equipment", type=Path, required=True, help="folder of the kinds")
    parser.add_argument(
        "--mqtt", type=_broker, metavar="HOST:PORT", help="broker of the MQTT devices; without it they are mute"
    )
    parser.add_argument(
        "--modbus-port", type=int, metavar="N", help="0: free ports; N: N, N+1, ...; without it the site's own"
    )
    parser.add_argument("--ports-file", type=Path, help="write {connection id: 'host:port'} as JSON here")
    parser.add_argument("--scenario", type=Path, help="faults to plant (see scenarios/)")
    parser.add_argument("--truth", type=Path, help="write the ground truth here, as JSON lines")
    parser.add_argument(
        "--guards",
        type=Path,
        metavar="DIR",
        help="the scenario's guards walk with the phones in this folder; they begin with a line on standard input",
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same machines and people")
    parser.add_argument(
        "--parent",
        type=int,
        metavar="PID",
        help="stop when this is not our parent any more (default: the one at start)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
