"""When a plan's rounds begin, and which days are holidays: the only home of dateutil and holidays.

Days are local days of the site. A wall time that a clock change skips is moved forward by the gap; one that happens
twice means the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr
from holidays import HolidayBase, country_holidays

from caretaker.domain.errors import Refused
from caretaker.domain.rounds.plans import Holidays, RoundPlan

_KNOWN: Final = frozenset(
    {
        "FREQ",
        "INTERVAL",
        "COUNT",
        "UNTIL",
        "WKST",
        "BYMONTH",
        "BYMONTHDAY",
        "BYYEARDAY",
        "BYWEEKNO",
        "BYDAY",
        "BYSETPOS",
    }
    | {"BYHOUR", "BYMINUTE"}
)
_FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_MOST_IN_A_DAY: Final = 96
_LONGEST: Final = dict(enumerate((31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), start=1))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WEEKEND: Final = 5
_MOST_RUN: Final = 20
"""No run of days off is longer (China's longest was nine days)."""


class Calendar:
    """Holidays and swapped working days (调休) of a country, default China.

    holiday   a public holiday, a day off by swap, or a weekend day of the same unbroken run of days off: what the State
              Council's yearly notice calls 放假
    workday   Monday to Friday without holiday, and weekend days that are worked by swap
    """

    def __init__(self, country: str = "CN") -> None:
        self.country = country
        self._years: dict[int, tuple[HolidayBase, frozenset[date]]] = {}

    def _year(self, year: int) -> tuple[HolidayBase, frozenset[date]]:
        found = self._years.get(year)
        if found is None:
            language = "zh_CN" if self.country == "CN" else None
            days = country_holidays(self.country, years=year, language=language)
            swapped = frozenset(day for day in getattr(days, "weekend_workdays", ()) if day.year == year)
            found = self._years[year] = (days, swapped)
        return found

    def name(self, day: date) -> str | None:
        """What the day is called (Chinese), None when it has no name of its own."""
        days, _ = self._year(day.year)
        return str(days[day]) if day in days else None

    def workday(self, day: date) -> bool:
        """Is work done on this day by the calendar?"""
        days, swapped = self._year(day.year)
        return day in swapped or (day.weekday() < _WEEKEND and day not in days)

    def holiday(self, day: date) -> bool:
        """Is it part of a public holiday? An ordinary weekend is not."""
        if self.workday(day):
            return False
        return self.name(day) is not None or any(self.name(near) is not None for near in self._run(day))

    def _run(self, day: date) -> Iterator[date]:
        """The other days of the unbroken run of days off around a day."""
        for step in (-1, 1):
            near = day + timedelta(days=step)
            while not self.workday(near) and abs((near - day).days) <= _MOST_RUN:
                yield near
                near += timedelta(days=step)

    def provisional(self, year: int) -> bool:
        """No swapped day is known for this year: the notice (about November of the year before) is not in yet."""
        return self.country == "CN" and not self._year(year)[1]

    def wanted(self, day: date, holidays: Holidays) -> bool:
        """Does a plan with this manner run on this day?"""
        match holidays:
            case Holidays.RUN:
                return True
            case Holidays.SKIP:
                return not self.holiday(day)
            case Holidays.ONLY_WORKDAYS:
                return self.workday(day)
            case Holidays.ONLY_HOLIDAYS:
                return self.holiday(day)


def parse(text: str, first: date, starts_at: time) -> rrule:
    """The rule, counted from `first` at `starts_at`. Raises Refused, which says what is expected."""
    parts: dict[str, str] = {}
    for piece in text.strip().removeprefix("RRULE:").split(";"):
        name, equals, value = piece.partition("=")
        name = name.strip().upper()
        if not equals or not value.strip() or name in parts or name not in _KNOWN:
            raise _refused(text, f"{piece!r} is not NAME=VALUE with one of {', '.join(sorted(_KNOWN))}, each once")
        parts[name] = value.strip().upper()
    if parts.get("FREQ") not in _FREQUENCIES:
        raise _refused(text, f"expected FREQ={'|'.join(_FREQUENCIES)} (several times a day: BYHOUR=20,22,0)")
    if parts.get("INTERVAL", "1").strip("0") == "":
        raise _refused(text, "INTERVAL must be at least 1")
    _check_can_happen(text, parts)
    if "UNTIL" in parts and not re.fullmatch(r"\d{8}(T\d{6})?", parts["UNTIL"]):
        raise _refused(text, "UNTIL is a local time here: expected yyyymmdd or yyyymmddThhmmss without Z")
    hours, minutes = (parts.get(name, "").count(",") + 1 for name in ("BYHOUR", "BYMINUTE"))
    if hours * minutes > _MOST_IN_A_DAY:
        raise _refused(text, f"more than {_MOST_IN_A_DAY} rounds in a day")
    if "UNTIL" in parts and "T" not in parts["UNTIL"]:
        parts["UNTIL"] += "T235959"  # a day as end means all of it
    start = datetime.combine(first, starts_at.replace(second=0, microsecond=0, tzinfo=None))
    try:
        rule = rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=start)
    except (ValueError, KeyError, TypeError) as wrong:
        raise _refused(text, str(wrong)) from wrong
    if not isinstance(rule, rrule):
        raise _refused(text, "expected one rule")
    if next(iter(rule), None) is None:
        raise _refused(text, "it never happens")
    return rule


