"""Photos: what is known of them in SQL, and the files themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo as it was received. `sha256`: hex, of the bytes the phone sent; `taken_ns`: by its own record."""

    sha256: str
    site: str
    sent_by: str
    received_ns: int
    taken_ns: int | None
    bytes: int


class Photos(Protocol):
    """What is known of photos."""

    def keep(self, photo: Photo) -> bool:
        """Insert; False when it is known."""
        ...

    def get(self, sha256: str) -> Photo | None:
        """One, or None when it has not arrived."""
        ...


class PhotoFiles(Protocol):
    """The files. Every picture is decoded and written anew, so that nothing but pixels is kept."""

    def write(self, sha256: str, data: bytes) -> int | None:
        """Keep; returns when it was taken by its own record (ns, local time read as the site's), None when it does not
        say. Raises Refused when these bytes are no picture, too large, or not what `sha256` names."""
        ...

    def read(self, sha256: str) -> bytes:
        """JPEG. Raises NotFound."""
        ...
