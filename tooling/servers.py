"""The real servers and tools that the tests start, and the Debian packages that bring them."""

import contextlib
import glob
import os
import shutil
from typing import Dict, Iterator, List, NamedTuple, Tuple

from tooling.steps import Steps, run
from tooling.words import TroubleError, pick, say


class Tool(NamedTuple):
    package: str
    places: Tuple[str, ...]  # a command, or a path with wildcards


TOOLS = (
    Tool("mosquitto", ("mosquitto", "/usr/sbin/mosquitto")),
    Tool("influxdb", ("influxd",)),
    Tool("victoria-metrics", ("victoria-metrics",)),
    Tool("postgresql", ("/usr/lib/postgresql/*/bin/postgres",)),
    Tool("chromium", ("chromium",)),
    Tool("fonts-noto-cjk", ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",)),  # else Chinese is boxes
    Tool("libnss3-tools", ("certutil",)),  # teaches Chromium to trust the building's own CA
    Tool("strace", ("strace",)),
    Tool("iptables", ("iptables", "/usr/sbin/iptables")),
    Tool("iproute2", ("ip", "/usr/sbin/ip")),
    Tool("procps", ("ps",)),
    Tool("docker-compose", ("docker-compose",)),
)
_POLICY = "/usr/sbin/policy-rc.d"


def find(package: str) -> str:
    """The path of a package's program, or an empty string."""
    tool = next(tool for tool in TOOLS if tool.package == package)
    for place in tool.places:
        found = sorted(glob.glob(place)) if place.startswith("/") else [shutil.which(place) or ""]
        if found and found[-1]:
            return found[-1]
    return ""


def missing() -> List[str]:
    return [tool.package for tool in TOOLS if not find(tool.package)]


def provide() -> None:
    """Install what is missing when we may; else name the command, and let the tests that need it say so themselves."""
    wanted = missing()
    if not wanted:
        return
    names = " ".join(wanted)
    if os.geteuid() == 0 and shutil.which("apt-get"):
        steps = Steps(1)
        with steps.step(
            "用 apt-get 安装测试用的服务器：" + names, "installing the tests' servers with apt-get: " + names
        ):
            _apt_install(wanted)
    elif shutil.which("apt-get"):
        say(pick("缺少测试用的服务器。安装：", "servers that the tests need are missing. Install them with:"))
        say("  sudo apt-get install --no-install-recommends " + names)
    else:
        say(
            pick("缺少测试用的服务器（Debian 包名）：", "servers that the tests need are missing (Debian names): ")
            + names
        )
    if os.environ.get("CI") and missing():
        raise TroubleError(
            " ".join(missing()),
            pick("CI 中必须有真实的服务器。", "in CI the real servers must be there."),
            pick("以 root 运行，或先安装它们。", "run as root, or install them first."),
        )


def _apt_install(packages: List[str]) -> None:
    thing = "apt-get install " + " ".join(packages)
    env: Dict[str, str] = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _no_services():
        run("apt-get update", ["apt-get", "update", "-q"], env=env)
        run(thing, ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages], env=env)


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    """Debian starts what it installs; the tests start their own, on their own ports, and want nothing else running."""
    if os.path.exists(_POLICY):
        yield
        return
    with open(_POLICY, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nexit 101\n")
    os.chmod(_POLICY, 0o755)  # noqa: S103 (a script that dpkg runs)
    try:
        yield
    finally:
        os.remove(_POLICY)
