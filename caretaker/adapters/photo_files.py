"""Photos as files `<folder>/<ab>/<sha256>.jpg`, decoded and written anew: nothing but pixels is kept."""

from __future__ import annotations

import hashlib
import io
import os
import re
import struct
import threading
import warnings
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from PIL import Image, ImageOps, UnidentifiedImageError

from caretaker.adapters.durable import make_folder, sync_folder
from caretaker.domain.errors import NotFound, Refused, Unavailable

MOST_BYTES: Final = 3_000_000
MOST_PIXELS: Final = 50_000_000
LONGEST_SIDE: Final = 2048
_EXIF_IFD: Final = 0x8769
_TAKEN: Final = 0x9003
_OFFSET: Final = 0x9011
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_UNREADABLE: Final = (
    *(UnidentifiedImageError, OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, struct.error),
    *(Image.DecompressionBombWarning, Image.DecompressionBombError),
)
"""What Pillow raises for files that somebody broke, by accident or on purpose."""
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2200
"""A camera that says another year has a dead clock, and no database keeps such a time."""


class PhotoFolder:
    """`ports.photos.PhotoFiles`. `zone`: of the site, for EXIF times that name none."""

    def __init__(self, folder: Path, zone: str) -> None:
        self._folder, self._zone = folder, ZoneInfo(zone)

    def write(self, sha256: str, data: bytes) -> int | None:
        """Check, decode, write."""
        if len(data) > MOST_BYTES:
            raise Refused(
                f"a photo may have {MOST_BYTES // 1_000_000} MB, this one has {len(data)} bytes", field="body"
            )
        if hashlib.sha256(data).hexdigest() != sha256:
            raise Refused("these bytes are not the photo that the address names (SHA-256 differs)", field="sha256")
        picture, taken_ns = self._decode(data)
        path = self._path(sha256)
        beside = path.with_suffix(f".{threading.get_ident()}.new")  # a phone may send the same photo twice at once
        try:
            make_folder(path.parent)
            with beside.open("wb") as file:
                picture.save(file, "JPEG", quality=82)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            sync_folder(path.parent)
        except OSError as wrong:
            raise Unavailable(f"the photo cannot be written: {wrong.strerror}") from wrong
        return taken_ns

    def read(self, sha256: str) -> bytes:
        """The JPEG."""
        try:
            return self._path(sha256).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"there is no photo {sha256[:12]}", photo=sha256) from None

    def _path(self, sha256: str) -> Path:
        if not _DIGEST.fullmatch(sha256):
            raise Refused("a photo is named by 64 hex digits", field="sha256")
        return self._folder / sha256[:2] / f"{sha256}.jpg"

    def _decode(self, data: bytes) -> tuple[Image.Image, int | None]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                picture = Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP"))
                if picture.width * picture.height > MOST_PIXELS:
                    raise Refused(f"a photo may have {MOST_PIXELS} pixels", field="body")
                taken_ns = self._taken(picture)
                upright = ImageOps.exif_transpose(picture).convert("RGB")
        except _UNREADABLE as wrong:
            raise Refused(f"this is no picture we can read ({wrong})", field="body") from wrong
        upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        return upright, taken_ns

    def _taken(self, picture: Image.Image) -> int | None:
        told = picture.getexif().get_ifd(_EXIF_IFD)
        text = str(told.get(_TAKEN))
        try:
            taken = datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=self._zone)
        except ValueError:
            return None
        with suppress(ValueError):  # Exif 2.31 names the phone's zone; older cameras do not
            taken = datetime.strptime(f"{text} {told.get(_OFFSET)}", "%Y:%m:%d %H:%M:%S %z")
        return int(taken.timestamp()) * 1_000_000_000 if _FIRST_YEAR <= taken.year <= _LAST_YEAR else None
