"""Checkpoint: a marked place bound to a space or an asset."""

from __future__ import annotations

from dataclasses import dataclass

from caretaker.domain.equipment import CheckSpec, Text


@dataclass(frozen=True, slots=True)
class Place:
    """Where a checkpoint is. `x_m`, `y_m`: metres on the site's plan; `level`: floor; `lat`, `lon`: WGS 84 or None.

    Walking time between two places follows from these unless the plan says its own.
    """

    x_m: float = 0.0
    y_m: float = 0.0
    level: int = 0
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A marked place.

    checks        its own questions; with `use_kind_checks` those of the asset's kind come first
    short_code    six digits on the label, for a damaged code (counted as `manual`)
    code_version  grows with each reprint; older stickers are withdrawn by it
    rotating      a cheap display shows a code that changes every 30 s instead of (or beside) the sticker
    nfc           id of a tag fixed here, lower-case hex, or None
    witnesses     points ("asset.key") whose changes near the time of a scan speak for somebody having been here
    """

    id: str
    site: str
    title: Text
    space: str
    asset: str | None = None
    place: Place = Place()
    checks: tuple[CheckSpec, ...] = ()
    use_kind_checks: bool = True
    short_code: str = ""
    code_version: int = 0
    rotating: bool = False
    nfc: str | None = None
    witnesses: tuple[str, ...] = ()
