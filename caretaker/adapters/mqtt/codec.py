"""Bytes <-> MQTT 5 packets.

We cut the stream into frames and read PUBLISH ourselves, in one loop over a whole chunk; `mqtt5` reads and writes
everything else. Not for speed alone (0.8 against 1.3 us a message): `mqtt5` 0.8 panics on a topic that is not UTF-8
(a BaseException from Rust, with its stack on stderr), reads a topic past the end of its own frame, and says "not
enough bytes" for a complete frame with a wrong length inside, which would wait for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import mqtt5
import numpy as np

MAX_PACKET: Final = 2 << 20
"""The largest packet we take; announced to the broker, which drops larger ones for us."""


class MalformedError(Exception):
    """The broker broke the protocol: drop the connection."""


class Frames:
    """What one chunk of bytes held: PUBLISHes as parallel lists, every other packet in order, and the unread rest.

    error   why reading ended early: what came before is good, the connection is not
    """

    __slots__ = ("acks", "error", "others", "payloads", "rest", "retained", "topics")

    def __init__(self) -> None:
        self.topics: list[bytes] = []
        self.payloads: list[bytes] = []
        self.retained: list[int] = []
        self.acks: list[int] = []
        self.others: list[mqtt5.Packet] = []
        self.rest = b""
        self.error: str | None = None


def split(data: bytes) -> Frames:
    """All complete packets in `data`, up to the first malformed one."""
    out = Frames()
    try:
        _split(data, out)
    except MalformedError as wrong:
        out.error = str(wrong)
    return out


def _split(data: bytes, out: Frames) -> None:  # noqa: C901 - one loop over the bytes; calls would cost too much here
    topics, payloads, acks = out.topics, out.payloads, out.acks
    at, size = 0, len(data)
    while size - at >= 2:
        head = data[at]
        length = data[at + 1]
        body = at + 2
        if length & 128:
            length &= 127
            shift = 7
            while True:
                if body >= size:
                    out.rest = data[at:]
                    return
                byte = data[body]
                body += 1
                length |= (byte & 127) << shift
                if not byte & 128:
                    break
                shift += 7
                if shift > 21:
                    raise MalformedError("remaining length of more than four bytes")
            if length > MAX_PACKET:
                raise MalformedError(f"packet of {length} bytes, the limit announced is {MAX_PACKET}")
        end = body + length
        if end > size:
            break
        if head & 0xF0 == 0x30:
            if length < 3:
                raise MalformedError("PUBLISH without a topic")
            start = body + 2
            body = start + (data[body] << 8 | data[body + 1])
            if body >= end or body == start:
                raise MalformedError("PUBLISH whose topic is empty or does not fit into the packet")
            topic = data[start:body]
            if head & 6:
                if head & 6 != 2:
                    raise MalformedError("PUBLISH with QoS 2 or 3; at most QoS 1 was asked for")
                if end - body < 3:
                    raise MalformedError("PUBLISH without packet id")
                packet_id = data[body] << 8 | data[body + 1]
                if not packet_id:
                    raise MalformedError("PUBLISH with packet id 0")
                body += 2
                acks.append(packet_id)
            properties = data[body]
            body = body + 1 + properties if properties < 128 else _after_properties(data, body, end)
            if body > end:
                raise MalformedError("PUBLISH whose properties do not fit into the packet")
            if head & 1:
                out.retained.append(len(topics))
            topics.append(topic)
            payloads.append(data[body:end])
        else:
            out.others.append(_other(data[at:end]))
        at = end
    out.rest = data[at:]


def pubacks(ids: Sequence[int]) -> bytes:
    """PUBACK (success, no properties) for all ids, in their order."""
    packets = np.empty((len(ids), 2), ">u2")
    packets[:, 0] = 0x4002
    packets[:, 1] = ids
    return packets.tobytes()


def _after_properties(data: bytes, at: int, end: int) -> int:
    length = shift = 0
    while at < end and shift <= 21:
        byte = data[at]
        at += 1
        length |= (byte & 127) << shift
        if not byte & 128:
            return at + length
        shift += 7
    raise MalformedError("PUBLISH with a malformed property length")


def _other(frame: bytes) -> mqtt5.Packet:
    try:
        packet, used = mqtt5.read(memoryview(frame))
    except (IndexError, ValueError) as wrong:
        raise MalformedError(f"packet type {frame[0] >> 4}: {wrong}") from wrong
    except BaseException as panic:
        # pyo3's PanicException is no Exception and cannot be imported; text that is not UTF-8 brings it about
        if type(panic).__name__ != "PanicException":
            raise
        raise MalformedError(f"packet type {frame[0] >> 4} with text that is not UTF-8") from None
    if used != len(frame):
        raise MalformedError(f"packet type {frame[0] >> 4}: {len(frame)} bytes announced, {used} used")
    return packet
