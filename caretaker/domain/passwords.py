"""Which passwords and PINs are too easy to guess. Rules rather than a long list: they also refuse what no list has."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from typing import Final

LEAST: Final = 10
MOST: Final = 256
PIN_DIGITS: Final = 6
_LEET: Final = str.maketrans("0134578@$!", "oleastbasi")
_WALKS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik",
    "qazwsxedcrfvtgbyhnujmik",
)
_STEMS: Final = frozenset(
    """
    admin administrator root user guest test tester testing demo default manager supervisor operator guard security
    caretaker kanhu wuye xiaoqu bao an baoan anquan guanli guanliyuan zhuguan mima denglu zhongguo china beijing
    shanghai shenzhen guangzhou hello world password passwd passwort parola pass word secret letmein welcome login
    iloveyou ilove love woaini woaiwojia aini wodemima nihao dragon monkey master sunshine princess football baseball
    basketball superman batman shadow michael jordan jennifer charlie qwerty qwertyuiop asdf asdfgh asdfghjkl zxcv
    zxcvbn zxcvbnm qaz qazwsx wsx edc changeme change me computer internet system server company huawei xiaomi tencent
    alibaba taobao wechat weixin spring summer autumn winter january february march april may june july august
    september october november december monday tuesday wednesday thursday friday saturday sunday trustno freedom
    whatever starwars pokemon cheese killer hunter soccer hockey ranger access flower banana orange purple
    chelsea arsenal liverpool matrix mustang corvette ferrari mercedes samsung google facebook
    """.split()
)
"""Words that people build passwords around, ours among them; chosen by us, compared without digits and signs."""


def weakness(password: str, own: Iterable[str] = ()) -> str | None:
    """Why this password is refused, as a sentence; None = good enough. `own`: the person's name and id."""
    plain = password.casefold().strip()
    if len(password) < LEAST:
        return f"a password needs at least {LEAST} characters"
    if len(password) > MOST:
        return f"a password may have at most {MOST} characters"
    for word in own:
        if word and (plain == word.casefold() or _bare(plain) == _bare(word.casefold()) != ""):
            return "the password is the person's own name"
    if len(set(plain)) < 5:
        return "the password repeats very few characters"
    if plain.isdecimal() and len(plain) < 16:
        return "the password is only digits (a date, a phone number?)"
    if _repeats(plain):
        return "the password repeats itself"
    if _walk_share(plain) > 0.6:
        return "the password runs along the keyboard or the alphabet"
    if _common(plain):
        return "the password is a common word with digits or signs around it"
    return None


def pin_weakness(pin: str) -> str | None:
    """Why this PIN is refused; None = good enough."""
    if not re.fullmatch(r"[0-9]{6}", pin):
        return f"a PIN is {PIN_DIGITS} digits"
    steps = {(int(b) - int(a)) % 10 for a, b in itertools.pairwise(pin)}
    if steps in ({0}, {1}, {9}) or len(set(pin)) < 3 or pin[:3] == pin[3:]:
        return "this PIN is easy to guess"
    return None


def _bare(text: str) -> str:
    return re.sub(r"[\W\d_]+", "", text)


def _repeats(text: str) -> bool:
    """`abcabcabc`: twice a block, or more, is one block."""
    return re.fullmatch(r"(.{1,6}?)\1+.{0,2}", text) is not None


def _walk_share(text: str) -> float:
    """Which part of the text lies in runs of four or more along a row."""
    covered = 0
    at = 0
    while at < len(text):
        best = 0
        for row in _WALKS:
            for line in (row, row[::-1]):
                length = 4
                while at + length <= len(text) and text[at : at + length] in line:
                    best = length
                    length += 1
        covered += best
        at += best or 1
    return covered / len(text)


def _common(text: str) -> bool:
    for candidate in (text, text.translate(_LEET)):
        pieces = [piece for piece in re.split(r"[\W\d_]+", candidate) if len(piece) > 1]
        if pieces and all(piece in _STEMS or _two_stems(piece) for piece in pieces):
            return True
    return False


def _two_stems(piece: str) -> bool:
    return any(piece[:cut] in _STEMS and piece[cut:] in _STEMS for cut in range(2, len(piece) - 1))
