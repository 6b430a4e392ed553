"""What a patrol needs in a test: a guard with a plan, stickers before a camera, a phone that can be killed, a bad line."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import segno
from PIL import Image
from playwright.sync_api import Browser, BrowserContext

from caretaker.adapters.key_ring import KeyRing
from caretaker.domain.equipment import Text
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.codes import token_of
from tests.e2e.house import House
from tests.servers import CHROMIUM_ARGUMENTS, chromium_path

ZONE: Final = ZoneInfo("Asia/Shanghai")
VIEW: Final = {"width": 390, "height": 844}
WIDTH, HEIGHT = 640, 480


@dataclass(frozen=True)
class Desk:
    """The supervisor's side: an API session of the administrator."""

    house: House
    http: httpx.Client
    site: str

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def call(self, method: str, path: str, body: object = None) -> Any:
        answer = self.http.request(method, f"/api/v1{path}", json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def enrolment(self, person: str) -> str:
        """A one-time code for a phone of this person."""
        return str(self.call("POST", f"/people/{person}/enrolment")["code"])

    def tokens(self, places: Sequence[dict[str, Any]]) -> dict[str, str]:
        """What is printed on the stickers, made with the site's key as the label page makes it."""
        key = KeyRing(self.house.folder / "data" / "keys").keys(self.site)[0]
        return {
            place["id"]: token_of(
                key,
                Checkpoint(place["id"], self.site, Text("", ""), place["space"], code_version=place["code_version"]),
            )
            for place in places
        }


def sit_down(house: House) -> Desk:
    """Sign in with the printed link's code."""
    http = httpx.Client(base_url=house.url, headers={"Origin": house.url}, timeout=20)
    session = http.post("/api/v1/session", json={"code": house.link().split("code=")[1]}).json()
    return Desk(house, http, session["site"]["id"])


def guard_with_plan(desk: Desk, name: str, checkpoints: Sequence[dict[str, Any]], order: str = "free") -> str:
    """A guard and a plan of these stops that begins within two minutes. Returns the guard's id when the round exists."""
    person = desk.call("POST", "/people", {"name": name, "role": "guard"})["id"]
    begins = datetime.now(ZONE) + timedelta(seconds=90)
    desk.call(
        "POST",
        "/round-plans",
        {
            "id": f"plan-{person}",
            "title": {"zh": f"{name}的一轮", "en": "A round of twelve"},
            "kind": "patrol",
            "points": [{"checkpoint": place["id"], "least_walk_s": 0} for place in checkpoints],
            "order": order,
            "rrule": "FREQ=DAILY",
            "starts_at": begins.strftime("%H:%M"),
            "duration_s": 7200,
            "valid_from": (begins - timedelta(days=1)).date().isoformat(),
            "person": person,
        },
    )
    end = time.monotonic() + 90
    while time.monotonic() < end:
        if desk.call("GET", f"/rounds?plan=plan-{person}")["items"]:
            return str(person)
        time.sleep(0.5)
    raise AssertionError("the keeper of rounds made no round")


def stickers(path: Path, texts: Sequence[str], frames_each: int = 2, rate: int = 10) -> Path:
    """A video for `--use-file-for-fake-video-capture`: each code for a moment, again and again (YUV4MPEG2, 4:2:0)."""
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{rate}:1 Ip A1:1 C420jpeg\n".encode())
        grey = bytes([128]) * (WIDTH * HEIGHT // 2)
        for text in texts:
            png = BytesIO()
            segno.make(text, error="q", micro=False).save(png, kind="png", scale=7, border=4)
            code = np.asarray(Image.open(png).convert("L"))[:HEIGHT, :WIDTH]
            picture = np.full((HEIGHT, WIDTH), 150, np.uint8)
            top, left = (HEIGHT - code.shape[0]) // 2, (WIDTH - code.shape[1]) // 2
            picture[top : top + code.shape[0], left : left + code.shape[1]] = code
            for _ in range(frames_each):
                file.write(b"FRAME\n" + picture.tobytes() + grey)
    return path


def snapshot(number: int) -> bytes:
    """A small photo unlike any other: a JPEG of 96 x 72."""
    noise = np.random.default_rng(number).integers(0, 255, (9, 12, 3), np.uint8)
    out = BytesIO()
    Image.fromarray(noise).resize((96, 72)).save(out, "JPEG", quality=70)
    return out.getvalue()


@dataclass
class Phone:
    """A browser of its own with a fake camera; its storage outlives it."""

    browser: Browser
    folder: Path
    video: Path
    dark: bool = False
    locale: str = "zh-CN"
    arguments: Sequence[str] = ()
    context: BrowserContext | None = None

    def switch_on(self) -> BrowserContext:
        self.context = self.browser.browser_type.launch_persistent_context(
            str(self.folder),
            executable_path=chromium_path(),
            args=[
                *CHROMIUM_ARGUMENTS,
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={self.video}",
                *(self.arguments or ["--use-fake-ui-for-media-stream"]),
            ],
            viewport={"width": VIEW["width"], "height": VIEW["height"]},
            device_scale_factor=2,
            has_touch=True,
            is_mobile=True,
            locale=self.locale,
            color_scheme="dark" if self.dark else "light",
        )
        return self.context

    def kill(self) -> int:
        """SIGKILL to every process of this browser, as a phone does to a tab it needs the memory of; how many."""
        # all of them found before the first is killed: the others follow it by themselves
        found = []
        for process in Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                if f"--user-data-dir={self.folder}".encode() in (process / "cmdline").read_bytes():
                    found.append(int(process.name))
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.context is not None:
            with contextlib.suppress(Exception):  # playwright's own error types differ by what it was doing
                self.context.close()
        (self.folder / "SingletonLock").unlink(missing_ok=True)
        return len(found)

    def switch_off(self) -> None:
        if self.context is not None:
            self.context.close()


@dataclass
class Line:
    """A TCP proxy to the house. With `cutting`, each connection dies after its number of bytes in both directions
    together: 100, 200, 300 … up to `longest`, then from the start again."""

    target: tuple[str, int]
    step: int = 100
    longest: int = 6000
    cutting: bool = False
    cuts: int = 0
    connections: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0), backlog=64))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._listener.settimeout(0.2)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                near, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        limit = (self.cuts % (self.longest // self.step) + 1) * self.step
        with near, socket.create_connection(self.target) as far:
            carried = 0
            while not self._stop.is_set():
                ready, _, _ = select.select([near, far], [], [], 0.2)
                for source in ready:
                    try:
                        data = source.recv(64 if self.cutting else 65536)
                        if not data:
                            return
                        (far if source is near else near).sendall(data)
                    except OSError:
                        return
                    carried += len(data)
                    if self.cutting and carried >= limit:
                        self.cuts += 1
                        # RST, not FIN: a line that breaks says no goodbye
                        for end in (near, far):
                            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                        return


@contextlib.contextmanager
def phone_of(browser: Browser, folder: Path, video: Path, **more: Any) -> Iterator[Phone]:
    """A phone that is switched off at the end, whatever happened."""
    phone = Phone(browser, folder, video, **more)
    try:
        yield phone
    finally:
        phone.kill()
