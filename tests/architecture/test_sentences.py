"""Every sentence that a person may read has its Chinese, and every Chinese sentence an English one that is in use."""

from __future__ import annotations

import json
import re
import string
import time
from pathlib import Path

import pytest

from api.words_rounds import ROUNDS
from caretaker.config import Settings
from caretaker.domain.incidents import IncidentAction, IncidentState
from caretaker.domain.people import Right, Role
from caretaker.domain.rounds.rounds import RoundState
from caretaker.domain.work_orders import OrderAction, OrderState
from caretaker.sentences import LONGEST, SUBJECTS, TEMPLATES, in_chinese, machine, recognised, settings, site_files
from caretaker.sentences.template import Template
from caretaker.sentences.words import WORDS
from tests.sentences import SLOT, Sources
from tooling.steps import ROOT

FOLDERS = ("caretaker", "api", "gateway", "ingest", "rules")
NOT_FOR_PEOPLE = {
    "Fenced": "one process to another: it stops",
    "PositionLost": "one process to another: logged",
    "caretaker/adapters/store_influx/lines.py": "InfluxDB's own grammar: what it refuses is set aside and counted",
}
NOT_FOLLOWED = {
    r"caretaker/catalog/problems.py: ConfigurationError('\n'.join(lines))": "lines, each from a Problems.add",
    "caretaker/catalog/problems.py: add(what)": "what the schema of a file refuses: site_files.SCHEMA",
}
"""Messages whose sentences the test cannot see, with what they say."""
BY_OTHERS = {**machine.SYSTEM, **settings.DESCRIBED, **site_files.SCHEMA}
"""What the system, pydantic and schemas say."""
PROSE = re.compile("[a-z]")
NUMBERS = ("12.5", "1,000", "-3", "98%", "0")
ODD = ("夜班“甲”/B-2", "it's 100% <b>", "'a.b'", "x_y-z#?", "{brace}", "{0}", "two\nlines", "\\d+$", "王海涛")


@pytest.fixture(scope="module")
def sources() -> Sources:
    return Sources.of(*FOLDERS)


@pytest.fixture(scope="module")
def sentences(sources: Sources) -> dict[str, str]:
    """sentence -> where"""
    return sources.sentences(leave_out=NOT_FOR_PEOPLE)


def fits(template: Template, sentence: str, used: set[str]) -> bool:
    """Is the sentence of the sources (with SLOT for values) this template, and are its pieces known?"""
    kinds = {"value": "(?P<{}>.*?)", "": "(?P<{}>.*?)", "name": "(?P<{}>.*?)", "sentence": "(?P<{}>.*?)"}
    pattern = "".join(
        re.escape(piece) if row % 2 == 0 else kinds.get(template.slots[piece], SLOT).format(piece)
        for row, piece in enumerate(re.split(r"\{(\w+)[^}]*\}", template.english))
    )
    found = re.fullmatch(pattern, sentence, re.DOTALL)
    return found is not None and all(
        template.slots[name] == "name"
        or not PROSE.search(text)
        or (template.slots[name] == "sentence" and known(text, used))
        for name, text in found.groupdict().items()
    )


def known(sentence: str, used: set[str]) -> bool:
    """Can it be said in Chinese? Every template that takes part is noted in `used`."""
    sentence = re.sub(f"{SLOT}+", SLOT, sentence)
    fitting = [one.english for one in TEMPLATES if fits(one, sentence, used)]
    used.update(fitting)
    if fitting or not PROSE.search(sentence):
        return True
    if "; " in sentence:
        parts = [known(part, used) for part in sentence.split("; ")]  # each, so that each is noted
        return all(parts)
    return sentence.startswith(f"{SLOT}: ") and known(sentence.removeprefix(f"{SLOT}: "), used)


def test_every_sentence_has_its_chinese_and_no_chinese_is_left_behind(sentences: dict[str, str]) -> None:
    used: set[str] = set()
    untold = [
        f"{where}: {sentence.replace(SLOT, '{}')}" for sentence, where in sentences.items() if not known(sentence, used)
    ]
    unused = {one.english for one in TEMPLATES} - used - set(BY_OTHERS)

    assert len(sentences) > 200
    assert not untold, "say these in Chinese in caretaker/sentences/:\n" + "\n".join(untold)
    assert not unused, "no source says these any more:\n" + "\n".join(sorted(unused))


def test_every_message_can_be_followed_to_its_sentences(sources: Sources, sentences: dict[str, str]) -> None:
    assert set(sources.opaque) == set(NOT_FOLLOWED), "the test does not see what these say: write the sentence there"


def test_a_forgotten_sentence_is_found() -> None:
    text = """
        NO = "module word"
        def weakness(word):
            if word: return "returned sentence"
            return None
        def told(doing):
            raise Unavailable(f"cannot {doing}; look")
        def use(name, here):
            told("passed piece")
            wrong = []
            wrong.append(f"{name}: listed sentence")
            what = "one way" if name else f"other {name!r} way"
            if weak := weakness(name): raise Refused(weak, field="x")
            if here: raise Conflict(f"{name} {'up' if here else 'down'}; {what}")
            raise Problem(422, "refused", NO)
            raise NotFound("; ".join(wrong))
            raise NotAllowed(str(name))
    """
    made = Sources({"made.py": "\n".join(line[8:] for line in text.splitlines())})

    assert {one.replace(SLOT, "{}") for one in made.sentences()} == {
        "module word",
        "returned sentence",
        "cannot {}; look",
        "passed piece",
        "{}: listed sentence",
        "{} up; one way",
        "{} up; other {} way",
        "{} down; one way",
        "{} down; other {} way",
    }
    assert made.opaque == ["made.py: NotAllowed(str(name))"]
    for untold in ("nobody has translated this", f"there is no asset {SLOT} that is missed", f"{SLOT}: what it is"):
        assert not known(untold, set())


