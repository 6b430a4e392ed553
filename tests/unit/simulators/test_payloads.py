"""What the MQTT devices write is what the kind declares."""

from __future__ import annotations

import json
import math

import pytest

from caretaker.domain.errors import ConfigurationError
from simulators.models.physics import Value
from simulators.payloads import VendorShape, canonical, plain
from simulators.troubles import Sensors
from tests.unit.simulators.watch import estate, machine_of


def test_the_canonical_message_has_time_sequence_values_and_only_doubtful_qualities() -> None:
    payload = canonical(
        1_790_000_000_123, 7, {"p_out": 0.42, "flood": False}, {"p_out": "uncertain", "flow": "uncertain"}
    )

    assert json.loads(payload) == {
        "ts": 1_790_000_000_123,
        "seq": 7,
        "v": {"p_out": 0.42, "flood": False},
        "q": {"p_out": "uncertain"},
    }


def test_a_broken_sensor_is_the_word_nan() -> None:
    assert b'"p_out":NaN' in canonical(1, 1, {"p_out": math.nan}, {})


@pytest.mark.parametrize(
    ("kind", "mapping", "values", "message"),
    [
        (
            "elevator",
            "skylink",
            {"service_mode": 1, "speed": 1.75, "door_zone": False, "machine_room_temp": 27.1, "motor_temp": 45.2},
            {
                "head": {"ts": 1790000000.0},
                "car": {"mode": "AUTO", "v_mms": 1750, "zone": "N"},
                "temp": [452, None, 271],
            },
        ),
        (
            "pump_set",
            "hydrocloud",
            {"run_fb_2": True, "p_out": 0.42, "tank_level": 1.87},
            {"t": 1790000000000, "pumps": [None, {"fb": "ON"}], "net": {"out_kpa": 420}, "tank": {"cm": 187}},
        ),
    ],
)
def test_a_vendors_shape_is_the_reverse_of_its_mapping(
    kind: str, mapping: str, values: dict[str, Value], message: dict[str, object]
) -> None:
    shape = VendorShape(next(m for m in estate()[1][kind].mqtt if m.id == mapping))

    assert json.loads(shape.body(1_790_000_000_000, values)) == message
    assert "{device}" not in shape.topic("box-1")


def test_a_path_that_cannot_be_written_is_refused() -> None:
    mapping = estate()[1]["elevator"].mqtt[0]
    field = type(mapping.fields[0])("$.a..b", "floor")

    with pytest.raises(ConfigurationError, match=r"a\.\.b"):
        VendorShape(type(mapping)("x", "t/{device}", (field,)))


def test_numbers_are_written_as_firmware_does() -> None:
    kind = estate()[1]["elevator"]

    assert plain(kind.point("speed"), 1.2345678) == 1.235
    assert plain(kind.point("floor"), 7) == 7
    assert plain(kind.point("occupied"), True) is True
    assert math.isnan(float(plain(kind.point("occupied"), math.nan)))


def test_sensors_lie_as_ordered_and_only_while_ordered() -> None:
    machine = machine_of("pump-1")
    sensors, true = Sensors(machine.kind), dict(machine.model.values())
    sensors.read(true)

    sensors.begin("frozen", "p_out")
    sensors.begin("frozen", "p_out")
    sensors.begin("nan", "flow")
    sensors.begin("out_of_range", "tank_level")
    sensors.begin("doubtful", "energy")
    shown = sensors.read({**true, "p_out": 0.11})

    assert shown["p_out"] == true["p_out"]
    assert math.isnan(float(shown["flow"]))
    assert float(shown["tank_level"]) > 5.0
    assert sensors.quality() == {"energy": "uncertain"}
    for fault, point in (("frozen", "p_out"), ("nan", "flow"), ("out_of_range", "tank_level"), ("doubtful", "energy")):
        sensors.end(fault, point)
    assert sensors.read({**true, "p_out": 0.11}) == {**{k: true[k] for k in shown}, "p_out": 0.11}
    assert sensors.quality() == {}
