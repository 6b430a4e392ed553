"""The audit trail on both databases: one changed, deleted or swapped row is found, whichever it is; so is a cut tail."""

from __future__ import annotations

import random
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from caretaker.adapters.audit_seal import FileSeal
from caretaker.adapters.sql import SqlTransactions
from caretaker.domain.audit import AuditCheck

Execute = Callable[..., list]
COLUMNS = ("at_ns", "site", "actor", "action", "subject", "before", "after", "previous", "mac")
BACK = "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
DAY = 86_400_000_000_000


def fill(transactions: SqlTransactions, rows: int) -> None:
    with transactions.begin() as unit:
        for n in range(rows):
            before, after = ({"n": n, "词": "前"}, {"n": n + 1}) if n % 3 else (None, None)
            unit.audit.append(n * DAY, f"person-{n % 7}", f"deed.{n % 5}", f"thing-{n}", before=before, after=after)


def verdict(transactions: SqlTransactions) -> AuditCheck:
    with transactions.begin(write=False) as unit:
        return unit.audit.check()


def sqlite_hand(path: Path) -> Execute:
    """Somebody with the database file and no key, who has taken the triggers away."""
    raw = sqlite3.connect(path, isolation_level=None)
    for name in ("audit_no_update", "audit_no_delete"):
        raw.execute(f"DROP TRIGGER {name}")
    return lambda statement, *values: raw.execute(statement, values).fetchall()


def spoil(execute: Execute, chance: random.Random, rows: int) -> tuple[str, int]:
    """One random row changed, deleted or swapped with another; what, and the first row that must be named."""
    row = chance.randint(1, rows)
    match chance.choice(("change", "delete", "swap")):
        case "change":
            column = chance.choice(COLUMNS)
            new = chance.randint(1, 10**9) if column == "at_ns" else f"forged {chance.random()}"
            execute(f'UPDATE audit SET "{column}" = ? WHERE id = ?', new, row)  # noqa: S608  (our own names)
            return f"{column} of {row}", row
        case "delete":
            execute("DELETE FROM audit WHERE id = ?", row)
            return f"{row} deleted", row
        case _:
            other = chance.choice([n for n in range(1, rows + 1) if n != row])
            execute("UPDATE audit SET id = -1 WHERE id = ?", row)
            execute("UPDATE audit SET id = ? WHERE id = ?", row, other)
            execute("UPDATE audit SET id = ? WHERE id = -1", other)
            return f"{row} and {other} swapped", min(row, other)


def test_any_one_spoiled_row_is_found_in_100_of_100_tries(tmp_path: Path) -> None:
    rows, found = 40, 0
    path = tmp_path / "house.db"
    transactions = SqlTransactions(f"sqlite:///{path}", seal=FileSeal(tmp_path / "keys"))
    transactions.migrate()
    fill(transactions, rows)
    assert verdict(transactions) == AuditCheck(rows)
    execute = sqlite_hand(path)
    kept = execute("SELECT * FROM audit ORDER BY id")
    chance = random.Random(20261123)
    for _ in range(100):
        what, row = spoil(execute, chance, rows)
        check = verdict(transactions)
        assert check.flaw is not None, what
        # a missing row is noticed at the one after it
        assert check.row in (row, row + 1), (what, check)
        found += 1
        execute("DELETE FROM audit")
        for values in kept:
            execute(BACK, *values)
        assert verdict(transactions).flaw is None, "put back as it was, the trail is whole again"
    assert found == 100
    transactions.close()


def test_the_chain_without_a_key_would_not_have_found_a_rewritten_tail(tmp_path: Path) -> None:
    """The deliberately weaker variant: who knows the key can write a tail that fits; the key is what is missing."""
    path = tmp_path / "house.db"
    transactions = SqlTransactions(f"sqlite:///{path}", seal=FileSeal(tmp_path / "keys"))
    transactions.migrate()
    fill(transactions, 10)
    execute = sqlite_hand(path)
    execute("DELETE FROM audit WHERE id > 5")
    (tmp_path / "keys" / "audit.head").unlink()
    with SqlTransactions(f"sqlite:///{path}", seal=FileSeal(tmp_path / "keys")).begin() as unit:
        unit.audit.append(0, "thief", "deed", "nothing happened")
    assert verdict(transactions).flaw is None, "with key and head file in hand the past can be rewritten"
    with SqlTransactions(f"sqlite:///{path}", seal=FileSeal(tmp_path / "other keys")).begin() as unit:
        unit.audit.append(0, "thief", "deed", "nothing happened")
    check = verdict(transactions)
    assert (check.row, check.flaw) == (7, "was changed, or was written with another key")
    transactions.close()


@pytest.mark.parametrize("then", [0, 30], ids=["and left", "and overgrown by new rows"])
def test_a_cut_tail_is_found(tmp_path: Path, then: int) -> None:
    path = tmp_path / "house.db"
    transactions = SqlTransactions(f"sqlite:///{path}", seal=FileSeal(tmp_path / "keys"))
    transactions.migrate()
    fill(transactions, 20)
    sqlite_hand(path)("DELETE FROM audit WHERE id > 12")
    for _ in range(then):
        fill(transactions, 1)
    check = verdict(transactions)
    assert check.flaw is not None
    assert check.row == (20 if then else 13)
    transactions.close()


