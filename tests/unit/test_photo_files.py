"""Pictures that somebody broke, by accident or on purpose: refused, never an error of ours."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
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
