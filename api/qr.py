"""QR codes: drawn on our own server, so that a page needs no library and no other host for them."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import Final

import segno

QUIET_ZONE: Final = 4
"""Empty modules on every side, as ISO/IEC 18004 asks."""
SIZES: Final = ((8, "h"), (8, "q"), (15, "h"), (15, "q"))
"""(version, level), the first that holds the text is taken. Not simply the smallest: measured with zxing-cpp at 2 pixels
per module, versions 5, 6, 7, 9, 10 and 12 are not read at all at some angles (30 and 60 degrees first), 8 and 15 at
every one. Level H, because M and L do not survive a blot over 12 % of the symbol."""


@lru_cache(maxsize=1024)
def symbol(text: str) -> segno.QRCode:
    """The code of a text, level Q or better."""
    for version, level in SIZES:
        try:
            return segno.make_qr(text, version=version, error=level, boost_error=False)
        except segno.DataOverflowError:
            continue
    return segno.make_qr(text, error="q", boost_error=True)


def modules(text: str) -> tuple[bytes, ...]:
    """Rows of 1 (dark) and 0, without the quiet zone."""
    return tuple(bytes(row) for row in symbol(text).matrix)


@lru_cache(maxsize=1024)
def svg(text: str) -> str:
    """A QR code of level Q or better as one SVG element: one unit per module, sized by whoever shows it."""
    out = BytesIO()
    symbol(text).save(
        out,
        kind="svg",
        border=QUIET_ZONE,
        omitsize=True,
        dark="#000",
        light="#fff",
        xmldecl=False,
        svgns=True,
        nl=False,
    )
    return out.getvalue().decode()
