"""One page of PDF: the facts, the photo and its heat map, the sections, the notice."""

import io
from collections.abc import Sequence

from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader, simpleSplit
from reportlab.pdfgen.canvas import Canvas

from skinapi.reports.narrative import Sections

TITLE = "Skin lesion report"
MARGIN, SIZE, LEADING = 50, 9.5, 12
PICTURE = 190
WIDTH, HEIGHT = A4


def write_page(
    *,
    facts: Sequence[tuple[str, str]],
    sections: Sections,
    notice: str,
    pictures: Sequence[bytes],
) -> bytes:
    """Drawn by hand: nothing in it is ever read as markup, which might fetch what it names."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1, lang="en")
    canvas.setTitle(TITLE)
    canvas.setFont("Helvetica-Bold", 18)
    canvas.drawString(MARGIN, HEIGHT - 60, TITLE)
    top = _write(canvas, HEIGHT - 80, notice, "Helvetica-Bold") - 6
    for name, value in facts:
        top = _write(canvas, top, f"{name}: {value}", "Helvetica")
    for place, picture in enumerate(pictures):
        left = MARGIN + place * (PICTURE + 20)
        canvas.drawImage(
            ImageReader(io.BytesIO(picture)),
            left,
            top - PICTURE - 6,
            PICTURE,
            PICTURE,
            preserveAspectRatio=True,
        )
    top -= PICTURE + 24
    for name, text in sections.model_dump().items():
        top = _write(canvas, top, name.replace("_", " ").capitalize(), "Helvetica-Bold")
        top = _write(canvas, top, text, "Helvetica") - 6
    canvas.save()
    return out.getvalue()


def _write(canvas: Canvas, top: float, text: str, font: str) -> float:
    """Where the next line goes."""
    canvas.setFont(font, SIZE)
    for line in simpleSplit(text, font, SIZE, WIDTH - 2 * MARGIN):
        canvas.drawString(MARGIN, top, line)
        top -= LEADING
    return top
