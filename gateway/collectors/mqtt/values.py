"""One value as it came -> the number a column holds, by the type the point declares. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from caretaker.domain.assets import Point
from caretaker.domain.equipment import ValueType
from caretaker.domain.readings import Quality
from gateway.collectors.mqtt.payload import RefusedError, number

MAX_TEXT: Final = 256
QUALITIES: Final = {"good": Quality.GOOD, "uncertain": Quality.UNCERTAIN, "bad": Quality.BAD}
NAN: Final = float("nan")


class Field:
    """A point as a message may name it."""

    __slots__ = ("_codes", "_words", "id", "key", "type")

    def __init__(self, key: str, point: Point) -> None:
        self.key = key
        self.id = point.id
        self.type = point.spec.type
        self._codes = frozenset(float(code) for code in point.spec.codes)
        self._words = {
            word: float(code) for code, text in point.spec.codes.items() for word in (text.en, text.zh) if word
        }

    def value(self, said: object) -> float:
        """Number, bool or enum as a double. Raises RefusedError: the wrong type is never bent into a right one."""
        kind = self.type
        if kind is ValueType.NUMBER:
            if type(said) is float:
                return said
            if type(said) is int:
                return float(said)
        elif kind is ValueType.BOOL:
            if isinstance(said, bool | int | float) and said in {0, 1}:
                return float(said)
        elif kind is ValueType.ENUM:
            return self._code(said)
        raise RefusedError("wrong_type", f"{self.key}: {_shown(said)} is no {kind.value}")

    def text(self, said: object) -> str:
        """The words of a text point. Raises RefusedError."""
        if not isinstance(said, str):
            raise RefusedError("wrong_type", f"{self.key}: {_shown(said)} is no text")
        if len(said) > MAX_TEXT:
            raise RefusedError("too_large", f"{self.key}: a text of {len(said)} characters, the limit is {MAX_TEXT}")
        return said

    def _code(self, said: object) -> float:
        if isinstance(said, str):
            if said in self._words:
                return self._words[said]
            raise RefusedError("unknown_code", f"{self.key}: {_shown(said)} is not a declared word")
        if isinstance(said, bool) or not isinstance(said, int | float):
            raise RefusedError("wrong_type", f"{self.key}: {_shown(said)} is no code")
        if (self._codes and said not in self._codes) or said != int(said):
            raise RefusedError("unknown_code", f"{self.key}: {said} is not a declared code")
        return float(said)


class VendorField:
    """A point as a vendor's message tells it: looked up, scaled, shifted. Numbers written as text are taken here only."""

    __slots__ = ("_field", "_map", "_offset", "_scale", "steps")

    def __init__(
        self, field: Field, steps: tuple[str | int, ...], scale: float, offset: float, words: Mapping[str, float]
    ) -> None:
        self._field = field
        self.steps = steps
        self._scale = scale
        self._offset = offset
        self._map = words

    @property
    def id(self) -> int:
        """The point's id."""
        return self._field.id

    @property
    def is_text(self) -> bool:
        """Whether the point is a text."""
        return self._field.type is ValueType.TEXT

    def text(self, said: object) -> str:
        """As `Field.text`."""
        return self._field.text(said)

    def value(self, said: object) -> float:
        """The point's value. Raises RefusedError."""
        if self._map:
            word = said if isinstance(said, str) else _json_word(said)
            if word not in self._map:
                raise RefusedError("unknown_code", f"{self._field.key}: {_shown(said)} is not in the mapping")
            return self._field.value(self._map[word])
        if self._field.type is ValueType.NUMBER:
            if isinstance(said, bool):
                said = float(said)
            elif isinstance(said, str):
                said = number(said) if number(said) is not None else said
            if isinstance(said, int | float):
                said = said * self._scale + self._offset
        return self._field.value(said)


def _json_word(said: object) -> str:
    if isinstance(said, bool):
        return "true" if said else "false"
    return str(int(said)) if isinstance(said, float) and said.is_integer() else str(said)


def _shown(said: object) -> str:
    return "null" if said is None else repr(said)[:60]
