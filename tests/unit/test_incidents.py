"""What an incident may become, and who is called when."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import pytest

from caretaker.domain.equipment import Priority
from caretaker.domain.errors import Conflict
from caretaker.domain.incidents import (
    FAULTS,
    PRIORITIES,
    TITLES,
    Incident,
    IncidentAction,
    IncidentKind,
    IncidentState,
    after,
    allowed,
)
from caretaker.domain.ladder import SECOND, Patience, Rung, called, due
from caretaker.domain.people import Person, Role
from tests.factories import ROOT, demo_kinds

T0 = 1_790_000_000 * SECOND
S, A = IncidentState, IncidentAction
PATIENCE = Patience(60, 300, 4)
LI = Person("li", "李敏", Role.SUPERVISOR)
ZHAO = Person("zhao", "赵刚", Role.SUPERVISOR)
LIU = Person("liu", "刘芳", Role.MANAGER)
BOSS = Person("boss", "王总", Role.ADMIN)
GUARD = Person("zhang", "张伟", Role.GUARD)


def sos(**more: object) -> Incident:
    made = Incident(
        "i1", "demo", IncidentKind.SOS, Priority.CRITICAL, S.REPORTED, GUARD.id, "", T0, calls=1, called_ns=T0
    )
    return replace(made, **more)  # type: ignore[arg-type]


def test_every_kind_has_a_title_in_both_languages_and_a_priority() -> None:
    assert set(TITLES) == set(PRIORITIES) == set(IncidentKind)
    assert all(title.zh and title.en for title in TITLES.values())


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("page", ["web/src/words", "web/src/phone/words"])
def test_the_pages_call_each_kind_by_the_same_name(page: str, language: str) -> None:
    """The phone must know them without a network."""
    words = json.loads((ROOT / page / f"{language}.json").read_text("utf-8"))["incident"]["kind"]
    assert words == {str(kind): getattr(title, language) for kind, title in TITLES.items() if str(kind) in words}
    assert set(IncidentKind) - set(words) <= {IncidentKind.SOS}


def test_a_fault_named_for_an_incident_is_known_to_some_kind() -> None:
    """Else the alarm of the machine and the report of a person would never share an order."""
    known = {fault for kind in demo_kinds().values() for fault in kind.failure_modes}
    assert set(FAULTS.values()) <= known


def test_only_reported_handling_closed_in_this_order() -> None:
    legal = {(S.REPORTED, A.TAKE): S.HANDLING, (S.HANDLING, A.TAKE): S.HANDLING, (S.HANDLING, A.CLOSE): S.CLOSED}
    for state, action in product(S, A):
        if (state, action) in legal:
            assert after(state, action) is legal[state, action]
        else:
            with pytest.raises(Conflict, match=f"{state} cannot {action}"):
                after(state, action)
    assert [allowed(state) for state in S] == [(A.TAKE,), (A.TAKE, A.CLOSE), ()]


@pytest.mark.parametrize(
    ("incident", "seconds", "expected"),
    [
        (sos(), 59.9, False),
        (sos(), 60, True),
        (sos(), 86_400, True),
        (sos(), -5, True),  # the clock was set back while we were away
        (sos(kind=IncidentKind.FIRE), 60, False),
        (sos(kind=IncidentKind.FIRE), 300, True),
        (sos(kind=IncidentKind.WATER, priority=Priority.HIGH), 300, False),
        (sos(state=S.HANDLING, taken_by="li"), 60, False),
        (sos(state=S.CLOSED), 60, False),
        (sos(calls=3), 60, True),
        (sos(calls=4), 60, False),
    ],
)
def test_the_next_call_is_due_when_nobody_took_it_in_time(incident: Incident, seconds: float, expected: bool) -> None:
    assert due(incident, T0 + round(seconds * SECOND), PATIENCE) is expected


@pytest.mark.parametrize(
    ("call", "staff", "duty", "expected"),
    [
        (1, (LI, ZHAO, LIU, BOSS, GUARD), {"zhao", "zhang"}, (Rung.SUPERVISOR, (ZHAO,))),
        (1, (LI, ZHAO, LIU, BOSS, GUARD), {"zhang"}, (Rung.SUPERVISOR, (LI, ZHAO))),
        (1, (replace(LI, active=False), LIU, BOSS), {"li"}, (Rung.MANAGER, (LIU,))),
        (1, (BOSS, GUARD), set(), (Rung.ADMIN, (BOSS,))),
        (2, (LI, ZHAO, LIU, BOSS), {"zhao"}, (Rung.MANAGER, (LIU,))),
        (2, (LI, BOSS), {"li"}, (Rung.ADMIN, (BOSS,))),
        (3, (LI, LIU, BOSS), set(), (Rung.ADMIN, (BOSS,))),
        (3, (LI, LIU, GUARD), set(), (Rung.ALL, (LI, LIU))),
        (9, (LI, ZHAO, LIU, BOSS, GUARD), {"zhao"}, (Rung.ALL, (LI, ZHAO, LIU, BOSS))),
        (1, (GUARD,), {"zhang"}, (Rung.ALL, ())),
    ],
)
def test_each_call_goes_to_its_rung_and_an_empty_rung_is_passed_over(
    call: int, staff: tuple[Person, ...], duty: set[str], expected: tuple[Rung, tuple[Person, ...]]
) -> None:
    assert called(call, staff, duty) == expected
