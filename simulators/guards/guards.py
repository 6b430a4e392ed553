"""The guards of a scenario at work: each waits for its rounds, walks them in its manner and tells the truth aside."""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self, TypeVar
from zoneinfo import ZoneInfo

import structlog

from caretaker.domain.rounds.checkpoints import Checkpoint
from simulators.guards.answers import answer
from simulators.guards.itinerary import CLOCK_BACK_S, Deed, Part, Step, itinerary
from simulators.guards.phone import Away, Phone, Said, SignedOut
from simulators.guards.picture import snapshot
from simulators.guards.presence import Presence
from simulators.machines import Machine
from simulators.truth import DEED, TruthFile

WANTED: Final = "wanted.json"
"""In the guards' folder: who needs an enrolment code. Whoever starts us may answer with a `Letter`."""
_AGAIN_S: Final = 5.0
_LOOK_S: Final = 300.0
"""A phone asks for its rounds at least so often."""
_TOO_LATE_S: Final = 420.0
"""Nobody begins a round that is over so soon."""
_TROUBLE: Final = 0.04
_log = structlog.get_logger("simulators")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Letter:
    """What hangs in the building and what a supervisor hands out: where the page is, one-time codes, stickers."""

    base: str
    codes: Mapping[str, str]
    stickers: Mapping[str, str]

    @classmethod
    def read(cls, text: str) -> Self:
        """From one line of JSON."""
        return cls(**json.loads(text))


class Guards:
    """All simulated people of a scenario. Their phones lie in `folder`."""

    def __init__(
        self,
        parts: Sequence[Part],
        folder: Path,
        machines: Mapping[str, Machine],
        checkpoints: Iterable[Checkpoint],
        zone: ZoneInfo,
        truth: TruthFile,
        seed: int = 1,
    ) -> None:
        self.parts = parts
        self._folder = folder
        self._places = {place.id: place for place in checkpoints}
        self._presence = Presence(machines, self._places.values(), seed)
        self._machines, self._zone, self._truth, self._seed = machines, zone, truth, seed
        self._rounds: dict[str, str] = {}
        """Person -> the round it walks: what colleagues tell each other."""

    def advertise(self) -> None:
        """Write down who needs a phone."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        wanted = [part.person for part in self.parts if not self._path(part.person).exists()]
        (self._folder / WANTED).write_text(json.dumps(wanted), encoding="utf-8")

    def tasks(self, letter: Letter) -> list[asyncio.Task[None]]:
        """One task each; they end only when somebody's phone was withdrawn."""
        return [asyncio.create_task(self._live(part, letter), name=f"guard {part.person}") for part in self.parts]

    def _path(self, person: str) -> Path:
        return self._folder / f"{person}.json"

    async def _live(self, part: Part, letter: Letter) -> None:
        dice = random.Random(self._seed ^ zlib.crc32(part.person.encode()))
        phone = await self._phone(part.person, letter)
        if phone is None:
            return
        guard = _Guard(part, phone, letter.stickers, dice, self)
        try:
            await guard.live()
        except SignedOut:
            _log.warning("a guard's phone was withdrawn", person=part.person)
            phone.forget()
        finally:
            phone.close()

    async def _phone(self, person: str, letter: Letter) -> Phone | None:
        path = self._path(person)
        phone = Phone.remember(path, letter.base)
        if phone is not None or person not in letter.codes:
            return phone
        label = "模拟手机 simulated phone"
        try:
            return await _patiently(lambda: Phone.enrol(path, letter.base, person, letter.codes[person], label))
        except (Said, SignedOut) as refused:
            _log.warning("a guard got no phone", person=person, why=str(refused))
            return None

    # ---- what a guard needs of the world

    def arrive(self, checkpoint: str) -> None:
        """Somebody is there."""
        self._presence.arrive(checkpoint)

    def place(self, checkpoint: str) -> Checkpoint | None:
        """As the site file has it."""
        return self._places.get(checkpoint)

    def machine(self, checkpoint: str) -> Machine | None:
        """What stands there."""
        place = self._places.get(checkpoint)
        return None if place is None or place.asset is None else self._machines.get(place.asset)

    def photograph(self, words: str, dice: random.Random) -> bytes:
        """Now."""
        return snapshot(words, datetime.now(self._zone), dice)

    def walks(self, person: str, round_id: str) -> None:
        """Told to everybody."""
        self._rounds[person] = round_id

    def colleagues_round(self, person: str) -> str | None:
        """The round of somebody else."""
        return next((walk for who, walk in self._rounds.items() if who != person), None)

    def confess(
        self, person: str, round_id: str, checkpoint: str, deed: Deed, scan: str | None, *, there: bool
    ) -> None:
        """The truth, for tests to compare."""
        self._truth.tell(
            {
                "event": DEED,
                "id": scan or f"{round_id}/{checkpoint}",
                "person": person,
                "round": round_id,
                "checkpoint": checkpoint,
                "deed": deed.value,
                "there": there,
                "at_ms": time.time_ns() // 1_000_000,
            }
        )


