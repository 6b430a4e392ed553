"""What the SQL suites share: an empty database, once on SQLite and once on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from caretaker.adapters.sql import SqlTransactions


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'house.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def sql(url: str) -> Iterator[SqlTransactions]:
    opened = SqlTransactions(url)
    opened.migrate()
    yield opened
    opened.close()
