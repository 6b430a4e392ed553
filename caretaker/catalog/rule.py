"""A rule as a sentence in YAML -> RuleSpec.

limit: {point: p_out, below: -0.10, relative_to: p_set, deadband: 0.02}
state: {point: flood, is: true}
all / any: [{point: occupied, is: true}, {point: speed, below: 0.1}]
rate:  {point: bearing_temp_1, rises: 10, within: 10min}
stale: {point: p_out, after: 60s}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from caretaker.catalog.duration import seconds
from caretaker.catalog.problems import expected
from caretaker.catalog.yaml_file import Path_, words_of
from caretaker.domain.equipment import Op, PointSpec, Priority, RuleKind, RuleSpec, Term, Text, ValueType

SENTENCES: Final[Mapping[str, RuleKind]] = {
    "limit": RuleKind.LIMIT,
    "state": RuleKind.STATE,
    "all": RuleKind.COMBINATION,
    "any": RuleKind.COMBINATION,
    "rate": RuleKind.RATE,
    "stale": RuleKind.STALE,
}
"""The keys of which a rule has exactly one."""

DUE_S: Final[Mapping[Priority, float]] = {
    Priority.CRITICAL: 4 * 3600.0,
    Priority.HIGH: 8 * 3600.0,
    Priority.MEDIUM: 48 * 3600.0,
    Priority.LOW: 14 * 86400.0,
}
"""Time to restore when the rule says none (the default clocks P1 to P4)."""

_VERBS: Final[Mapping[str, Op]] = {
    "above": Op.ABOVE,
    "below": Op.BELOW,
    "is": Op.IS,
    "is_not": Op.IS_NOT,
    "in": Op.IN,
    "not_in": Op.NOT_IN,
    "rises": Op.RISES,
    "falls": Op.FALLS,
    "after": Op.STALE,
}
_EXTRAS: Final[Mapping[Op, frozenset[str]]] = {
    Op.ABOVE: frozenset({"deadband", "relative_to"}),
    Op.BELOW: frozenset({"deadband", "relative_to"}),
    Op.RISES: frozenset({"within"}),
    Op.FALLS: frozenset({"within"}),
}
Say = Callable[[Path_, str], None]
"""Notes a problem at a path."""
_NUMBERS: Final = (ValueType.NUMBER,)
_CODED: Final = (ValueType.BOOL, ValueType.ENUM)


def text_of(node: Any) -> Text:
    """`{zh, en}` -> Text."""
    return Text(node["zh"], node["en"])


def rule_of(
    node: Mapping[str, Any], path: Path_, points: Mapping[str, PointSpec], faults: list[str], say: Say
) -> RuleSpec:
    """One rule that the schema has passed. What is still wrong goes to `say`; the result is then not used."""
    sentence = [key for key in SENTENCES if key in node]
    if len(sentence) != 1:
        say(path, f"has {' and '.join(sentence) or 'no condition'}; expected exactly one of: {', '.join(SENTENCES)}")
    key = sentence[0] if sentence else "all"
    body = node.get(key, [])
    rows = body if isinstance(body, list) else [body]
    where = [(*path, key, row) if isinstance(body, list) else (*path, key) for row in range(len(rows))]
    terms = tuple(term_of(row, at, points, say) for row, at in zip(rows, where, strict=True))
    gates = enumerate(node.get("unless", []))
    unless = tuple(term_of(row, (*path, "unless", at), points, say) for at, row in gates)
    priority = Priority(node["priority"])
    if node["fault"] not in faults:
        say((*path, "fault"), f"not in failure_modes: {expected(node['fault'], faults)}")
    if priority is not Priority.LOW:
        missing = [word for word in ("cause", "consequence", "action") if word not in node]
        if missing:
            say(
                path,
                f"missing {', '.join(missing)}; a rule of priority {priority} must tell cause, consequence and action"
                " (if nobody need act it is not an alarm)",
            )
    order = node.get("work_order")
    return RuleSpec(
        id=node["id"],
        title=text_of(node["title"]),
        kind=SENTENCES[key],
        terms=terms,
        priority=priority,
        fault=node["fault"],
        any_of=key == "any",
        unless=unless,
        on_delay_s=seconds(node.get("for", "0s")),
        off_delay_s=seconds(node.get("clear_for", "0s")),
        latched=node.get("latched", False),
        work_order=order != "none",
        due_s=seconds(order["due"]) if isinstance(order, dict) else (0.0 if order else DUE_S[priority]),
        cause=text_of(node["cause"]) if "cause" in node else None,
        consequence=text_of(node["consequence"]) if "consequence" in node else None,
        action=text_of(node["action"]) if "action" in node else None,
        source=node.get("source", ""),
    )


def term_of(node: Mapping[str, Any], path: Path_, points: Mapping[str, PointSpec], say: Say) -> Term:
    """One comparison. What is wrong goes to `say`; the result is then not used."""
    blank = Term(node["point"], Op.IS)
    verbs = [verb for verb in _VERBS if verb in node]
    if len(verbs) != 1:
        say(path, f"compares with {' and '.join(verbs) or 'nothing'}; expected exactly one of: {', '.join(_VERBS)}")
        return blank
    verb, op = verbs[0], _VERBS[verbs[0]]
    extra = sorted(set(node) - {"point", verb} - _EXTRAS.get(op, frozenset()))
    if extra:
        say((*path, extra[0]), f"has no meaning with {verb!r}; remove it")
    spec = points.get(node["point"])
    if spec is None:
        say((*path, "point"), f"unknown point {expected(node['point'], points)}")
        return blank
    if op in _NEEDS and spec.type not in _NEEDS[op]:
        sorts = " or ".join(_NEEDS[op])
        say((*path, verb), f"{verb!r} needs a {sorts} point, but {spec.id!r} is of type {spec.type}")
        return blank
    if op in (Op.RISES, Op.FALLS) and "within" not in node:
        say(path, f"{verb!r} needs 'within', the time in which the change happens, e.g. within: 10min")
        return blank
    other = node.get("relative_to")
    if other is not None and (other not in points or points[other].type is not ValueType.NUMBER):
        say((*path, "relative_to"), f"not a number point: {expected(other, _numbers(points))}")
    if op in (Op.IN, Op.NOT_IN):
        values = tuple(_code(value, spec, (*path, verb, row), say) for row, value in enumerate(node[verb]))
        return Term(spec.id, op, values=values)
    if op in (Op.IS, Op.IS_NOT):
        return Term(spec.id, op, value=_code(node[verb], spec, (*path, verb), say))
    value = seconds(node[verb]) if op is Op.STALE else float(node[verb])
    if op in (Op.ABOVE, Op.BELOW) and other is None and spec.range and not spec.range[0] <= value <= spec.range[1]:
        say(
            (*path, verb),
            f"found {value:g}, outside the plausible range {list(spec.range)} of {spec.id!r}: it could never be compared",
        )
    return Term(
        spec.id,
        op,
        value=value,
        deadband=float(node.get("deadband", 0.0)),
        within_s=seconds(node["within"]) if "within" in node else 0.0,
        relative_to=other,
    )


_NEEDS: Final = {
    Op.ABOVE: _NUMBERS,
    Op.BELOW: _NUMBERS,
    Op.RISES: _NUMBERS,
    Op.FALLS: _NUMBERS,
    Op.IS: _CODED,
    Op.IS_NOT: _CODED,
    Op.IN: (ValueType.ENUM,),
    Op.NOT_IN: (ValueType.ENUM,),
}


def _numbers(points: Mapping[str, PointSpec]) -> list[str]:
    return [spec.id for spec in points.values() if spec.type is ValueType.NUMBER]


def _code(value: object, spec: PointSpec, path: Path_, say: Say) -> float:
    """A boolean, code or code word -> the number that readings carry."""
    if spec.type is ValueType.BOOL:
        if not isinstance(value, bool):
            say(path, f"found {words_of(value)}; expected true or false, because {spec.id!r} is a bool point")
        return float(value is True)
    if isinstance(value, str):
        for code, word in spec.codes.items():
            if value in (word.en, word.zh):
                return float(code)
        say(path, f"unknown code word {expected(value, [word.en for word in spec.codes.values()])}")
    elif isinstance(value, bool) or value not in spec.codes:
        words = [f"{code} ({word.en})" for code, word in spec.codes.items()]
        say(path, f"found {words_of(value)}; expected a code of {spec.id!r}: {', '.join(words)}")
    else:
        return float(value)  # type: ignore[arg-type]
    return 0.0
