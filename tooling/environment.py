"""The Python environment: find or fetch uv, then make .venv exactly as the hashed lock says."""

import configparser
import glob
import hashlib
import json
import os
import shutil
import sys
from typing import Dict, List, Optional, Tuple

from tooling.steps import ROOT, STATE, quiet, run
from tooling.words import TroubleError, pick

VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, ".caretaker.json")
LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock"}  # dev holds everything of run, and the test tools


def _digest(kind: str) -> str:
    with open(os.path.join(ROOT, LOCKS[kind]), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def _stamp() -> Dict[str, str]:
    try:
        with open(STAMP, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def ready(kind: str) -> bool:
    """Whether .venv was finished from this lock, in this folder (a moved checkout holds paths that are gone)."""
    stamp = _stamp()
    return stamp.get("root") == ROOT and stamp.get(kind) == _digest(kind) and os.access(PYTHON, os.X_OK)


def install(uv: str, kind: str) -> None:
    """Make .venv what the lock says. The stamp is written last: an interrupted installation is simply done again."""
    if _stamp().get("dev") and kind == "run":
        kind = "dev"  # whoever has run the tests keeps their tools
    fresh = not quiet(PYTHON, "-c", "import sys") or _stamp().get("root", ROOT) != ROOT
    if os.path.exists(STAMP):
        os.remove(STAMP)
    if fresh:
        wanted = sys.executable if sys.version_info >= (3, 11) else ">=3.11"
        run(
            pick("Python 环境 .venv", "the Python environment .venv"),
            [uv, "venv", "--clear", "--no-project", "--python", wanted, VENV],
        )
    run(
        pick("安装 Python 包", "installing the Python packages"),
        [uv, "pip", "sync", "--python", PYTHON, "--require-hashes", os.path.join(ROOT, LOCKS[kind])],
    )
    for folder in glob.glob(os.path.join(VENV, "lib", "python3*", "site-packages")):
        with open(os.path.join(folder, "caretaker-checkout.pth"), "w", encoding="utf-8") as file:
            file.write(ROOT + "\n")  # the checkout itself is importable, from any folder, without a build step
    stamp = {"root": ROOT, "run": _digest("run")}
    if kind == "dev":
        stamp["dev"] = _digest("dev")
    with open(STAMP + ".new", "w", encoding="utf-8") as file:
        json.dump(stamp, file)
    os.replace(STAMP + ".new", STAMP)


def find_uv() -> Optional[str]:
    for candidate in (shutil.which("uv"), os.path.join(STATE, "uv", "bin", "uv")):
        if candidate and quiet(candidate, "--version"):
            return candidate
    return None


def fetch_uv() -> str:
    """Install uv under .caretaker with whatever pip can be had; a half-done one never gets the final name."""
    target, half = os.path.join(STATE, "uv"), os.path.join(STATE, "uv.new")
    for folder in (target, half):
        shutil.rmtree(folder, ignore_errors=True)
    command, extra = _pip()
    run(
        pick("获取 uv（安装工具）", "fetching uv (the installer)"),
        [
            *command,
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--require-hashes",
            "--target",
            half,
            "-r",
            os.path.join(ROOT, "tooling", "uv-installer.lock"),
        ],
        env={**os.environ, **extra},
    )
    os.replace(half, target)
    return os.path.join(target, "bin", "uv")


def _pip() -> Tuple[List[str], Dict[str, str]]:
    """A pip: of a venv, of the system, or the wheel inside a Debian package (no root needed to unpack it)."""
    boot = os.path.join(STATE, "boot")
    if quiet(sys.executable, "-c", "import ensurepip, venv") and quiet(sys.executable, "-m", "venv", "--clear", boot):
        return [os.path.join(boot, "bin", "python"), "-m", "pip"], {}
    if quiet(sys.executable, "-m", "pip", "--version"):
        return [sys.executable, "-m", "pip"], {"PIP_BREAK_SYSTEM_PACKAGES": "1"}  # --target touches no system folder
    wheel = _debian_pip_wheel() if shutil.which("apt-get") and shutil.which("dpkg") else None
    if wheel:
        return [sys.executable, "-m", "pip"], {"PYTHONPATH": wheel}
    raise TroubleError(
        pick("pip（用来获取 uv）", "pip (to fetch uv with)"),
        pick("%s 没有 venv 也没有 pip。", "%s has neither venv nor pip.") % sys.executable,
        pick(
            "运行：sudo apt-get install python3-venv（或安装 uv），然后重试。",
            "run: sudo apt-get install python3-venv (or install uv), then start again.",
        ),
    )


def _debian_pip_wheel() -> Optional[str]:
    folder = os.path.join(STATE, "debs")
    os.makedirs(folder, exist_ok=True)
    get = ("apt-get", "download", "-q", "python3-pip-whl")
    if not quiet(*get, cwd=folder) and os.geteuid() == 0:
        quiet("apt-get", "update", "-q")
        quiet(*get, cwd=folder)
    for package in glob.glob(os.path.join(folder, "python3-pip-whl_*.deb")):
        quiet("dpkg", "-x", package, folder)
    found = glob.glob(os.path.join(folder, "usr", "share", "python-wheels", "pip-*.whl"))
    return found[0] if found else None


def adopt_surroundings() -> None:
    """Trust the system's certificates (offices with a TLS proxy need it) and give uv the mirror that pip is set to."""
    os.environ.setdefault("UV_SYSTEM_CERTS", "1")
    os.environ.setdefault("NODE_USE_SYSTEM_CA", "1")
    if "UV_DEFAULT_INDEX" in os.environ or "UV_INDEX_URL" in os.environ:
        return
    mirror = os.environ.get("PIP_INDEX_URL") or _pip_conf_mirror()
    if mirror:
        os.environ["UV_DEFAULT_INDEX"] = mirror


def _pip_conf_mirror() -> Optional[str]:
    home = os.path.expanduser("~")
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(
            [
                "/etc/pip.conf",
                os.path.join(home, ".pip", "pip.conf"),
                os.path.join(home, ".config", "pip", "pip.conf"),
                os.environ.get("PIP_CONFIG_FILE", ""),
            ],
            encoding="utf-8",
        )
        return parser.get("global", "index-url", fallback=None)
    except (configparser.Error, UnicodeDecodeError):
        return None
