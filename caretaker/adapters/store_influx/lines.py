"""InfluxDB's line protocol, both ways, in full: names, tags, the five field types, times. Pure.

Written against the grammar of InfluxData's own decoder: what that refuses is refused here, with line and column.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from caretaker.domain.errors import Refused


class Unsigned(int):
    """An unsigned field (suffix `u`)."""


FieldValue = bool | int | Unsigned | float | str


@dataclass(frozen=True, slots=True)
class Point:
    """One line. `time_ns` None: the server's own time."""

    measurement: str
    fields: Mapping[str, FieldValue]
    tags: Mapping[str, str] = field(default_factory=dict)
    time_ns: int | None = None


PRECISIONS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "u": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
"""Unit of the time column -> nanoseconds."""

_I64: Final = 1 << 63
_U64: Final = 1 << 64
# A raw newline in a tag would begin a line of its own (and once wrote a measurement named "evil"): escape it too.
_CONTROL: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NAME: Final = str.maketrans({",": "\\,", " ": "\\ ", **_CONTROL})
_KEY: Final = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ ", **_CONTROL})
_TEXT: Final = str.maketrans({"\\": "\\\\", '"': '\\"'})


def escape_measurement(name: str) -> str:
    """A measurement as it stands in a line. Raises Refused (empty, or a backslash or # where it would change the line)."""
    if name.startswith("#"):
        raise Refused(f"measurement {name!r}: a line that begins with # is a comment", field="measurement")
    return _checked(name, "measurement").translate(_NAME)


def escape_key(key: str, what: str = "key") -> str:
    """A tag key, tag value or field key as it stands in a line. Raises Refused (empty, trailing backslash)."""
    return _checked(key, what).translate(_KEY)


def escape_text(text: str) -> str:
    """A string field with its quotes."""
    return f'"{text.translate(_TEXT)}"'


def _checked(name: str, what: str) -> str:
    if not name:
        raise Refused(f"a {what} may not be empty", field=what)
    if name.endswith("\\"):
        raise Refused(f"{what} {name!r}: a trailing backslash would escape what follows", field=what)
    try:
        name.encode()
    except UnicodeEncodeError as wrong:
        raise Refused(f"{what} {name!r} is not valid Unicode", field=what) from wrong
    return name


def format_float(value: float) -> str:
    """The shortest text that reads back as the same number."""
    text = repr(value)
    return text.removesuffix(".0")


