"""`python -m benchmarks.loadgen`: sends pre-encoded PUBLISH packets as fast as the broker takes them.

It says READY when all packets are encoded and waits for a line on its standard input; afterwards it prints one line of
JSON: sent, acked, seconds, and the monotonic time (ns) of the first send. It shares no encoder with the product.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import socket
import struct
import sys
import time
from typing import Final

from benchmarks.estate import PLANTED, SITE, STEP_MS, Shape, device, keys

CHUNK: Final = 100
WINDOW: Final = 4000
"""QoS 1 messages sent and not yet acknowledged by the broker."""
_IDS: Final = 60_000
_PATIENCE_S: Final = 60.0
_LOOK_S: Final = 0.003


def packets(shape: Shape, count: int, qos: int, start_ms: int) -> list[bytes]:
    """`count` messages, device after device, each with its own (device, time); CHUNK packets in each item."""
    chance = random.Random(7)  # noise, the same each time
    names = keys(shape)
    topics = [f"caretaker/v1/{SITE}/{device(number)}/tele".encode() for number in range(shape.devices)]
    heads = [struct.pack(">H", len(topic)) + topic for topic in topics]
    rounds = -(-count // shape.devices)
    noise = [round(chance.gauss(0.0, 0.2), 2) for _ in range(4096)]
    items: list[bytes] = []
    chunk: list[bytes] = []
    for number in range(count):
        turn, who = divmod(number, shape.devices)
        at_ms = start_ms + turn * STEP_MS + who * STEP_MS // shape.devices
        base = 20.0 + 2.0 * math.sin(turn / 40 + who)
        warm = 15.0 if who < PLANTED and turn >= rounds // 2 else 0.0
        said = ",".join(
            f'"{name}":{base + (0.0 if place else warm) + noise[(number * 31 + place * 7) & 4095]:.2f}'
            for place, name in enumerate(names)
        )
        payload = f'{{"ts":{at_ms},"seq":{turn},"v":{{{said}}}}}'.encode()
        body = heads[who] + (struct.pack(">H", number % _IDS + 1) if qos else b"") + payload
        chunk.append(bytes((0x30 | qos << 1,)) + _length(len(body)) + body)
        if len(chunk) == CHUNK or number == count - 1:
            items.append(b"".join(chunk))
            chunk = []
    return items


def _length(size: int) -> bytes:
    out = b""
    while size > 127:
        out += bytes((size & 127 | 128,))
        size >>= 7
    return out + bytes((size,))


class Sender:
    """One MQTT 3.1.1 connection: a window of unacknowledged messages at QoS 1, none at QoS 0.

    The broker sends each PUBACK on its own; they are gathered by looking only now and then, or the generator would wake
    for each of them and take from the machine what is to be measured.
    """

    def __init__(self, port: int, qos: int) -> None:
        self._qos = qos
        self._heard = 0
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        name = b"bench-loadgen"
        body = b"\0\4MQTT\4\2\0\0" + struct.pack(">H", len(name)) + name
        self._socket.sendall(b"\x10" + _length(len(body)) + body)
        if self._socket.recv(4) != b"\x20\2\0\0":
            raise SystemExit("loadgen: the broker refuses the connection")

    @property
    def acked(self) -> int:
        """Messages the broker has acknowledged; a PUBACK has four bytes."""
        return self._heard // 4

    def send(self, items: list[bytes], count: int) -> None:
        """All of them; at QoS 1 returns when the broker has acknowledged the last."""
        sent = 0
        for item in items:
            if self._qos and sent - self.acked > WINDOW:
                self._wait(sent - WINDOW // 2)
            self._socket.sendall(item)
            sent += CHUNK
        if self._qos:
            self._wait(count)

    def _wait(self, wanted: int) -> None:
        end = time.monotonic() + _PATIENCE_S
        while self.acked < wanted:
            time.sleep(_LOOK_S)
            try:
                heard = len(self._socket.recv(1 << 20, socket.MSG_DONTWAIT))
            except BlockingIOError:
                if time.monotonic() > end:
                    raise SystemExit(f"loadgen: the broker acknowledged {self.acked} of {wanted}") from None
                continue
            if not heard:
                raise SystemExit("loadgen: the broker closed the connection")
            self._heard += heard
            end = time.monotonic() + _PATIENCE_S

    def close(self) -> None:
        """DISCONNECT."""
        self._socket.sendall(b"\xe0\0")
        self._socket.shutdown(socket.SHUT_WR)
        time.sleep(0.05)


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser()
    for name in ("port", "messages", "qos", "fields", "withhold"):
        parser.add_argument(f"--{name}", type=int, required=True)
    options = parser.parse_args()
    # encoding takes about 3 us a message and what is sent next lies in the present
    start_ms = time.time_ns() // 1_000_000 + 1000
    count = options.messages - options.withhold
    items = packets(Shape(options.fields), count, options.qos, start_ms)
    sender = Sender(options.port, options.qos)
    print("READY", flush=True)
    sys.stdin.readline()
    began, spent = time.monotonic_ns(), time.process_time()
    sender.send(items, count)
    seconds = (time.monotonic_ns() - began) / 1e9
    sender.close()
    said = {"sent": options.messages, "acked": sender.acked, "seconds": seconds, "began_ns": began}
    print(json.dumps({**said, "cpu_s": time.process_time() - spent}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