def _check_can_happen(text: str, parts: Mapping[str, str]) -> None:
    """Refuse what dateutil would look for, day by day, until the year 9999."""
    daily = parts["FREQ"] == "DAILY"
    if daily and "BYDAY" in parts and parts.get("INTERVAL", "1") != "1":
        raise _refused(text, "FREQ=DAILY with INTERVAL and BYDAY may never meet; expected FREQ=WEEKLY")
    if "BYSETPOS" in parts and parts["FREQ"] not in ("MONTHLY", "YEARLY"):
        raise _refused(text, "BYSETPOS needs FREQ=MONTHLY or YEARLY")
    months, days = (re.findall(r"\d+", parts.get(name, "")) for name in ("BYMONTH", "BYMONTHDAY"))
    if months and days and not any(int(day) <= _LONGEST.get(int(month), 0) for month in months for day in days):
        raise _refused(text, "no month of BYMONTH has a day of BYMONTHDAY")


def _refused(text: str, why: str) -> Refused:
    return Refused(f"the recurrence {text!r} is not usable: {why}", field="rrule")


@lru_cache(maxsize=256)
def _parsed(text: str, first: date, starts_at: time) -> rrule:
    return parse(text, first, starts_at)


def occurrences(
    plan: RoundPlan, zone: str, first_day: date, last_day: date, calendar: Calendar | None = None
) -> Sequence[int]:
    """Starts in nanoseconds UTC, ascending, of all rounds that begin on local days first_day … last_day (inclusive).

    `zone`: IANA name. An inactive plan has none. Raises Refused when the rule is unusable.
    """
    first = max(first_day, plan.valid_from)
    last = last_day if plan.valid_until is None else min(last_day, plan.valid_until)
    if not plan.active or last < first:
        return ()
    calendar = calendar or CHINA
    local = ZoneInfo(zone)
    rule = _parsed(plan.rrule, plan.valid_from, plan.starts_at)
    walls = rule.between(datetime.combine(first, time()), datetime.combine(last, time.max), inc=True)
    starts = {utc_ns(wall, local) for wall in walls if calendar.wanted(wall.date(), plan.holidays)}
    return sorted(starts)


_LOOK_DAYS: Final = (31, 366, 1200)


def next_starts(plan: RoundPlan, zone: str, now_ns: int, count: int, calendar: Calendar | None = None) -> Sequence[int]:
    """The first `count` starts after now, fewer when it ends or when there are no more within three years.

    Raises Refused when the rule is unusable.
    """
    found: Sequence[int] = ()
    first = max(local_day(now_ns, zone), plan.valid_from)
    for days in _LOOK_DAYS:
        found = [at for at in occurrences(plan, zone, first, first + timedelta(days), calendar) if at > now_ns]
        if len(found) >= count:
            break
    return found[:count]


def utc_ns(wall: datetime, zone: ZoneInfo) -> int:
    """A naive wall time in a zone -> nanoseconds UTC (skipped: moved forward by the gap; doubled: the first)."""
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def local_day(at_ns: int, zone: str) -> date:
    """The local day of a moment."""
    return local_time(at_ns, zone).date()


def local_time(at_ns: int, zone: str) -> datetime:
    """The local wall time of a moment, to the second."""
    return (_EPOCH + timedelta(seconds=at_ns // 1_000_000_000)).astimezone(ZoneInfo(zone))


def day_bounds(day: date, zone: str) -> tuple[int, int]:
    """[start, end) of a local day in nanoseconds UTC; 23 to 25 hours long where clocks change."""
    local = ZoneInfo(zone)
    midnight = datetime.combine(day, time())
    return utc_ns(midnight, local), utc_ns(midnight + timedelta(days=1), local)


def stamp(at_ns: int, zone: str) -> str:
    """`yyyymmddThhmm` of the local wall time: the second half of a round's id."""
    return local_time(at_ns, zone).strftime("%Y%m%dT%H%M")


CHINA: Final = Calendar("CN")
