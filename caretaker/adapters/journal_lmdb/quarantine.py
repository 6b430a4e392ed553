"""Refused input set aside in the journal's file: bounded by count and bytes, the oldest go first."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

import lmdb

from caretaker.adapters.journal_lmdb.codec import decode_quarantined, encode_quarantined, position_key
from caretaker.adapters.journal_lmdb.environment import Environment
from caretaker.ports import Quarantined

COUNT_LIMIT: Final = 10_000
BYTES_LIMIT: Final = 8 << 20
_KEY: Final = b"quarantine"
_COUNTERS: Final = struct.Struct("<QQQQ")  # last, count, bytes, dropped


def add(txn: lmdb.Transaction[bytes], env: Environment, items: Sequence[Quarantined]) -> None:
    """Keep the items; of more than the limit, the newest."""
    found = txn.get(_KEY, db=env.meta)
    last, count, size, dropped = _COUNTERS.unpack(found) if found else (0, 0, 0, 0)
    for item in items[-COUNT_LIMIT:]:
        value = encode_quarantined(item)
        last, count, size = last + 1, count + 1, size + len(value)
        txn.put(position_key(last), value, db=env.quarantine, append=True)
    dropped += len(items) - len(items[-COUNT_LIMIT:])
    with txn.cursor(env.quarantine) as cursor:
        while (count > COUNT_LIMIT or size > BYTES_LIMIT) and cursor.first():
            count, size, dropped = count - 1, size - len(cursor.value()), dropped + 1
            cursor.delete()
    txn.put(_KEY, _COUNTERS.pack(last, count, size, dropped), db=env.meta)


def newest(txn: lmdb.Transaction[bytes], env: Environment, limit: int) -> list[Quarantined]:
    """The newest first."""
    items: list[Quarantined] = []
    with txn.cursor(env.quarantine) as cursor:
        more = cursor.last()
        while more and len(items) < limit:
            items.append(decode_quarantined(cursor.value()))
            more = cursor.prev()
    return items
