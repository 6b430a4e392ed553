"""Registers of real devices, collected from public projects, through the project's own decoder.

The file is read from the folder in CARETAKER_CASES, or from ../shared/cases beside the repository. A case marked
`semantics` records a choice that a product may make otherwise: it is reported, never failed.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from caretaker.domain.equipment import ModbusSpec, Table
from gateway.collectors.modbus.decode import Layout, as_text, decode, decode_bits, decode_many, words_of

FOLDER = Path(os.environ.get("CARETAKER_CASES") or Path(__file__).parents[2].parent / "shared" / "cases")
FILE = FOLDER / "modbus_decode_golden.yaml"
CASES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text("utf-8"))["cases"] if FILE.exists() else []
JUDGED = [case for case in CASES if "semantics" not in case]
CHOICES = [case for case in CASES if "semantics" in case]

ORDERS = {("big", "big"): "ABCD", ("big", "little"): "CDAB", ("little", "big"): "BADC", ("little", "little"): "DCBA"}
KNOWN = {
    "data_type", "byte_order", "word_order", "scale", "offset", "precision", "values", "count", "encoding", "length_bytes",
    "string_location", "zero_suppress", "min_value", "max_value", "nan_value", "error_value", "unsupported_value",
    "output_type", "bit", "bit_width",
}  # fmt: skip
"""The words of the cases' configuration; `output_type` names the source's result type, we have one number type."""


def order_of(config: Mapping[str, Any]) -> str:
    return ORDERS[config.get("byte_order", "big"), config.get("word_order", "big")]


def spec_of(config: Mapping[str, Any], words: int, table: str) -> ModbusSpec:
    """The words of the case file as ours. Nothing is decoded here."""
    unknown = set(config) - KNOWN
    assert not unknown, f"the case file says {sorted(unknown)}, which this runner does not know"
    kind = config["data_type"]
    bit = config.get("bit")
    if kind == "bits" and bit is not None:
        kind = "uint16"
    sentinels = [
        config[key] for key in ("nan_value", "error_value", "unsupported_value") if config.get(key) is not None
    ]
    return ModbusSpec(
        Table(table),
        0,
        kind,
        order_of(config),
        scale=config.get("scale", 1),
        offset=config.get("offset", 0),
        bit=bit,
        width=config.get("bit_width", 1),
        words=words if kind == "string" else None,
        invalid=tuple(int(value) for value in sentinels),
        minimum=config.get("min_value"),
        maximum=config.get("max_value"),
        zero_suppress=config.get("zero_suppress", 0),
        encoding=config.get("encoding", "utf-8"),
        length=config.get("length_bytes"),
        chars=config.get("string_location", "both"),
    )


def ours(case: Mapping[str, Any]) -> Any:
    """What the project makes of a case, in the shape in which the case expects it."""
    config, given, expected = case["config"], case["input"], case["expected"]
    words: Sequence[int] = given["registers"] if "registers" in given else [int(bit) for bit in given["bits"]]
    if config["data_type"] == "bits" and config.get("bit") is None:
        return decode_bits(words, order_of(config))
    spec = spec_of(config, len(words), given.get("register_type", "holding"))
    if isinstance(expected, list):
        found = decode_many(words, spec, config.get("values", len(expected)))
        return [shown(value, want, config) for value, want in zip(found, expected, strict=True)]
    return shown(decode_many(words, spec, 1)[0], expected, config)


def shown(value: float | str | None, expected: object, config: Mapping[str, Any]) -> float | str | None:
    """A number as text where the case expects text."""
    if isinstance(expected, str) and isinstance(value, (int, float)):
        return as_text(value, config.get("precision", 0))
    return value


def tolerance_of(case: Mapping[str, Any]) -> float:
    """A float32 has 24 bits, so sources write it with eight digits; everything else is compared to twelve."""
    return max(float(case.get("tolerance", 0.0)), 1.2e-7 if case["config"]["data_type"] == "float32" else 1e-12)


def same(found: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(same(*pair, tolerance) for pair in zip(found, expected, strict=True))
        )
    if isinstance(expected, bool) or expected is None or isinstance(expected, str):
        return bool(found == expected) and (expected is not None or found is None)
    if not isinstance(found, (int, float)):
        return False
    if isinstance(expected, int):
        # beyond 2^53 some sources write the float64, some the whole number
        return found == expected or (abs(expected) > 2**53 and float(found) == expected)
    return math.isclose(found, expected, rel_tol=tolerance)


@pytest.mark.skipif(bool(CASES), reason="the cases are there")
def test_cases_are_missing() -> None:
    """Without the case file nothing is proven, and that is said."""
    pytest.skip(f"modbus_decode_golden.yaml (0 cases run) is not in {FOLDER}; set CARETAKER_CASES")


@pytest.mark.parametrize("case", JUDGED, ids=[case["id"] for case in JUDGED])
def test_registers_become_the_value_that_the_source_documents(case: dict[str, Any]) -> None:
    found = ours(case)

    assert same(found, case["expected"], tolerance_of(case)), f"{found!r}, expected {case['expected']!r}"


@pytest.mark.parametrize("case", CHOICES, ids=[case["id"] for case in CHOICES])
def test_choice_of_a_source_is_reported(case: dict[str, Any], record_property: Callable[[str, object], None]) -> None:
    """Never fails for another choice; the decoder must still give a value or none, without an error."""
    found = ours(case)
    agrees = same(found, case["expected"], tolerance_of(case))

    record_property(
        "semantics", f"{case['semantics']}: {found!r} {'agrees' if agrees else 'differs from'} {case['expected']!r}"
    )
    print(f"{case['id']} {case['semantics']}: ours {found!r}, theirs {case['expected']!r}")


def test_layout_of_a_block_gives_what_single_decoding_gives() -> None:
    """All scalar cases in one block: the compiled columns agree with one value at a time."""
    items, single, stream = [], [], b""
    for case in JUDGED:
        words, config = case["input"].get("registers"), case["config"]
        if words is None or config["data_type"] in {"bits", "string"} or isinstance(case["expected"], list):
            continue
        spec = spec_of(config, len(words), case["input"]["register_type"])
        if len(words) != words_of(spec):
            continue
        items.append((len(stream) // 2, spec))
        single.append(decode(words, spec))
        stream += b"".join(word.to_bytes(2, "big") for word in words)
    if not items:
        pytest.skip("no cases")

    columns = Layout(items).decode(stream)

    for value, good, alone in zip(columns.values.tolist(), columns.quality.tolist(), single, strict=True):
        if alone is None:
            assert math.isnan(value)
            assert good == 2
        else:
            assert value == float(alone)
            assert good == 0
