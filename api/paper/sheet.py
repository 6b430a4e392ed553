"""Sheets of A4 as PDF with Chinese text: the only home of fpdf2 and of the font.

Lengths are millimetres from the top left corner, sizes of type are millimetres too (1 mm = 2.83 pt).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from fpdf import FPDF
from fpdf.enums import PathPaintRule, TextMode
from noto_cjk_sans_otc import FONT_PATH

from api.paper.text import pieces, plain

WIDTH, HEIGHT = 210.0, 297.0
Colour = tuple[int, int, int]
INK: Final[Colour] = (17, 20, 24)
GREY: Final[Colour] = (96, 104, 112)
LINE: Final[Colour] = (206, 212, 218)
_POINTS: Final = 72 / 25.4
_SIMPLIFIED: Final = 2
"""The face of the collection that draws characters as they are written in mainland China."""
_LONGEST: Final = 2000
"""Letters of one text; what is longer than a page is for the workbook."""
_ASCENT: Final = 0.88
"""From the top of a line to its baseline, in sizes of type."""


@dataclass(frozen=True, slots=True)
class Type:
    """How letters look."""

    size: float
    bold: bool = False
    colour: Colour = INK

    @property
    def leading(self) -> float:
        """From line to line."""
        return self.size * 1.32


class Sheet:
    """A document being written. Pages are added by who draws, nothing flows by itself."""

    def __init__(self, title: str, language: str) -> None:
        self._pdf = FPDF(unit="mm", format="A4")
        self._pdf.set_auto_page_break(False)
        self._pdf.set_margins(0, 0, 0)
        self._pdf.add_font("noto", fname=str(FONT_PATH), collection_font_number=_SIMPLIFIED)
        self._pdf.set_title(title)
        self._pdf.set_lang("zh-CN" if language == "zh" else "en")
        self._pdf.set_creator("Caretaker")
        self._type: Type | None = None

    @property
    def page(self) -> int:
        """The number of the page being drawn, 0 before the first."""
        return int(self._pdf.page_no())

    def add_page(self) -> None:
        """The next page."""
        self._pdf.add_page()
        self._type = None

    def turn_to(self, page: int) -> None:
        """Draw on an earlier page again: what is said of all pages is known only when the last one is drawn."""
        self._pdf.page = page
        self._type = None

    def width(self, text: str, type_: Type) -> float:
        """How wide one line is."""
        self._use(type_)
        return float(self._pdf.get_string_width(text))

    def text(self, x: float, y: float, text: str, type_: Type) -> None:
        """One line whose top is at y."""
        if text:
            self._use(type_)
            self._pdf.text(x, y + type_.size * _ASCENT, text)

    def text_right(self, x: float, y: float, text: str, type_: Type) -> None:
        """One line that ends at x."""
        self.text(x - self.width(text, type_), y, text, type_)

    def wrap(self, text: str, width: float, type_: Type, most: int = 99) -> list[str]:
        """The text in lines no wider than this; what does not fit into `most` lines ends in an ellipsis."""
        lines: list[str] = []
        for paragraph in plain(text[:_LONGEST]).split("\n"):
            if self.width(paragraph, type_) <= width:
                lines.append(paragraph)
                continue
            line = ""
            for piece in pieces(paragraph):
                if line and self.width(line + piece.rstrip(), type_) > width:
                    lines.append(line.rstrip())
                    line = ""
                for part in self._cut(piece.lstrip() if not line else piece, width, type_):
                    if line and self.width(line + part.rstrip(), type_) > width:
                        lines.append(line.rstrip())
                        line = ""
                    line += part
            lines.append(line.rstrip())
        if len(lines) > most:
            last = lines[most - 1]
            while last and self.width(f"{last}…", type_) > width:
                last = last[:-1]
            lines = [*lines[: most - 1], f"{last}…"]
        return lines

    def lines(self, x: float, y: float, lines: Sequence[str], type_: Type) -> float:
        """Lines one under the other; the height they take."""
        for row, line in enumerate(lines):
            self.text(x, y + row * type_.leading, line, type_)
        return len(lines) * type_.leading

    def rule(self, x1: float, y1: float, x2: float, y2: float, colour: Colour = LINE, width: float = 0.2) -> None:
        """A line."""
        self._pdf.set_draw_color(*colour)
        self._pdf.set_line_width(width)
        self._pdf.line(x1, y1, x2, y2)
        self._type = None

    def block(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """A filled rectangle."""
        self._pdf.set_fill_color(*colour)
        self._pdf.rect(x, y, width, height, style="F")
        self._type = None

    def code(self, x: float, y: float, side: float, modules: Sequence[bytes], quiet: int) -> None:
        """A QR code as one path of rectangles: sharp at any size, and no hair between two rows."""
        unit = side / (len(modules) + 2 * quiet)
        with self._pdf.new_path(paint_rule=PathPaintRule.FILL_NONZERO) as path:
            path.style.fill_color = "#000"
            path.style.stroke_color = None
            for row, line in enumerate(modules):
                for start, length in _runs(line):
                    path.rectangle(x + (quiet + start) * unit, y + (quiet + row) * unit, length * unit, unit)
        self._type = None

    def picture(self, x: float, y: float, width: float, height: float, jpeg: bytes) -> None:
        """A JPEG, as it is, inside this box without being pulled out of shape."""
        self._pdf.image(BytesIO(jpeg), x, y, width, height, keep_aspect_ratio=True)

    def bytes(self) -> bytes:
        """The finished document."""
        return bytes(self._pdf.output())

    def _use(self, type_: Type) -> None:
        if type_ == self._type:
            return
        pdf: Any = self._pdf
        pdf.set_font("noto", size=type_.size * _POINTS)
        pdf.set_text_color(*type_.colour)
        # the package carries one weight: bold is that weight with its outline drawn too
        pdf.text_mode = TextMode.FILL_STROKE if type_.bold else TextMode.FILL
        pdf.set_draw_color(*type_.colour)
        pdf.set_line_width(type_.size * 0.026)
        self._type = type_

    def _cut(self, piece: str, width: float, type_: Type) -> Iterator[str]:
        """A word longer than a line in parts."""
        part = ""
        for letter in piece:
            if part and self.width(part + letter, type_) > width:
                yield part
                part = ""
            part += letter
        yield part


def _runs(line: bytes) -> Iterator[tuple[int, int]]:
    """(start, length) of each run of dark modules."""
    start = None
    for at, dark in enumerate((*line, 0)):
        if dark and start is None:
            start = at
        elif not dark and start is not None:
            yield start, at - start
            start = None
