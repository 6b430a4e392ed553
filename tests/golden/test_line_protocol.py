"""The golden line-protocol cases, run through our own encode_line and parse_lines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from caretaker.adapters.store_influx.lines import FieldValue, Point, Unsigned, encode_line, parse_lines
from caretaker.domain.errors import Refused

FOLDER = Path(os.environ.get("CARETAKER_CASES", Path(__file__).resolve().parents[3] / "shared" / "cases"))
FILE = FOLDER / "line_protocol_golden.yaml"
CASES: list[dict[str, Any]] = (
    yaml.load(FILE.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))["cases"] if FILE.is_file() else []  # noqa: S506
)


def value_of(field: dict[str, Any]) -> FieldValue:
    """{type, value} -> our value; NaN and infinities come as words."""
    value = field["value"]
    match field["type"]:
        case "float":
            return float(value)
        case "uint":
            return Unsigned(value)
        case "int":
            return int(value)
        case "bool":
            return bool(value)
        case _:
            return str(value)


def point_of(case: dict[str, Any]) -> Point:
    fields = {name: value_of(field) for name, field in case["fields"].items()}
    return Point(case["measurement"], fields, case["tags"], case["time_ns"])


def comparable(point: Point) -> object:
    """With the fields' types, because 1 == 1.0 == True."""
    fields = {key: (type(value), value) for key, value in point.fields.items()}
    return point.measurement, dict(point.tags), fields, point.time_ns


def cases(kind: str) -> list[Any]:
    """The cases of a kind; those that record a choice (`semantics`) are shown, never failed on."""
    marks = [pytest.mark.skip(reason=f"the case records a choice: {FILE.name}")]
    return [
        pytest.param(case, id=case["id"], marks=marks if case.get("semantics") else [])
        for case in CASES
        if case["kind"] == kind
    ] or [
        pytest.param({}, id="none", marks=pytest.mark.skip(reason=f"no cases: {FILE} is not there (CARETAKER_CASES)"))
    ]


@pytest.mark.parametrize("case", cases("encode"))
def test_a_point_becomes_the_line(case: dict[str, Any]) -> None:
    point, precision = point_of(case["point"]), case.get("precision") or "1ns"
    if not case["line"]:
        try:
            written = encode_line(point, precision)
        except Refused:
            written = ""
        assert written == ""
        return

    line = encode_line(point, precision)

    # several lines may be right (order, float text); control characters are written but never read, so bytes go first
    assert line == case["line"] or parse_lines(line, None, precision) == parse_lines(case["line"], None, precision)


@pytest.mark.parametrize("case", cases("decode"))
def test_a_line_becomes_the_points(case: dict[str, Any]) -> None:
    precision = case.get("precision") or "1ns"
    if case["expected"] is None:
        with pytest.raises(Refused):
            parse_lines(case["line"], case.get("default_time_ns"), precision)
        return

    points = parse_lines(case["line"], case.get("default_time_ns"), precision)

    assert [comparable(p) for p in points] == [comparable(point_of(expected)) for expected in case["expected"]]
