"""Fifteen ways to fake a patrol are marked with the right reason; a thousand honest rounds are left in peace."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from caretaker.domain.rounds import chain, codes
from caretaker.domain.rounds.plans import Order
from caretaker.domain.rounds.scans import Position, Reason, Scan, Verdict
from caretaker.domain.rounds.walking import walk_s
from tests.unit.rounds.walker import KEY, START, Phone, S, Server, scan

Attack = Callable[[random.Random], Verdict]


def reasons(verdict: Verdict) -> set[Reason]:
    return {doubt.reason for doubt in verdict.doubts}


def begun(dice: random.Random, stops: int = 3) -> tuple[Server, Phone, int]:
    """An honest beginning: `stops` points walked at a usual pace; the time after the last."""
    server, phone = Server(), Phone(offset_s=dice.uniform(-20, 20))
    server.open_round(list(range(12)), START)
    at_ns = START + round(dice.uniform(30, 120) * S)
    for index in range(stops):
        if index:
            at_ns += pace(server, index - 1, index, dice)
        verdict = server.take(scan(server, phone, index, at_ns))
        assert not verdict.suspicious, (verdict, "the honest beginning")
    return server, phone, at_ns


def pace(server: Server, start: int, end: int, dice: random.Random) -> int:
    """An honest walk: 0.5 to 2 m/s, never through walls, a moment at the point."""
    usual_s = walk_s(server.points[start].place, server.points[end].place)
    return round((usual_s * 1.2 / dice.uniform(0.5, 2.0) + dice.uniform(8, 60)) * S)


def forged_mac(dice: random.Random) -> Verdict:
    server, phone, at_ns = begun(dice)
    token = codes.token_of(codes.SiteKey("k1", dice.randbytes(32)), server.points[3])
    return server.take(scan(server, phone, 3, at_ns + pace(server, 2, 3, dice), token=token))


def withdrawn_code(dice: random.Random) -> Verdict:
    server, phone, at_ns = begun(dice)
    old = codes.token_of(KEY, server.points[3])
    server.points[3] = replace(server.points[3], code_version=1)
    return server.take(scan(server, phone, 3, at_ns + pace(server, 2, 3, dice), token=old))


def photo_of_a_display(dice: random.Random) -> Verdict:
    server, phone, at_ns = begun(dice)
    server.points[3] = replace(server.points[3], rotating=True)
    at_ns += pace(server, 2, 3, dice)
    token = codes.token_of(KEY, server.points[3], codes.step_at(at_ns - round(dice.uniform(300, 4000)) * S))
    return server.take(scan(server, phone, 3, at_ns, token=token), taken=at_ns)


def all_tags_in_the_booth(dice: random.Random) -> Verdict:
    server, phone, at_ns = begun(dice)
    verdict = None
    for index in range(3, 9):
        at_ns += round(dice.uniform(2, 6) * S)
        verdict = server.take(scan(server, phone, index, at_ns))
    assert verdict is not None
    return verdict


def early_batch(dice: random.Random) -> Verdict:
    server, phone = Server(), Phone()
    server.open_round(list(range(12)), START)
    at_ns, verdict = START - 3600 * S, None
    for index in range(5):
        at_ns += round(dice.uniform(1, 4) * S)
        verdict = server.take(scan(server, phone, index, at_ns))
    assert verdict is not None
    return verdict


def replay(dice: random.Random) -> Verdict:
    server, phone, at_ns = begun(dice)
    made = scan(server, phone, 3, at_ns + pace(server, 2, 3, dice))
    server.take(made)
    again = replace(made, id=f"{dice.getrandbits(128):032x}", received_ns=made.received_ns + 3600 * S)
    return server.take(again)


def edited_queue(dice: random.Random) -> Verdict:
    server, phone, at_ns = begun(dice)
    made = scan(server, phone, 3, at_ns + pace(server, 2, 3, dice))
    edited = replace(made, device_ns=made.device_ns + 600 * S)
    return server.take(edited, signature=chain.canonical(edited) == chain.canonical(made))


def reordered_chain(dice: random.Random) -> Verdict:
    server, phone, at_ns = begun(dice)
    scan(server, phone, 3, at_ns + pace(server, 2, 3, dice))
    second = scan(server, phone, 4, at_ns + 2 * pace(server, 2, 4, dice))
    return server.take(second)


def clock_moved(by_s: float) -> Attack:
    def attack(dice: random.Random) -> Verdict:
        server, phone, at_ns = begun(dice)
        phone.offset_s += by_s * dice.uniform(0.8, 1.2)
        return server.take(scan(server, phone, 3, at_ns + pace(server, 2, 3, dice)))

    return attack


def two_phones(dice: random.Random) -> Verdict:
    server, _phone, at_ns = begun(dice)
    other = Phone(id="phone-2", boot="boot-9")
    far = max(range(3, 12), key=lambda index: walk_s(server.points[2].place, server.points[index].place))
    server.earlier = [replace(e) for e in server.earlier]
    return server.take(scan(server, other, far, at_ns + round(dice.uniform(1, 10) * S), previous=""))


def shared_sign_in(dice: random.Random) -> Verdict:
    server, _phone, at_ns = begun(dice)
    other = Phone(id="phone-2", boot="boot-9")
    return server.take(scan(server, other, 3, at_ns + pace(server, 2, 3, dice) + 60 * S, previous=""))


def spoofed_position(dice: random.Random) -> Verdict:
    server, phone, at_ns = begun(dice)
    if dice.random() < 0.5:  # the place of the booth, said everywhere
        booth = server.points[0].place
        pinned = Position(booth.lat or 0.0, booth.lon or 0.0, 12.0)
        server.take(scan(server, phone, 3, at_ns := at_ns + pace(server, 2, 3, dice), position=pinned))
        return server.take(scan(server, phone, 9, at_ns + pace(server, 3, 9, dice), position=pinned))
    exact = server.points[3].place
    ideal = Position(exact.lat or 0.0, exact.lon or 0.0, 0.1)
    return server.take(scan(server, phone, 3, at_ns + pace(server, 2, 3, dice), position=ideal))


def skipped_checks(dice: random.Random) -> Verdict:
    server, phone, at_ns = begun(dice)
    made = scan(server, phone, 3, at_ns + pace(server, 2, 3, dice), answers=())
    return server.take(made)


def old_photo(dice: random.Random) -> Verdict:
    server, phone, at_ns = begun(dice)
    sha = f"0{dice.getrandbits(252):063x}" if dice.random() < 0.5 else f"f{dice.getrandbits(252):063x}"
    if sha[0] == "f":
        server.photos[sha] = "an earlier scan"
    return server.take(scan(server, phone, 3, at_ns + pace(server, 2, 3, dice), photos=(sha,)))


def someone_elses_round(dice: random.Random) -> Verdict:
    server, _, at_ns = begun(dice)
    other = Phone(id="phone-7", boot="boot-7")
    return server.take(scan(server, other, 3, at_ns + 600 * S, person="li-lei", previous=""))


ATTACKS: dict[str, tuple[Attack, set[Reason]]] = {
    "photo of the code": (photo_of_a_display, {Reason.STALE_ROTATING_CODE}),
    "all tags in the booth": (all_tags_in_the_booth, {Reason.TOO_FAST, Reason.BATCH}),
    "replay": (replay, {Reason.REPLAY}),
    "edited queue": (edited_queue, {Reason.BAD_SIGNATURE}),
    "clock moved forward": (clock_moved(1800.0), {Reason.CLOCK_TAMPERED}),
    "clock moved back": (clock_moved(-1800.0), {Reason.CLOCK_TAMPERED}),
    "two phones": (two_phones, {Reason.TWO_PHONES}),
    "forged mac": (forged_mac, {Reason.FORGED}),
    "withdrawn code": (withdrawn_code, {Reason.WITHDRAWN_CODE}),
    "position spoofed": (spoofed_position, {Reason.POSITION_SPOOFED, Reason.FAR_AWAY}),
    "early batch": (early_batch, {Reason.BATCH, Reason.TOO_FAST}),
    "shared sign-in": (shared_sign_in, {Reason.SHARED_SIGN_IN}),
    "skipped checks": (skipped_checks, {Reason.SKIPPED_CHECKS}),
    "old photo": (old_photo, {Reason.OLD_PHOTO}),
    "reordered chain": (reordered_chain, {Reason.BROKEN_CHAIN, Reason.COUNTER_GAP}),
    "someone else's round": (someone_elses_round, {Reason.NOT_YOUR_ROUND}),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_marked_with_its_reason(name: str) -> None:
    """At least 99 of 100 tries, each with its own numbers."""
    attack, expected = ATTACKS[name]
    tries = 100

    caught = 0
    for seed in range(tries):
        verdict = attack(random.Random(f"{name}/{seed}"))
        caught += verdict.suspicious and bool(reasons(verdict) & expected)

    assert caught >= 0.99 * tries


def test_a_thousand_honest_rounds_are_left_in_peace() -> None:
    """Paces of 0.5 to 2 m/s, clocks up to four minutes wrong, drift, reboots, late uploads: at most 0.5 % marked."""
    marked: Counter[Reason] = Counter()
    scans = 0
    for seed in range(1000):
        dice = random.Random(seed)
        server = Server()
        phone = Phone(offset_s=dice.gauss(0, 40), drift=dice.gauss(0, 30e-6))
        order = dice.sample(range(12), 12)
        server.open_round(order, START)
        at_ns, before = START + round(dice.uniform(0, 300) * S), None
        for index in order:
            if before is not None:
                at_ns += pace(server, before, index, dice)
            if dice.random() < 0.01:  # the battery fell out
                phone.boot, phone.started_ns = f"boot-{dice.random()}", at_ns - 700 * S
            verdict = server.take(scan(server, phone, index, at_ns), order=Order.FREE)
            scans += 1
            if verdict.suspicious:
                marked.update(reasons(verdict))
            before = index

    assert scans == 12_000
    assert sum(marked.values()) <= 0.005 * scans, marked


def test_the_verdict_explains_itself() -> None:
    """A doubt carries what was seen and what would have been needed."""
    verdict = all_tags_in_the_booth(random.Random(1))

    fast = next(doubt for doubt in verdict.doubts if doubt.reason is Reason.TOO_FAST)
    assert fast.facts["took_s"] < fast.facts["least_s"]  # type: ignore[operator]


def test_an_unsigned_scan_on_plain_http_is_not_suspicious_but_worth_less() -> None:
    server, phone, at_ns = begun(random.Random(3))
    plain: Scan = scan(server, phone, 3, at_ns + 300 * S, signature="")

    verdict = server.take(plain, signature=None)

    assert not verdict.suspicious
    assert verdict.confidence < 0.9
