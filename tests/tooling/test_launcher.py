"""The launcher on a small checkout of its own: real uv, real processes, no network."""

import ast
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tooling import environment
from tooling.steps import ROOT

CHECKOUT = Path(ROOT)
CLI = "import sys\n\n\ndef main():\n    print('caretaker', *sys.argv[1:])\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The launcher's own files over empty locks: everything but the download."""
    uv = environment.find_uv()
    if uv is None:
        pytest.fail("no uv: run bin/caretaker once")
    folder = tmp_path / "house"
    shutil.copytree(CHECKOUT / "tooling", folder / "tooling", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CHECKOUT / "bin", folder / "bin")
    for name in environment.LOCKS.values():
        (folder / name).touch()
    (folder / "caretaker").mkdir()
    (folder / "caretaker" / "__init__.py").touch()
    (folder / "caretaker" / "cli.py").write_text(CLI, "utf-8")
    return folder


def _environment(language: str = "C.UTF-8") -> dict[str, str]:
    uv = environment.find_uv() or ""
    path = os.pathsep.join([str(Path(uv).parent), "/usr/bin", "/bin"])
    return {"PATH": path, "HOME": os.environ["HOME"], "LANG": language}


def _run(checkout: Path, *words: str, language: str = "C.UTF-8", cwd: str = "/") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout / "bin" / "caretaker"), *words]
    return subprocess.run(command, cwd=cwd, env=_environment(language), capture_output=True, text=True, check=False)


def test_a_first_start_counts_its_steps_and_a_second_is_silent(checkout: Path) -> None:
    first = _run(checkout, "hello", "world")
    assert (first.returncode, first.stdout) == (0, "caretaker hello world\n"), first.stderr
    assert "1/1 installing the Python environment" in first.stderr
    assert _run(checkout, "again").stderr == ""


def test_it_speaks_the_language_of_the_terminal(checkout: Path) -> None:
    assert "安装 Python 环境" in _run(checkout, "x", language="zh_CN.UTF-8").stderr


def test_what_lies_in_the_folder_it_is_started_from_does_not_matter(checkout: Path, tmp_path: Path) -> None:
    for name in ("caretaker", "tooling", "api"):
        (tmp_path / "elsewhere" / name).mkdir(parents=True)
        (tmp_path / "elsewhere" / name / "__init__.py").write_text("raise SystemExit('the wrong one')", "utf-8")
    assert _run(checkout, "x", cwd=str(tmp_path / "elsewhere")).stdout == "caretaker x\n"


def test_it_starts_from_any_folder_and_through_a_symlink(checkout: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(checkout / "bin" / "caretaker")
    done = subprocess.run([link, "x"], cwd="/", env=_environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "caretaker x\n"), done.stderr


def test_two_starts_at_once_do_no_harm(checkout: Path) -> None:
    command = [sys.executable, str(checkout / "bin" / "caretaker"), "x"]
    both = [
        subprocess.Popen(command, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    words = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], words
    assert [out for out, _ in words] == ["caretaker x\n"] * 2
    assert sum("installing the Python environment  " in err for _, err in words) == 1, "one installs, the other waits"


@pytest.mark.parametrize("after", [0.05, 0.15, 0.3, 0.6])
def test_a_killed_installation_is_done_again(checkout: Path, after: float) -> None:
    command = [sys.executable, str(checkout / "bin" / "caretaker"), "x"]
    process = subprocess.Popen(command, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = _run(checkout, "x")
    assert (done.returncode, done.stdout) == (0, "caretaker x\n"), done.stderr


def test_a_moved_checkout_is_prepared_again(checkout: Path, tmp_path: Path) -> None:
    assert _run(checkout, "x").returncode == 0
    moved = tmp_path / "moved"
    checkout.rename(moved)
    done = _run(moved, "x")
    assert (done.returncode, done.stdout) == (0, "caretaker x\n"), done.stderr
    assert "installing the Python environment" in done.stderr


def test_a_changed_lock_is_installed(checkout: Path) -> None:
    assert _run(checkout, "x").returncode == 0
    (checkout / "requirements.lock").write_text("# changed\n", "utf-8")
    assert "installing the Python environment" in _run(checkout, "x").stderr


def test_a_lock_that_cannot_be_had_is_named_with_reason_and_next_step(checkout: Path) -> None:
    (checkout / "requirements.lock").write_text("nothing-like-this==1 --hash=sha256:" + "0" * 64, "utf-8")
    environment_ = {**_environment(), "UV_OFFLINE": "1"}
    command = [sys.executable, str(checkout / "bin" / "caretaker"), "x"]
    done = subprocess.run(command, env=environment_, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot go on: installing the Python packages" in done.stderr
    assert "reason:" in done.stderr
    assert "next:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_library_that_is_missing_is_named(checkout: Path) -> None:
    (checkout / "caretaker" / "cli.py").write_text("import surely_missing\n", "utf-8")
    done = _run(checkout, "x")
    assert done.returncode == 1
    assert "surely_missing" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "path", [CHECKOUT / "bin" / "caretaker", *sorted((CHECKOUT / "tooling").glob("*.py"))], ids=str
)
def test_the_launcher_is_python_3_8_and_standard_library_only(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 8))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    foreign = {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"tooling"}
    assert foreign <= ({"caretaker"} if path.name == "enter.py" else set())


@pytest.mark.parametrize("name", [*environment.LOCKS.values(), "tooling/uv-installer.lock"])
def test_locks_name_no_place_and_hash_everything(name: str) -> None:
    text = (CHECKOUT / name).read_text("utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert all("--hash=sha256:" in part for part in text.replace("\\\n", "").splitlines() if "==" in part)


def test_the_development_lock_agrees_with_the_one_that_is_run() -> None:
    run, dev = ((CHECKOUT / environment.LOCKS[kind]).read_text("utf-8") for kind in ("run", "dev"))
    pins = [line for line in run.splitlines() if "==" in line]
    assert [pin for pin in pins if pin not in dev] == []
