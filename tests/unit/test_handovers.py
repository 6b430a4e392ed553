"""Handover sheets by themselves: who may sign when, what is frozen, what has changed since."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.domain.equipment import Text
from caretaker.domain.errors import Conflict, NotAllowed, Refused
from caretaker.domain.handovers import (
    Handover,
    HandoverState,
    Part,
    changes,
    digest,
    followed,
    id_of,
    parse_id,
    read,
    seen,
    sign_in,
    sign_out,
    write,
)
from caretaker.domain.people import NS, Duty, Person, Role, Shift

HOUR = 3600 * NS
NIGHT = Shift("night", "demo", "security", Text("夜班", "Night"), frozenset(range(7)), time(20), time(8))
DUTY = Duty(NIGHT, 100 * HOUR, 112 * HOUR)
ZHANG = Person("zhang", "张伟", Role.GUARD, team="security")
SUN = Person("sun", "孙磊", Role.GUARD, team="security")
CLEANER = Person("he", "何秀兰", Role.GUARD, team="cleaning")
BOSS = Person("li", "李敏", Role.SUPERVISOR, team="management")
SECTIONS: dict[str, list[dict[str, Any]]] = {
    Part.ALARMS: [{"id": "al_1", "title": {"zh": "漏电", "en": "Leak"}}],
    Part.ROUNDS: [],
}
TEXT = write(SECTIONS, "钥匙在抽屉", 111 * HOUR)


def signed(at_ns: int = 111 * HOUR, person: Person = ZHANG) -> Handover:
    return sign_out(DUTY, "night@20260101", TEXT, person, at_ns)


def test_the_first_signature_freezes_the_second_confirms_the_same_text() -> None:
    first = signed()
    both = sign_in(first, first.sha256, SUN, 112 * HOUR)

    assert (first.state, both.state) == (HandoverState.HANDED_OVER, HandoverState.TAKEN_OVER)
    assert (both.sheet, both.sha256, both.outgoing) == (TEXT, digest(TEXT), first.outgoing)
    assert read(both.sheet) == ({"alarms": SECTIONS[Part.ALARMS], "rounds": []}, "钥匙在抽屉", 111 * 3600 * 1000)


def test_nobody_takes_over_from_oneself() -> None:
    first = signed()
    with pytest.raises(NotAllowed):
        sign_in(first, first.sha256, replace(ZHANG, name="张伟 2"), 112 * HOUR)
    with pytest.raises(Conflict):
        sign_in(sign_in(first, first.sha256, SUN, 112 * HOUR), first.sha256, BOSS, 112 * HOUR)


def test_another_text_is_not_signed() -> None:
    first = signed()
    with pytest.raises(Refused):
        sign_in(first, digest(TEXT + " "), SUN, 112 * HOUR)


@pytest.mark.parametrize(("at_h", "early_or_late"), [(109.9, True), (110, False), (136, False), (136.1, True)])
def test_a_shift_is_handed_over_around_its_end(at_h: float, early_or_late: bool) -> None:
    if early_or_late:
        with pytest.raises(Conflict):
            signed(round(at_h * HOUR))
    else:
        assert signed(round(at_h * HOUR)).outgoing.name == "张伟"


def test_the_team_signs_and_whoever_dispatches() -> None:
    assert signed(person=BOSS).outgoing.person == "li"
    with pytest.raises(NotAllowed):
        signed(person=CLEANER)
    with pytest.raises(NotAllowed):
        sign_in(signed(), signed().sha256, CLEANER, 112 * HOUR)


LINES = st.lists(
    st.fixed_dictionaries({"id": st.sampled_from("abcd"), "state": st.integers(0, 2)}),
    max_size=4,
    unique_by=lambda x: x["id"],
)


@given(LINES, LINES)
def test_changes_say_what_came_went_and_differs(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    found = changes({Part.ORDERS: before}, {Part.ORDERS: after})
    old, new = ({line["id"]: line["state"] for line in lines} for lines in (before, after))

    kinds = {change.line["id"]: change.kind for change in found}
    expected = dict.fromkeys(new.keys() - old.keys(), "came")
    expected |= dict.fromkeys(old.keys() - new.keys(), "went")
    expected |= {name: "changed" for name in old.keys() & new.keys() if old[name] != new[name]}
    assert kinds == expected
    assert (seen({Part.ORDERS: before}) == seen({Part.ORDERS: after})) == (before == after)


@given(
    st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20),
    st.dates(date(2000, 1, 1), date(2200, 12, 31)),
)
def test_an_id_names_its_shift_and_day(shift: str, day: date) -> None:
    assert parse_id(id_of(shift, day)) == (shift, day)


FAR_OFF = ("night@00010101", "night@16000101", "night@23000101", "night@99991231")
"""Days whose nanoseconds no database keeps."""


@pytest.mark.parametrize(
    "text", ["", "night", "@20260101", "night@2026011", "night@20261301", "night@２０２６０１０１", *FAR_OFF]
)
def test_what_is_no_id_is_none(text: str) -> None:
    assert parse_id(text) is None


def test_an_office_that_closes_hands_over_to_nobody() -> None:
    day = Duty(replace(NIGHT, id="day"), 112 * HOUR, 124 * HOUR)
    other = Duty(replace(NIGHT, id="clean", team="cleaning"), 124 * HOUR, 130 * HOUR)

    assert followed(DUTY, [DUTY, day, other])
    assert not followed(day, [DUTY, day, other])
