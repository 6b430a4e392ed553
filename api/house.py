"""What the endpoints share: the ports this process was given, reached through the app's state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.doors import Doors
from api.live import Live
from caretaker.domain.assets import Estate
from caretaker.ports import Clock, Journal, ReadingStore, Transactions
from caretaker.ports.keys import SiteKeys
from caretaker.ports.photos import PhotoFiles
from caretaker.ports.reports import ReportFiles
from caretaker.services import plain_judge
from caretaker.services.readings import Outcome, Submission
from caretaker.services.scans import Judge

Accept = Callable[[Submission], Outcome]
"""Gate and journal in one call: returns when durable. Raises JournalFull, JournalUnavailable."""


@dataclass(frozen=True, slots=True)
class House:
    """The parts. `accept` is None in a process without a gateway; `judge` says what a scan is worth."""

    transactions: Transactions
    estate: Estate
    journal: Journal
    store: ReadingStore
    clock: Clock
    live: Live
    version: str
    demo: bool = False
    accept: Accept | None = None
    judge: Judge = plain_judge.judge
    photos: PhotoFiles | None = None
    keys: SiteKeys | None = None
    doors: Doors | None = None
    reports: ReportFiles | None = None


def house(request: Request) -> House:
    """FastAPI dependency."""
    found: House = request.app.state.house
    return found


TheHouse = Annotated[House, Depends(house)]
