"""Broken kind and site files: each mistake is named with file, line, what was found and what is expected."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from caretaker.catalog import parse_yaml, read_kind, read_kinds, read_site, seconds
from caretaker.domain.equipment import Op, RuleKind, Term
from caretaker.domain.errors import ConfigurationError
from tests.factories import demo_kinds, demo_site

KIND = """\
kind: boiler
title: {zh: 锅炉, en: Boiler}
points:
  - {id: temp, title: {zh: 水温, en: Water}, range: [-20, 150], modbus: {table: input, address: 0, type: int16, scale: 0.1}}
  - {id: set, title: {zh: 设定, en: Set-point}, range: [0, 100], modbus: {table: holding, address: 0}}
  - {id: burner, title: {zh: 燃烧器, en: Burner}, type: bool, modbus: {table: discrete, address: 0}}
  - {id: mode, title: {zh: 模式, en: Mode}, type: enum, codes: {0: {zh: 停, en: "off"}, 1: {zh: 开, en: heating}}}
failure_modes:
  hot: {zh: 过热, en: Too hot}
rules:
  - id: too_hot
    title: {zh: 过热, en: Too hot}
    limit: {point: temp, above: 95, deadband: 2}
    for: 30s
    priority: low
    fault: hot
"""

SITE = """\
site: {id: yard, title: {zh: 院子, en: Yard}}
spaces:
  - {id: hall, type: building, title: {zh: 厅, en: Hall}}
assets:
  - {id: boiler-1, kind: boiler, title: {zh: 一, en: One}, space: hall}
  - {id: boiler-2, kind: boiler, title: {zh: 二, en: Two}, space: hall}
connections:
  - {id: bus, host: 10.0.0.7, port: 502}
devices:
  - {id: plc, protocol: modbus, connection: bus, watches: [{asset: boiler-1}, {asset: boiler-2, offset: 10}]}
