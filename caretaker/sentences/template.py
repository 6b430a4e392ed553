"""One English sentence with slots, and how a finished sentence is taken apart again.

A slot is `{name}` (any text) or `{name:kind}`; a kind is a vocabulary of `words.py`, `number`, `value` (as repr() shows
it), `sentence` (itself said in Chinese) or `name` (stays as it is, also where the source writes it out). The Chinese
template uses the same names in its own order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Final

from caretaker.sentences.words import WORDS

_SLOT: Final = re.compile(r"\{(\w+)(?::([\w ]+))?\}")
_NUMBER: Final = r"-?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?%?"
_VALUE: Final = r"""'.*?'|".*?"|\[.*?\]|\{.*?\}|[^\s:]+?"""


class Template:
    """An English template and its Chinese."""

    def __init__(self, english: str, chinese: str) -> None:
        self.english = english
        self.chinese = chinese
        self.slots: Mapping[str, str] = MappingProxyType({name: kind or "" for name, kind in _SLOT.findall(english)})
        """name -> kind, "" = any text"""
        self._prefix, *others = _SLOT.sub("\0", english).split("\0")
        self._suffix = others[-1] if others else ""
        fixed = len(_SLOT.sub("", english)) + sum(kind in WORDS or kind == "number" for kind in self.slots.values())
        self.rank = (bool(self._prefix), fixed)
        """Of two templates that fit, the one that says how the sentence begins is meant, then the one that says more."""

    @property
    def shape(self) -> str:
        """The template with nameless slots, as an f-string of the sources has it."""
        return _SLOT.sub("{}", self.english)

    def slots_of(self, sentence: str) -> Mapping[str, str] | None:
        """What stands in the slots of a sentence made from this template; None = it was made from another."""
        if not (sentence.startswith(self._prefix) and sentence.endswith(self._suffix)):
            return None
        found = self._pattern.match(sentence)
        return None if found is None else found.groupdict()

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("".join(self._pieces()), re.DOTALL)

    def _pieces(self) -> Iterator[str]:
        """Each slot of any text and what follows it up to the next such slot are one atomic group: the first place that
        fits is taken and never tried again, so the work grows with the length of the sentence, whoever wrote it."""
        last, atomic = 0, False
        for slot in _SLOT.finditer(self.english):
            name, kind = slot.groups()
            yield re.escape(self.english[last : slot.start()])
            last = slot.end()
            if kind in WORDS:
                yield f"(?P<{name}>{'|'.join(map(re.escape, sorted(WORDS[kind], key=len, reverse=True)))})"
            elif kind == "number":
                yield f"(?P<{name}>{_NUMBER})"
            else:
                yield (")" if atomic else "") + f"(?>(?P<{name}>{_VALUE if kind == 'value' else '.*?'})"
                atomic = True
        yield re.escape(self.english[last:]) + r"\Z" + (")" if atomic else "")
