"""What holds for every file of the tree, whoever wrote it."""

import json
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tooling.steps import ROOT

CHECKOUT = Path(ROOT)
PACKAGES = ("caretaker", "gateway", "ingest", "rules", "api", "simulators", "benchmarks", "tooling", "tests")
LONGEST = 500
LONGER_FOR_A_REASON = {"caretaker/ports/__init__.py": "the contracts of the house are read as one text"}

# Put together here, so that this file does not name them either.
REGISTRIES = ("pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "npm" + "mirror.com", "deb.debian" + ".org")


@cache
def tracked() -> tuple[Path, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, check=True).stdout
    paths = (CHECKOUT / name for name in listed.decode().split("\0") if name)
    return tuple(path for path in paths if path.is_file())


@cache
def texts() -> dict[str, str]:
    found = {}
    for path in tracked():
        try:
            found[str(path.relative_to(CHECKOUT))] = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
    return found


def test_no_file_names_a_registry() -> None:
    """People behind a mirror, or without the internet, are served by their own settings."""
    assert [(name, host) for name, text in texts().items() for host in REGISTRIES if host in text] == []


def test_no_file_knows_where_the_checkout_lies() -> None:
    assert [name for name, text in texts().items() if ROOT in text] == []


def test_no_lock_names_an_address() -> None:
    packages = json.loads(texts()["web/package-lock.json"])["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_stay_readable(package: str) -> None:
    """Aim at 30 to 250 lines, question one at 400; beyond this a module is two."""
    names = {name for name in texts() if name.startswith(package + "/") and name.endswith(".py")}
    lengths = {name: texts()[name].count("\n") for name in names - LONGER_FOR_A_REASON.keys()}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_says_why_it_exists(package: str) -> None:
    silent = [
        name
        for name, text in texts().items()
        if name.startswith(package + "/")
        and name.endswith(".py")
        and text.strip()
        and not text.startswith(('"""', 'r"""'))
    ]
    assert silent == []


def test_what_is_made_is_not_kept() -> None:
    made = ("node_modules/", "api/static/", ".venv/", "__pycache__/", "uv.lock")
    assert [name for name in texts() if name.startswith(made) or any(f"/{part}" in name for part in made)] == []
