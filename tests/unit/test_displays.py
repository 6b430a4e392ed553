"""The secret of a display: one place's, withdrawn by a reprint, ended with the grace of its key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caretaker.domain.equipment import Text
from caretaker.domain.rounds import codes
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.displays import Held, Standing, held, secret_of, span_of
from caretaker.domain.rounds.scans import Reason, TokenType

S = 1_000_000_000
NOW = 1_795_400_010 * S
KEY = codes.SiteKey("k2", b"a secret of this site, 32 bytes!")
OLD = codes.SiteKey("k1", b"what was used before, 32 bytes !", NOW - 10 * S, NOW + 10 * S)
PLACE = Checkpoint("lobby", "demo", Text("大堂", "Lobby"), "b1", code_version=2, rotating=True)


def test_a_secret_is_good_for_its_place_and_for_no_other() -> None:
    secret = secret_of(KEY, PLACE)

    assert len(secret) == 43
    assert held(secret, PLACE, [KEY], NOW) == Held(Standing.GOOD)
    for other in (replace(PLACE, id="roof"), replace(PLACE, site="other")):
        assert held(secret, other, [KEY], NOW).standing is Standing.UNKNOWN


@pytest.mark.parametrize(
    "wrong", ["", "x" * 43, "密" * 43, codes.token_of(KEY, PLACE), codes.mac_of(KEY, "demo", 2, "lobby", 0)]
)
def test_what_is_not_the_secret_is_unknown(wrong: str) -> None:
    assert held(wrong, PLACE, [KEY, OLD], NOW).standing is Standing.UNKNOWN


def test_a_reprint_withdraws_it() -> None:
    assert held(secret_of(KEY, PLACE), replace(PLACE, code_version=3), [KEY], NOW) == Held(Standing.WITHDRAWN)


def test_a_rotated_key_counts_until_its_grace_is_over_and_says_when() -> None:
    secret = secret_of(OLD, PLACE)

    assert held(secret, PLACE, [KEY, OLD], NOW) == Held(Standing.GOOD, NOW + 10 * S)
    assert held(secret, PLACE, [KEY, OLD], NOW + 10 * S + 1) == Held(Standing.WITHDRAWN)
    assert held(secret, PLACE, [KEY], NOW).standing is Standing.UNKNOWN


@pytest.mark.parametrize("at", [NOW, NOW // (30 * S) * (30 * S), NOW // (30 * S) * (30 * S) + 30 * S - 1])
def test_a_code_is_believed_until_it_is_void_and_not_a_moment_longer(at: int) -> None:
    step, ends, void = span_of(at)
    text = codes.token_of(KEY, PLACE, step)

    assert at < ends <= at + 30 * S
    assert codes.check(text, TokenType.ROTATING, "demo", [PLACE], [KEY], void - 1).doubt is None
    assert codes.check(text, TokenType.ROTATING, "demo", [PLACE], [KEY], void).doubt is Reason.STALE_ROTATING_CODE
