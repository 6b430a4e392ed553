"""The journal on LMDB: one partition, synced commits, one writing process, many reading ones."""

from caretaker.adapters.journal_lmdb.journal import LmdbJournal

__all__ = ["LmdbJournal"]
