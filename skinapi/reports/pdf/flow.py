"""Places blocks one below the other, on as many pages as they need.

Everything is measured first and painted when the number of pages is known. Text is never read as
markup, because markup could make the renderer load files or addresses that it names.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from reportlab.graphics import renderPDF
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import Color
from reportlab.pdfgen.canvas import Canvas

from skinapi.reports.pdf.text_layout import wrap

Page = list[Callable[[Canvas], None]]


@dataclass(frozen=True, slots=True)
class Style:
    font: str
    size: float
    leading: float
    colour: Color
    struck: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Something of a known height that can be painted. The arguments of `paint` are the canvas, the
    block's left edge and its upper edge.
    """

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
    """Blocks one below the other, never separated by the end of a page."""

    def paint(canvas: Canvas, left: float, top: float) -> None:
        for block in blocks:
            block.paint(canvas, left, top)
            top -= block.height

    return Block(sum(block.height for block in blocks), paint)


def beside(*placed: tuple[float, Block]) -> Block:
    """Blocks side by side, each with its distance from the left; their upper edges are aligned."""

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
    """Rows with a label on the left and its value on the right."""
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
    """Fills page after page from top to bottom. Lengths are in points, and y grows upwards."""

    def __init__(self, *, left: float, top: float, bottom: float) -> None:
        self._left, self._first, self._bottom = left, top, bottom
        self._top = top
        self.pages: list[Page] = [[]]

    def place(self, block: Block, *, keep: float = 0) -> None:
        """Place a block. It goes to the next page if this one has no room for it and for `keep`
        points more, which reserve room for what must follow it.
        """
        full = self._top - block.height - keep < self._bottom
        if full and self._top < self._first:
            self.pages.append([])
            self._top = self._first
        paint, left, top = block.paint, self._left, self._top
        self.pages[-1].append(lambda canvas: paint(canvas, left, top))
        self._top -= block.height

    def skip(self, height: float) -> None:
        """Leave a gap, but not at the top of a page."""
        if self._top < self._first:
            self._top -= height

    def write(self, text: str, style: Style, *, width: float, indent: float = 0) -> None:
        """Write text line by line, so that it may continue on the next page. Its first or last line
        never stands alone on a page.
        """
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
    # 0.7 of the font size is about the height of a capital: this centres the text in its line.
    baseline = top - (style.leading + 0.7 * style.size) / 2
    for line in lines:
        canvas.drawString(left, baseline, line)
        if style.struck:
            middle = baseline + style.size / 4
            canvas.setStrokeColor(style.colour)
            canvas.setLineWidth(0.6)
            width = canvas.stringWidth(line, style.font, style.size)
            canvas.line(left, middle, left + width, middle)
        baseline -= style.leading
