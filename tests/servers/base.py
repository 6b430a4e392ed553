"""What every real server of the tests has in common: start, wait until it answers, break, stop."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import pytest

from tooling import servers as installed

START_SECONDS = 30.0
STOP_SECONDS = 15.0


def need(package: str) -> str:
    """The path of a Debian package's program. Without it a test fails in CI and is skipped, by name, elsewhere."""
    path = installed.find(package)
    if path:
        return path
    message = f"{package} is not installed (apt-get install {package}, or bin/caretaker test as root)"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def free_port() -> int:
    """A loopback port nobody listens on, below the range the kernel gives to clients.

    A client that keeps reconnecting to a dead port *inside* that range can connect to itself, or be given the port
    that a killed server wants back.
    """
    for port in random.sample(range(18000, 32000), 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    pytest.fail("no free loopback port between 18000 and 32000")


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Server(ABC):
    """One process. It keeps its port and its folder over `kill9` and `start`, so a restart finds its data again."""

    host = "127.0.0.1"
    start_seconds = START_SECONDS

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._log_path = folder / f"{type(self).__name__.lower()}.log"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The program and its arguments; configuration files are written here."""

    def is_ready(self) -> bool:
        """Whether it answers its own protocol; a bound port is the least."""
        return answers(self.port)

    def environment(self) -> Mapping[str, str] | None:
        return None

    def user(self) -> str | None:
        """Another user to run as, when this server refuses to be root."""
        return None

    @property
    def pid(self) -> int:
        return self._running().pid

    def start(self) -> Self:
        """Start it and return when it answers; say what it logged if it does not."""
        if self._process is not None:
            pytest.fail(f"{self} runs already")
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                env=self.environment(),
                user=self.user(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        end = time.monotonic() + self.start_seconds
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > end:
                code = self._process.poll()
                self.kill9()
                state = "does not answer" if code is None else f"ended with code {code}"
                pytest.fail(f"{self} {state}; its log:\n{self.log()[-4000:]}")
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        """Ask it to end, and insist after a while. Harmless when it does not run."""
        process = self._process
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.send_signal(self.stop_signal)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._process = None

    stop_signal = signal.SIGTERM

    def kill9(self) -> None:
        """What a power cut looks like to those connected to it."""
        process = self._running()
        process.kill()
        process.wait()
        self._process = None

    def restart(self) -> Self:
        self.stop()
        return self.start()

    def pause(self) -> None:
        """Silent, but not gone: connections stay open and nothing is answered."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        return self._log_path.read_text("utf-8", "replace") if self._log_path.exists() else ""

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            pytest.fail(f"{self} does not run")
        return self._process

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __str__(self) -> str:
        return f"{type(self).__name__} on {self.host}:{self.port}"
