"""A document of many pages: headings, tables that carry their head over to the next page, blocks that stay together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from api.paper.sheet import GREY, HEIGHT, INK, LINE, WIDTH, Sheet, Type

LEFT, TOP, RIGHT, BOTTOM = 15.0, 24.0, WIDTH - 15.0, HEIGHT - 18.0
FULL: Final = RIGHT - LEFT
HEADING = Type(4.6, bold=True)
HEAD = Type(2.5, colour=GREY)
CELL = Type(2.7)
STRONG = Type(2.7, bold=True)
NOTE = Type(2.7, colour=GREY)
_PAD: Final = 1.1
_GAP: Final = 2.0
_MOST_LINES: Final = 6


@dataclass(frozen=True, slots=True)
class Column:
    """`width` in millimetres."""

    title: str
    width: float
    right: bool = False


class Flow:
    """Writes from top to bottom; `y` is where the next thing begins."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.y = TOP
        sheet.add_page()

    def room(self, height: float) -> bool:
        """Begin a new page unless this much is left; True when one was begun."""
        if self.y + height <= BOTTOM:
            return False
        self.sheet.add_page()
        self.y = TOP
        return True

    def heading(self, text: str, *, least: float = 20.0) -> None:
        """A heading with at least this much room under it."""
        self.room(least)
        self.y += 4.0 if self.y > TOP else 0.0
        self.sheet.text(LEFT, self.y, text, HEADING)
        self.y += HEADING.leading + 1.2

    def say(self, text: str, type_: Type = CELL, *, indent: float = 0.0, width: float = FULL) -> None:
        """A paragraph."""
        for line in self.sheet.wrap(text, width - indent, type_):
            self.room(type_.leading)
            self.sheet.text(LEFT + indent, self.y, line, type_)
            self.y += type_.leading

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, strong: int | None = None) -> None:
        """Rows under a head that every page repeats. `strong`: this column is set in bold."""
        self._head(columns)
        for row in rows:
            self._row(columns, row, strong)

    def rows(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """Rows without a head."""
        for row in rows:
            self._row(columns, row, None, head=False)

    def _head(self, columns: Sequence[Column]) -> None:
        self.room(HEAD.leading + 2 * _PAD + 8)
        x = LEFT
        for column in columns:
            self._cell(x, self.y + _PAD, column, [column.title], HEAD)
            x += column.width
        self.y += HEAD.leading + 2 * _PAD
        self.sheet.rule(LEFT, self.y, RIGHT, self.y, INK, 0.25)

    def _row(self, columns: Sequence[Column], row: Sequence[str], strong: int | None, *, head: bool = True) -> None:
        types = [STRONG if at == strong else CELL for at in range(len(columns))]
        cells = [
            self.sheet.wrap(text, column.width - _GAP, type_, _MOST_LINES)
            for column, text, type_ in zip(columns, row, types, strict=True)
        ]
        height = max(len(lines) for lines in cells) * CELL.leading + 2 * _PAD
        if self.room(height) and head:
            self._head(columns)
        x = LEFT
        for column, lines, type_ in zip(columns, cells, types, strict=True):
            self._cell(x, self.y + _PAD, column, lines, type_)
            x += column.width
        self.y += height
        self.sheet.rule(LEFT, self.y, RIGHT, self.y, LINE, 0.1)

    def _cell(self, x: float, y: float, column: Column, lines: Sequence[str], type_: Type) -> None:
        if not column.right:
            self.sheet.lines(x, y, lines, type_)
            return
        for row, line in enumerate(lines):
            self.sheet.text_right(x + column.width - _GAP, y + row * type_.leading, line, type_)

    def finish(self, head: str, tail: str, page: Callable[[int, int], str]) -> bytes:
        """Write head and foot of every page, now that their number is known; the document."""
        pages = self.sheet.page
        for number in range(1, pages + 1):
            self.sheet.turn_to(number)
            if number > 1:
                self.sheet.text(LEFT, 12, head, NOTE)
                self.sheet.rule(LEFT, 17, RIGHT, 17, LINE, 0.2)
            self.sheet.text(LEFT, HEIGHT - 12, tail, HEAD)
            self.sheet.text_right(RIGHT, HEIGHT - 12, page(number, pages), HEAD)
        return self.sheet.bytes()
