"""QR codes as SVG: drawn on our own server, so that a page needs no library and no other host for them."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import Final

import segno

QUIET_ZONE: Final = 4
"""Empty modules on every side, as ISO/IEC 18004 asks."""


@lru_cache(maxsize=1024)
def svg(text: str) -> str:
    """A QR code of level Q or better as one SVG element: one unit per module, sized by whoever shows it."""
    out = BytesIO()
    segno.make(text, error="q", micro=False, boost_error=True).save(
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
