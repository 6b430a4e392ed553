"""What an attacker or a broken device sends over MQTT: each case between two good readings, through decoder, gate and
acceptor. The cases speak of caretaker/<site>/<device>/<metric> and {"v": number}; they are mapped to our shape here.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from caretaker import wire
from caretaker.adapters.memory.clock import HandClock
from caretaker.adapters.memory.journal import MemoryJournal
from caretaker.domain.readings import HISTORICAL
from caretaker.services.gate import Gate
from caretaker.services.readings import Acceptor, Submission
from gateway.collectors.mqtt.columns import Columns
from gateway.collectors.mqtt.decode import Decoder
from tests.small_estate import estate_of

FOLDER = Path(os.environ.get("CARETAKER_CASES") or Path(__file__).parents[2].parent / "shared" / "cases")
FILE = FOLDER / "hostile_inputs.yaml"
CASES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text("utf-8")) if FILE.exists() else []
TOPICS = [case for case in CASES if case["surface"] == "mqtt.topic"]
PAYLOADS = [case for case in CASES if case["surface"] == "mqtt.payload"]
MAY_BE_REFUSED = {"mt-020", "mp-038", "mp-031"}
"""mt-020: its own words allow refusing. mp-038: a bare number needs a plain profile, which no kind declares.
mp-031: the leap second of 2026-12-31 lies in the future of the test's clock; that it is read is tested in unit/mqtt."""
NOW_MS = 1_795_403_778_000
GOOD = "caretaker/v1/s1/d1/tele"

needs_cases = pytest.mark.skipif(not CASES, reason=f"{FILE} is not there; set CARETAKER_CASES")


class WayIn:
    """Decoder, gate and acceptor over a journal in memory."""

    def __init__(self) -> None:
        estate = estate_of({"d1": ["a1"]})
        self.clock = HandClock(NOW_MS * 1_000_000)
        self.decoder = Decoder(estate)
        self.journal = MemoryJournal()
        self.acceptor = Acceptor(self.journal, Gate(estate.points.values(), 365 * 86400 * 10**9), self.clock, "test")

    def send(self, topic: bytes, payload: bytes, retained: bool = False) -> None:
        columns = Columns()
        self.decoder.take([topic], [payload], frozenset({0} if retained else ()), self.clock.now_ns(), columns)
        self.acceptor.accept_now(Submission("mqtt", columns.batch(), columns.refused))

    def good(self, number: int) -> None:
        self.send(GOOD.encode(), b'{"ts":%d,"v":{"temp":%d}}' % (NOW_MS - 1000 + number, number))

    def readings(self) -> list[tuple[float, int, int]]:
        records = self.journal.read(0, 0, 1000)
        batches = [wire.decode_batch(record.payload) for record in records]
        return [
            (value, quality, at)
            for batch in batches
            for value, quality, at in zip(
                batch.values.tolist(), batch.quality.tolist(), batch.times.tolist(), strict=True
            )
        ]

    def refused(self) -> int:
        return sum(self.acceptor.status().refused.values())


def content(case: dict[str, Any]) -> bytes:
    raw = base64.b64decode(case["input"]) if case["enc"] == "base64" else str(case["input"]).encode()
    return raw * int(case.get("repeat", 1))


def check(way: WayIn, case: dict[str, Any]) -> None:
    between = way.readings()[1:-1]
    assert [way.readings()[0][0], way.readings()[-1][0]] == [1.0, 2.0], "the good readings around it"
    if case["expected"] == "rejected" or (case["id"] in MAY_BE_REFUSED and not between):
        assert not between, "nothing of it is stored"
        assert way.refused() == 1, "one counter goes up by one"
        assert len(way.journal.quarantined()) == 1
    else:
        assert len(between) == 1
        assert way.refused() == 0


@needs_cases
@pytest.mark.parametrize("case", TOPICS, ids=lambda case: str(case["id"]))
def test_hostile_topic(case: dict[str, Any]) -> None:
    way = WayIn()
    topic = content(case).replace(b"caretaker/", b"caretaker/v1/", 1)
    topic = topic.removesuffix(b"temp") + b"tele" if topic.endswith(b"/temp") else topic

    way.good(1)
    way.send(topic, b'{"v":{"temp":9}}')
    way.good(2)

    check(way, case)


@needs_cases
@pytest.mark.parametrize("case", PAYLOADS, ids=lambda case: str(case["id"]))
def test_hostile_payload(case: dict[str, Any]) -> None:
    way = WayIn()
    payload = in_our_shape(content(case))

    way.good(1)
    for _ in range(3 if "3 times" in case.get("send", "") else 1):
        way.send(GOOD.encode(), payload, retained="retained" in case.get("send", ""))
    way.good(2)

    check(way, case)
    if "retained" in case.get("send", ""):
        assert way.readings()[1][1] & HISTORICAL


def in_our_shape(payload: bytes) -> bytes:
    """{"v": x, …} -> {"v": {"free": x}, …}, by text, because most cases are no JSON that a parser would keep."""
    out, at = b"", 0
    while (found := payload.find(b'"v":', at)) >= 0:
        start = found + 4
        end = start
        depth = 0
        while end < len(payload) and (depth or payload[end : end + 1] not in b",}"):
            depth += {b"[": 1, b"]": -1}.get(payload[end : end + 1], 0)
            end += 1
        out += payload[at:start] + b'{"free":' + payload[start:end] + b"}"
        at = end
    return out + payload[at:]


def test_the_mapping_to_our_shape_keeps_what_is_wrong_with_a_case() -> None:
    assert in_our_shape(b'{"v":NaN}') == b'{"v":{"free":NaN}}'
    assert in_our_shape(b'{"v":[1,2],"ts":0}') == b'{"v":{"free":[1,2]},"ts":0}'
    assert in_our_shape(b"21.5") == b"21.5"
    assert json.loads(in_our_shape(b'{"v":1,"id":"A"}')) == {"v": {"free": 1}, "id": "A"}
