"""`bin/caretaker test`: servers, checks, the page's unit tests, then pytest; with arguments, only pytest with them."""

import os
import subprocess
import sys
import time
from typing import List

from tooling import check, page, servers
from tooling.check import Check, Result
from tooling.steps import ROOT
from tooling.words import TroubleError, pick, say

NOTHING_COLLECTED = 5  # pytest's exit code when a selection is empty


def main(arguments: List[str]) -> int:
    try:
        servers.provide()
        check.provide_page_packages()
        if arguments:
            return subprocess.call([check.program("python"), "-m", "pytest", *arguments])
        results = everything()
    except TroubleError as trouble:
        trouble.tell()
        return 1
    return tell(results)


def everything() -> List[Result]:
    """All of it, also after a failure: one run should tell everything that is wrong."""
    results = check.run_all()
    if page.exists():
        script = os.path.join("node_modules", "vitest", "vitest.mjs")
        results.append(check.run(Check("vitest", [page.node(), script, "run"], page.WEB)))
    by_file = ["--dist", "loadfile"]
    results.append(pytest("pytest", ["-m", "not serial and not faults", "-n", "2", *by_file]))
    results.append(pytest("pytest (faults)", ["-m", "faults and not serial", "-n", "3", *by_file]))  # they mostly wait
    results.append(pytest("pytest (serial)", ["-m", "serial"]))
    return results


def pytest(name: str, options: List[str]) -> Result:
    """Shown as it goes. What measures time is marked serial and runs alone, after the rest."""
    began = time.monotonic()
    code = subprocess.call([check.program("python"), "-m", "pytest", "-q", "--durations=8", *options])
    return Result(name, code in {0, NOTHING_COLLECTED}, time.monotonic() - began)


def tell(results: List[Result]) -> int:
    failed = [result.name for result in results if not result.passed]
    say("%.0f s: %s" % (sum(result.seconds for result in results), ", ".join(result.name for result in results)))
    if failed:
        say(pick("未通过：", "FAILED: ") + ", ".join(failed))
        return 1
    say(pick("全部通过。", "everything passed."))
    return 0


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
