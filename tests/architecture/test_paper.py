"""README, its translation and docs/connect-*.md tell the truth: what they name exists, and their YAML is read by the catalog."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from caretaker.catalog import read_kinds, read_site
from caretaker.cli import app
from caretaker.config import ROOT, Settings

READMES = ("README.md", "README.en.md")
CONNECT = ("docs/connect-mqtt.md", "docs/connect-modbus.md")
LAUNCHER = {"up", "prepare", "test", "check"}
"""Commands of bin/caretaker itself (tooling/launch.py); `up` is also the command line's."""


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def blocks(name: str, language: str) -> list[str]:
    """The fenced blocks that say this language in their first line."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text_of(name), re.MULTILINE | re.DOTALL)
    return [block for said, block in fenced if said == language]


def folders(name: str) -> set[str]:
    (tree,) = blocks(name, "")
    return set(re.findall(r"^(\S+)/ ", tree, re.MULTILINE))


@pytest.mark.parametrize("name", READMES)
def test_the_tree_names_every_folder_and_no_other(name: str) -> None:
    ask = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(ask, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    there = {path.partition("/")[0] for path in listed.splitlines() if "/" in path}
    assert folders(name) == {folder for folder in there if not folder.startswith(".")}


@pytest.mark.parametrize("name", READMES)
def test_the_settings_table_is_what_the_code_reads(name: str) -> None:
    rows = dict(re.findall(r"^\| `CARETAKER_(\w+)` \| (.+?) \|", text_of(name), re.MULTILINE))
    assert [key.lower() for key in rows] == [
        key for key in Settings.model_fields if key != "connections" and key not in ("demo", "json_logs")
    ] + ["connections", "demo", "json_logs"]
    for key, said in rows.items():
        default = Settings.model_fields[key.lower()].default
        if isinstance(default, Path):
            default = default.relative_to(ROOT)
        told = said.strip("`")
        assert told == str(default) or (told in ("空", "empty") and not isinstance(default, bool | int | float)), key


@pytest.mark.parametrize("name", (*READMES, *CONNECT))
def test_every_site_in_the_paper_is_read_by_the_catalog(name: str, tmp_path: Path) -> None:
    """Kinds of the paper are put beside those of the product, so that its sites may use them."""
    kinds_folder = tmp_path / "equipment"
    kinds_folder.mkdir()
    for kind in (ROOT / "equipment").glob("*.yaml"):
        (kinds_folder / kind.name).write_text(kind.read_text("utf-8"), "utf-8")
    sites, own_kinds = 0, 0
    for block in blocks(name, "yaml"):
        if found := re.match(r"# equipment/(\w+)\.yaml\n", block):
            (kinds_folder / f"{found[1]}.yaml").write_text(block, "utf-8")
            own_kinds += 1
    kinds = read_kinds(kinds_folder)
    for block in blocks(name, "yaml"):
        if block.startswith("# site.yaml\n"):
            (tmp_path / "site.yaml").write_text(block, "utf-8")
            site = read_site(tmp_path / "site.yaml", kinds)
            assert {asset.id for asset in site.assets} == {
                watch.asset for each in site.devices for watch in each.watches
            }
            sites += 1
    assert sites + own_kinds == len(blocks(name, "yaml")), "every block says in its first line which file it is"
    assert sites + own_kinds > 0


@pytest.mark.parametrize("name", (*READMES, *CONNECT))
def test_every_command_in_the_paper_exists(name: str) -> None:
    said = re.findall(
        r"(?:bin/caretaker|python -m caretaker\.cli) ([a-z]+)(?: ([a-z]+))?((?: --[a-z]+ \S+)*)", text_of(name)
    )
    assert said
    for verb, noun, options in said:
        if verb in LAUNCHER - {"up"}:
            continue
        words = [verb] if CliRunner().invoke(app, [verb, noun, "--help"]).exit_code else [verb, noun]
        told = CliRunner().invoke(app, [*(word for word in words if word), "--help"], env={"COLUMNS": "200"})
        assert told.exit_code == 0, f"{verb} {noun}: {told.output}"
        for option in re.findall(r"--[a-z]+", options):
            assert option in told.output, f"{verb} {noun} {option}"


@pytest.mark.parametrize("name", (*READMES, *CONNECT, "CHANGELOG.md"))
def test_every_link_and_picture_is_there(name: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text_of(name)):
        assert ((ROOT / name).parent / target).exists(), target


@pytest.mark.parametrize("name", READMES)
def test_the_two_commands_stand_in_the_first_block(name: str) -> None:
    start, test = blocks(name, "sh")[0].splitlines()
    assert re.fullmatch(r"git clone <.+> caretaker && cd caretaker && bin/caretaker up", start)
    assert test == "bin/caretaker test"


def test_pictures_are_small() -> None:
    """A clone over a slow line should not be pictures."""
    pictures = {path.name: path.stat().st_size for path in (ROOT / "docs" / "screenshots").glob("*.png")}
    assert pictures
    assert {name: size for name, size in pictures.items() if size > 250_000} == {}
