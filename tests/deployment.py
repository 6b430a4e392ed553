"""docker-compose.yml, Dockerfile and .dockerignore as data, so that tests run what they say instead of repeating it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from tooling.steps import ROOT

CHECKOUT = Path(ROOT)
PARTS = ("setup", "rules", "ingest", "gateway", "api")
"""The services that run our own image."""
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def compose() -> dict[str, Any]:
    """The file with its YAML merges made and its ${VARIABLES} left as they stand."""
    read: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text("utf-8"))
    return read


def variables(text: str) -> dict[str, tuple[str, str]]:
    """name -> (operator, word): `${A:-b}` is ('-', 'b'), `${A:?b}` is ('?', 'b'), `${A}` is ('', '')."""
    return {name: (operator, word) for name, operator, word in _VARIABLE.findall(text)}


def filled(text: str, settings: Mapping[str, str]) -> str:
    """Text with ${VARIABLES} replaced the way compose does it."""

    def value(found: re.Match[str]) -> str:
        name, operator, word = found.groups()
        if settings.get(name):
            return settings[name]
        assert operator == "-", f"{name} has no value and no default"
        return str(word)

    return _VARIABLE.sub(value, text)


def instructions() -> list[tuple[int, str, str]]:
    """(stage, instruction, arguments) of the Dockerfile, continued lines joined."""
    text = re.sub(r"\\\n", " ", (CHECKOUT / "Dockerfile").read_text("utf-8"))
    stage, found = -1, []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        word, _, rest = line.partition(" ")
        stage += word == "FROM"
        found.append((stage, word, rest.strip()))
    return found


def ignored(path: str) -> bool:
    """Does .dockerignore keep this path (relative, no leading slash) out of the build? The last matching line decides."""
    verdict = False
    for line in (CHECKOUT / ".dockerignore").read_text("utf-8").splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        keep = pattern.startswith("!")
        pattern = pattern.removeprefix("!")
        parts = path.split("/")
        leading = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        tail = pattern.removeprefix("**/")
        if any(fnmatch(each, pattern) for each in leading) or (
            tail != pattern and any(fnmatch(p, tail) for p in parts)
        ):
            verdict = not keep
    return verdict


def image_folders() -> list[str]:
    """What the last stage takes from the build stage, but for the Python environment."""
    last = max(stage for stage, _, _ in instructions())
    found = []
    for stage, word, rest in instructions():
        if stage == last and word == "COPY":
            source, target = rest.removeprefix("--from=build ").split()
            assert source == f"/app/{target}", (
                f"{rest}: the environment holds absolute paths, so places must not change"
            )
            found.append(target)
    found.remove(".venv")
    return found


def image_tree(folder: Path) -> Path:
    """/app as the image has it (without .venv and the built page), made from the checkout."""

    def keep_out(directory: str, names: list[str]) -> set[str]:
        relative = Path(directory).relative_to(CHECKOUT)
        return {name for name in names if ignored(str(relative / name)) or name == "__pycache__"}

    for name in image_folders():
        assert not ignored(name), f".dockerignore keeps {name} from the build"
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=keep_out)
        else:
            shutil.copy(source, folder / name)
    return folder