@dataclass(slots=True)
class _Guard:
    """One person on duty."""

    part: Part
    phone: Phone
    stickers: Mapping[str, str]
    dice: random.Random
    world: Guards
    passed_over: set[str] = field(default_factory=set)
    here: str | None = None
    shot: str | None = None
    """The last photo of a finding: who is lazy shows it again."""

    async def live(self) -> None:
        """Until the phone is withdrawn."""
        await self._send()  # what the last process wrote down and could not send any more
        while True:
            today = await _patiently(self.phone.today)
            mine = [walk for walk in today["rounds"] if walk["plan"] in self.part.plans]
            now_ms = today["now_ms"]
            walk = next((walk for walk in mine if self._open(walk, now_ms)), None)
            if walk is None:
                starts = [each["starts_ms"] - now_ms for each in mine if each["starts_ms"] > now_ms]
                wait_s = min(starts, default=_AGAIN_S * 1000) / 1000 + self.dice.uniform(1.0, 8.0)
                await asyncio.sleep(min(wait_s, _LOOK_S))
                continue
            self.passed_over.add(walk["id"])
            await self._walk(walk, today["checkpoints"])

    def _open(self, walk: Mapping[str, Any], now_ms: int) -> bool:
        """Is this a round to walk now?"""
        free = walk["state"] == "scheduled" and walk["person"] in (None, self.phone.memory.person)
        mine = walk["state"] == "in_progress" and walk["person"] == self.phone.memory.person
        in_time = walk["starts_ms"] <= now_ms < walk["ends_ms"] - _TOO_LATE_S * 1000
        return (free or mine) and in_time and walk["id"] not in self.passed_over

    async def _walk(self, walk: Mapping[str, Any], points: Mapping[str, Any]) -> None:
        me, turn = self.phone.memory.person, self.phone.memory.rounds
        manner = self.part.manners[turn % len(self.part.manners)]
        self.phone.memory.rounds += 1
        self.phone.keep()
        due = [stop["checkpoint"] for stop in walk["visits"] if stop["state"] == "due"]
        stops = [stop for stop in due if stop in self.stickers]
        places = {stop: place.place for stop in (*stops, self.here) if stop and (place := self.world.place(stop))}
        steps = itinerary(stops, places, manner, self.dice, start=self.here)
        done = {step.checkpoint for step in steps}
        for stop in stops:
            if stop not in done:
                told = Deed.ASLEEP if manner is Deed.ASLEEP else Deed.SKIPPED
                self.world.confess(me, walk["id"], stop, told, None, there=False)
        if not steps:
            return
        try:
            await _patiently(lambda: self.phone.open(walk["id"]))
        except Said as taken:
            _log.info("a round was walked by somebody else", person=me, round=walk["id"], why=str(taken))
            return
        self.world.walks(me, walk["id"])
        for row, step in enumerate(steps):
            await asyncio.sleep(step.way_s)
            planted = (turn == 0 and row == 1 and manner is Deed.HONEST) or (row == 0 and manner is Deed.OLD_PHOTO)
            trouble = planted or self.dice.random() < _TROUBLE
            await self._stop(walk["id"], step, points[step.checkpoint], trouble=trouble)
        if len(done) < len(walk["visits"]) and self.dice.random() < 0.5:
            try:
                await _patiently(lambda: self.phone.end(walk["id"], "临时处置突发情况，剩余点位未走"))
            except Said as over:
                _log.info("a round ended by itself", person=me, round=walk["id"], why=str(over))

    async def _stop(self, round_id: str, step: Step, point: Mapping[str, Any], *, trouble: bool) -> None:
        """Come, scan, answer, send."""
        if step.there:
            self.world.arrive(step.checkpoint)
            await asyncio.sleep(self.dice.uniform(3.0, 6.0))
            self.here = step.checkpoint
        walk, deed = round_id, step.deed
        if deed is Deed.FAVOUR:
            other = self.world.colleagues_round(self.phone.memory.person)
            walk, deed = (round_id, Deed.HONEST) if other is None else (other, deed)
        if deed is Deed.OLD_PHOTO and self.shot is None:
            deed = Deed.HONEST
        written: dict[str, Any] = {"id": str(uuid.uuid4()), "round": walk, "checkpoint": step.checkpoint}
        written |= {"token": self.stickers[step.checkpoint], "token_type": "printed"}
        written |= self.phone.stamp(-CLOCK_BACK_S if deed is Deed.CLOCK else 0.0)
        written["position"] = self._position(step)
        await asyncio.sleep(step.look_s)
        answers, photos = await self._answers(step, deed, point, trouble=trouble)
        written |= {"answers": answers, "photos": photos}
        self.world.confess(self.phone.memory.person, walk, step.checkpoint, deed, str(written["id"]), there=step.there)
        self.phone.scan(written, foreign_key=deed is Deed.COPIED)
        await self._send()

    async def _answers(
        self, step: Step, deed: Deed, point: Mapping[str, Any], *, trouble: bool
    ) -> tuple[list[dict[str, Any]], list[str]]:
        if deed is Deed.UNANSWERED:
            return [], []
        checks = point["checks"]
        simple = [check["id"] for check in checks if check["type"] == "yes_no" and check["point"] is None]
        wrong = self.dice.choice(simple) if simple and (trouble or deed is Deed.OLD_PHOTO) and step.there else None
        photo = None
        if deed is Deed.OLD_PHOTO:
            photo = self.shot
        elif wrong is not None or any(check["type"] == "photo" for check in checks):
            data = self.world.photograph(step.checkpoint, self.dice)
            photo = await _patiently(lambda: self.phone.photo(data))
        if wrong is not None:
            self.shot = photo
        machine = self.world.machine(step.checkpoint)
        made = [answer(check, machine, photo, self.dice, trouble=check["id"] == wrong) for check in checks]
        return [given for given in made if given is not None], []

    def _position(self, step: Step) -> dict[str, float] | None:
        """Outdoors a phone knows where it is, more or less."""
        place = self.world.place(step.checkpoint)
        if not step.there or place is None or place.place.lat is None or place.place.lon is None:
            return None
        off = self.dice.uniform(5.0, 20.0)
        return {
            "lat": place.place.lat + self.dice.gauss(0.0, off / 222_000),
            "lon": place.place.lon + self.dice.gauss(0.0, off / 222_000),
            "accuracy_m": off,
        }

    async def _send(self) -> None:
        """The queue, until it is empty."""
        await _patiently(self.phone.flush)


async def _patiently(call: Callable[[], T]) -> T:
    """A blocking call in a thread, again and again while the server is away."""
    while True:
        try:
            return await asyncio.to_thread(call)
        except Away:
            await asyncio.sleep(_AGAIN_S)
