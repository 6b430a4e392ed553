"""Marked places, what is asked there, and their labels, as JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from api.schemas.common import Body, Shape, Words

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", description="letters, digits, - and _")]
CheckKind = Literal["yes_no", "choice", "number", "photo", "text"]


class WordsBody(Body):
    """One sentence in both languages."""

    zh: str = Field(min_length=1, max_length=200)
    en: str = Field(min_length=1, max_length=200)


class CheckShape(Shape):
    """One question. `required`: without an answer the visit is only partly done."""

    id: str
    ask: Words
    type: CheckKind
    expect: bool
    choices: list[Words]
    limits: tuple[float, float] | None
    unit: str
    required: bool
    point: str | None
    fault: str | None
    graded: bool


class CheckBody(Body):
    """A question of a checkpoint's own."""

    id: Id
    ask: WordsBody
    type: CheckKind = "yes_no"
    expect: bool = True
    choices: list[WordsBody] = Field(default_factory=list, max_length=12)
    limits: list[FiniteFloat] | None = Field(default=None, min_length=2, max_length=2)
    unit: str = Field(default="", max_length=16)
    point: Id | None = None
    fault: Id | None = None
    graded: bool = False


class PlaceShape(Shape):
    """Metres on the site's plan, floor, WGS 84."""

    x_m: float
    y_m: float
    level: int
    lat: float | None
    lon: float | None


class PlaceBody(Body):
    """Where it is."""

    x_m: FiniteFloat = 0.0
    y_m: FiniteFloat = 0.0
    level: int = Field(default=0, ge=-20, le=300)
    lat: FiniteFloat | None = Field(default=None, ge=-90, le=90)
    lon: FiniteFloat | None = Field(default=None, ge=-180, le=180)


class CheckpointShape(Shape):
    """A marked place. `short_code` only for those who may plan."""

    id: str
    title: Words
    space: str
    space_title: Words
    floor: str | None
    asset: str | None
    place: PlaceShape
    checks: list[CheckShape]
    use_kind_checks: bool
    short_code: str | None
    code_version: int
    rotating: bool
    nfc: str | None
    witnesses: list[str]


class CheckpointBody(Body):
    """A marked place to make; the same again changes nothing."""

    id: Id
    title: WordsBody
    space: Id
    asset: Id | None = None
    place: PlaceBody = PlaceBody()
    checks: list[CheckBody] = Field(default_factory=list, max_length=60)
    use_kind_checks: bool = True
    rotating: bool = False
    nfc: str | None = Field(default=None, pattern=r"^[0-9a-f]{8,40}$")
    witnesses: list[str] = Field(default_factory=list, max_length=20)


class CheckpointChange(Body):
    """What to change; what is left out stays."""

    title: WordsBody | None = None
    space: Id | None = None
    asset: Id | None = None
    place: PlaceBody | None = None
    checks: list[CheckBody] | None = Field(default=None, max_length=60)
    use_kind_checks: bool | None = None
    rotating: bool | None = None
    nfc: str | None = Field(default=None, pattern=r"^[0-9a-f]{8,40}$")
    witnesses: list[str] | None = Field(default=None, max_length=20)


class CheckpointList(Shape):
    """In the order of the site."""

    items: list[CheckpointShape]


class LabelShape(Shape):
    """A sticker to print. `svg`: the QR code of `url`, one SVG element; `floor`: None when the space says it already."""

    checkpoint: str
    title: Words
    space_title: Words
    floor: Words | None
    short_code: str
    code_version: int
    url: str
    svg: str


class LabelList(Shape):
    """In the order asked for. `reachable`: false when their addresses lead only this machine to itself."""

    items: list[LabelShape]
    reachable: bool
