"""Notices, people and their credentials in SQL: the same on SQLite and a real PostgreSQL."""

from __future__ import annotations

import threading

import pytest

from caretaker.adapters.sql import SqlTransactions
from caretaker.domain.errors import DatabaseUnavailable
from caretaker.domain.people import Person, Role
from caretaker.ports import Credential

T0 = 1_795_403_777_123_456_789
S = 1_000_000_000


# ---------------------------------------------------------------- outbox


def test_a_notice_is_kept_once_per_key_and_told_in_order(sql: SqlTransactions) -> None:
    with sql.begin() as unit:
        for number in (1, 2, 1, 3, 2):
            unit.outbox.add(f"alarm.raised:{number}", "alarm.raised", T0 + number, {"n": number, "词": "断水"})

    with sql.begin(write=False) as unit:
        kept = unit.outbox.due(T0 + S)
        assert [(notice.key, notice.facts) for notice in kept] == [
            (f"alarm.raised:{number}", {"n": number, "词": "断水"}) for number in (1, 2, 3)
        ]
        assert [notice.key for notice in unit.outbox.since(kept[0].id)] == ["alarm.raised:2", "alarm.raised:3"]
        assert unit.outbox.last_id() == kept[-1].id


def test_a_failed_notice_waits_and_a_sent_one_is_not_due_again(sql: SqlTransactions) -> None:
    with sql.begin() as unit:
        unit.outbox.add("a", "alarm.raised", T0, {})
        unit.outbox.add("b", "alarm.raised", T0, {})
        first, second = unit.outbox.due(T0)
        unit.outbox.failed(first.id, T0 + 10 * S, "receiver away " * 100)
        unit.outbox.sent(second.id, T0 + S)

        assert unit.outbox.due(T0 + 9 * S) == []
        (again,) = unit.outbox.due(T0 + 10 * S)
        assert (again.key, again.tries) == ("a", 1)
        assert len(unit.outbox.since(0)) == 2


def test_ids_of_notices_become_visible_in_their_order(sql: SqlTransactions) -> None:
    """The live page asks for `id > last seen`: a smaller id that is committed later would never be shown."""
    seen: list[int] = []
    stop = threading.Event()

    def look() -> None:
        last = 0
        while not (stop.is_set() and last == 60):
            with sql.begin(write=False) as unit:
                for notice in unit.outbox.since(last):
                    seen.append(notice.id)
                    last = notice.id
            if stop.is_set() and len(seen) >= 60:
                return

    def write(name: int) -> None:
        for number in range(15):
            with sql.begin() as unit:
                unit.outbox.add(f"{name}:{number}", "alarm.raised", T0, {})

    watcher = threading.Thread(target=look)
    writers = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in (watcher, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    watcher.join(10)

    assert len(seen) == len(set(seen)) == 60


# ---------------------------------------------------------------- people


def credential(purpose: str, role: Role = Role.ADMIN) -> Credential:
    return Credential(bytes(32), Person("p1", "管理员", role), purpose, T0, T0 + S)


def test_a_link_is_consumed_once_by_whoever_is_first(sql: SqlTransactions) -> None:
    with sql.begin() as unit:
        unit.people.add(credential("link"))
    gate = threading.Barrier(6)
    taken: list[Credential | None] = []

    def take() -> None:
        gate.wait()
        with sql.begin() as unit:
            taken.append(unit.people.consume(bytes(32)))

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [each for each in taken if each is not None] == [credential("link")]
    assert len(taken) == 6


def test_a_token_is_no_link_and_a_link_no_session(sql: SqlTransactions) -> None:
    with sql.begin() as unit:
        unit.people.add(credential("token"))

        assert unit.people.consume(bytes(32)) is None
        assert unit.people.find(bytes(32), "session") is None
        assert unit.people.find(bytes(32), "token") == credential("token")


def test_a_use_is_noted_and_a_revoked_one_is_gone(sql: SqlTransactions) -> None:
    with sql.begin() as unit:
        unit.people.add(credential("session"))
        unit.people.touch(bytes(32), T0 + 5, T0 + 9 * S)
        found = unit.people.find(bytes(32), "session")
        assert found is not None
        assert (found.seen_ns, found.expires_ns) == (T0 + 5, T0 + 9 * S)
        unit.people.revoke(bytes(32))
        assert unit.people.find(bytes(32), "session") is None


def test_a_person_kept_again_has_the_new_role_everywhere(sql: SqlTransactions) -> None:
    with sql.begin() as unit:
        unit.people.add(credential("session"))
        unit.people.keep(Person("p1", "李敏", Role.GUARD))
        found = unit.people.find(bytes(32), "session")

        assert found is not None
        assert found.person == Person("p1", "李敏", Role.GUARD)
        assert unit.people.persons(Role.GUARD) == [found.person]
        assert unit.people.persons(Role.ADMIN) == []


# ---------------------------------------------------------------- the secret


def test_the_password_of_a_file_opens_the_database_and_is_never_told(postgres_url: str) -> None:
    opened = SqlTransactions(postgres_url, password="of-no-use-here")
    opened.migrate()
    opened.close()
    away = SqlTransactions("postgresql+psycopg://caretaker@127.0.0.1:1/none", password="s3cret-word")

    with pytest.raises(DatabaseUnavailable) as told:
        away.migrate()
    away.close()

    assert "s3cret-word" not in told.value.message