def test_a_missing_head_file_or_a_lost_key_is_said(tmp_path: Path) -> None:
    transactions = SqlTransactions(f"sqlite:///{tmp_path / 'house.db'}", seal=FileSeal(tmp_path / "keys"))
    transactions.migrate()
    assert verdict(transactions) == AuditCheck(0)
    fill(transactions, 3)
    for name in ("audit.key", "audit.head"):
        assert stat.S_IMODE((tmp_path / "keys" / name).stat().st_mode) == 0o600
    (tmp_path / "keys" / "audit.head").rename(tmp_path / "head")
    assert "head file is missing" in (verdict(transactions).flaw or "")
    (tmp_path / "head").rename(tmp_path / "keys" / "audit.head")
    (tmp_path / "keys" / "audit.key").unlink()
    again = SqlTransactions(f"sqlite:///{tmp_path / 'house.db'}", seal=FileSeal(tmp_path / "keys"))
    assert verdict(again).row == 1
    again.close()
    transactions.close()


def test_the_database_itself_refuses_to_change_the_trail(tmp_path: Path) -> None:
    path = tmp_path / "house.db"
    transactions = SqlTransactions(f"sqlite:///{path}")
    transactions.migrate()
    fill(transactions, 2)
    raw = sqlite3.connect(path)
    for statement in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit"):
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            raw.execute(statement)
    raw.close()
    transactions.close()


def test_what_rolls_back_leaves_no_row_and_no_gap(tmp_path: Path) -> None:
    transactions = SqlTransactions(f"sqlite:///{tmp_path / 'house.db'}", seal=FileSeal(tmp_path / "keys"))
    transactions.migrate()

    def fail() -> None:
        with transactions.begin() as unit:
            unit.audit.append(1, "a", "b", "c")
            raise KeyError("no")

    for _ in range(3):
        fill(transactions, 2)
        with pytest.raises(KeyError):
            fail()
    assert verdict(transactions) == AuditCheck(6)
    transactions.close()


@pytest.fixture
def house(postgres_url: str, tmp_path: Path) -> Iterator[SqlTransactions]:
    transactions = SqlTransactions(postgres_url, seal=FileSeal(tmp_path / "keys"))
    transactions.migrate()
    yield transactions
    transactions.close()


def test_postgresql_finds_it_too_and_refuses_by_itself(house: SqlTransactions, postgres_url: str) -> None:
    rows = 30
    fill(house, rows)
    address = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as raw:
        for statement in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
            with pytest.raises(psycopg.errors.RaiseException, match="only grows"):
                raw.execute(statement)
        raw.execute("DROP TRIGGER audit_no_change ON audit")
        kept = raw.execute("SELECT * FROM audit ORDER BY id").fetchall()

        def execute(statement: str, *values: object) -> list:
            raw.execute(statement.replace("?", "%s").encode(), values)
            return []

        chance = random.Random(7)
        for _ in range(8):
            what, row = spoil(execute, chance, rows)
            check = verdict(house)
            assert check.flaw is not None, what
            assert check.row in (row, row + 1), what
            execute("DELETE FROM audit")
            for values in kept:
                execute(BACK, *values)
            assert verdict(house).flaw is None


def test_many_writers_at_once_make_one_chain(house: SqlTransactions) -> None:
    def work(name: str) -> None:
        for n in range(15):
            with house.begin() as unit:
                unit.audit.append(n, name, "deed", f"{name}-{n}")

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert verdict(house) == AuditCheck(60)


def test_people_phones_and_passwords_mean_the_same_on_postgresql(house: SqlTransactions) -> None:
    from caretaker.domain.errors import NotAllowed, TooMany
    from caretaker.domain.people import Person, Role
    from caretaker.services import phones, sign_in, staff

    guard, boss = Person("zhang", "张伟", Role.GUARD, sites=("s1",)), Person("li", "李敏", Role.SUPERVISOR)
    for person in (guard, boss):
        staff.add_person(house, "test", person, 0, password="梧桐树下-三只花猫在睡")
    code = phones.create_enrolment(house, boss, "zhang", 0)
    done = phones.enrol(house, code, None, "p", "502716", 1)
    assert phones.enrol(house, code, None, "p", "502716", 2).phone.id == done.phone.id
    key = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "B" * 43}
    with pytest.raises(NotAllowed):
        phones.enrol(house, code, key, "p", "502716", 3)
    secret = phones.enrol(house, code, None, "p", "502716", 4).secret
    assert sign_in.sign_in_with_pin(house, done.phone.id, "502716", secret, "::1", 5)[1] == guard
    for n in range(5):
        with pytest.raises(NotAllowed):
            sign_in.sign_in_with_password(house, "li", "wrong", "::1", 6 + n)
    with pytest.raises(TooMany):
        sign_in.sign_in_with_password(house, "li", "梧桐树下-三只花猫在睡", "::1", 20)
    assert sign_in.sign_in_with_password(house, "李敏", "梧桐树下-三只花猫在睡", "::2", 21)[1] == boss
    assert verdict(house).flaw is None
