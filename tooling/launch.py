"""From a bare checkout to a running command: prepare what is missing, then become Caretaker's own command line."""

import os
import signal
import sys
from typing import List, NoReturn

from tooling import environment, page
from tooling.steps import ROOT, Steps, only_one
from tooling.words import TroubleError, pick, say

PAGE_COMMANDS = {"up", "prepare", "test"}  # the others answer at once and need no page


def main(arguments: List[str]) -> int:
    """Prepare, then replace this process; returns only for the launcher's own verbs and for trouble."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the tool we started ends with us
    environment.adopt_surroundings()
    verb = arguments[0] if arguments else ""
    try:
        prepare("dev" if verb in {"test", "check"} else "run", with_page=bool(PAGE_COMMANDS.intersection(arguments)))
        if verb in {"test", "check"}:
            _become(["-m", "tooling." + verb, *arguments[1:]])
        if verb == "prepare":
            return 0
        _become([os.path.join(ROOT, "tooling", "enter.py"), *arguments])
    except TroubleError as trouble:
        trouble.tell()
        return 1
    except KeyboardInterrupt:
        say(pick("已中断；再次运行会从这里继续。", "interrupted; the next start goes on from here."))
        return 130


def prepare(kind: str, with_page: bool) -> None:
    """Do what is missing. When nothing is, say nothing and take no lock: the usual start."""
    with_page = with_page and _wants_page()
    if environment.ready(kind) and (not with_page or page.ready()):
        return
    with only_one():
        uv = environment.find_uv()
        python_todo = not environment.ready(kind)
        page_todo = with_page and not page.ready()
        packages_todo = page_todo and not page.packages_ready(dev=False)
        steps = Steps((uv is None and python_todo) + python_todo + packages_todo + page_todo)
        if python_todo:
            if uv is None:
                uv = _fetch(steps)
            with steps.step("安装 Python 环境", "installing the Python environment"):
                environment.install(uv, kind)
        if packages_todo:
            with steps.step("安装网页构建工具", "installing what builds the web page"):
                page.install_packages(dev=False)
        if page_todo:
            with steps.step("生成网页", "building the web page"):
                page.build()


def _fetch(steps: Steps) -> str:
    with steps.step("获取安装工具 uv", "fetching uv, the installer"):
        return environment.fetch_uv()


def _wants_page() -> bool:
    if os.environ.get("CARETAKER_SKIP_PAGE"):
        return False
    if page.exists():
        return True
    say(pick("没有完整的 web/，跳过网页。", "no complete web/ here; going on without the web page."))
    return False


def _become(command: List[str]) -> NoReturn:
    """Keep the process id: whoever started us signals Caretaker itself."""
    os.environ["PYTHONSAFEPATH"] = "1"  # a folder named `caretaker` where the user happens to stand is not ours
    os.execv(environment.PYTHON, [environment.PYTHON, *command])
