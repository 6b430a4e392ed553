"""The SQL side of the house: one transaction per use case, on SQLite or PostgreSQL."""

from caretaker.adapters.sql.database import SqlTransactions

__all__ = ["SqlTransactions"]
