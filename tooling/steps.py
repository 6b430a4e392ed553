"""Run a step: a line when it starts, a sign of life while it lasts, its seconds at the end, its words if it fails."""

import contextlib
import fcntl
import os
import re
import subprocess
import sys
import threading
import time
from typing import Dict, Iterator, List, Optional

from tooling.words import TroubleError, pick, say

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STATE = os.path.join(ROOT, ".caretaker")

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_OFFLINE = (
    "dns error",
    "resolve host",
    "name resolution",
    "connection refused",
    "network is unreachable",
    "timed out",
    "etimedout",
    "enotfound",
    "econnrefused",
    "eai_again",
    "failed to fetch",
    "no matching distribution",
)


class Steps:
    """Counts the steps of one start, so that a person sees how far it is and where the time goes."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self.began = time.monotonic()

    @contextlib.contextmanager
    def step(self, zh: str, en: str) -> Iterator[None]:
        self.done += 1
        head = "%d/%d %s" % (self.done, self.total, pick(zh, en))
        say(head + " …")
        began, over = time.monotonic(), threading.Event()
        life = threading.Thread(target=_signs_of_life, args=(head, began, over), daemon=True)
        life.start()
        try:
            yield
        finally:
            over.set()
            life.join()
        say("%s  %.1f s" % (head, time.monotonic() - began))


def _signs_of_life(head: str, began: float, over: threading.Event) -> None:
    """A slow link must not look like a hang."""
    while not over.wait(15):
        say("%s … %d s" % (head, time.monotonic() - began))


def quiet(*command: str, cwd: Optional[str] = None) -> bool:
    """Run a probe whose words do not matter."""
    try:
        return (
            subprocess.call(
                command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            == 0
        )
    except OSError:
        return False


def run(
    thing: str, command: List[str], env: Optional[Dict[str, str]] = None, cwd: Optional[str] = None, also: str = ""
) -> str:
    """Run a tool with its output kept aside; when it fails, show the end of it and what to try (`also`: a way round)."""
    try:
        result = subprocess.run(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except OSError as error:
        raise TroubleError(
            thing, str(error), pick("检查该文件能否执行。", "check that this program can be run.")
        ) from error
    words = _COLOUR.sub("", result.stdout.decode("utf-8", "replace"))
    if result.returncode == 0:
        return words
    lines = [line for line in words.strip().splitlines() if not line.lstrip().startswith("at ")]  # no stack of Node's
    for line in lines[-20:]:
        print("    " + line, file=sys.stderr)
    reason = pick(
        "%s 以代码 %d 结束，末尾输出见上，全文在 %s。",
        "%s ended with code %d; the end of its output is above, all of it in %s.",
    )
    place = (os.path.basename(command[0]), result.returncode, _keep(words))
    raise TroubleError(thing, reason % place, " ".join(filter(None, (_advice(words), also))))


def _keep(words: str) -> str:
    path = os.path.join(STATE, "last-failure.log")
    with contextlib.suppress(OSError):
        os.makedirs(STATE, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(words)
    return path


def _advice(words: str) -> str:
    low = words.lower()
    if "no space left" in low:
        return pick("腾出磁盘空间后重试。", "free some disk space and start again.")
    if "certificate" in low or "unknownissuer" in low:
        return pick(
            "公司代理会替换证书：请把其根证书装入系统，或设置 SSL_CERT_FILE。",
            "an office proxy replaces certificates: install its root in the system, or set SSL_CERT_FILE.",
        )
    if any(sign in low for sign in _OFFLINE):
        return pick(
            "检查网络；需要镜像时设置 UV_DEFAULT_INDEX（Python）和 npm 的 registry，然后重试。",
            "check the network; for a mirror set UV_DEFAULT_INDEX (Python) and npm's registry, then start again.",
        )
    return pick(
        "修正后再次运行同一命令；已完成的步骤不会重做。",
        "put it right and run the same command; finished steps are not repeated.",
    )


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Let one start prepare the checkout at a time. The lock goes with the process, so a crash leaves none behind."""
    try:
        os.makedirs(STATE, exist_ok=True)
        handle = open(os.path.join(STATE, "lock"), "a")  # noqa: SIM115 (closed by the finally below)
    except OSError as error:
        raise TroubleError(
            STATE,
            str(error),
            pick("把代码放到你有写权限的文件夹再启动。", "start from a checkout in a folder that you may write."),
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say(pick("另一个启动正在准备，等它完成…", "another start is preparing; waiting for it …"))
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        handle.close()
