"""The judge of scans in a process that has the site's keys: looks up what `domain.rounds.judge` needs, then asks it."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Final

from caretaker.domain.assets import Estate
from caretaker.domain.errors import NotFound, Unavailable
from caretaker.domain.phones import Phone
from caretaker.domain.rounds import chain, codes
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.findings import required
from caretaker.domain.rounds.judge import Earlier, Facts, PhotoFacts, believed_ns, judge
from caretaker.domain.rounds.plans import Order, PlanPoint
from caretaker.domain.rounds.rounds import Round
from caretaker.domain.rounds.scans import Scan, Verdict, Witness
from caretaker.domain.rounds.walking import may_walk, walk_s
from caretaker.ports import ReadingStore, UnitOfWork
from caretaker.ports.keys import Signatures, SiteKeys
from caretaker.ports.rounds import KeptScan
from caretaker.services.alibi import witnesses_of
from caretaker.services.scans import Context

_LATELY_NS: Final = 12 * 3600 * 1_000_000_000
"""How far back earlier scans are looked at: longer than any shift."""
_OFFSETS: Final = 5
"""So many earlier scans must agree before a phone's usual clock error is known."""

Photos = Callable[[UnitOfWork, Scan], Sequence[PhotoFacts]]


@dataclass(frozen=True, slots=True)
class Proof:
    """`services.scans.Judge` with the site's keys, the phones' signatures and the readings that bear witness."""

    keys: SiteKeys
    verify: Signatures
    store: ReadingStore
    photos: Photos

    def __call__(
        self, unit: UnitOfWork, scan: Scan, walk: Round | None, checkpoint: Checkpoint | None, context: Context, /
    ) -> Verdict:
        """The verdict."""
        phone = _phone(unit, scan)
        kept = _lately(unit, scan, context.now_ns)
        last = max((each for each in kept if each.scan.phone == scan.phone), key=lambda e: e.scan.counter, default=None)
        places = {each.id: each for each in unit.checkpoints.list(scan.site)}
        facts = Facts(
            checked=codes.check(
                scan.token,
                scan.token_type,
                scan.site,
                () if checkpoint is None else (checkpoint,),
                self.keys.keys(scan.site),
                scan.received_ns,
            ),
            checkpoint=checkpoint,
            round=walk,
            order=Order.FREE if context.plan is None else context.plan.order,
            tolerance_s=300.0 if context.plan is None else context.plan.tolerance_s,
            may_walk=walk is None or may_walk(walk, context.person),
            signature=self._signature(scan, phone),
            previous_hash=None if last is None else chain.hash_of(last.scan),
            last_counter=None if last is None else last.scan.counter,
            anchor_ok=self._anchor(scan),
            usual_offset_s=_usual_offset(kept, scan.phone),
            earlier=[_earlier(each) for each in kept],
            least_walk_s=_walks(places, () if context.plan is None else context.plan.points),
            required=frozenset(check.id for check in context.checks if required(check)),
            photos=self.photos(unit, scan),
        )
        at_ns = believed_ns(scan, facts)
        # the code and the witnesses are asked about the moment we believe, which may be hours before the upload
        return judge(
            scan,
            _at(
                facts,
                scan,
                checkpoint,
                self.keys.keys(scan.site),
                at_ns,
                self._witnesses(context.estate, checkpoint, at_ns),
            ),
        )

    def _signature(self, scan: Scan, phone: Phone | None) -> bool | None:
        if phone is None or phone.public_key is None:
            return None if not scan.signature else False
        return bool(scan.signature) and self.verify(phone.public_key, chain.canonical(scan), scan.signature)

    def _anchor(self, scan: Scan) -> bool:
        if scan.anchor is None:
            return False
        server_ms = scan.anchor.server_ns // 1_000_000
        return any(
            hmac.compare_digest(chain.anchor_mac(key, scan.phone, server_ms), scan.anchor.mac)
            for key in self.keys.keys(scan.site)
        )

    def _witnesses(self, estate: Estate, checkpoint: Checkpoint | None, at_ns: int) -> Sequence[Witness]:
        if checkpoint is None or not checkpoint.witnesses:
            return ()
        try:
            return witnesses_of(self.store, estate, checkpoint, at_ns)
        except Unavailable:
            return ()  # a store that is away proves nothing, for or against


def _at(
    facts: Facts,
    scan: Scan,
    checkpoint: Checkpoint | None,
    keys: Sequence[codes.SiteKey],
    at_ns: int,
    witnesses: Sequence[Witness],
) -> Facts:
    places = () if checkpoint is None else (checkpoint,)
    checked = codes.check(scan.token, scan.token_type, scan.site, places, keys, at_ns)
    return replace(facts, checked=checked, witnesses=tuple(witnesses))


def _phone(unit: UnitOfWork, scan: Scan) -> Phone | None:
    try:
        return unit.phones.get(scan.phone)
    except NotFound:
        return None


def _lately(unit: UnitOfWork, scan: Scan, now_ns: int) -> list[KeptScan]:
    """Scans of this person and of this phone in the last hours, oldest first, without this one."""
    since = now_ns - _LATELY_NS
    found = {
        each.scan.id: each
        for each in (
            *unit.scans.list(scan.site, person=scan.person, from_ns=since, limit=200),
            *unit.scans.list(scan.site, phone=scan.phone, limit=50),
        )
        if each.scan.id != scan.id and each.verdict is not None
    }
    return sorted(found.values(), key=lambda each: each.verdict.at_ns if each.verdict else 0)


def _earlier(kept: KeptScan) -> Earlier:
    scan, position = kept.scan, kept.scan.position
    return Earlier(
        scan=scan.id,
        phone=scan.phone,
        person=scan.person,
        checkpoint=kept.checkpoint,
        token=scan.token,
        at_ns=kept.verdict.at_ns if kept.verdict else scan.device_ns,
        device_ns=scan.device_ns,
        monotonic_ms=scan.monotonic_ms,
        boot=scan.boot,
        counter=scan.counter,
        lat=position.lat if position else None,
        lon=position.lon if position else None,
    )


def _usual_offset(kept: Sequence[KeptScan], phone: str) -> float | None:
    offsets = [
        (each.scan.device_ns - each.verdict.at_ns) / 1e9
        for each in kept
        if each.scan.phone == phone and each.verdict is not None and not each.verdict.suspicious
    ]
    return median(offsets) if len(offsets) >= _OFFSETS else None


def _walks(places: Mapping[str, Checkpoint], points: Sequence[PlanPoint]) -> Callable[[str, str], float]:
    """Seconds between two checkpoints: the plan's own number where it has one for this pair of neighbours."""
    said = {
        (before.checkpoint, after.checkpoint): after.least_walk_s
        for before, after in pairwise(points)
        if after.least_walk_s is not None
    }

    def least_s(start: str, end: str) -> float:
        own = said.get((start, end))
        if own is not None:
            return own
        if start not in places or end not in places:
            return 0.0
        return walk_s(places[start].place, places[end].place)

    return least_s