# ---------------------------------------------------------------- the catalogue by itself


def test_no_english_is_told_twice() -> None:
    shapes = [one.shape for one in TEMPLATES]

    assert sorted(shapes) == sorted(set(shapes))
    assert len(TEMPLATES) == sum(map(len, SUBJECTS))


@pytest.mark.parametrize("one", TEMPLATES, ids=lambda one: one.english)
def test_a_sentence_is_recognised_and_its_names_stay(one: Template) -> None:
    assert {name for _, name, _, _ in string.Formatter().parse(one.chinese) if name is not None} <= set(one.slots)
    assert re.search(r"[\u4e00-\u9fff]", one.chinese) or "sentence" in one.slots.values(), "not Chinese"
    assert "—" not in one.chinese
    for shift, _ in enumerate(ODD):
        values = {
            name: next(iter(WORDS[kind]))
            if kind in WORDS
            else NUMBERS[shift % len(NUMBERS)]
            if kind == "number"
            else "['a b', 1]"
            if kind == "value"
            else ODD[(row + shift) % len(ODD)]
            for row, (name, kind) in enumerate(one.slots.items())
        }
        said = fill(one.english, values)

        if one.slots:
            assert recognised(said) == (one, values)
        shown = {name: WORDS[kind][values[name]] if kind in WORDS else values[name] for name, kind in one.slots.items()}
        assert in_chinese(said) == fill(one.chinese, shown)


def fill(template: str, values: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)(?::[\w ]+)?\}", lambda slot: values[slot[1]], template)


def test_every_kind_of_slot_exists_and_every_word_of_it_has_its_chinese() -> None:
    assert {kind for one in TEMPLATES for kind in one.slots.values()} <= {
        *WORDS,
        "",
        "name",
        "number",
        "sentence",
        "value",
    }
    for kind, words in {
        "role": Role,
        "right": Right,
        "order state": OrderState,
        "order action": OrderAction,
        "incident state": IncidentState,
        "incident action": IncidentAction,
        "round state": RoundState,
    }.items():
        assert set(WORDS[kind]) == {str(word) for word in words}, kind


def test_sentences_and_the_page_use_the_same_words() -> None:
    page = json.loads((Path(ROOT) / "web/src/words/zh.json").read_text("utf-8"))

    assert WORDS["order state"] == page["order"]["state"]
    assert WORDS["role"] == page["role"]
    assert WORDS["round state"] == {str(state): words.zh for state, words in ROUNDS.items()}


def test_every_setting_is_described_in_chinese() -> None:
    described = {field.description for field in Settings.model_fields.values() if field.description}

    assert described <= set(settings.DESCRIBED)


# ---------------------------------------------------------------- what is said


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("a work order that is closed cannot start", "工单现在是“已关单”，不能开始处理"),
        (
            "Wang (night) (technician) may not assign a work order",
            "Wang (night)（维修）不能对工单派单，请有权限的同事来办",
        ),
        ("the PIN is wrong; 3 tries left", "PIN 不对，还可以试 3 次"),
        (
            "the recurrence 'FREQ=HOURLY' is not usable: INTERVAL must be at least 1",
            "重复规则 'FREQ=HOURLY' 用不了：INTERVAL 至少是 1",
        ),
        (
            "night: the recurrence 'X; Y' is not usable: it never happens; day: a plan needs at least one checkpoint",
            None,
        ),
        (
            "night: the recurrence 'X' is not usable: it never happens; day: a plan needs at least one checkpoint",
            "night：重复规则 'X' 用不了：它永远不会发生；day：计划至少要有一个巡检点",
        ),
        (
            "/data: the journal cannot be written (Permission denied); free some space",
            "/data：读数日志无法写入（没有权限）；请腾出空间",
        ),
        ("nobody has translated this", "nobody has translated this"),
        ("", ""),
        ("没有巡检点", "没有巡检点"),
    ],
)
def test_what_is_said(english: str, chinese: str | None) -> None:
    told = in_chinese(english)

    if chinese is not None:
        assert told == chinese


def test_a_hostile_sentence_is_looked_at_for_a_moment_only() -> None:
    """Made of the words of templates, hundreds of times; backtracking would take hours, and so would every part of it."""
    words = (
        "a ",
        "check x: ",
        "(guard) may not ",
        ": ",
        "; expected one of: ",
        "'x'; expected one of: (did you mean ",
        "a: b; ",
    )
    started = time.process_time()

    for word in words:
        in_chinese(word * (LONGEST // len(word)))
    in_chinese("a: b\n" * LONGEST)

    assert time.process_time() - started < 20, "seconds of this process alone; measured 0.5"
