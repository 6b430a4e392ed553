"""Bytes that outlive a process or cross one: the journal's payload, topic names. Pure."""

from __future__ import annotations

import re
import struct
from typing import Final

import msgspec
import numpy as np

from caretaker.domain.readings import ReadingBatch

_HEAD: Final = struct.Struct("<BBHI")  # version, flags, reserved, rows
_VERSION: Final = 1
_HAS_TEXTS: Final = 1
_texts_encode = msgspec.msgpack.Encoder().encode
_texts_decode = msgspec.msgpack.Decoder(dict[int, str]).decode

ID_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""Site, device, asset and point ids: safe in topics, tags, URLs and file names."""


def encode_batch(batch: ReadingBatch) -> bytes:
    """ReadingBatch -> bytes: header, then the columns one after another, little-endian, 21 bytes a reading."""
    head = _HEAD.pack(_VERSION, _HAS_TEXTS if batch.texts else 0, 0, len(batch))
    parts = [
        head,
        batch.points.astype("<u4", copy=False).tobytes(),
        batch.times.astype("<i8", copy=False).tobytes(),
        batch.values.astype("<f8", copy=False).tobytes(),
        batch.quality.tobytes(),
    ]
    if batch.texts:
        parts.append(_texts_encode(dict(batch.texts)))
    return b"".join(parts)


def decode_batch(data: bytes | memoryview) -> ReadingBatch:
    """bytes -> ReadingBatch. The columns are read-only views of `data`. Raises ValueError on anything else."""
    if len(data) < _HEAD.size:
        raise ValueError("a batch is at least 8 bytes")
    version, flags, _, n = _HEAD.unpack_from(data)
    if version != _VERSION:
        raise ValueError(f"batch version {version}, this program reads {_VERSION}")
    at = _HEAD.size
    end = at + 21 * n
    if len(data) < end or (len(data) > end and not flags & _HAS_TEXTS):
        raise ValueError(f"a batch of {n} readings needs {end} bytes, got {len(data)}")
    points = np.frombuffer(data, "<u4", n, at)
    times = np.frombuffer(data, "<i8", n, at + 4 * n)
    values = np.frombuffer(data, "<f8", n, at + 12 * n)
    quality = np.frombuffer(data, np.uint8, n, at + 20 * n)
    texts = _texts_decode(bytes(data[end:])) if flags & _HAS_TEXTS else {}
    return ReadingBatch(points, times, values, quality, texts)


def tele_topic(site: str, device: str) -> str:
    """The canonical topic a device publishes its readings on."""
    return f"caretaker/v1/{site}/{device}/tele"


def state_topic(site: str, device: str) -> str:
    """Where a device (or its last will) says online or offline."""
    return f"caretaker/v1/{site}/{device}/state"
