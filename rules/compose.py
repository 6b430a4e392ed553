"""The rules process put together from a house."""

from __future__ import annotations

import asyncio
import threading

from caretaker.bootstrap import House
from rules import main


async def serve(house: House, stop: asyncio.Event) -> None:
    """Judge and tell until `stop`. Raises Fenced."""
    halt = threading.Event()
    parts = house.journal, house.transactions, house.estate, house.notifier, house.clock
    work = asyncio.create_task(asyncio.to_thread(main.run, *parts, halt, house.settings.call_patience()))
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([work, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    halt.set()
    await work
