"""Refusals in Chinese: an English sentence is recognised by its template and said again with the same names in it.

The rest of the house writes its messages once, in English, where they are raised. The catalogue is
`english template -> chinese template`, one module per subject; `template.py` says how a template is written.
A sentence that no template knows stays English: better exact than empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from caretaker.sentences import machine, people, reports, requests, rounds, settings, site_files, work
from caretaker.sentences.template import Template
from caretaker.sentences.words import WORDS

SUBJECTS: Final[tuple[Mapping[str, str], ...]] = (
    people.SAID,
    rounds.SAID,
    work.SAID,
    reports.SAID,
    requests.SAID,
    machine.SAID,
    machine.SYSTEM,
    settings.SAID,
    settings.DESCRIBED,
    site_files.SAID,
    site_files.SCHEMA,
)
LONGEST: Final = 8_000
"""Characters of a sentence that is looked at: a longer one quotes something that nobody reads to its end."""
_DEEPEST: Final = 5
"""Sentences inside sentences; a text of nothing but colons is no sentence."""
_MOST_LINES: Final = 500
_MOST_PARTS: Final = 30
"""Sentences side by side: more come from a text that was made to keep us busy."""

TEMPLATES: Final = tuple(Template(english, chinese) for said in SUBJECTS for english, chinese in said.items())
_FIXED: Final = {one.english: one.chinese for one in TEMPLATES if not one.slots}
_SLOTTED: Final = sorted((one for one in TEMPLATES if one.slots), key=lambda one: one.rank, reverse=True)


def in_chinese(sentence: str) -> str:
    """The sentence in Chinese; unchanged when no template knows it."""
    lines = [_said(line, _DEEPEST) for line in sentence.split("\n", _MOST_LINES)]
    known = [line for line in lines if line is not None]
    if len(known) == len(lines) > 1:
        return "\n".join(known)
    return _said(sentence, _DEEPEST) or sentence


def recognised(sentence: str) -> tuple[Template, Mapping[str, str]] | None:
    """The template a sentence was made from and what stands in its slots: of all that fit the one of highest rank."""
    for one in _SLOTTED:
        found = one.slots_of(sentence)
        if found is not None:
            return one, found
    return None


def _said(sentence: str, deep: int) -> str | None:
    if len(sentence) > LONGEST or deep == 0:
        return None
    if sentence in _FIXED:
        return _FIXED[sentence]
    found = recognised(sentence)
    if found is None:
        return _list(sentence, deep)
    one, slots = found
    return one.chinese.format_map({name: _slot(one.slots[name], text, deep) for name, text in slots.items()})


def _slot(kind: str, text: str, deep: int) -> str:
    if kind == "sentence":
        return _said(text, deep - 1) or text
    return WORDS[kind].get(text, text) if kind in WORDS else text


def _list(sentence: str, deep: int) -> str | None:
    """Sentences one after the other (all are known, or none is said), or one behind the place it is about."""
    if 0 < sentence.count("; ") < _MOST_PARTS:
        parts = [_said(part, deep - 1) for part in sentence.split("; ")]
        known = [part for part in parts if part is not None]
        if len(known) == len(parts):
            return "；".join(known)
    place, colon, why = sentence.partition(": ")
    told = _said(why, deep - 1) if colon else None
    return f"{place}：{told}" if told else None
