"""When the page is built and when it is not, with a stand-in for Node: the real build is part of every `up`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tooling import page
from tooling.words import TroubleError

VITE = "import os, sys\nout = sys.argv[sys.argv.index('--outDir') + 1]\nos.makedirs(out)\n"
GOOD = VITE + "open(os.path.join(out, 'index.html'), 'w').write(open('index.html').read())\n"
BAD = VITE + "sys.exit('Could not resolve ./nowhere')\n"


@pytest.fixture
def vite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A small web/ and api/; what is returned sets what the "vite" in it does."""
    web = tmp_path / "web"
    script = web / "node_modules" / "vite" / "bin" / "vite.js"
    script.parent.mkdir(parents=True)
    (tmp_path / "api").mkdir()
    (web / "index.html").write_text("one", "utf-8")
    monkeypatch.setattr(page, "ROOT", str(tmp_path))
    monkeypatch.setattr(page, "WEB", str(web))
    monkeypatch.setattr(page, "STATIC", str(tmp_path / "api" / "static"))
    monkeypatch.setattr(page, "node", lambda: "/usr/bin/env")
    monkeypatch.setattr(page, "run", _run_with_python)

    def behave(source: str) -> None:
        script.write_text(source, "utf-8")

    behave(GOOD)
    return behave


def _run_with_python(thing: str, command: list[str], **keywords: object) -> str:
    from tooling.steps import run

    return run(thing, ["python3", *command[1:]], **keywords)  # type: ignore[arg-type]


def test_built_once_then_only_when_the_content_changes(vite: Callable[[str], None], tmp_path: Path) -> None:
    assert not page.ready()
    page.build()
    assert page.ready()
    source = tmp_path / "web" / "index.html"
    source.touch()
    assert page.ready(), "a new time is not a change"
    source.write_text("two", "utf-8")
    assert not page.ready()
    page.build()
    assert page.ready()
    assert (tmp_path / "api" / "static" / "index.html").read_text("utf-8") == "two"
    assert sorted(path.name for path in (tmp_path / "api").iterdir()) == ["static"]


def test_a_build_that_fails_leaves_the_page_that_is_served(vite: Callable[[str], None], tmp_path: Path) -> None:
    page.build()
    (tmp_path / "web" / "index.html").write_text("two", "utf-8")
    vite(BAD)
    with pytest.raises(TroubleError):
        page.build()
    assert (tmp_path / "api" / "static" / "index.html").read_text("utf-8") == "one"
    assert not page.ready()


@pytest.mark.parametrize(
    ("installed", "dev", "ready"),
    [
        ({"a": "1", "b": "1"}, True, True),
        ({"a": "1"}, True, False),
        ({"a": "1"}, False, True),
        ({"a": "2", "b": "1"}, True, False),
        (None, False, False),
    ],
)
def test_npm_packages_are_compared_with_the_lock(
    vite: Callable[[str], None], tmp_path: Path, installed: dict[str, str] | None, dev: bool, ready: bool
) -> None:
    wanted = {
        "": {},
        "a": {"version": "1"},
        "b": {"version": "1", "dev": True},
        "c": {"version": "1", "optional": True},
    }
    (tmp_path / "web" / "package-lock.json").write_text(json.dumps({"packages": wanted}), "utf-8")
    if installed is not None:
        found = {name: {"version": version} for name, version in installed.items()}
        hidden = tmp_path / "web" / "node_modules" / ".package-lock.json"
        hidden.write_text(json.dumps({"packages": found}), "utf-8")
    assert page.packages_ready(dev=dev) is ready
