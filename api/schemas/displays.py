"""A display beside a checkpoint as JSON."""

from __future__ import annotations

from api.schemas.common import Shape, Words


class DisplayLink(Shape):
    """What a tablet opens once. Its secret stands after #, so that no server and no proxy writes it down.

    secure_url  the same by https, for a tablet that has the certificate; None when `url` is all there is
    svg         `url` as a QR code
    reachable   false when the address leads only this machine to itself
    """

    url: str
    secure_url: str | None
    svg: str
    reachable: bool


class DisplayCode(Shape):
    """The code of this moment. The display's own clock does not matter: it counts from `now_ms`.

    url           what the code says; svg: the same drawn
    ends_ms       then the next code begins
    void_ms       then this one is no longer believed and must not be shown
    link_ends_ms  when the display's link ends, because its key was rotated; None: no end is set
    """

    site: Words
    zone: str
    title: Words
    space_title: Words
    url: str
    svg: str
    now_ms: int
    ends_ms: int
    void_ms: int
    link_ends_ms: int | None
