"""Topic and payload -> columns."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from caretaker.domain.errors import ConfigurationError
from caretaker.domain.readings import HISTORICAL, Quality, ReadingBatch
from gateway.collectors.mqtt.columns import Columns
from gateway.collectors.mqtt.decode import Decoder
from gateway.collectors.mqtt.payload import RefusedError, follow, number, path, strict_json, time_ns
from tests.small_estate import estate_of

NOW = 1_795_403_777_942_000_000
TS = 1_795_403_777_000
TEMP, FREE, DOOR, MODE, NOTE = 1, 2, 3, 4, 5


def decode(
    *payloads: bytes, topic: str = "caretaker/v1/s1/d1/tele", retained: bool = False
) -> tuple[ReadingBatch, list[str]]:
    decoder = Decoder(estate_of({"d1": ["a1"], "d2": ["a2", "a3"], "v1": ["a4"]}, {"v1": "acme"}))
    columns = Columns()
    for payload in payloads:
        decoder.take([topic.encode()], [payload], frozenset({0} if retained else ()), NOW, columns)
    return columns.batch(), [item.reason for item in columns.refused]


def said(**values: object) -> bytes:
    return json.dumps({"ts": TS, "seq": 1, "v": values}).encode()


def test_a_canonical_message_gives_its_readings_twice_the_same_by_the_slow_and_the_fast_path() -> None:
    message = said(temp=21.5, free=3, door=True, mode="auto")

    batch, refused = decode(message, message)

    assert not refused
    assert batch.points.tolist() == [TEMP, FREE, DOOR, MODE] * 2
    assert batch.values.tolist() == [21.5, 3.0, 1.0, 1.0] * 2
    assert set(batch.times.tolist()) == {TS * 1_000_000}
    assert not batch.quality.any()


def test_a_device_that_watches_several_assets_names_them() -> None:
    batch, refused = decode(b'{"v":{"a2.temp":1,"a3.temp":2,"temp":3}}', topic="caretaker/v1/s1/d2/tele")

    assert batch.points.tolist() == [6, 11]
    assert batch.times.tolist() == [NOW, NOW]
    assert refused == ["unknown_point"]


@pytest.mark.parametrize(
    ("point", "value", "reason"),
    [
        ("temp", True, "wrong_type"),
        ("temp", "12", "wrong_type"),
        ("temp", [1], "wrong_type"),
        ("door", 2, "wrong_type"),
        ("door", "1", "wrong_type"),
        ("mode", 7, "unknown_code"),
        ("mode", 0.5, "unknown_code"),
        ("mode", "Auto", "unknown_code"),
        ("mode", True, "wrong_type"),
        ("note", 5, "wrong_type"),
        ("note", "x" * 257, "too_large"),
        ("nowhere", 1, "unknown_point"),
    ],
)
def test_one_wrong_value_is_refused_and_its_neighbour_accepted(point: str, value: object, reason: str) -> None:
    """First by the slow path, then with the keys known, by the fast one."""
    batch, refused = decode(said(free=1, temp=1, door=1, mode=1), said(**{"free": 4.0, point: value}))

    assert batch.values.tolist()[4:] == [4.0]
    assert refused == [reason]


def test_null_turns_the_point_bad_and_is_counted() -> None:
    batch, refused = decode(said(temp=None))

    assert batch.quality.tolist() == [Quality.BAD]
    assert math.isnan(batch.values[0])
    assert refused == ["null_value"]


def test_qualities_and_texts() -> None:
    batch, refused = decode(
        b'{"ts":%d,"v":{"temp":1,"free":2,"note":"\xe4\xbd\xa0\xe5\xa5\xbd"},"q":{"temp":"bad","free":"uncertain"}}'
        % TS,
        b'{"ts":%d,"v":{"temp":1,"free":2},"q":{"temp":"good","free":"dubious"}}' % TS,
    )

    assert batch.quality.tolist() == [Quality.BAD, Quality.UNCERTAIN, Quality.GOOD, Quality.GOOD]
    assert math.isnan(batch.values[0])
    assert batch.texts == {2: "你好"}
    assert refused == ["unknown_quality"]


def test_duplicate_keys_are_refused_also_when_blanks_hide_them_from_the_fast_path() -> None:
    _, refused = decode(
        said(temp=1),
        b'{"ts":%d,"seq":2,"v":{"temp":1,"temp":2}}' % TS,
        b'{"ts":%d,"seq":2,"v":{"temp" :1,"temp": 2}}' % TS,
        b'{"ts":%d,"ts":%d,"v":{"temp":1}}' % (TS, TS),
    )

    assert refused == ["duplicate_key"] * 3


def test_a_retained_message_is_historical() -> None:
    batch, _ = decode(said(temp=1), said(temp=2), retained=True)

    assert batch.quality.tolist() == [HISTORICAL, HISTORICAL]


def test_offline_turns_all_points_of_the_device_bad_once() -> None:
    batch, refused = decode(b"offline", b"offline", b'{"state":"online"}', b"gone", topic="caretaker/v1/s1/d1/state")

    assert batch.points.tolist() == [1, 2, 3, 4, 5]
    assert (batch.quality == Quality.BAD).all()
    assert np.isnan(batch.values).all()
    assert refused == ["unknown_state"]


def test_a_vendor_message_is_read_as_its_mapping_says() -> None:
    good = b'{"head":{"ts":1795403777.5},"t":"215","door":{"is open":"Y"},"list":[{},{"note":"ok"}]}'

    batch, refused = decode(good, b'{"head":{},"door":{"is open":"?"}}', b'{"x":1}', topic="acme/v1/up")

    assert batch.points.tolist() == [16, 18, 20]
    assert batch.values.tolist()[:2] == [21.5, 1.0]
    assert batch.times.tolist() == [1_795_403_777_500_000_000] * 3
    assert batch.texts == {2: "ok"}
    assert refused == ["unknown_code", "no_values"]


def test_a_mapping_that_the_kind_does_not_declare_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="device d1: mapping 'nope'"):
        Decoder(estate_of({"d1": ["a1"]}, {"d1": "nope"}))


def test_filters_cover_the_canonical_topics_and_each_vendor_topic() -> None:
    decoder = Decoder(estate_of({"d1": ["a1"], "v1": ["a2"]}, {"v1": "acme"}))

    assert decoder.filters == ["caretaker/v1/s1/+/tele", "caretaker/v1/s1/+/state", "acme/+/up"]


def test_missing_sequence_numbers_are_counted_for_each_device() -> None:
    decoder = Decoder(estate_of({"d1": ["a1"], "d2": ["a2"]}))
    columns = Columns()
    for seq in (1, 2, 5, 6, 3, 4):
        payload = b'{"ts":%d,"seq":%d,"v":{"temp":1}}' % (TS + seq, seq)
        decoder.take([b"caretaker/v1/s1/d1/tele"], [payload], frozenset(), NOW, columns)
    decoder.devices.note(*columns.arrivals(), NOW)

    facts = decoder.devices.facts(NOW)

    assert facts["d1"]["messages"] == 6
    assert facts["d1"]["gaps"] == 2
    assert facts["d2"]["age_s"] is None


@pytest.mark.parametrize(
    ("written", "unit", "ns"),
    [
        (1795403777, None, 1795403777_000_000_000),
        (1795403777942, None, 1795403777_942_000_000),
        (1795403777942.5, None, 1795403777_942_500_096),
        (1795403777942000, None, 1795403777_942_000_000),
        (1795403777942000001, None, 1795403777_942_000_001),
        (1795403777, "s", 1795403777_000_000_000),
        ("2026-12-31T23:59:60Z", None, 1798761600_000_000_000),
        ("2026-11-23T20:50:43.5+08:00", "iso", 1795438243_500_000_000),
        ("2026-11-23 12:50:43", "iso", 1795438243_000_000_000),
        (None, None, NOW),
    ],
)
def test_times(written: object, unit: str | None, ns: int) -> None:
    assert time_ns(written, NOW, unit) == ns


@pytest.mark.parametrize("written", [-1, True, "1795403777942", "yesterday", [1], 10**30, 1e300])
def test_what_is_no_time_is_refused(written: object) -> None:
    with pytest.raises(RefusedError) as refused:
        time_ns(written, NOW)

    assert refused.value.reason == "time_invalid"


def test_paths_and_numbers_as_text() -> None:
    document = strict_json(b'{"a":{"b c":[1,{"d":2}]}}')

    assert follow(document, path("$.a['b c'][1].d")) == 2
    assert number(" 12.5e1 ") == 125.0
    assert [number(text) for text in ("1_0", "inf", "nan", "0x1", "", "1e999", "\u0661")] == [None] * 7
    with pytest.raises(ValueError, match="cannot read"):
        path("$.a[*]")
