"""Text as paper takes it: what has a picture, in one of the two languages, with times of the site."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Final

from api.schemas.common import Words
from api.words import Language
from caretaker.domain.equipment import Text
from caretaker.recurrence import local_time

_NEVER_FIRST: Final = frozenset("，。、；：？！）】》」』”’…·,.;:?!)]}%‰℃°")


def plain(text: str) -> str:
    """Without what has no picture: control characters other than line ends, halves of surrogate pairs, no letters."""
    return "".join(letter if letter == "\n" or _drawn(letter) else " " for letter in text.replace("\r\n", "\n"))


def _drawn(letter: str) -> bool:
    return unicodedata.category(letter) not in ("Cc", "Cs", "Cn", "Zl", "Zp")


def pieces(text: str) -> list[str]:
    """The text in parts between which a line may end: after a space or slash, and around Chinese characters, but not
    before a closing mark."""
    found = [""]
    for letter in text:
        last = found[-1][-1:]
        may = letter not in _NEVER_FIRST and (_wide(letter) or last in (" ", "/") or _wide(last or " "))
        if last and may and letter != " ":
            found.append("")
        found[-1] += letter
    return found


def _wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in ("W", "F")


class Tongue:
    """Says things in one language, in one time zone."""

    def __init__(self, language: Language, zone: str) -> None:
        self.language, self._zone = language, zone

    def __call__(self, words: Words | Text | None, none: str = "") -> str:
        """The words, or what stands for none."""
        if words is None:
            return none
        return words.zh if self.language == "zh" else words.en

    def at(self, at_ns: int | None, *, year: bool = False) -> str:
        """A moment: `11-25 18:03`."""
        if at_ns is None:
            return ""
        return local_time(at_ns, self._zone).strftime("%Y-%m-%d %H:%M" if year else "%m-%d %H:%M")

    def clock(self, at_ns: int | None) -> str:
        """Only the time of day."""
        return "" if at_ns is None else local_time(at_ns, self._zone).strftime("%H:%M")

    def near(self, at_ns: int | None, begun_ns: int) -> str:
        """The time of day, with the day when it is another one than that of the beginning."""
        if at_ns is None:
            return ""
        same = local_time(at_ns, self._zone).date() == local_time(begun_ns, self._zone).date()
        return self.clock(at_ns) if same else self.at(at_ns)

    def day(self, day: date) -> str:
        """A day in full."""
        return f"{day.year} 年 {day.month} 月 {day.day} 日" if self.language == "zh" else day.isoformat()

    def lasts(self, length_ns: int | None) -> str:
        """How long something took."""
        if length_ns is None:
            return ""
        minutes = round(length_ns / 60e9)
        hours, rest = divmod(minutes, 60)
        days, hours_left = divmod(hours, 24)
        zh = self.language == "zh"
        if days:
            return f"{days} 天 {hours_left} 小时" if zh else f"{days} d {hours_left} h"
        if hours:
            return f"{hours} 小时 {rest} 分" if zh else f"{hours} h {rest} min"
        return f"{rest} 分钟" if zh else f"{rest} min"

    def share(self, part: float | None) -> str:
        """A share in percent; whole only when it is whole."""
        if part is None:
            return ""
        percent = part * 100
        return f"{percent:.0f} %" if percent in (0.0, 100.0) else f"{min(max(percent, 0.1), 99.9):.1f} %"

    def number(self, value: float) -> str:
        """Without needless digits."""
        return f"{value:.10g}"
