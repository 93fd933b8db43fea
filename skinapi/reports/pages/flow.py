"""Blocks one below the other over as many pages as they need. All is measured first, and painted
when the number of pages is known; nothing is ever read as markup, which might fetch what it names.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from reportlab.graphics import renderPDF
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import Color
from reportlab.pdfgen.canvas import Canvas

from skinapi.reports.pages.text_layout import wrap

Page = list[Callable[[Canvas], None]]


@dataclass(frozen=True, slots=True)
class Style:
    font: str
    size: float
    leading: float
    colour: Color


@dataclass(frozen=True, slots=True)
class Block:
    """`paint` is told the canvas, and where the block's left and upper edges are."""

    height: float
    paint: Callable[[Canvas, float, float], None]


def text_block(text: str, style: Style, *, width: float) -> Block:
    lines = wrap(text, font=style.font, size=style.size, width=width)
    return Block(style.leading * len(lines), partial(_paint_lines, lines, style))


def drawing_block(drawing: Drawing) -> Block:
    def paint(canvas: Canvas, left: float, top: float) -> None:
        renderPDF.draw(drawing, canvas, left, top - drawing.height)

    return Block(drawing.height, paint)


def space(height: float) -> Block:
    return Block(height, lambda *_: None)


def stack(*blocks: Block) -> Block:
    """One below the other, never parted."""

    def paint(canvas: Canvas, left: float, top: float) -> None:
        for block in blocks:
            block.paint(canvas, left, top)
            top -= block.height

    return Block(sum(block.height for block in blocks), paint)


def beside(*placed: tuple[float, Block]) -> Block:
    """Each this far to the right, their upper edges on one line."""

    def paint(canvas: Canvas, left: float, top: float) -> None:
        for shift, block in placed:
            block.paint(canvas, left + shift, top)

    return Block(max((block.height for _, block in placed), default=0.0), paint)


def rows_block(
    rows: Sequence[tuple[str, str]],
    *,
    labels: Style,
    values: Style,
    label_width: float,
    width: float,
) -> Block:
    """Labels on the left, what belongs to them on the right."""
    return stack(
        *(
            beside(
                (0, text_block(label, labels, width=label_width - 6)),
                (label_width, text_block(value, values, width=width - label_width)),
            )
            for label, value in rows
        )
    )


class Flow:
    def __init__(self, *, left: float, top: float, bottom: float) -> None:
        self._left, self._first, self._bottom = left, top, bottom
        self._top = top
        self.pages: list[Page] = [[]]

    def place(self, block: Block, *, keep: float = 0) -> None:
        """On the next page where this one has not the height, and `keep` for what must follow."""
        full = self._top - block.height - keep < self._bottom
        if full and self._top < self._first:
            self.pages.append([])
            self._top = self._first
        paint, left, top = block.paint, self._left, self._top
        self.pages[-1].append(lambda canvas: paint(canvas, left, top))
        self._top -= block.height

    def skip(self, height: float) -> None:
        """Nothing at the top of a page."""
        if self._top < self._first:
            self._top -= height

    def write(self, text: str, style: Style, *, width: float, indent: float = 0) -> None:
        """Line by line, so that a page may end within; neither its first nor its last alone."""
        lines = wrap(text, font=style.font, size=style.size, width=width - indent)
        for place, line in enumerate(lines):
            near_an_end = place in (0, len(lines) - 2) and len(lines) > 1
            block = Block(style.leading, partial(_paint_lines, [line], style))
            self.place(beside((indent, block)), keep=style.leading if near_an_end else 0)


def _paint_lines(
    lines: Sequence[str], style: Style, canvas: Canvas, left: float, top: float
) -> None:
    canvas.setFont(style.font, style.size)
    canvas.setFillColor(style.colour)
    base = top - (style.leading + 0.7 * style.size) / 2
    for line in lines:
        canvas.drawString(left, base, line)
        base -= style.leading
