"""Keys of deeds done, on both databases: kept with the deed or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from caretaker.adapters.sql import SqlTransactions
from caretaker.adapters.sql.repeats import KEPT_NS
from caretaker.domain.errors import Refused
from caretaker.ports import Once

NOW = 1_790_000_000_000_000_000
ONCE = Once("wang:1", "asked this")


@pytest.fixture(params=["sqlite", "postgresql"])
def transactions(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlTransactions]:
    sqlite = request.param == "sqlite"
    opened = SqlTransactions(f"sqlite:///{tmp_path / 'r.db'}" if sqlite else request.getfixturevalue("postgres_url"))
    opened.migrate()
    yield opened
    opened.close()


def test_the_first_is_new_the_second_is_known_and_another_request_is_refused(transactions: SqlTransactions) -> None:
    with transactions.begin() as unit:
        assert unit.repeats.claim(ONCE, NOW)
    with transactions.begin() as unit:
        assert not unit.repeats.claim(ONCE, NOW + 1)
    with pytest.raises(Refused, match="another request"), transactions.begin() as unit:
        unit.repeats.claim(Once(ONCE.key, "asked that"), NOW + 2)


def test_a_deed_that_failed_leaves_no_key(transactions: SqlTransactions) -> None:
    with pytest.raises(ZeroDivisionError), transactions.begin() as unit:
        unit.repeats.claim(ONCE, NOW)
        raise ZeroDivisionError
    with transactions.begin() as unit:
        assert unit.repeats.claim(ONCE, NOW)


def test_a_key_is_forgotten_after_a_week(transactions: SqlTransactions) -> None:
    with transactions.begin() as unit:
        unit.repeats.claim(ONCE, NOW)
    with transactions.begin() as unit:
        assert unit.repeats.claim(ONCE, NOW + KEPT_NS + 1)


def test_a_text_with_nul_is_refused_by_name_where_it_cannot_be_kept(transactions: SqlTransactions) -> None:
    """PostgreSQL keeps no NUL in a text; SQLite does. Neither is an error nobody foresaw."""

    def add() -> None:
        with transactions.begin() as unit:
            unit.outbox.add("k\0", "alarm.raised", NOW, {})

    if transactions.sqlite:
        add()
    else:
        with pytest.raises(Refused, match="NUL"):
            add()
