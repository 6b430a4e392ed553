"""Wrong files, settings, ports and folders: `up` says one sentence that names what is wrong and what to do, and ends."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from caretaker import __version__
from caretaker.adapters.journal_lmdb import LmdbJournal
from tests.factories import ROOT
from tests.reliability.yard import write_yard

FREE = ("--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--no-demo")


@dataclass
class Case:
    """One command line, what it must say (all of `says`, on one line of stderr) and its exit code."""

    arguments: list[str]
    says: list[str]
    code: int = 2
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Said:
    code: int
    out: str
    err: str


@dataclass
class Corner:
    """A place with everything wrong in it; `cases` by name, `said` what each case gave."""

    cases: dict[str, Case]
    said: dict[str, Said]


def build(folder: Path, busy: int) -> dict[str, Case]:
    equipment, site = write_yard(folder, 2)
    good = {"CARETAKER_EQUIPMENT": str(equipment), "CARETAKER_SITE": str(site)}

    def up(*says: str, code: int = 2, data: Path | None = None, more: tuple[str, ...] = FREE, **settings: str) -> Case:
        environment = good | {f"CARETAKER_{name.upper()}": value for name, value in settings.items()}
        return Case(["up", "--data", str(data or folder / "data"), *more], list(says), code, environment)

    def copy(of: Path, name: str, old: str, new: str) -> Path:
        target = folder / name
        shutil.copytree(of, target)
        (file,) = target.iterdir()
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), "utf-8")
        return target

    foreign = {}
    for name, file in (("sql", "caretaker.db"), ("store", "store/readings.db"), ("journal", "journal/data.mdb")):
        foreign[name] = folder / f"foreign-{name}"
        (foreign[name] / file).parent.mkdir(parents=True)
        (foreign[name] / file).write_bytes(b"This is somebody else's file. " * 5000)
    (folder / "file").touch()
    mine, yours = (
        copy(equipment, "eq1", "fault: overheating", "faullt: overheating"),
        copy(equipment, "eq2", "kind: machine", "kind: ["),
    )
    return {
        "an unknown word in an equipment file": up(str(mine / "machine.yaml") + ":12", "faullt", "fault", equipment=str(mine)),
        "an equipment file that is no YAML": up(str(yours / "machine.yaml"), "not YAML", equipment=str(yours)),
        "no equipment folder": up(str(folder / "none"), equipment=str(folder / "none")),
        "a site that names an unknown kind": up(
            "site.yaml:5", "boat", site=str(copy(site, "site1", "id: m1, kind: machine", "id: m1, kind: boat"))
        ),
        "a device that watches nobody": up("m9", site=str(copy(site, "site2", "asset: m2", "asset: m9"))),
        "no site": up(str(folder / "nowhere"), site=str(folder / "nowhere")),
        "a busy page port": up("--http", f"127.0.0.1:{busy}", "in use", more=("--http", f"127.0.0.1:{busy}", "--no-demo")),
        "a busy broker port": up("--mqtt", f"127.0.0.1:{busy}", "in use", more=(*FREE, "--mqtt", f"127.0.0.1:{busy}")),
        "a busy page port, in Chinese": up("设置有误", "无法监听", more=("--http", f"127.0.0.1:{busy}", "--no-demo")),
        "https without a certificate": up("tls init", more=(*FREE, "--https", "127.0.0.1:0")),
        "https at an address that is none": up("CARETAKER_HTTPS", "HOST:PORT", more=(*FREE, "--https", "abc")),
        "an address that is none": up("--http", "abc", "HOST:PORT", more=("--http", "abc")),
        "a setting that is no address": up("CARETAKER_HTTP", "abc", "HOST:PORT", http="abc"),
        "a negative retention": up("CARETAKER_RETENTION_DAYS", "-1", retention_days="-1"),
        "an unknown store": up("CARETAKER_STORE", "floppy", "blocks", store="floppy"),
        "an unknown broker scheme": up("CARETAKER_MQTT", "ftp://x", "mqtt://", mqtt="ftp://x"),
        "a database that is no address": up("CARETAKER_SQL", "nonsense", sql="nonsense"),
        "a missing scenario": up("--scenario", "none.yaml", more=(*FREE, "--scenario", str(folder / "none.yaml"))),
        "a data folder that is a file": up(str(folder / "file"), "--data", data=folder / "file"),
        "a foreign database": up("caretaker.db", "not a database", "--data", data=foreign["sql"]),
        "a foreign store": up("readings.db", "not a database", "--data", data=foreign["store"]),
        "a foreign journal": up("journal", "LMDB", "--data", data=foreign["journal"]),
        "a folder another Caretaker uses": up(str(os.getpid()), "already writes", "--data", data=folder / "taken"),
        "a role nobody has": Case(["token", "create", "--role", "king"], ["king"], 2, good),
        "an unknown option": Case(["up", "--dtaa", "x"], ["--dtaa"], 2, good),
        "--version": Case(["--version"], [], 0),
        "version": Case(["version"], [], 0),
    }  # fmt: skip


@pytest.fixture(scope="module")
def corner(tmp_path_factory: pytest.TempPathFactory) -> Corner:
    """All cases, run one after another by one forking process."""
    folder = tmp_path_factory.mktemp("start")
    with socket.create_server(("127.0.0.1", 0)) as busy:
        cases = build(folder, busy.getsockname()[1])
        cases["a busy page port, in Chinese"].environment["LANG"] = "zh_CN.UTF-8"
        (folder / "taken" / "journal").mkdir(parents=True)
        other = LmdbJournal(folder / "taken" / "journal", limit_bytes=8 << 20)
        marker = folder / "taken" / "broker.toml"
        marker.write_text("the other's")
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("CARETAKER_", "LC_", "LANG"))}
        try:
            answer = subprocess.run(
                [sys.executable, "-m", "tests.badinput.forks"],
                input=json.dumps([{"arguments": c.arguments, "environment": c.environment} for c in cases.values()]),
                capture_output=True,
                text=True,
                cwd=ROOT,
                env=plain | {"LANG": "C.UTF-8"},
                timeout=100,
                check=True,
            )  # fmt: skip
        finally:
            other.close()
        assert marker.read_text() == "the other's", "a second Caretaker touched the first one's files"
    return Corner(cases, dict(zip(cases, (Said(**said) for said in json.loads(answer.stdout)), strict=True)))


def test_each_wrong_thing_is_said_once_by_name_with_the_next_step(corner: Corner) -> None:
    wrong = {}
    for name, case in corner.cases.items():
        said = corner.said[name]
        lines = [line for line in said.err.splitlines() if all(word in line for word in case.says)]
        if said.code != case.code or (case.code and not lines):
            wrong[name] = (said.code, said.out[-500:], said.err[-1500:])
    assert wrong == {}


def test_no_message_is_a_traceback_and_none_comes_twice(corner: Corner) -> None:
    for name, said in corner.said.items():
        assert "Traceback" not in said.err + said.out, name
        ours = [line for line in said.err.splitlines() if line.startswith("caretaker: ")]
        assert len(ours) <= 1, name
        if corner.cases[name].arguments[0] == "up" and name != "an unknown option":
            assert len(ours) == 1, (name, said.err)
            assert "timestamp=" not in said.err, (name, "something was started before what is wrong was found")


def test_the_version_is_printed_both_ways(corner: Corner) -> None:
    assert corner.said["--version"].out.strip() == corner.said["version"].out.strip() == __version__


def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    """Root writes everywhere, so the folder lies on a read-only mount."""
    folder = tmp_path / "ro"
    folder.mkdir()
    if subprocess.run(  # noqa: PLW1510  (its answer is the question)
        ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(folder)], capture_output=True
    ).returncode:
        pytest.skip("this user may not mount: 1 case not run")
    try:
        said = subprocess.run(
            [sys.executable, "-m", "caretaker.cli", "up", "--data", str(folder), *FREE],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=60,
            check=False,
        )
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    assert said.returncode == 2
    assert str(folder) in said.stderr
    assert "Read-only" in said.stderr
    assert said.stderr.count("\n") == 1
