"""INSERT … ON CONFLICT, the same words for both databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Insert = postgresql.Insert | sqlite.Insert


def insert(connection: Connection, table: Table) -> Insert:
    """The dialect's own INSERT."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def upsert(
    connection: Connection,
    table: Table,
    row: Mapping[str, object],
    *,
    keys: Sequence[str],
    change: Mapping[str, object] | None = None,
) -> Insert:
    """Insert the row, or on the same keys set `change` (default: every other column of the row)."""
    statement = insert(connection, table).values(dict(row))
    return statement.on_conflict_do_update(
        index_elements=list(keys),
        set_=dict(change) if change is not None else {name: value for name, value in row.items() if name not in keys},
    )


def insert_once(connection: Connection, table: Table, row: Mapping[str, object]) -> bool:
    """Insert unless any unique index objects; True when the row is new.

    Asked by RETURNING: for an INSERT the row count is -1 on psycopg, which once made every alarm on PostgreSQL look known.
    """
    statement = once(connection, table).values(dict(row))
    return connection.execute(statement.returning(*table.primary_key.columns)).first() is not None


def once(connection: Connection, table: Table) -> Insert:
    """INSERT that leaves alone what any unique index objects to."""
    return insert(connection, table).on_conflict_do_nothing()
