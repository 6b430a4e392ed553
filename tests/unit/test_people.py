"""Rights, ranks, duties over midnight and summer time, and which passwords are too easy."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from caretaker.catalog import read_people
from caretaker.domain.equipment import Text
from caretaker.domain.errors import ConfigurationError, NotAllowed, Refused, TooMany
from caretaker.domain.passwords import pin_weakness, weakness
from caretaker.domain.people import RIGHTS, Person, Right, Role, Shift, on_duty, persons_on_duty
from caretaker.domain.phones import public_jwk
from tests.factories import ROOT

ALL = frozenset(range(7))
NAME = Text("班", "shift")


def shift(starts: str, ends: str, days: frozenset[int] = ALL, id: str = "s") -> Shift:
    return Shift(id, "demo", "night", NAME, days, time.fromisoformat(starts), time.fromisoformat(ends))


def at(text: str) -> int:
    """UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


def test_rights_are_given_by_role_and_an_inactive_person_has_none() -> None:
    assert RIGHTS[Role.GUARD] == {Right.WATCH, Right.ACKNOWLEDGE, Right.PATROL}
    assert Right.DECIDE in RIGHTS[Role.SUPERVISOR]
    assert {role for role in Role if Right.AUDIT in RIGHTS[role]} == {Role.MANAGER, Role.ADMIN}
    assert {role for role in Role if Right.SEND in RIGHTS[role]} == {Role.DEVICE}
    assert not dataclasses.replace(Person("a", "a", Role.ADMIN), active=False).may(Right.WATCH)


def test_nobody_but_an_admin_stands_above_the_own_role() -> None:
    for role in Role:
        assert Person("a", "a", role).outranks(role) is (role is Role.ADMIN)
    assert Person("a", "a", Role.SUPERVISOR).outranks(Role.GUARD)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-23T13:59:59", False),  # 21:59:59 in Shanghai
        ("2026-11-23T14:00:00", True),  # Monday 22:00
        ("2026-11-23T21:59:59", True),  # Tuesday 05:59:59, still Monday's shift
        ("2026-11-23T22:00:00", False),
        ("2026-11-24T14:00:00", False),  # Tuesday has none
    ],
)
def test_a_night_shift_belongs_to_the_day_it_starts(moment: str, expected: bool) -> None:
    monday = shift("22:00", "06:00", frozenset({0}))
    assert bool(on_duty([monday], at(moment), "Asia/Shanghai")) is expected


def test_a_night_shift_is_nine_hours_when_the_clock_goes_back() -> None:
    duty = on_duty([shift("22:00", "06:00")], at("2026-10-25T03:00:00"), "Europe/Berlin")[0]
    assert duty.ends_ns - duty.starts_ns == 9 * 3600 * 10**9


def test_equal_times_are_a_whole_day_and_the_latest_shift_comes_first() -> None:
    running = on_duty(
        [shift("08:00", "08:00", id="day"), shift("12:00", "13:00", id="noon")],
        at("2026-11-23T04:30:00"),
        "Asia/Shanghai",
    )
    assert [duty.shift.id for duty in running] == ["noon", "day"]


def test_only_active_members_of_the_team_are_on_duty() -> None:
    people = [
        Person("a", "a", Role.GUARD, "night"),
        Person("b", "b", Role.GUARD, "night", active=False),
        Person("c", "c", Role.GUARD, "day"),
    ]
    found = persons_on_duty(people, [shift("08:00", "08:00")], at("2026-11-23T04:30:00"), "Asia/Shanghai")
    assert [person.id for person in found] == ["a"]


