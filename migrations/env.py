"""Alembic's entry: the connection comes from `SqlTransactions.migrate`, so there is no second place with a URL."""

from __future__ import annotations

from alembic import context

from caretaker.adapters.sql import tables_handovers, tables_people, tables_repeats, tables_rounds  # noqa: F401  (their tables join the metadata)
from caretaker.adapters.sql.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
