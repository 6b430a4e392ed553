"""equipment/*.yaml -> EquipmentKind: the schema first, then what a schema cannot say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from caretaker.catalog.duration import seconds
from caretaker.catalog.problems import ROOT, Problems, expected, unique
from caretaker.catalog.registers import check_registers, modbus_of
from caretaker.catalog.rule import Say, rule_of, term_of, text_of
from caretaker.catalog.yaml_file import Document, Path_, read_yaml
from caretaker.domain.equipment import (
    CheckSpec,
    CheckType,
    EquipmentKind,
    FieldMapping,
    MqttMapping,
    PointSpec,
    ValueType,
)
from caretaker.domain.errors import ConfigurationError

SCHEMA: Final = ROOT / "equipment" / "schema.json"


def read_kinds(folder: Path) -> Mapping[str, EquipmentKind]:
    """All kinds of a folder, by id. Raises ConfigurationError with everything wrong in all of its files."""
    if not folder.is_dir():
        raise ConfigurationError(f"{folder}: no such folder; expected one with equipment kinds (*.yaml)")
    files = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))
    if not files:
        raise ConfigurationError(f"{folder}: holds no *.yaml; expected one file per equipment kind")
    kinds: dict[str, EquipmentKind] = {}
    wrong: list[str] = []
    for path in files:
        try:
            kind = read_kind(path)
        except ConfigurationError as error:
            wrong.append(error.message)
            continue
        if kind.id in kinds:
            wrong.append(f"{path}: kind {kind.id!r} is already in {kinds[kind.id].file}; expected one file per kind")
        kinds[kind.id] = kind
    if wrong:
        raise ConfigurationError("\n".join(wrong))
    return MappingProxyType(kinds)


def read_kind(path: Path) -> EquipmentKind:
    """One kind. Raises ConfigurationError with everything wrong in the file, one line each."""
    document = read_yaml(path)
    problems = Problems()
    problems.check_schema(document, SCHEMA)
    problems.refuse()
    kind = _kind(document, problems)
    problems.refuse()
    return kind


def _kind(document: Document, problems: Problems) -> EquipmentKind:
    node: Mapping[str, Any] = document.data
    say: Say = partial(problems.add, document)
    for section in ("points", "rules", "checks", "mqtt"):
        unique(problems, document, (section,), node.get(section, []))
    problems.refuse()
    specs = [_point(item, ("points", row), say) for row, item in enumerate(node["points"])]
    points = {spec.id: spec for spec in specs}
    check_registers(specs, say)
    modes = {key: text_of(text) for key, text in node["failure_modes"].items()}
    rules = [rule_of(item, ("rules", row), points, list(modes), say) for row, item in enumerate(node["rules"])]
    checks = [check_of(item, ("checks", row), points, modes, say) for row, item in enumerate(node.get("checks", []))]
    mappings = [_mapping(item, ("mqtt", row), points, say) for row, item in enumerate(node.get("mqtt", []))]
    for row, sample in enumerate(node.get("samples", [])):
        _check_sample(sample, ("samples", row), points, {mapping.id for mapping in mappings}, say)
    return EquipmentKind(
        id=node["kind"],
        title=text_of(node["title"]),
        points=tuple(specs),
        rules=tuple(rules),
        checks=tuple(checks),
        mqtt=tuple(mappings),
        failure_modes=MappingProxyType(modes),
        samples=tuple(MappingProxyType(sample) for sample in node.get("samples", [])),
        caveats=tuple(MappingProxyType(caveat) for caveat in node.get("caveats", [])),
        running=tuple(term_of(item, ("running", row), points, say) for row, item in enumerate(node.get("running", []))),
        reportable=tuple(_reportable(node.get("reportable", []), modes, say)),
        file=document.file,
    )


def _reportable(named: Sequence[str], modes: Mapping[str, object], say: Say) -> Sequence[str]:
    for row, mode in enumerate(named):
        if mode not in modes:
            say(("reportable", row), f"found {expected(mode, modes)}")
    return named


def _point(node: Mapping[str, Any], path: Path_, say: Say) -> PointSpec:
    sort = ValueType(node.get("type", "number"))
    codes = {int(code): text_of(text) for code, text in node.get("codes", {}).items()}
    if sort is ValueType.ENUM and not codes:
        say(path, "an enum point without codes; expected codes: {0: {zh: …, en: …}, …}")
    if sort is not ValueType.ENUM and codes:
        say((*path, "codes"), f"codes on a {sort} point; expected type: enum")
    limits = node.get("range")
    if limits is not None and (sort is not ValueType.NUMBER or limits[0] >= limits[1]):
        say((*path, "range"), f"found {limits} on a {sort} point; expected [lowest, highest] on a number point")
    if sort is ValueType.NUMBER and limits is None:
        say(path, "a number point without range; expected range: [lowest, highest] of what is plausible")
    every = seconds(node.get("every", "5s"))
    modbus = node.get("modbus")
    return PointSpec(
        id=node["id"],
        title=text_of(node["title"]),
        type=sort,
        unit=node.get("unit", ""),
        quantity=node.get("quantity", ""),
        every_s=every,
        stale_after_s=seconds(node["stale_after"]) if "stale_after" in node else max(3 * every, 10.0),
        range=(float(limits[0]), float(limits[1])) if limits else None,
        decimals=node.get("decimals", 2),
        key=node.get("key", False),
        codes=MappingProxyType(codes),
        modbus=modbus_of(modbus, sort, (*path, "modbus"), say) if modbus else None,
    )


def check_of(
    node: Mapping[str, Any], path: Path_, points: Mapping[str, PointSpec], modes: Mapping[str, object], say: Say
) -> CheckSpec:
    """One inspection check; `points` and `modes` (failure modes) are those of the machine it is asked about."""
    sort = CheckType(node.get("type", "yes_no"))
    if (sort is CheckType.CHOICE) != ("choices" in node):
        say(
            path,
            f"a {sort} check {'without' if sort is CheckType.CHOICE else 'with'} choices; choices belong to choice",
        )
    if "limits" in node and (sort is not CheckType.NUMBER or node["limits"][0] >= node["limits"][1]):
        say((*path, "limits"), f"found {node['limits']}; expected [lowest, highest] on a number check")
    if "expect" in node and sort is not CheckType.YES_NO:
        say((*path, "expect"), f"expect on a {sort} check; it belongs to yes_no")
    if "point" in node and node["point"] not in points:
        say((*path, "point"), f"unknown point {expected(node['point'], points)}")
    if "fault" in node and node["fault"] not in modes:
        say((*path, "fault"), f"not in failure_modes: {expected(node['fault'], modes)}")
    if node.get("graded") and not ("choices" in node or (sort is CheckType.NUMBER and "limits" in node)):
        say((*path, "graded"), f"graded on a {sort} check; it belongs to choice, and to number with limits")
    limits = node.get("limits")
    return CheckSpec(
        id=node["id"],
        ask=text_of(node["ask"]),
        type=sort,
        expect=node.get("expect", True),
        choices=tuple(text_of(choice) for choice in node.get("choices", [])),
        limits=(float(limits[0]), float(limits[1])) if limits else None,
        unit=node.get("unit", ""),
        point=node.get("point"),
        fault=node.get("fault"),
        graded=node.get("graded", False),
    )


def _mapping(node: Mapping[str, Any], path: Path_, points: Mapping[str, PointSpec], say: Say) -> MqttMapping:
    if node["id"] == "canonical":
        say((*path, "id"), "'canonical' is the name of our own message shape; expected another id")
    fields = []
    seen: dict[str, int] = {}
    for row, field in enumerate(node["fields"]):
        here = (*path, "fields", row)
        if field["point"] not in points:
            say((*here, "point"), f"unknown point {expected(field['point'], points)}")
        if seen.setdefault(field["point"], row) != row:
            say((*here, "point"), f"{field['point']!r} is mapped twice; expected one field per point")
        words = MappingProxyType({word: float(value) for word, value in field.get("map", {}).items()})
        scale, offset = float(field.get("scale", 1.0)), float(field.get("offset", 0.0))
        fields.append(FieldMapping(field["path"], field["point"], scale, offset, words))
    return MqttMapping(node["id"], node["topic"], tuple(fields), node.get("time"), node.get("time_unit", "ms"))


def _check_sample(
    node: Mapping[str, Any], path: Path_, points: Mapping[str, PointSpec], mappings: set[str], say: Say
) -> None:
    """A sample is (point, registers | bits | bytes, value) or (mapping, payload, values)."""
    if "payload" in node:
        if node.get("mapping", "canonical") not in mappings | {"canonical"}:
            say((*path, "mapping"), f"unknown mapping {expected(node['mapping'], sorted(mappings | {'canonical'}))}")
        if "values" not in node:
            say(path, "a payload without values; expected values: {point: what it then says}")
        for point in node.get("values", {}):
            if point not in points:
                say((*path, "values", point), f"unknown point {expected(point, points)}")
        return
    given = [key for key in ("registers", "bits", "bytes") if key in node]
    if len(given) != 1 or "point" not in node or "value" not in node:
        say(path, "incomplete; expected point, value and one of registers, bits, bytes, or else payload and values")
    elif node["point"] not in points:
        say((*path, "point"), f"unknown point {expected(node['point'], points)}")
    elif points[node["point"]].modbus is None:
        say((*path, "point"), f"{node['point']!r} has no modbus address; a sample needs one")