@pytest.mark.parametrize(
    "weak",
    """
    1234567890 0987654321 qwertyuiop asdfghjkl1 1qaz2wsx3edc abcdefghij password12 Password123! P@ssw0rd2024
    admin12345 Admin@123456 caretaker2026 Caretaker!2026 wuye123456 woaini1314520 iloveyou123 aaaaaaaaaa abababababab
    abcabcabcabc 13800138000 19900101199 qwerty123456 zhangwei2024 ZhangWei!! changeme12 welcome2024 letmein12345
    adminadmin admin-admin rootroot12 woaini5201314 dragon123456
    """.split(),
)
def test_what_people_usually_take_is_refused(weak: str) -> None:
    assert weakness(weak, ("张伟", "zhang-wei")) is not None


@pytest.mark.parametrize(
    "good", ["correct horse battery", "梧桐树下-三只花猫在睡", "k7#mQ2vx!pLz", "Lift-7 hums at night"]
)
def test_what_nobody_guesses_is_taken(good: str) -> None:
    assert weakness(good, ("张伟", "zhang-wei")) is None


@pytest.mark.parametrize(
    "weak", ["000000", "123456", "654321", "121212", "112211", "12345", "1234567", "５０２７１６", "a12345"]
)
def test_easy_pins_are_refused(weak: str) -> None:
    assert pin_weakness(weak) is not None
    assert pin_weakness("502716") is None


def test_a_private_key_is_never_taken() -> None:
    key = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "B" * 43}
    assert public_jwk({**key, "ext": True, "key_ops": ["verify"]}) == key
    for wrong in ({**key, "d": "A" * 43}, {**key, "crv": "P-384"}, {**key, "x": "A"}, {**key, "y": 3}, {}):
        with pytest.raises(Refused):
            public_jwk(wrong)


def test_the_demo_has_teams_with_somebody_on_duty_at_every_hour() -> None:
    found = read_people(ROOT / "sites" / "demo", "demo")
    assert {person.role for person in found.persons} >= {Role.GUARD, Role.TECHNICIAN, Role.SUPERVISOR, Role.MANAGER}
    for hour in range(24):
        teams = {duty.shift.team for duty in on_duty(found.shifts, at(f"2026-11-23T{hour:02}:10:00"), "Asia/Shanghai")}
        assert teams >= {"security", "engineering"}


def test_a_wrong_people_file_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text(
        "teams:\n  - {id: a, title: {zh: 甲, en: A}}\npeople:\n  - {id: p, name: 张, role: boss}\n", encoding="utf-8"
    )
    with pytest.raises(
        ConfigurationError, match=r"people\.yaml:4: people\[p\]\.role: .*'boss'; expected one of: guard"
    ):
        read_people(tmp_path, "s")
    (tmp_path / "people.yaml").write_text(
        "teams:\n  - {id: a, title: {zh: 甲, en: A}}\npeople:\n  - {id: p, name: 张, role: guard, team: b}\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigurationError, match=r"unknown team 'b'; expected one of: a"):
        read_people(tmp_path, "s")


def test_nobody_is_locked_out_from_the_own_address(tmp_path: Path) -> None:
    """A thousand guesses from forty machines: strangers wait, the person signs in where he or she always does."""
    from caretaker.adapters.sql import SqlTransactions
    from caretaker.services import sign_in, staff

    transactions = SqlTransactions(f"sqlite:///{tmp_path / 'house.db'}")
    transactions.migrate()
    good = "梧桐树下-三只花猫在睡"
    staff.add_person(transactions, "test", Person("li", "李敏", Role.SUPERVISOR), 0, password=good)
    sign_in.sign_in_with_password(transactions, "li", good, "10.0.0.5", 1)
    refused = waited = 0
    for n in range(60):
        try:
            sign_in.sign_in_with_password(transactions, "li", "wrong", f"203.0.113.{n % 40}", 10**9 + n)
        except TooMany:
            waited += 1
        except NotAllowed:
            refused += 1
    assert (refused, waited) == (30, 30)
    with pytest.raises(TooMany):
        sign_in.sign_in_with_password(transactions, "li", good, "198.51.100.1", 2 * 10**9)
    assert sign_in.sign_in_with_password(transactions, "li", good, "10.0.0.5", 2 * 10**9)[1].id == "li"
    transactions.close()
