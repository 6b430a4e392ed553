"""Bytes of a broker, cut into packets."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import mqtt5
import pytest
import yaml

from caretaker.adapters.mqtt import codec

FOLDER = Path(os.environ.get("CARETAKER_CASES") or Path(__file__).parents[3].parent / "shared" / "cases")
FILE = FOLDER / "hostile_inputs.yaml"
CASES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text("utf-8")) if FILE.exists() else []
PACKETS = [case for case in CASES if case["surface"] == "mqtt.packet"]


def publish(topic: str, payload: bytes, packet_id: int | None = None, **more: Any) -> bytes:
    qos = mqtt5.QoS.AT_MOST_ONCE if packet_id is None else mqtt5.QoS.AT_LEAST_ONCE
    return mqtt5.PublishPacket(topic, payload, qos=qos, packet_id=packet_id, **more).write()


def test_a_chunk_gives_its_publishes_in_order_and_keeps_the_unread_rest() -> None:
    data = publish("a/b", b"1", 7) + publish("a/c", b"22", retain=True) + publish("a/d", b"3" * 300, 65535)

    for cut in range(len(data) + 1):
        first = codec.split(data[:cut])
        second = codec.split(first.rest + data[cut:])
        assert first.error is None
        assert second.error is None
        assert first.topics + second.topics == [b"a/b", b"a/c", b"a/d"]
        assert first.payloads + second.payloads == [b"1", b"22", b"3" * 300]
        assert first.acks + second.acks == [7, 65535]
        assert [row + len(first.topics) for row in second.retained] + first.retained == [1]
        assert second.rest == b""


def test_properties_of_a_publish_are_skipped_also_long_ones() -> None:
    data = publish("a", b"x", 1, user_properties=[("k", "v" * 200)]) + publish(
        "b", b"y", content_type="application/json"
    )

    frames = codec.split(data)

    assert frames.payloads == [b"x", b"y"]


def test_what_came_before_a_malformed_packet_is_still_good() -> None:
    frames = codec.split(publish("a", b"x", 1) + b"\x36\x05\x00\x01a\x00\x01" + publish("b", b"y"))

    assert frames.payloads == [b"x"]
    assert frames.error is not None
    assert "QoS" in frames.error


@pytest.mark.skipif(not PACKETS, reason=f"{FILE} is not there; set CARETAKER_CASES")
@pytest.mark.parametrize("case", PACKETS, ids=lambda case: str(case["id"]))
def test_a_hostile_packet_is_an_error_or_a_message_for_the_decoder_to_refuse(case: dict[str, Any]) -> None:
    """Also where mqtt5 panics. None of them may be read as a good message of a known topic."""
    frames = codec.split(publish("good", b"1", 1) + base64.b64decode(case["input"]))

    assert frames.payloads[0] == b"1"
    assert frames.error is not None or frames.rest or frames.others or len(frames.topics) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_text_that_is_not_utf8_in_other_packets_is_malformed_and_no_panic() -> None:
    answer = mqtt5.ConnAckPacket(reason_str="xx").write().replace(b"xx", b"\xff\xfe")

    frames = codec.split(answer)

    assert frames.error is not None


def test_pubacks_are_what_mqtt5_writes() -> None:
    ids = [1, 258, 65535]

    assert codec.pubacks(ids) == b"".join(mqtt5.PubAckPacket(packet_id).write() for packet_id in ids)
