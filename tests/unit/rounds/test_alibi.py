"""The physical alibi: what bears witness by itself, and what the simulated estate says about many rounds.

The estate runs under a clock of the test's own: the same machines, the same people and the same judge as in the demo,
only without waiting. Readings go into a store that ends where the test's time ends, so nobody sees the future.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

import numpy as np
import pytest

from caretaker.adapters.memory.store import MemoryStore
from caretaker.catalog import read_rounds
from caretaker.domain.readings import Quality, ReadingBatch
from caretaker.domain.rounds.checkpoints import Checkpoint, Place
from caretaker.domain.rounds.plans import RoundPlan
from caretaker.domain.rounds.scans import Reason, Verdict, Witness
from caretaker.services.alibi import BEFORE_NS, can_witness, witnesses_of
from simulators.guards import Deed, Step, itinerary
from simulators.guards.presence import Presence
from simulators.machines import Machine
from tests.factories import ROOT, demo_estate, demo_kinds, demo_site
from tests.unit.rounds.walker import Phone, S, Server, scan
from tests.unit.simulators.watch import ZONE

START = round(datetime(2026, 11, 23, tzinfo=ZONE).timestamp()) * S
STEP_S = 4
SLOTS, APART_S = 67, 18_000
"""Moments of simulated time, five hours apart: two weeks, every hour of the day."""
HONEST, CHEATS = 3 * SLOTS, 100
NIGHT = range(6)
HOURLY = ("north-hourly", "basement-hourly", "plant-hourly")


def rounds_file() -> tuple[dict[str, Checkpoint], dict[str, RoundPlan]]:
    """As shipped; each place gets a position, which the walker of the tests wants."""
    found = read_rounds(ROOT / "sites" / "demo", demo_site(), demo_kinds())
    places = {
        each.id: replace(each, place=replace(each.place, lat=31.23 + each.place.y_m / 111_000, lon=121.473))
        for each in found.checkpoints
    }
    return places, {plan.id: plan for plan in found.plans}


PLACES, PLANS = rounds_file()
WALKED = {point.checkpoint for plan in HOURLY for point in PLANS[plan].points}
WITNESSES = sorted({name.removesuffix("!") for stop in WALKED for name in PLACES[stop].witnesses})
MUST = {place.id for place in PLACES.values() if any(name.endswith("!") for name in place.witnesses)}


@dataclass
class Estate:
    """The machines that witnesses name, under a hand clock. `noticing` False: nobody leaves a trace."""

    noticing: bool = True
    seed: int = 7
    now_s: int = 0
    store: MemoryStore = field(default_factory=MemoryStore)

    def __post_init__(self) -> None:
        wanted = {name.partition(".")[0] for name in WITNESSES}
        kinds = demo_kinds()
        assets = [asset for asset in demo_site().assets if asset.id in wanted]
        self.machines = {asset.id: Machine(asset, kinds[asset.kind], self.seed) for asset in assets}
        self.presence = Presence(self.machines, PLACES.values(), self.seed)
        self.points = {name: demo_estate().by_key[tuple(name.split("."))].id for name in WITNESSES}  # type: ignore[index]

    def jump(self, to_s: int) -> None:
        """Time nobody looks at; the past is forgotten with it."""
        self.now_s, self.store = to_s, MemoryStore()

    def until(self, to_s: float) -> None:
        """Let time pass, and write down what the sensors show."""
        while self.now_s < to_s:
            self.now_s += STEP_S
            at_ns = START + self.now_s * S
            now = datetime.fromtimestamp(at_ns / S, ZONE)
            for machine in self.machines.values():
                machine.model.step(STEP_S, now)
            shown = {asset: machine.model.values() for asset, machine in self.machines.items()}
            values = [float(shown[asset][key]) for asset, _, key in (name.partition(".") for name in WITNESSES)]
            rows = len(values)
            batch = ReadingBatch.of(list(self.points.values()), [at_ns] * rows, values, [Quality.GOOD] * rows)
            self.store.write(batch, self.now_s)

    def arrive(self, checkpoint: str) -> None:
        if self.noticing:
            self.presence.arrive(checkpoint)

    def asked(self, checkpoint: str, at_ns: int) -> Sequence[Witness]:
        return witnesses_of(self.store, demo_estate(), PLACES[checkpoint], at_ns)


@dataclass
class Walk:
    """One round of one person with a phone, as a list of things to do at their times."""

    plan: RoundPlan
    manner: Deed
    begins_s: float
    dice: random.Random
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stops = [point.checkpoint for point in self.plan.points]
        self.server = Server(points=[PLACES[stop] for stop in self.stops])
        self.server.open_round(list(range(len(self.stops))), START + round(self.begins_s) * S)
        self.phone = Phone(id=f"phone-{self.begins_s}", started_ns=START + round(self.begins_s - 4000) * S)

    def timetable(self) -> Iterator[tuple[float, str, Step]]:
        """(second, arrive or send, stop); the scan lies `look_s` before it is sent."""
        at_s = self.begins_s
        for step in itinerary(self.stops, places(), self.manner, self.dice):
            at_s += step.way_s
            if step.there:
                yield at_s, "arrive", step
                at_s += self.dice.uniform(3.0, 6.0)
            at_s += step.look_s
            yield at_s, "send", step

    def send(self, estate: Estate, step: Step, now_s: float) -> None:
        at_ns = START + round((now_s - step.look_s) * S)
        index = self.stops.index(step.checkpoint)
        made = scan(self.server, self.phone, index, at_ns, received_ns=START + round(now_s * S))
        self.verdicts[step.checkpoint] = self.server.take(made, witnesses=estate.asked(step.checkpoint, at_ns))

    @property
    def supported(self) -> int:
        return sum(any(witness.supports for witness in verdict.witnesses) for verdict in self.verdicts.values())


def places() -> Mapping[str, Place]:
    return {each.id: each.place for each in PLACES.values()}


def walked(estate: Estate, walks: Sequence[Walk]) -> None:
    """All of them side by side, in the order of time."""
    number = count()
    due = [(at_s, next(number), walk, what, step) for walk in walks for at_s, what, step in walk.timetable()]
    heapq.heapify(due)
    while due:
        at_s, _, walk, what, step = heapq.heappop(due)
        estate.until(at_s)
        if what == "arrive":
            estate.arrive(step.checkpoint)
        else:
            walk.send(estate, step, at_s)


def fortnight(estate: Estate, *, cheats: bool, hours: Sequence[int] = range(24)) -> tuple[list[Walk], list[Walk]]:
    """Three honest rounds in each slot and, when nobody honest is near any more, one or two from the booth."""
    dice = random.Random(11)
    honest: list[Walk] = []
    cheating: list[Walk] = []
    for slot in range(SLOTS):
        begins = slot * APART_S
        if begins // 3600 % 24 not in hours:
            continue
        estate.jump(begins)
        estate.until(begins + 120)
        trio = [Walk(PLANS[plan], Deed.HONEST, begins + 120, dice) for plan in HOURLY]
        walked(estate, trio)
        honest += trio
        if cheats:
            rest = estate.now_s + BEFORE_NS // S
            estate.until(rest)
            # the patient ones come at the pace of a walk: nothing but the estate itself can tell
            pair = [Walk(PLANS[plan], Deed.PATIENT, rest, dice) for plan in HOURLY[1:]][: CHEATS - len(cheating)]
            pair = pair[slot % 2 :]
            walked(estate, pair)
            cheating += pair
    return honest, cheating


def share(walks: Sequence[Walk]) -> float:
    return sum(walk.supported > 0 for walk in walks) / len(walks)


def scans_with(walks: Sequence[Walk]) -> str:
    seen, made = sum(walk.supported for walk in walks), sum(len(walk.verdicts) for walk in walks)
    return f"{seen} of {made} scans ({seen / made:.0%})"


def reasons(verdict: Verdict) -> set[Reason]:
    return {doubt.reason for doubt in verdict.doubts}


def test_the_estate_speaks_for_the_honest_and_against_the_booth(capsys: pytest.CaptureFixture[str]) -> None:
    honest, cheating = fortnight(Estate(), cheats=True)
    ghosts, _ = fortnight(Estate(noticing=False), cheats=False, hours=NIGHT)
    awake = [walk for walk in honest if walk.begins_s // 3600 % 24 in NIGHT]
    planted = [verdict for walk in cheating for stop, verdict in walk.verdicts.items() if stop in MUST]
    listed = [verdict for verdict in planted if Reason.CONTRADICTED in reasons(verdict) and verdict.suspicious]
    doubted = [v for walk in honest for v in walk.verdicts.values() if v.suspicious]
    with capsys.disabled():
        print(
            f"\nalibi: {len(honest)} honest rounds, {share(honest):.0%} with a witness, {scans_with(honest)}; "
            f"doubted {len(doubted)}\n"
            f"       {len(cheating)} patient cheats: {len(listed)} of {len(planted)} contradictions listed, "
            f"by chance a witness at {scans_with(cheating)}\n"
            f"       at night: {share(awake):.0%} with a witness; the same walks without a trace {share(ghosts):.0%}, "
            f"{scans_with(awake)} against {scans_with(ghosts)}"
        )
    assert (len(honest), len(cheating)) == (HONEST, CHEATS)
    assert share(honest) >= 0.8
    assert not doubted, "nobody honest is doubted"
    assert len(planted) >= CHEATS
    assert len(listed) == len(planted), "every contradiction is listed"
    # the counter-check: where nobody leaves a trace, neither figure can be had
    assert share(ghosts) < share(awake)
    contradicted = [v for walk in ghosts for s, v in walk.verdicts.items() if s in MUST]
    assert contradicted
    assert all(Reason.CONTRADICTED in reasons(verdict) for verdict in contradicted), "without a trace the door says no"


def test_without_witnesses_nothing_is_said() -> None:
    estate = Estate()
    estate.until(400)
    bare = replace(PLACES["pump-room-door"], witnesses=())
    assert witnesses_of(estate.store, demo_estate(), bare, START + 300 * S) == []
    (against,) = estate.asked("pump-room-door", START + 300 * S)
    assert not against.supports


def test_only_what_counts_or_switches_bears_witness() -> None:
    """The temperature of a machine room trembles whoever comes; a checkpoint that names it gets no witness by it."""
    estate = demo_estate()
    store = MemoryStore()
    point = estate.by_key["lift-1", "machine_room_temp"]
    at = [START + second * S for second in range(0, 240, 5)]
    values = 27.0 + np.random.default_rng(1).normal(0, 0.2, len(at))
    store.write(ReadingBatch.of([point.id] * len(at), at, values.tolist(), [Quality.GOOD] * len(at)), 1)
    place = replace(PLACES["lift-1-room"], witnesses=("lift-1.machine_room_temp!",))
    assert witnesses_of(store, estate, place, START + 180 * S) == []
    shipped = [demo_estate().by_key[tuple(name.split("."))] for name in WITNESSES]  # type: ignore[index]
    assert all(can_witness(point.spec) for point in shipped), "the demo names no other"


@pytest.mark.parametrize(("until_s", "says"), [(180, True), (60, False)])
def test_a_door_whose_controller_fell_silent_accuses_nobody(until_s: int, says: bool) -> None:
    estate, store = demo_estate(), MemoryStore()
    point = estate.by_key["pump-1", "door_open"]
    at = [START + second * S for second in range(0, until_s, 5)]
    store.write(ReadingBatch.of([point.id] * len(at), at, [0.0] * len(at), [Quality.GOOD] * len(at)), 1)
    found = witnesses_of(store, estate, PLACES["pump-room-door"], START + 180 * S)
    assert [witness.supports for witness in found] == ([False] if says else [])
