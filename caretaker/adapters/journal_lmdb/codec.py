"""Journal records as bytes. Pure.

A value is header, key, batch id, payload. The CRC32 covers all of it but itself, so a torn or flipped record is seen.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from typing import Final

import msgspec

from caretaker.domain.errors import JournalUnavailable, RecordTooLarge
from caretaker.ports import Position, Quarantined, Record

_HEAD: Final = struct.Struct(
    "<BBHHHqII"
)  # version, reserved, key bytes, batch id bytes, reserved, accepted, payload, crc
_VERSION: Final = 1
_PAGE: Final = 4096
_POSITION: Final = struct.Struct(">Q")
_INDEX: Final = struct.Struct("<16sqI")
_STATE: Final = struct.Struct("<QQQQq")
NAME_LIMIT: Final = 255

position_key = _POSITION.pack
"""Position -> LMDB key: big-endian, so that the B-tree's order is the order of arrival."""


def position_of(key: bytes) -> Position:
    """LMDB key -> position."""
    return int(_POSITION.unpack(key)[0])


def encode(key: str, batch_id: str, payload: bytes, accepted_ns: int) -> bytes:
    """A record's value. Raises RecordTooLarge when a name is longer than 255 bytes."""
    name, batch = key.encode(), batch_id.encode()
    if len(name) > NAME_LIMIT or len(batch) > NAME_LIMIT:
        raise RecordTooLarge(
            f"key and batch id take at most {NAME_LIMIT} bytes each", key=key[:80], batch_id=batch_id[:80]
        )
    head = _HEAD.pack(_VERSION, 0, len(name), len(batch), 0, accepted_ns, len(payload), 0)
    crc = zlib.crc32(payload, zlib.crc32(batch, zlib.crc32(name, zlib.crc32(head[:-4]))))
    return b"".join((head[:-4], crc.to_bytes(4, "little"), name, batch, payload))


def decode(partition: int, position: Position, value: bytes) -> Record:
    """The record, its bytes copied. Raises JournalUnavailable naming the record when it does not match its CRC32."""
    if len(value) >= _HEAD.size:
        version, _, names, batches, _, accepted_ns, length, crc = _HEAD.unpack_from(value)
        body = memoryview(value)[_HEAD.size :]
        if version == _VERSION and len(body) == names + batches + length:
            found = zlib.crc32(body, zlib.crc32(value[: _HEAD.size - 4]))
            if found == crc:
                name, batch = bytes(body[:names]).decode(), bytes(body[names : names + batches]).decode()
                return Record(partition, position, name, batch, accepted_ns, bytes(body[names + batches :]))
    raise JournalUnavailable(
        f"journal record {position} is damaged (checksum or length does not match); "
        "restore the journal from a backup or move it away to start an empty one",
        position=position,
    )


def cost(length: int) -> int:
    """Bytes that a value of this length occupies in the file: LMDB gives larger ones pages of their own."""
    return length + 64 if length < 2000 else -(-(length + 16) // _PAGE) * _PAGE + 64


def digest(key: str, batch_id: str) -> bytes:
    """16 bytes that stand for (key, batch id) in the memory of recent batches."""
    return hashlib.blake2b(f"{len(key)}:{key}:{batch_id}".encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class IndexRow:
    """What trimming and recognising resends need to know of a record, without touching its pages."""

    digest: bytes
    accepted_ns: int
    cost: int

    def pack(self) -> bytes:
        return _INDEX.pack(self.digest, self.accepted_ns, self.cost)

    @classmethod
    def unpack(cls, value: bytes) -> IndexRow:
        return cls(*_INDEX.unpack(value))


@dataclass(frozen=True, slots=True)
class State:
    """The partition's bookkeeping, written in each append's transaction. Kept records are first … last."""

    last: Position = 0
    first: Position = 1
    size: int = 0
    dropped: int = 0
    accepted_ns: int = 0

    def pack(self) -> bytes:
        return _STATE.pack(self.last, self.first, self.size, self.dropped, self.accepted_ns)

    @classmethod
    def unpack(cls, value: bytes) -> State:
        return cls(*_STATE.unpack(value))


_aside_encode = msgspec.msgpack.Encoder().encode
_aside_decode = msgspec.msgpack.Decoder(Quarantined).decode


def encode_quarantined(item: Quarantined) -> bytes:
    """Refused input as bytes; detail and excerpt are cut to 500 characters and 200 bytes."""
    return _aside_encode(
        Quarantined(item.at_ns, item.source[:200], item.reason[:64], item.detail[:500], item.excerpt[:200])
    )


def decode_quarantined(value: bytes) -> Quarantined:
    """The reverse of `encode_quarantined`."""
    return _aside_decode(value)
