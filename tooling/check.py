"""`bin/caretaker check`: what can be said about the code without running it. One line per check, with seconds."""

import concurrent.futures
import os
import subprocess
import sys
import time
from typing import List, NamedTuple, Optional

from tooling import page
from tooling.environment import VENV
from tooling.steps import ROOT, Steps, only_one
from tooling.words import TroubleError, pick, say

_FRESH = """
from api.openapi import FILE, contract
if FILE.read_text("utf-8") != contract():
    raise SystemExit("api/openapi.json is not what the API says now; run: .venv/bin/python -m api.openapi")
"""


class Check(NamedTuple):
    name: str
    command: List[str]
    folder: str = ROOT


class Result(NamedTuple):
    name: str
    passed: bool
    seconds: float


def program(name: str) -> str:
    return os.path.join(VENV, "bin", name)


def checks() -> List[Check]:
    """The slowest first, so that the two workers end together."""
    found = [
        Check("mypy --strict", [program("mypy"), "--no-error-summary"]),
        *_page_checks(),
        Check("import-linter", [program("lint-imports"), "--no-logo"]),
        Check("ruff check", [program("ruff"), "check", "--quiet", "--output-format=concise", "."]),
        Check("ruff format", [program("ruff"), "format", "--check", "--quiet", "--output-format=concise", "."]),
    ]
    if os.path.exists(os.path.join(ROOT, "api", "openapi.py")):
        found.append(Check("api/openapi.json is fresh", [program("python"), "-c", _FRESH]))
    return found


def _page_checks() -> List[Check]:
    if not page.exists():
        return []
    script = os.path.join("node_modules", "vue-tsc", "bin", "vue-tsc.js")
    return [Check("vue-tsc", [page.node(), script, "--noEmit"], page.WEB)]


def run(check: Check) -> Result:
    """Run one check; its words are shown only when it fails, and then all of them."""
    began = time.monotonic()
    env = page.node_environment() if check.folder == page.WEB else None
    done = subprocess.run(
        check.command,
        cwd=check.folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    result = Result(check.name, done.returncode == 0, time.monotonic() - began)
    verdict = pick("通过", "passed") if result.passed else pick("未通过", "FAILED")
    say("%-28s %s  %.1f s" % (result.name, verdict, result.seconds))
    if not result.passed:
        print(done.stdout.decode("utf-8", "replace").rstrip(), flush=True)
    return result


def run_all() -> List[Result]:
    provide_page_packages()
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as workers:
        return list(workers.map(run, checks()))


def provide_page_packages() -> None:
    """The page's types and tests need npm's development packages; the start alone does not."""
    if not page.exists() or page.packages_ready(dev=True):
        return
    with only_one(), Steps(1).step("安装网页的开发工具", "installing the page's development tools"):
        page.install_packages(dev=True)


def main(arguments: Optional[List[str]] = None) -> int:
    if arguments == ["--fix"]:
        subprocess.call([program("ruff"), "check", "--quiet", "--fix", "--exit-zero", "."])
        subprocess.call([program("ruff"), "format", "--quiet", "."])
    elif arguments:
        say(pick("check 只接受 --fix（自动排版）。", "check takes only --fix, which puts right what a machine can."))
        return 2
    try:
        results = run_all()
    except TroubleError as trouble:
        trouble.tell()
        return 1
    return 0 if all(result.passed for result in results) else 1


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
