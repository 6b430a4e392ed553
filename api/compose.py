"""The HTTP door put together from a house, and its life as a process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from api.app import create_app, server
from api.doors import Doors, SecureDoor, open_door
from api.house import Accept
from caretaker.bootstrap import House
from caretaker.services.photos import facts_of
from caretaker.services.proof import Proof

STATIC: Final = Path(__file__).with_name("static")


def build(house: House, accept: Accept | None = None, doors: Doors | None = None) -> FastAPI:
    """The application over this house's ports."""
    keys = house.site_keys()
    return create_app(
        transactions=house.transactions,
        estate=house.estate,
        journal=house.journal,
        store=house.store,
        clock=house.clock,
        version=house.version,
        demo=house.settings.demo,
        static=STATIC,
        accept=accept,
        judge=Proof(keys, house.signatures(), house.store, facts_of),
        photos=house.photo_files(),
        keys=keys,
        doors=doors,
        reports=house.report_files(),
    )


def secure_door(house: House, doors: Doors) -> SecureDoor | None:
    """The https door, when there is one."""
    return None if doors.https is None else SecureDoor(doors.https, doors.certificates, house.clock)


async def serve(house: House, stop: asyncio.Event) -> None:
    """The api process."""
    host, _, port = house.settings.http.rpartition(":")
    certificates = house.certificates()
    doors = Doors((host, int(port)), open_door(house.settings, certificates, house.clock.now_ns()), certificates)
    http = server(build(house, doors=doors), host, int(port), secure_door(house, doors))
    running = asyncio.create_task(http.serve())
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not running.done():
        await http.stop()
    await running
