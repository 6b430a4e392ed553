"""Label sheets: 3 x 8 stickers of 70 x 37.125 mm on A4, as the page for printing draws them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from api import qr
from api.paper.sheet import GREY, HEIGHT, LINE, WIDTH, Sheet, Type
from api.schemas.checkpoints import LabelShape
from api.schemas.common import Words
from api.words_paper import LABELS

ACROSS, DOWN = 3, 8
_W: Final = WIDTH / ACROSS
_H: Final = HEIGHT / DOWN
CODE_MM: Final = 33.5
CODE_X, CODE_Y = 1.5, (_H - CODE_MM) / 2
_TEXT_X: Final = CODE_X + CODE_MM
_TEXT_W: Final = _W - _TEXT_X - 2.5
_TICK: Final = 2.5
_NAME = Type(3.5, bold=True)
_NAME_EN = Type(2.5)
_PLACE = Type(2.6)
_SMALL = Type(2.1, colour=GREY)
_CODE = Type(3.1, bold=True)


def label_sheets(site: Words, labels: Sequence[LabelShape]) -> bytes:
    """The labels as PDF, 24 on a page. Both languages on every sticker: who looks for a place may read either."""
    sheet = Sheet(f"{site.zh} {LABELS['title'].zh}", "zh")
    per_page = ACROSS * DOWN
    for number, label in enumerate(labels):
        if number % per_page == 0:
            sheet.add_page()
            _cut_marks(sheet)
        row, column = divmod(number % per_page, ACROSS)
        _label(sheet, column * _W, row * _H, site, label)
    if not labels:
        sheet.add_page()
    return sheet.bytes()


def _label(sheet: Sheet, x: float, y: float, site: Words, label: LabelShape) -> None:
    sheet.code(x + CODE_X, y + CODE_Y, CODE_MM, qr.modules(label.url), qr.QUIET_ZONE)
    place = [label.space_title] if label.floor is None else [label.space_title, label.floor]
    told: list[tuple[str, Type, int]] = [
        (label.title.zh, _NAME, 2),
        (label.title.en, _NAME_EN, 2),
        (" · ".join(words.zh for words in place), _PLACE, 1),
        (" · ".join(words.en for words in place), _SMALL, 1),
        (f"{LABELS['code'].zh} {label.short_code}", _CODE, 1),
        (f"{site.zh} {site.en}", _SMALL, 1),
        (LABELS["use"].zh, _SMALL, 1),
        (LABELS["use"].en, _SMALL, 1),
    ]
    blocks = [(sheet.wrap(text, _TEXT_W, type_, most), type_) for text, type_, most in told]
    height = sum(len(lines) * type_.leading for lines, type_ in blocks) + 1.2
    down = y + (_H - height) / 2
    for at, (lines, type_) in enumerate(blocks):
        if at in (2, 4):  # name, place and code stand apart
            down += 0.6
        down += sheet.lines(x + _TEXT_X, down, lines, type_)


def _cut_marks(sheet: Sheet) -> None:
    """A small cross where four labels meet: enough for a ruler, nothing to print over a sticker's face."""
    for column in range(ACROSS + 1):
        for row in range(DOWN + 1):
            x, y = column * _W, row * _H
            sheet.rule(x - _TICK, y, x + _TICK, y, LINE, 0.1)
            sheet.rule(x, y - _TICK, x, y + _TICK, LINE, 0.1)
