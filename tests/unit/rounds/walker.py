"""A guard, a phone and a server as the judge sees them: honest walks with real clocks and paces, and what a cheat changes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from caretaker.domain.equipment import Text
from caretaker.domain.rounds import chain, codes
from caretaker.domain.rounds.checkpoints import Checkpoint, Place
from caretaker.domain.rounds.judge import Earlier, Facts, PhotoFacts, judge
from caretaker.domain.rounds.plans import Order
from caretaker.domain.rounds.rounds import Round, RoundState, Visit
from caretaker.domain.rounds.scans import Anchor, Answer, Position, Scan, TokenType, Verdict, Witness
from caretaker.domain.rounds.walking import walk_s

S = 1_000_000_000
START = 1_795_400_000 * S
KEY = codes.SiteKey("k1", b"a secret of this site, 32 bytes!")
SITE = "demo"
CHECKS = ("seal", "light")


def places(count: int = 12, seed: int = 7) -> list[Checkpoint]:
    """Checkpoints 40-120 m apart on a few floors, all with a position."""
    dice = random.Random(seed)
    found, x, y = [], 0.0, 0.0
    for number in range(count):
        x, y = x + dice.uniform(30, 90), y + dice.uniform(-60, 60)
        level = dice.choice((0, 0, 0, 1, 2, -1))
        place = Place(x, y, level, 31.2 + y / 111_000, 121.5 + x / 95_000)
        found.append(Checkpoint(f"cp-{number}", SITE, Text(f"点{number}", f"point {number}"), "b1", place=place))
    return found


@dataclass
class Phone:
    """One phone: its clocks, its chain and how wrong its wall clock is."""

    id: str = "phone-1"
    boot: str = "boot-1"
    offset_s: float = 0.0
    drift: float = 0.0
    started_ns: int = START - 3600 * S
    counter: int = 0
    previous: str = ""

    def monotonic_ms(self, at_ns: int) -> float:
        """Since this boot."""
        return round((at_ns - self.started_ns) / 1e6 * (1 + self.drift), 1)

    def wall_ns(self, at_ns: int) -> int:
        """What its clock shows; whole milliseconds."""
        return (at_ns + round(self.offset_s * S)) // 1_000_000 * 1_000_000


@dataclass
class Server:
    """What the service looks up, kept in lists."""

    points: list[Checkpoint] = field(default_factory=places)
    earlier: list[Earlier] = field(default_factory=list)
    scans: dict[str, Scan] = field(default_factory=dict)
    photos: dict[str, str] = field(default_factory=dict)
    offsets: dict[str, list[float]] = field(default_factory=dict)
    walk: Round | None = None
    guard: str = "zhang-wei"
    keys: tuple[codes.SiteKey, ...] = (KEY,)

    def open_round(self, order: list[int], starts_ns: int, length_s: float = 5400.0) -> None:
        """A round over these points."""
        visits = tuple(
            Visit(self.points[index].id, row + 1, starts_ns, starts_ns + round(length_s * S))
            for row, index in enumerate(order)
        )
        end = starts_ns + round(length_s * S)
        self.walk = Round("r@1", SITE, "r", 1, starts_ns, end, RoundState.IN_PROGRESS, visits, self.guard)

    def take(
        self,
        scan: Scan,
        *,
        signature: bool | None = True,
        order: Order = Order.FREE,
        taken: int | None = None,
        witnesses: Sequence[Witness] = (),
    ) -> Verdict:
        """Judge and remember."""
        checkpoint = next((p for p in self.points if p.id == scan.checkpoint), None)
        mine = [e for e in self.earlier if e.phone == scan.phone]
        last = max(mine, key=lambda e: e.counter, default=None)
        usual = sorted(self.offsets.get(scan.phone, []))
        places_ = {p.id: p.place for p in self.points}
        checked = codes.check(scan.token, scan.token_type, SITE, self.points, self.keys, taken or scan.received_ns)
        place = next((p for p in self.points if p.id == checked.checkpoint), checkpoint)
        facts = Facts(
            checked=checked,
            checkpoint=place,
            round=self.walk,
            order=order,
            tolerance_s=300.0,
            may_walk=scan.person == self.guard,
            signature=signature,
            previous_hash=None if last is None else chain.hash_of(self.scans[last.scan]),
            last_counter=None if last is None else last.counter,
            anchor_ok=scan.anchor is not None
            and scan.anchor.mac == chain.anchor_mac(KEY, scan.phone, scan.anchor.server_ns // 10**6),
            usual_offset_s=usual[len(usual) // 2] if len(usual) >= 5 else None,
            earlier=list(self.earlier),
            least_walk_s=lambda a, b: walk_s(places_[a], places_[b]),
            required=frozenset(CHECKS),
            photos=[
                PhotoFacts(
                    sha, scan.device_ns - 20 * S if sha[0] != "0" else scan.device_ns - 86_400 * S, self.photos.get(sha)
                )
                for sha in scan.photos
            ],
            witnesses=witnesses,
        )
        verdict = judge(scan, facts)
        self.remember(scan, checked.checkpoint, verdict)
        return verdict

    def remember(self, scan: Scan, checkpoint: str | None, verdict: Verdict) -> None:
        """As the service keeps it."""
        self.scans[scan.id] = scan
        at = scan.position
        self.earlier.append(
            Earlier(
                scan.id,
                scan.phone,
                scan.person,
                checkpoint,
                scan.token,
                verdict.at_ns,
                scan.device_ns,
                scan.monotonic_ms,
                scan.boot,
                scan.counter,
                at.lat if at else None,
                at.lon if at else None,
            )
        )
        if not verdict.suspicious:
            self.offsets.setdefault(scan.phone, []).append((scan.device_ns - verdict.at_ns) / S)
        for sha in scan.photos:
            self.photos.setdefault(sha, scan.id)
        if self.walk is not None and verdict.accepted and checkpoint is not None:
            visits = tuple(
                replace(v, scan=v.scan or scan.id) if v.checkpoint == checkpoint else v for v in self.walk.visits
            )
            self.walk = replace(self.walk, visits=visits)


def scan(server: Server, phone: Phone, index: int, at_ns: int, *, person: str = "zhang-wei", **changes: object) -> Scan:
    """What an honest phone writes down at a checkpoint at `at_ns`; `changes` are what a cheat forges."""
    point = server.points[index]
    phone.counter += 1
    dice = random.Random(f"{phone.id}/{phone.counter}/{at_ns}")
    accuracy = dice.uniform(4, 40)
    place = point.place
    position = None
    if place.level >= 0 and dice.random() < 0.6:
        off = accuracy / 111_000
        position = Position(place.lat + dice.gauss(0, off / 2), place.lon + dice.gauss(0, off / 2), accuracy)  # type: ignore[operator]
    anchor_ns = phone.started_ns + 600 * S
    made = Scan(
        id=f"{dice.getrandbits(128):032x}",
        site=SITE,
        person=person,
        phone=phone.id,
        token=codes.token_of(KEY, point),
        token_type=TokenType.PRINTED,
        device_ns=phone.wall_ns(at_ns),
        monotonic_ms=phone.monotonic_ms(at_ns),
        boot=phone.boot,
        counter=phone.counter,
        previous=phone.previous,
        signature="s",
        round="r@1",
        checkpoint=point.id,
        position=position,
        anchor=Anchor(
            anchor_ns // 10**6 * 10**6,
            phone.monotonic_ms(anchor_ns),
            chain.anchor_mac(KEY, phone.id, anchor_ns // 10**6),
        ),
        answers=tuple(Answer(check, "ok") for check in CHECKS),
        photos=(f"f{dice.getrandbits(252):063x}",) if dice.random() < 0.3 else (),
        received_ns=at_ns + round(dice.choice((0.2, 0.4, 30.0, 900.0)) * S),
    )
    made = replace(made, **changes)  # type: ignore[arg-type]
    phone.previous = chain.hash_of(made)
    return made
