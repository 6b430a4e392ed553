"""What a gateway really asked of the kernel, in which order: the evidence of "synced, then acknowledged"."""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from caretaker.bootstrap import open_transactions, set_up
from caretaker.config import load
from tests.reliability.harness import Caretaker
from tests.servers import need

_CALLS = "openat,fdatasync,fsync,pwrite64,pwritev,writev,sendto,sendmsg,recvfrom"
_LINE = re.compile(r"^(\d+) +(?:(\w+)\((.*)|<\.\.\. (\w+) resumed>(.*))$")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_DIGITS = re.compile(r"\d*")
_UNFINISHED = " <unfinished ...>"


class TracedGateway(Caretaker):
    """The gateway process alone, under strace. `run`: what comes after `python -m`."""

    run: Sequence[str] = ("gateway",)

    @property
    def trace(self) -> Path:
        """Where strace writes."""
        return self.folder / "trace"

    def command(self) -> Sequence[str]:
        settings = load(data=self.data, equipment=Path(self.settings["CARETAKER_EQUIPMENT"]))
        settings = settings.model_copy(update={"site": Path(self.settings["CARETAKER_SITE"]), "sql": ""})
        transactions = open_transactions(settings, owner=True)
        set_up(settings, transactions)
        transactions.close()
        flags = ["-f", "--seccomp-bpf", "-xx", "-s", "400000", "-e", f"trace={_CALLS}", "-o", str(self.trace)]
        return [need("strace"), *flags, sys.executable, "-m", *self.run]

    def is_ready(self) -> bool:
        return "mqtt_connected" in self.log()

    def stop(self) -> None:
        """The gateway ends, and strace with it."""
        if self._process is None:
            return
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGTERM)
        self._process.wait(15)
        self._process = None


@dataclass(slots=True)
class Order:
    """What the trace says of every message, by packet id."""

    acknowledged: list[int] = field(default_factory=list)
    violations: list[int] = field(default_factory=list)
    """Acknowledged before the commit that holds their value was synced."""
    durable: set[int] = field(default_factory=set)
    """In the journal at the end of the trace."""
    syncs: int = 0


@dataclass(frozen=True, slots=True)
class _Call:
    """`began` and not `ended`: only its beginning was seen here; the end comes as another one."""

    name: str
    text: str
    began: bool
    ended: bool

    @property
    def data(self) -> bytes:
        return b"".join(bytes.fromhex(part.replace("\\x", "")) for part in _TEXT.findall(self.text))

    @property
    def descriptor(self) -> str:
        return _DIGITS.match(self.text)[0]  # type: ignore[index]  # the traced calls but openat begin with one

    @property
    def result(self) -> str:
        return self.text.rpartition(" = ")[2].split()[0]


def _calls(trace: Path) -> Iterator[_Call]:
    """Beginnings and ends of calls as the kernel saw them; a call that was not interrupted is both."""
    open_: dict[str, str] = {}
    with trace.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            found = _LINE.match(line.rstrip("\n"))
            if found is None:
                continue
            thread, name, text, resumed, rest = found.groups()
            if name and text.endswith(_UNFINISHED):
                open_[thread] = text.removesuffix(_UNFINISHED)
                yield _Call(name, open_[thread], began=True, ended=False)
            elif name:
                yield _Call(name, text, began=True, ended=True)
            else:
                yield _Call(resumed, open_.pop(thread, "") + rest, began=False, ended=True)


def read_order(trace: Path) -> Order:
    """Follow each message: received, its value written to the journal, synced, named by the synced meta page, acknowledged."""
    order = Order()
    journal, meta, broker = "", "", ""
    received: dict[int, bytes] = {}
    written: set[int] = set()
    flushed: set[int] = set()
    durable = order.durable
    stream = bytearray()
    for call in _calls(trace):
        match call.name:
            case "openat" if call.ended and b"data.mdb" in call.data:
                # LMDB opens it twice: to write data, which it syncs itself, and O_DSYNC for the meta page
                if "O_DSYNC" in call.text:
                    meta = call.result
                else:
                    journal = call.result
            case "sendto" | "sendmsg" if call.began and call.data[:1] == b"\x10":
                broker = call.descriptor
            case "sendto" | "sendmsg" if call.began and call.descriptor == broker and call.data[:1] == b"\x40":
                ids = [packet_id for _, packet_id in struct.iter_unpack(">HH", call.data)]
                order.acknowledged += ids
                order.violations += [packet_id for packet_id in ids if packet_id not in durable]
            case "recvfrom" if call.ended and call.descriptor == broker:
                stream += call.data
                received.update(_publishes(stream))
            case "pwrite64" | "pwritev" | "writev" if call.began and call.descriptor == journal:
                written |= {packet_id for packet_id, value in received.items() if value in call.data}
            case "fdatasync" | "fsync" if call.ended and call.descriptor == journal and call.result == "0":
                order.syncs += 1
                flushed |= written
                for packet_id in written:
                    received.pop(packet_id, None)
                written = set()
            case "pwrite64" if call.ended and call.descriptor == meta:
                durable |= flushed
    return order


def _publishes(stream: bytearray) -> Iterator[tuple[int, bytes]]:
    """Take whole packets off the stream: (packet id, value as the journal writes it) of each QoS 1 PUBLISH."""
    while len(stream) >= 2:
        length = at = shift = 0
        for at in range(1, min(5, len(stream))):
            length |= (stream[at] & 127) << shift
            shift += 7
            if not stream[at] & 128:
                break
        else:
            return
        if len(stream) < at + 1 + length:
            return
        packet = bytes(stream[: at + 1 + length])
        del stream[: at + 1 + length]
        if packet[0] & 0xF6 == 0x32:
            body = packet[at + 1 :]
            topic = body[0] << 8 | body[1]
            packet_id = body[2 + topic] << 8 | body[3 + topic]
            said = json.loads(body[body.index(b"{", 4 + topic) :])
            yield packet_id, struct.pack("<d", said["v"]["temp"])
