"""A photo made on the fly, so that every one is another: a corridor, a lamp, noise as a phone's camera makes it at night."""

from __future__ import annotations

import io
import random
from datetime import datetime
from typing import Final

SIDE: Final = (480, 360)
_EXIF_IFD: Final = 0x8769
_TAKEN: Final = 0x9003


def snapshot(words: str, taken: datetime, dice: random.Random) -> bytes:
    """A JPEG with the moment it was taken. `words` (ASCII) stand on it, so that nobody takes it for a real one."""
    from PIL import Image, ImageDraw  # only who photographs loads the library

    width, height = SIDE
    base = dice.choice(((96, 104, 112), (120, 112, 98), (88, 98, 92)))
    picture = Image.new("RGB", SIDE, base)
    draw = ImageDraw.Draw(picture)
    end = (width * dice.uniform(0.42, 0.58), height * dice.uniform(0.40, 0.50))
    for row, shade in enumerate((14, -10, 22, -22)):
        corners = [((0, 0), (width, 0)), ((width, 0), SIDE), (SIDE, (0, height)), ((0, height), (0, 0))][row]
        draw.polygon([*corners, end], fill=_shifted(base, shade))
    for lamp in range(1, 5):
        at = (end[0] + (width / 2 - end[0]) * lamp / 5, end[1] * (1 - lamp / 5))
        draw.ellipse((at[0] - 4 * lamp, at[1] - lamp, at[0] + 4 * lamp, at[1] + 2 * lamp), fill=(250, 244, 214))
    spot = (width * dice.uniform(0.2, 0.7), height * dice.uniform(0.72, 0.86), dice.uniform(20, 70))
    puddle = (spot[0], spot[1], spot[0] + spot[2] * 2, spot[1] + spot[2] / 3)
    draw.ellipse(puddle, fill=_shifted(base, dice.choice((-38, 40))))
    grain = Image.frombytes("L", (width // 2, height // 2), dice.randbytes(width * height // 4)).resize(SIDE)
    picture = Image.blend(picture, Image.merge("RGB", (grain, grain, grain)), 0.07)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, height - 22, width, height), fill=(0, 0, 0))
    draw.text((8, height - 18), f"SIMULATED  {words}  {taken:%Y-%m-%d %H:%M:%S}", fill=(255, 214, 102))
    exif = Image.Exif()
    exif.get_ifd(_EXIF_IFD)[_TAKEN] = f"{taken:%Y:%m:%d %H:%M:%S}"
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=70, exif=exif)
    return out.getvalue()


def _shifted(colour: tuple[int, int, int], by: int) -> tuple[int, int, int]:
    red, green, blue = (min(max(part + by, 0), 255) for part in colour)
    return red, green, blue
