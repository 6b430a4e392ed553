"""Pictures that somebody broke, by accident or on purpose: refused, never an error of ours."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from caretaker.adapters.photo_files import PhotoFolder
from caretaker.domain.errors import Refused

_EXIF, _TAKEN = 0x8769, 0x9003


def write(folder: Path, data: bytes) -> int | None:
    return PhotoFolder(folder, "Asia/Shanghai").write(hashlib.sha256(data).hexdigest(), data)


def taken(when: str) -> bytes:
    picture = Image.new("RGB", (8, 8))
    facts = picture.getexif()
    facts.get_ifd(_EXIF)[_TAKEN] = when
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=facts)
    return out.getvalue()


def bomb(side: int) -> bytes:
    """A PNG of a hundred bytes that says it has this many pixels a side."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [8_000, 10_000, 20_000, 65_000])
def test_a_picture_that_would_unpack_to_gigabytes_is_refused(tmp_path: Path, side: int) -> None:
    with pytest.raises(Refused):
        write(tmp_path, bomb(side))
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize(
    ("when", "taken_ns"),
    [
        ("2024:01:01 08:00:00", 1_704_067_200_000_000_000),
        ("0001:01:01 00:00:00", None),
        ("1600:01:01 00:00:00", None),
        ("9999:12:31 23:59:59", None),
        ("0000:00:00 00:00:00", None),
    ],
)
def test_a_camera_with_a_dead_clock_says_no_time_and_its_picture_is_kept(
    tmp_path: Path, when: str, taken_ns: int | None
) -> None:
    assert write(tmp_path, taken(when)) == taken_ns
    assert len(list(tmp_path.rglob("*.jpg"))) == 1


def test_the_same_photo_sent_twice_at_once_is_kept_whole(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.effect_noise((500, 500), 80).save(out, "JPEG")
    at_once = threading.Barrier(4)

    def send(_: int) -> None:
        at_once.wait(20)
        write(tmp_path, out.getvalue())

    with ThreadPoolExecutor(4) as senders:
        for _ in range(10):
            list(senders.map(send, range(4)))
    (kept,) = (path for path in tmp_path.rglob("*") if path.is_file())
    with Image.open(kept) as picture:
        picture.load()


def test_a_photo_outlives_a_power_cut_under_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its contents, its name and the name of its folder are on the disk before anybody hears that it is kept."""
    synced: list[int] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    write(tmp_path, taken("2024:01:01 08:00:00"))

    (kept,) = tmp_path.rglob("*.jpg")
    assert {path.stat().st_ino for path in (kept, kept.parent, tmp_path)} <= set(synced)