def format_field(value: FieldValue) -> str | None:
    """A field value as it stands in a line; None for NaN and infinity, which InfluxDB does not know. Raises Refused."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Unsigned):
        if not 0 <= value < _U64:
            raise Refused(f"{int(value)} does not fit 64 unsigned bits", field="value")
        return f"{int(value)}u"
    if isinstance(value, int):
        if not -_I64 <= value < _I64:
            raise Refused(f"{value} does not fit 64 bits", field="value")
        return f"{value}i"
    if isinstance(value, float):
        return format_float(value) if math.isfinite(value) else None
    return escape_text(value)


def encode_line(point: Point, precision: str = "ns") -> str:
    """Point -> line without newline; "" when no field is left to write. Tags are sorted, empty ones left out.

    Raises Refused for what would be stored as something else: an empty or comment-like measurement, a trailing
    backslash, a number out of range, tags of which every one is empty (the point would land in another series).
    """
    parts = [escape_measurement(point.measurement)]
    for key, value in sorted(point.tags.items()):
        escaped = escape_key(key, "tag key")
        if value:
            parts.append(f"{escaped}={escape_key(value, 'tag value')}")
    if point.tags and len(parts) == 1:
        raise Refused(f"every tag of {point.measurement!r} is empty", field="tag value")
    fields = [
        f"{escape_key(key, 'field key')}={text}"
        for key, value in point.fields.items()
        if (text := format_field(value)) is not None
    ]
    if not fields:
        return ""
    line = f"{','.join(parts)} {','.join(fields)}"
    return line if point.time_ns is None else f"{line} {_scaled(point.time_ns, precision)}"


def _scaled(time_ns: int, precision: str) -> int:
    if not -_I64 <= time_ns < _I64:
        raise Refused(f"time {time_ns} does not fit 64 bits", field="time")
    unit = _unit(precision)
    return time_ns // unit if time_ns >= 0 else -(-time_ns // unit)


def _unit(precision: str) -> int:
    try:
        return PRECISIONS[precision.removeprefix("1")]
    except KeyError:
        raise Refused(f"precision {precision!r} is none of {', '.join(PRECISIONS)}", field="precision") from None


def parse_lines(text: str, default_time_ns: int | None = None, precision: str = "ns") -> list[Point]:
    """Lines -> points. Empty lines and comments are skipped. Raises Refused (facts line, column) at the first error."""
    return _Reader(text, default_time_ns, _unit(precision)).points()


_PRINTABLE: Final = r"\x00-\x1f\x7f"
_MEASUREMENT_CHARS: Final = re.compile(rf"(?:\\[ ,]|[^ ,{_PRINTABLE}])+")
_KEY_CHARS: Final = re.compile(rf"(?:\\[ ,=]|[^ ,={_PRINTABLE}])+")
_STRING_CHARS: Final = re.compile(r'"((?:\\["\\nrt]|[^"])*+)"')
_VALUE_CHARS: Final = re.compile(r"[^, \r\n]+")
_COMMENT: Final = re.compile(r"#[^\x00-\x1f\x7f]*(?:\r?\n|\r?\Z)")
_LINE_END: Final = re.compile(r"\r?\n|\r?\Z")
_TIME: Final = re.compile(r"-?[0-9]+(?=[ \r\n]|\Z)")
_INTEGER: Final = re.compile(r"-?[0-9]+")
_FLOAT: Final = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_UNESCAPE_NAME: Final = re.compile(r"\\([ ,])")
_UNESCAPE_KEY: Final = re.compile(r"\\([ ,=])")
_UNESCAPE_TEXT: Final = re.compile(r'\\(["\\nrt])')
_LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t"}
_BOOLEANS: Final = {
    **dict.fromkeys(("t", "T", "true", "True", "TRUE"), True),
    **dict.fromkeys(("f", "F", "false", "False", "FALSE"), False),
}


class _Reader:
    """A place in a text, and what the grammar allows next."""

    def __init__(self, text: str, default_time_ns: int | None, unit: int) -> None:
        self._text, self._at, self._unit = text, 0, unit
        self._default = None if default_time_ns is None else default_time_ns - default_time_ns % unit

    def points(self) -> list[Point]:
        points: list[Point] = []
        while self._skip_empty_lines():
            points.append(self._point())
        return points

    def _skip_empty_lines(self) -> bool:
        while self._at < len(self._text):
            self._skip_spaces()
            found = _COMMENT.match(self._text, self._at) or _LINE_END.match(self._text, self._at)
            if found is None:
                return True
            self._at = found.end()
        return False

    def _point(self) -> Point:
        measurement = _UNESCAPE_NAME.sub(r"\1", self._take(_MEASUREMENT_CHARS, "a measurement"))
        if measurement.startswith("#"):
            raise self._refused("a comment holds printable characters only")
        tags: dict[str, str] = {}
        while self._next() == ",":
            self._at += 1
            key = self._take_key("a tag key")
            if key in tags:
                raise self._refused(f"tag {key!r} stands twice")
            tags[key] = self._take_key("a tag value")
        if self._next() != " ":
            raise self._refused("expected a space and the fields")
        self._skip_spaces()
        fields: dict[str, FieldValue] = {}
        while True:
            key = self._take_key("a field key")
            fields[key] = self._value()
            if self._next() != ",":
                break
            self._at += 1
        return Point(measurement, fields, tags, self._time())

    def _take_key(self, what: str) -> str:
        """Text up to an unescaped = (which is taken, unless a tag value is read), comma or space."""
        found = _UNESCAPE_KEY.sub(r"\1", self._take(_KEY_CHARS, what))
        if what != "a tag value":
            if self._next() != "=":
                raise self._refused(f"expected = after {what} {found!r}")
            self._at += 1
        return found

    def _take(self, pattern: re.Pattern[str], what: str) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise self._refused(f"expected {what}")
        self._at = found.end()
        return found.group()

    def _value(self) -> FieldValue:
        if self._next() == '"':
            found = _STRING_CHARS.match(self._text, self._at)
            if found is None:
                raise self._refused("a string has no closing quote")
            self._at = found.end()
            if self._next() not in ("", ",", " ", "\r", "\n"):
                raise self._refused("expected a comma, a space or the end after a string")
            return _UNESCAPE_TEXT.sub(lambda escape: _LETTERS.get(escape[1], escape[1]), found[1])
        text = self._take(_VALUE_CHARS, "a field value")
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        if text[-1] in "iu" and _INTEGER.fullmatch(text, 0, len(text) - 1):
            return self._integer(int(text[:-1]), text[-1] == "u", text)
        if _FLOAT.fullmatch(text) and math.isfinite(value := float(text)):
            return value
        raise self._refused(f"field value {text!r} has no known type or is out of range")

    def _integer(self, value: int, unsigned: bool, text: str) -> FieldValue:
        if unsigned and not text.startswith("-") and value < _U64:
            return Unsigned(value)
        if not unsigned and -_I64 <= value < _I64:
            return value
        raise self._refused(f"{text!r} is out of range")

    def _time(self) -> int | None:
        self._skip_spaces()
        time_ns = self._default
        if found := _TIME.match(self._text, self._at):
            self._at = found.end()
            time_ns = int(found.group()) * self._unit
            if not -_I64 <= time_ns < _I64:
                raise self._refused("the time is out of range")
            self._skip_spaces()
        end = _LINE_END.match(self._text, self._at)
        if end is None:
            raise self._refused("expected a time or the end of the line")
        self._at = end.end()
        return time_ns

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip_spaces(self) -> None:
        while self._next() == " ":
            self._at += 1

    def _refused(self, why: str) -> Refused:
        line = self._text.count("\n", 0, self._at) + 1
        column = self._at - (self._text.rfind("\n", 0, self._at) + 1) + 1
        return Refused(f"line {line}, column {column}: {why}", field="line", line=line, column=column)
