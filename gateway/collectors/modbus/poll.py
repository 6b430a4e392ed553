"""When a device is asked, and what its points say when it does not answer.

The grid: ticks lie at multiples of the device's period, for ever; a late round skips ticks and never shifts them.
Failing: every point that got no answer turns bad at once, and says so again every `SAY_BAD_AGAIN_S` (so that the page
shows *bad*, not *old*). The first failure is followed by a try at the next tick; each further one doubles the pause, with
jitter, up to `LONGEST_PAUSE_S`. A block that the slave refuses is split until only the refused address is alone; that
one is asked again every `LONGEST_PAUSE_S`, its neighbours at every tick. A block that the device keeps silent about while
it answers others is asked last and with growing pauses.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import structlog

from caretaker.domain.assets import Device
from caretaker.domain.readings import Quality
from caretaker.ports import Clock
from gateway.collectors.modbus.check import EXCEPTIONS, MISCONFIGURED, SILENT, Fault, ModbusFault
from gateway.collectors.modbus.link import Link
from gateway.collectors.modbus.outbox import Rows
from gateway.collectors.modbus.plan import Block, split
from gateway.collectors.modbus.status import DeviceState, DeviceStatus

log = structlog.get_logger("modbus")

LONGEST_PAUSE_S: Final = 60.0
SAY_BAD_AGAIN_S: Final = 10.0
BUSY_TRIES: Final = 3
BUSY_PAUSE_S: Final = 0.05


def next_tick(now: float, tick: float, period: float) -> tuple[float, int]:
    """The first tick of the grid (tick + k x period) after `now`, and how many were missed on the way."""
    ahead = max(1, math.floor((now - tick) / period) + 1)
    return tick + ahead * period, ahead - 1


def pause(failures: int, period: float, chance: float) -> float:
    """Seconds until the next try after `failures` (>= 2) in a row; `chance` in [0, 1) spreads devices that fail together."""
    longest = min(LONGEST_PAUSE_S, period * 2.0 ** min(failures - 1, 20))
    return max(period, longest * (0.5 + 0.5 * chance))


@dataclass(slots=True)
class _Part:
    """One block and how it fares.

    again   loop time from which to ask (0: at every tick)
    said    loop time when it last said bad
    misses  silences in a row; the silent ones are asked last
    """

    block: Block
    fault: ModbusFault | None = None
    again: float = 0.0
    said: float = -math.inf
    misses: int = 0


class Poller:
    """Asks one device on its grid for ever and puts what it says. One task; holds no lock while it waits."""

    def __init__(
        self,
        device: Device,
        blocks: tuple[Block, ...],
        link: Link,
        put: Callable[[Rows], None],
        clock: Clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._device, self._link, self._put, self._clock, self._chance = device, link, put, clock, chance
        self._parts = [_Part(block) for block in blocks]
        self._state = DeviceState.STARTING
        self._fault: ModbusFault | None = None
        self._since_ns = self._ok_ns = 0
        self._failures = self._doubts = 0
        self._next = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._counts: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()

    async def run(self) -> None:
        """Until cancelled."""
        loop = self._loop = asyncio.get_running_loop()
        period = self._device.every_s
        tick = math.floor(loop.time() / period) * period
        self._next = tick
        while True:
            now = loop.time()
            if now >= self._next:
                self._counts["polls"] += 1
                down = await self._round()
                now = loop.time()
                tick, skipped = next_tick(now, tick, period)
                if down and self._failures > 1:
                    tick, more = next_tick(now + pause(self._failures, period, self._chance()) - period, tick, period)
                    skipped += more
                self._counts["skipped"] += skipped
                self._next = tick
            else:
                self._say_bad(now)
            await asyncio.sleep(max(0.0, min(self._next, self._bad_again()) - loop.time()))

    async def _round(self) -> bool:
        """Ask every block once; True when the device is down.

        A block without an answer takes the rest of the round with it only when nothing else was answered before, or at
        the second such block: some devices keep silent about one address and answer all others.
        """
        loop = asyncio.get_running_loop()
        down: ModbusFault | None = None
        asked = missed = 0
        answered = False
        for part in sorted(self._parts, key=lambda part: part.misses):
            if down is not None:
                part.fault = down
            elif part.again <= loop.time():
                asked += 1
                fault = await self._ask(part)
                if fault is None:
                    answered = True
                    continue
                missed += 1
                part.misses += 1
                if answered and missed == 1:
                    part.again = loop.time() + pause(part.misses + 1, self._device.every_s, self._chance())
                else:
                    down = fault
        self._say_bad(loop.time())
        self._judge(down, asked)
        return down is not None

    async def _ask(self, part: _Part) -> ModbusFault | None:
        """One block. A fault of the whole device is given back; a refusal stays with the block."""
        try:
            data = await self._read(part.block)
        except ModbusFault as fault:
            self._faults[fault.fault] += 1
            part.fault = fault
            if fault.fault not in EXCEPTIONS or fault.fault in SILENT:
                return fault
            if fault.fault in MISCONFIGURED:
                self._divide(part)
            return None
        at_ns = self._clock.now_ns()
        self._counts["answers"] += 1
        part.fault, part.again, part.said, part.misses = None, 0.0, -math.inf, 0
        block, columns = part.block, part.block.decode(data)
        self._put(
            Rows(block.points, at_ns, columns.values, columns.quality, columns.texts, self._link, self._link.doubts)
        )
        return None

    async def _read(self, block: Block) -> bytes:
        """One read; a slave that says it is busy is asked again, a few times and briefly."""
        tries = 1
        while True:
            try:
                return await self._link.read(block.ask, self._device.timeout_s)
            except ModbusFault as fault:
                if fault.fault is not Fault.BUSY or tries >= BUSY_TRIES:
                    raise
            await asyncio.sleep(BUSY_PAUSE_S * tries)
            tries += 1

    def _divide(self, part: _Part) -> None:
        """Find the refused address: its neighbours are asked in smaller reads from the next tick on."""
        pieces = split(part.block)
        if len(pieces) > 1:
            at = self._parts.index(part)
            self._parts[at : at + 1] = [_Part(piece, part.fault) for piece in pieces]
        else:
            part.again = asyncio.get_running_loop().time() + LONGEST_PAUSE_S

    def _bad_again(self) -> float:
        return min((part.said + SAY_BAD_AGAIN_S for part in self._parts if part.fault is not None), default=math.inf)

    def _say_bad(self, now: float) -> None:
        """One bad reading for each point without an answer, unless it was said lately."""
        at_ns = self._clock.now_ns()
        for part in self._parts:
            if part.fault is None or now < part.said + SAY_BAD_AGAIN_S:
                continue
            part.said = now
            count = len(part.block.points)
            bad = np.full(count, Quality.BAD, np.uint8)
            self._put(Rows(part.block.points, at_ns, np.full(count, math.nan), bad))

    def _judge(self, down: ModbusFault | None, asked: int) -> None:
        """Keep the state; log once when it breaks and once when it is back."""
        refused = next((part.fault for part in self._parts if part.fault is not None), None)
        if self._link.doubts != self._doubts and refused is None:
            refused = ModbusFault(Fault.UNSOLICITED, f"{self._link.address} sends frames that nobody asked for")
        self._doubts = self._link.doubts
        self._failures = self._failures + 1 if down is not None else 0
        if down is not None:
            state = DeviceState.DOWN
        elif refused is not None:
            state = DeviceState.PARTIAL
        else:
            state = DeviceState.OK
        now_ns = self._clock.now_ns()
        if state is not DeviceState.DOWN and asked:
            self._ok_ns = now_ns
        self._fault = down or refused
        if state is self._state:
            return
        before, self._state, self._since_ns = self._state, state, now_ns
        names = {"device": self._device.id, "address": self._link.address, "unit": self._device.unit_id}
        if self._fault is not None:
            log.warning(
                "modbus_device_broken", **names, state=state, layer=self._fault.fault, reason=self._fault.message
            )
        elif before is not DeviceState.STARTING:
            log.info("modbus_device_back", **names)

    def status(self) -> DeviceStatus:
        """A snapshot for health, from any thread. `retry_in_s` is 0 unless the device is down."""
        now = self._loop.time() if self._loop is not None else 0.0
        faults = self._faults + Counter({str(Fault.UNSOLICITED): self._link.doubts})
        return DeviceStatus(
            device=self._device.id,
            connection=self._device.connection or "",
            address=self._link.address,
            unit=self._device.unit_id,
            state=self._state,
            fault=self._fault.fault if self._fault else "",
            detail=self._fault.message if self._fault else "",
            since_ns=self._since_ns,
            ok_ns=self._ok_ns,
            retry_in_s=max(0.0, self._next - now) if self._state is DeviceState.DOWN else 0.0,
            polls=self._counts["polls"],
            skipped=self._counts["skipped"],
            answers=self._counts["answers"],
            connects=self._link.connects,
            points=sum(len(part.block.points) for part in self._parts),
            bad_points=sum(len(part.block.points) for part in self._parts if part.fault is not None),
            faults=dict(faults),
        )
