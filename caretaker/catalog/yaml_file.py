"""One YAML file -> plain values with the line of every key.

Built from libyaml's event stream rather than from `yaml.load`, because what YAML 1.1 does silently is what hurts in a
settings file: aliases that explode, a repeated key whose last value wins, `no` that turns false, `12:30:45` that turns
45045, dates. Here a plain scalar is null, true, false, a decimal or 0x number, or else text; everything else is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from caretaker.domain.errors import ConfigurationError

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 32
Path_ = tuple[str | int, ...]
"""Where a value lies in its document: keys and list positions."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_HEX: Final = re.compile(r"0x[0-9A-Fa-f]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: Final = {"null": None, "~": None, "": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says. `data` is always a mapping; `lines` tells the 1-based line of every path in it."""

    file: str
    data: dict[str, object]
    lines: dict[Path_, int]

    def line(self, path: Path_) -> int:
        """The line of a path, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(path: Path) -> Document:
    """Read one file. Raises ConfigurationError that names file, line, what was found and what is expected."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as wrong:
        raise ConfigurationError(
            f"{path}: cannot be read: {wrong.strerror}; expected a YAML file that this user may read"
        ) from wrong
    if len(raw) > MAX_BYTES:
        raise ConfigurationError(f"{path}: larger than {MAX_BYTES} bytes; a file of this house is far smaller")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = raw[: wrong.start].count(b"\n") + 1
        raise ConfigurationError(
            f"{path}:{line}: not UTF-8 (byte 0x{raw[wrong.start]:02x}); save the file as UTF-8"
        ) from wrong
    return parse_yaml(text, str(path))


def parse_yaml(text: str, file: str) -> Document:
    """Text -> Document; `file` is only for messages. Raises ConfigurationError."""
    try:
        return _Builder(file).build(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        line = mark.line + 1 if mark else 1
        hint = "; YAML indents with spaces, never with tabs" if _has_tab(text, line) else ""
        raise ConfigurationError(f"{file}:{line}: not YAML: {wrong.problem or wrong.context}{hint}") from wrong
    except yaml.YAMLError as wrong:
        raise ConfigurationError(f"{file}: not YAML: {wrong}") from wrong


def _has_tab(text: str, line: int) -> bool:
    rows = text.splitlines()
    return any("\t" in row[: len(row) - len(row.lstrip())] for row in rows[max(0, line - 2) : line])


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


class _Builder:
    """Events -> values; knows the line of everything it has seen."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._lines: dict[Path_, int] = {}

    def build(self, events: Iterator[yaml.Event]) -> Document:
        data: object = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._wrong(event, "a second document ('---'); expected one document per file")
                data = self._value(next(events), events, ())
        if data is None:
            raise ConfigurationError(f"{self._file}: empty; expected a mapping of keys to values")
        if not isinstance(data, dict):
            raise ConfigurationError(
                f"{self._file}:1: found {words_of(data)} at the top; expected a mapping of keys to values"
            )
        return Document(self._file, data, self._lines)

    def _wrong(self, event: yaml.Event, what: str) -> ConfigurationError:
        return ConfigurationError(f"{self._file}:{_line(event)}: {what}")

    def _refuse_cleverness(self, event: yaml.Event) -> None:
        """Aliases, anchors and tags: what makes a small file explode or mean another thing than it says."""
        if isinstance(event, yaml.AliasEvent):
            raise self._wrong(event, f"alias '*{event.anchor}'; aliases are not allowed, write the value out")
        if not isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)):
            raise self._wrong(event, f"found {type(event).__name__}; expected a value")
        if event.anchor is not None:
            raise self._wrong(event, f"anchor '&{event.anchor}'; anchors are not allowed, write the value out")
        if event.tag is not None:
            raise self._wrong(event, f"tag '{event.tag}'; tags are not allowed, write a plain value")

    def _value(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path_) -> object:
        self._lines.setdefault(path, _line(event))
        self._refuse_cleverness(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if len(path) >= MAX_DEPTH:
            raise self._wrong(event, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.SequenceStartEvent):
            out: list[object] = []
            while not isinstance(event := next(events), yaml.SequenceEndEvent):
                out.append(self._value(event, events, (*path, len(out))))
            return out
        return self._mapping(events, path)

    def _mapping(self, events: Iterator[yaml.Event], path: Path_) -> dict[str, object]:
        out: dict[str, object] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            self._refuse_cleverness(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise self._wrong(event, "a list or mapping as a key; expected a word as a key")
            key = event.value
            if key == "<<":
                raise self._wrong(event, "merge key '<<'; merging is not allowed, write the keys out")
            here = (*path, key)
            if key in out:
                raise self._wrong(event, f"key '{key}' is given twice, first on line {self._lines[here]}; keep one")
            self._lines[here] = _line(event)
            out[key] = self._value(next(events), events, here)
        return out

    def _scalar(self, event: yaml.ScalarEvent) -> object:
        text: str = event.value
        if event.style is not None and event.style != "":  # quoted or block text is text
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INT.fullmatch(text):
            return int(text) if len(text) <= 40 else text
        if _HEX.fullmatch(text):
            return int(text[:42], 16)
        if _NOT_FINITE.fullmatch(text):
            raise self._wrong(event, f"{text}; expected a finite number")
        if _FLOAT.fullmatch(text):
            number = float(text)
            if not math.isfinite(number):
                raise self._wrong(event, f"{text} is too large; expected a finite number")
            return number
        return text


def words_of(value: object) -> str:
    """A value as a message says it: its sort and, when short, itself."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    sort = "text" if isinstance(value, str) else "number"
    shown = repr(value)
    return f"the {sort} {shown if len(shown) <= 60 else shown[:57] + '...'}"
