"""Collects everything that is wrong with a file and says it in one refusal; speaks for the JSON schema."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator, ValidationError

from caretaker.catalog.yaml_file import Document, Path_, words_of
from caretaker.domain.errors import ConfigurationError

ROOT: Final = Path(__file__).resolve().parent.parent.parent
_SORTS: Final = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "nothing",
}


class Problems:
    """What was found in one run over one or more documents; `refuse()` raises when there was anything."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, str], None] = {}

    def add(self, document: Document, path: Path_, what: str) -> None:
        """Note one thing: `what` says what was found and what is expected."""
        self._found[document.file, document.line(path), f"{label(document.data, path)}: {what}"] = None

    def __bool__(self) -> bool:
        return bool(self._found)

    def refuse(self) -> None:
        """Raise ConfigurationError with one line per problem, ordered by file and line; nothing found: return."""
        if self._found:
            lines = tuple(f"{file}:{line}: {what}" for file, line, what in sorted(self._found))
            raise ConfigurationError("\n".join(lines), problems=lines)

    def check_schema(self, document: Document, schema: Path) -> None:
        """Everything the schema refuses."""
        for error in _validator(schema).iter_errors(document.data):
            for path, what in _sentences(error):
                self.add(document, path, what)


def unique(problems: Problems, document: Document, base: Path_, items: Sequence[object]) -> None:
    """Note every list item whose `id` was used before."""
    seen: dict[object, int] = {}
    for row, item in enumerate(items):
        if not isinstance(item, Mapping) or "id" not in item:
            continue
        first = seen.setdefault(item["id"], row)
        if first != row:
            line = document.line((*base, first))
            problems.add(document, (*base, row, "id"), f"id {item['id']!r} is given twice, first on line {line}")


def expected(found: object, known: Iterable[object]) -> str:
    """`'foo'; expected one of: a, b (did you mean 'a'?)`: the second half of most sentences."""
    names = [str(name) for name in known]
    close = difflib.get_close_matches(str(found), names, 1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    shown = ", ".join(names[:60]) + (", ..." if len(names) > 60 else "")
    return f"{found!r}; expected one of: {shown or '(none)'}{hint}"


def label(data: object, path: Path_) -> str:
    """`rules[low_pressure].limit.below`: list items by their id where they have one."""
    out = ""
    for step in path:
        if isinstance(step, int):
            item = data[step] if isinstance(data, list) and step < len(data) else None
            name = item.get("id", step) if isinstance(item, dict) else step
            out += f"[{name}]"
        else:
            item = data.get(step) if isinstance(data, dict) else None
            out += f".{step}" if out else step
        data = item
    return out or "top"


@cache
def _validator(schema: Path) -> Draft202012Validator:
    try:
        content = json.loads(schema.read_text(encoding="utf-8"))
    except (OSError, ValueError) as wrong:
        raise ConfigurationError(
            f"{schema}: cannot be read as JSON ({wrong}); restore it from the repository"
        ) from wrong
    return Draft202012Validator(content)


def _sentences(error: ValidationError) -> list[tuple[Path_, str]]:
    """One schema error -> (path, sentence) pairs."""
    path: Path_ = tuple(error.absolute_path)
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    if error.validator == "additionalProperties":
        known = list(schema.get("properties", {}))
        patterns = list(schema.get("patternProperties", {}))
        extra = [key for key in _found(error) if key not in known]
        if patterns and not known:
            return [((*path, key), f"unknown key {key!r}; expected keys like {patterns[0]}") for key in extra]
        return [((*path, key), f"unknown key {expected(key, known)}") for key in extra]
    say = _SAY.get(str(error.validator))
    return [(path, say(error, schema) if say else f"{error.message}")]


def _type(error: ValidationError, _: Mapping[str, Any]) -> str:
    sorts = [_wanted(error)] if isinstance(_wanted(error), str) else list(_wanted(error))
    hint = ""
    if "boolean" in sorts and isinstance(_found(error), str):
        hint = " (only the words true and false are booleans)"
    return f"found {words_of(_found(error))}; expected {' or '.join(_SORTS[sort] for sort in sorts)}{hint}"


def _required(error: ValidationError, schema: Mapping[str, Any]) -> str:
    missing = [key for key in _wanted(error) if key not in _found(error)]
    needed = ", ".join(missing)
    return f"missing {needed}; required keys: {', '.join(_wanted(error))}" + (
        f"; further keys: {', '.join(key for key in schema.get('properties', {}) if key not in _wanted(error))}"
        if len(schema.get("properties", {})) > len(_wanted(error))
        else ""
    )


def _pattern(error: ValidationError, schema: Mapping[str, Any]) -> str:
    return f"found {words_of(_found(error))}; expected {schema.get('description', 'text like ' + _wanted(error))}"


def _bound(word: str) -> Callable[[ValidationError, Mapping[str, Any]], str]:
    return lambda error, _: f"found {words_of(_found(error))}; expected {word} {_wanted(error)}"


_SAY: Final[Mapping[str, Callable[[ValidationError, Mapping[str, Any]], str]]] = {
    "type": _type,
    "required": _required,
    "pattern": _pattern,
    "enum": lambda error, _: f"found {expected(_found(error), _wanted(error))}",
    "minimum": _bound("at least"),
    "maximum": _bound("at most"),
    "exclusiveMinimum": _bound("more than"),
    "minLength": lambda _e, _s: "empty text; expected at least one character",
    "maxLength": _bound("a length of at most"),
    "minItems": lambda error, _: f"{len(_found(error))} entries; expected at least {_wanted(error)}",
    "maxItems": lambda error, _: f"{len(_found(error))} entries; expected at most {_wanted(error)}",
    "minProperties": lambda error, _: f"no key; expected at least {_wanted(error)}",
}


def _wanted(error: ValidationError) -> Any:
    """What the schema asks for."""
    return error.validator_value


def _found(error: ValidationError) -> Any:
    """What the file says."""
    return error.instance