"""


def test_what_may_be_reported_must_be_a_failure_mode(tmp_path: Path) -> None:
    found = wrong_kind(tmp_path, KIND + "reportable: [hot, hto]\n")
    assert found == ["boiler.yaml:17: reportable[1]: found 'hto'; expected one of: hot (did you mean 'hot'?)"]


def wrong_kind(folder: Path, text: str) -> list[str]:
    """The lines of the refusal, without the folder."""
    path = folder / "boiler.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_kind(path)
    return caught.value.message.replace(f"{folder}/", "").splitlines()


def wrong_site(folder: Path, text: str) -> list[str]:
    (folder / "boiler.yaml").write_text(KIND, encoding="utf-8")
    path = folder / "site" / "site.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_site(path.parent, read_kinds(folder))
    return caught.value.message.replace(f"{path.parent}/", "").splitlines()


def test_the_sound_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "boiler.yaml").write_text(KIND, encoding="utf-8")
    (tmp_path / "yard").mkdir()
    (tmp_path / "yard" / "all.yaml").write_text(SITE, encoding="utf-8")

    kinds = read_kinds(tmp_path)
    site = read_site(tmp_path / "yard", kinds)

    rule = kinds["boiler"].rules[0]
    assert rule.terms == (Term("temp", Op.ABOVE, value=95.0, deadband=2.0),)
    assert (rule.kind, rule.on_delay_s, rule.due_s) == (RuleKind.LIMIT, 30.0, 14 * 86400.0)
    assert site.devices[0].watches[1].offset == 10


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            "deadband: 2}",
            "deadbnd: 2}",
            "boiler.yaml:13: rules[too_hot].limit.deadbnd: unknown key 'deadbnd'; expected one of: "
            "point, above, below, deadband, relative_to (did you mean 'deadband'?)",
            id="unknown key",
        ),
        pytest.param(
            "limit: {point: temp, above: 95",
            "limit: {point: tmp, above: 95",
            "boiler.yaml:13: rules[too_hot].limit.point: unknown point 'tmp'; expected one of: "
            "temp, set, burner, mode (did you mean 'temp'?)",
            id="unknown point",
        ),
        pytest.param(
            "above: 95",
            "above: hot",
            "boiler.yaml:13: rules[too_hot].limit.above: found the text 'hot'; expected a number",
            id="wrong type",
        ),
        pytest.param(
            "    fault: hot\n",
            "    fault: hot\n    latched: yes\n",
            "boiler.yaml:17: rules[too_hot].latched: found the text 'yes'; expected true or false "
            "(only the words true and false are booleans)",
            id="yes is no boolean",
        ),
        pytest.param(
            "for: 30s",
            "for: 30",
            "boiler.yaml:14: rules[too_hot].for: found the number 30; expected text",
            id="duration without unit",
        ),
        pytest.param(
            "for: 30s",
            "for: 12:30:45",
            "boiler.yaml:14: rules[too_hot].for: found the text '12:30:45'; expected a duration like "
            "500ms, 5s, 10min, 2h or 3d (how long the verdict must hold before the alarm is raised)",
            id="sexagesimal",
        ),
        pytest.param(
            "fault: hot",
            "fault: hott",
            "boiler.yaml:16: rules[too_hot].fault: not in failure_modes: 'hott'; expected one of: hot (did you mean 'hot'?)",
            id="unknown fault",
        ),
        pytest.param(
            "priority: low",
            "priority: high",
            "boiler.yaml:11: rules[too_hot]: missing cause, consequence, action; a rule of priority high must tell "
            "cause, consequence and action (if nobody need act it is not an alarm)",
            id="nothing to do",
        ),
        pytest.param(
            "priority: low",
            "priority: hihg",
            "boiler.yaml:15: rules[too_hot].priority: found 'hihg'; expected one of: critical, high, medium, low "
            "(did you mean 'high'?)",
            id="unknown priority",
        ),
        pytest.param(
            "    for: 30s",
            "    state: {point: burner, is: true}\n    for: 30s",
            "boiler.yaml:11: rules[too_hot]: has limit and state; expected exactly one of: "
            "limit, state, all, any, rate, stale",
            id="two conditions",
        ),
        pytest.param(
            "limit: {point: temp, above: 95, deadband: 2}",
            "state: {point: burner, is: 1}",
            "boiler.yaml:13: rules[too_hot].state.is: found the number 1; expected true or false, "
            "because 'burner' is a bool point",
            id="number for a bool",
        ),
        pytest.param(
            "limit: {point: temp, above: 95, deadband: 2}",
            "state: {point: mode, is: heatin}",
            "boiler.yaml:13: rules[too_hot].state.is: unknown code word 'heatin'; expected one of: off, heating "
            "(did you mean 'heating'?)",
            id="unknown code word",
        ),
        pytest.param(
            "limit: {point: temp, above: 95, deadband: 2}",
            "rate: {point: temp, rises: 10}",
            "boiler.yaml:13: rules[too_hot].rate: 'rises' needs 'within', the time in which the change happens, "
            "e.g. within: 10min",
            id="rate without time",
        ),
        pytest.param(
            "above: 95",
            "above: 950",
            "boiler.yaml:13: rules[too_hot].limit.above: found 950, outside the plausible range [-20.0, 150.0] of 'temp': "
            "it could never be compared",
            id="limit that is never reached",
        ),
        pytest.param(
            "{table: holding, address: 0}",
            "{table: input, address: 0}",
            "boiler.yaml:5: points[set].modbus.address: input 0 is already taken by 'temp'; expected a free address",
            id="two points in one register",
        ),
        pytest.param(
            "type: int16, scale",
            "type: int16, order: CDAB, scale",
            "boiler.yaml:4: points[temp].modbus.order: 'CDAB' swaps words, but 'int16' is one word; expected ABCD or BADC",
            id="word order of one word",
        ),
        pytest.param(
            'type: enum, codes: {0: {zh: 停, en: "off"}, 1: {zh: 开, en: heating}}',
            "type: enum",
            "boiler.yaml:7: points[mode]: an enum point without codes; expected codes: {0: {zh: …, en: …}, …}",
            id="enum without codes",
        ),
        pytest.param(
            "{id: burner,",
            "{id: temp,",
            "boiler.yaml:6: points[temp].id: id 'temp' is given twice, first on line 4",
            id="id twice",
        ),
        pytest.param(
            "  - id: too_hot",
            "  - id: too hot",
            "boiler.yaml:11: rules[too hot].id: found the text 'too hot'; expected an id: letters, digits, _ and -, "
            "at most 64, starting with a letter or digit",
            id="id with a space",
        ),
        pytest.param(
            "kind: boiler\n",
            "kind: boiler\nkind: kettle\n",
            "boiler.yaml:2: key 'kind' is given twice, first on line 1; keep one",
            id="key twice",
        ),
        pytest.param(
            "kind: boiler\n",
            "kind: &a boiler\n",
            "boiler.yaml:1: anchor '&a'; anchors are not allowed, write the value out",
            id="anchor",
        ),
        pytest.param(
            "kind: boiler\n",
            "kind: !!python/object/apply:os.system [ls]\n",
            "boiler.yaml:1: tag 'tag:yaml.org,2002:python/object/apply:os.system'; tags are not allowed, "
            "write a plain value",
            id="tag",
        ),
        pytest.param("above: 95", "above: .nan", "boiler.yaml:13: .nan; expected a finite number", id="nan"),
        pytest.param(
            "above: 95", "above: 1e999", "boiler.yaml:13: 1e999 is too large; expected a finite number", id="huge"
        ),
    ],
)
def test_a_mistake_in_a_kind_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in KIND

    assert wrong_kind(tmp_path, KIND.replace(old, new, 1)) == [message]


def test_all_mistakes_of_a_file_are_told_at_once_in_the_order_of_its_lines(tmp_path: Path) -> None:
    text = KIND.replace("range: [-20", "rang: [-20").replace("deadband: 2", "deadband: -2").replace("low", "lo")

    found = wrong_kind(tmp_path, text)

    assert [line.split(":")[1] for line in found] == ["4", "13", "15"]


def test_a_tab_is_named(tmp_path: Path) -> None:
    (line,) = wrong_kind(tmp_path, "kind: boiler\ntitle:\n\tzh: 锅炉\n")

    assert line.startswith("boiler.yaml:3: not YAML: ")
    assert line.endswith("YAML indents with spaces, never with tabs")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "boiler.yaml: empty; expected a mapping of keys to values"),
        ("- 1\n", "boiler.yaml:1: found a list at the top; expected a mapping of keys to values"),
        ("a: 1\n---\nb: 2\n", "boiler.yaml:2: a second document ('---'); expected one document per file"),
        ("a: {<<: {b: 1}}\n", "boiler.yaml:1: merge key '<<'; merging is not allowed, write the keys out"),
        ("a: " + "[" * 40 + "]" * 40 + "\n", "boiler.yaml:1: nested deeper than 32 levels"),
        ("&a [*a]\n", "boiler.yaml:1: anchor '&a'; anchors are not allowed, write the value out"),
    ],
    ids=["empty", "a list", "two documents", "merge", "deep", "recursive"],
)
def test_a_file_that_is_not_one_plain_mapping_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert wrong_kind(tmp_path, text) == [message]


def test_an_alias_bomb_is_refused_at_once(tmp_path: Path) -> None:
    rows = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    rows += [f"{new}: &{new} [{','.join(['*' + old] * 9)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]
    start = time.monotonic()

    (line,) = wrong_kind(tmp_path, "\n".join(rows))

    assert line == "boiler.yaml:1: anchor '&a'; anchors are not allowed, write the value out"
    assert time.monotonic() - start < 1.0


def test_a_file_that_is_too_large_missing_or_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"kind: boiler\ntitle: \xff\n")
    (tmp_path / "large.yaml").write_bytes(b"# " + b"x" * (1 << 20))

    with pytest.raises(ConfigurationError, match=r"latin\.yaml:2: not UTF-8 \(byte 0xff\); save the file as UTF-8"):
        read_kind(tmp_path / "latin.yaml")
    with pytest.raises(ConfigurationError, match=r"large\.yaml: larger than 1048576 bytes"):
        read_kind(tmp_path / "large.yaml")
    with pytest.raises(ConfigurationError, match=r"absent\.yaml: cannot be read: No such file"):
        read_kind(tmp_path / "absent.yaml")


def test_a_folder_without_kinds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"holds no \*\.yaml; expected one file per equipment kind"):
        read_kinds(tmp_path)
    with pytest.raises(ConfigurationError, match="no such folder"):
        read_kinds(tmp_path / "absent")


def test_two_files_of_one_kind_and_a_broken_third_are_told_together(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(KIND, encoding="utf-8")
    (tmp_path / "c.yaml").write_text("kind: [", encoding="utf-8")

    with pytest.raises(ConfigurationError) as caught:
        read_kinds(tmp_path)

    first, second = caught.value.message.splitlines()
    assert first.endswith(f"b.yaml: kind 'boiler' is already in {tmp_path}/a.yaml; expected one file per kind")
    assert "c.yaml:" in second


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            "id: boiler-1, kind: boiler,",
            "id: boiler-1, kind: boilr,",
            "site.yaml:5: assets[boiler-1].kind: unknown kind 'boilr'; expected one of: boiler (did you mean 'boiler'?)",
            id="unknown kind",
        ),
        pytest.param(
            "space: hall}\n  - {id: boiler-2",
            "space: hal}\n  - {id: boiler-2",
            "site.yaml:5: assets[boiler-1].space: unknown space 'hal'; expected one of: hall (did you mean 'hall'?)",
            id="unknown space",
        ),
        pytest.param(
            "{asset: boiler-1}",
            "{asset: boiler-9}",
            "site.yaml:10: devices[plc].watches[0].asset: unknown asset 'boiler-9'; expected one of: boiler-1, boiler-2 "
            "(did you mean 'boiler-2'?)",
            id="unknown asset",
        ),
        pytest.param(
            "connection: bus",
            "connection: buss",
            "site.yaml:10: devices[plc].connection: unknown connection 'buss'; expected one of: bus (did you mean 'bus'?)",
            id="unknown connection",
        ),
        pytest.param(
            "offset: 10",
            "offset: 0",
            "site.yaml:10: devices[plc].watches[1]: input 0 of unit 1 on 'bus' is already read for 'boiler-1' of device "
            "'plc'; expected another offset or unit",
            id="overlap",
        ),
        pytest.param(
            "{asset: boiler-2, offset: 10}",
            "{asset: boiler-1, offset: 10}",
            "site.yaml:10: devices[plc].watches[1].asset: 'boiler-1' is already watched by 'plc'; "
            "expected one device per asset",
            id="watched twice",
        ),
        pytest.param(
            "space: hall}\nconnections",
            "space: hall, overrides: {to_hot: {value: 90}}}\nconnections",
            "site.yaml:6: assets[boiler-2].overrides.to_hot: unknown rule of 'boiler': 'to_hot'; expected one of: too_hot "
            "(did you mean 'too_hot'?)",
            id="unknown rule",
        ),
        pytest.param(
            "space: hall}\nconnections",
            "space: hall, overrides: {too_hot: {valu: 90}}}\nconnections",
            "site.yaml:6: assets[boiler-2].overrides.too_hot.valu: unknown key 'valu'; expected one of: "
            "enabled, value, deadband, for, clear_for, due, priority (did you mean 'value'?)",
            id="unknown key of an override",
        ),
        pytest.param(
            "title: {zh: 院子, en: Yard}}",
            "title: {zh: 院子, en: Yard}, zone: Asia/Shangai}",
            "site.yaml:1: site.zone: unknown time zone 'Asia/Shangai'; expected an IANA name like Asia/Shanghai",
            id="time zone",
        ),
        pytest.param(
            "type: building,",
            "type: building, parent: hall,",
            "site.yaml:3: spaces[hall].parent: 'hall' lies inside itself; expected a tree",
            id="a space in itself",
        ),
        pytest.param(
            "port: 502",
            "port: 70000",
            "site.yaml:8: connections[bus].port: found the number 70000; expected at most 65535",
            id="port",
        ),
        pytest.param(
            "protocol: modbus,",
            "protocol: modbus, every: 0s,",
            "site.yaml:10: devices[plc].every: found the text '0s'; expected a duration longer than 0 like "
            "500ms, 5s, 10min, 2h or 3d",
            id="no period",
        ),
        pytest.param(
            "protocol: modbus,",
            "protocol: modbus, mapping: skylink,",
            "site.yaml:10: devices[plc].mapping: has no meaning for a modbus device; remove it",
            id="mapping on modbus",
        ),
        pytest.param(
            "devices:",
            "machines:",
            "site.yaml:9: machines: unknown key 'machines'; expected one of: site, spaces, connections, assets, devices",
            id="unknown section",
        ),
    ],
)
def test_a_mistake_in_a_site_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in SITE

    assert wrong_site(tmp_path, SITE.replace(old, new, 1)) == [message]


def test_a_site_without_a_section_is_refused(tmp_path: Path) -> None:
    (line,) = wrong_site(tmp_path, SITE.split("connections:", maxsplit=1)[0])

    assert line.endswith(
        "no section devices in any of its files; expected the sections site, spaces, assets, devices, connections"
    )


def test_a_section_in_two_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "again.yaml").write_text("spaces: []\n", encoding="utf-8")

    (line,) = wrong_site(tmp_path, SITE)

    assert line == (
        f"site.yaml:2: spaces: this section is already in {tmp_path}/site/again.yaml; keep it in one file"
    ).replace(f"{tmp_path}/site/", "")


def test_a_site_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="absent: no such file or folder"):
        read_site(tmp_path / "absent", demo_kinds())


@pytest.mark.parametrize(
    ("text", "value"),
    [("a: no", "no"), ("a: on", "on"), ("a: 010", "010"), ("a: 2026-01-01", "2026-01-01"), ("a: 1_000", "1_000"),
     ("a: true", True), ("a: null", None), ("a: -0.5", -0.5), ("a: 0x1F", 31), ("a: 1e3", 1000.0), ("a: '7'", "7")],
)  # fmt: skip
def test_plain_words_mean_what_they_say(text: str, value: object) -> None:
    """The Norway problem, octal, dates and digit groups of YAML 1.1 do not exist here."""
    found = parse_yaml(text, "x").data["a"]

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "value"), [("500ms", 0.5), ("5s", 5.0), ("10min", 600.0), ("2h", 7200.0), ("1.5d", 129600.0)]
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["5", "5 s", "-5s", "5m", "", "1h30min"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(text)


def test_the_demo_site_is_read_the_same_twice() -> None:
    again = read_site(Path(demo_site().file), demo_kinds())

    assert again == demo_site()
