"""The ingest process put together from a house."""

from __future__ import annotations

import asyncio
import threading

from caretaker.bootstrap import House
from ingest import main


async def serve(house: House, stop: asyncio.Event) -> None:
    """Write until `stop`. Raises Fenced."""
    halt = threading.Event()
    work = asyncio.create_task(
        asyncio.to_thread(
            main.run, house.journal, house.store, house.transactions, house.clock, halt, house.settings.retention_days
        )
    )
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([work, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    halt.set()
    await work
