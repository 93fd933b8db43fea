"""Renders a report as PDF on A4, for a clinic's records. Equal reports give equal bytes.

What stands where: body.py. Change `RENDERER` in rendering.py with the layout.
"""

import io
import threading
from functools import partial

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, CallerMacro, Frame, PageTemplate

from skinapi.findings.reports.content import ReportContent
from skinapi.findings.reports.page_texts import strip_control_characters
from skinapi.findings.reports.pdf_body import lay_out
from skinapi.findings.reports.pdf_elements import (
    MARGIN,
    NORMAL,
    PAGE_HEIGHT,
    RULE,
    WIDTH,
    Styles,
    one_line,
    paragraph,
)
from skinapi.findings.reports.report import Report

PRODUCER = "SkinAPI"
MOST_PAGES = 2
# A report of more than two pages is set smaller, down to a size that tired eyes can still read.
SCALES = (1.0, 0.92, 0.84, 0.8)
HEADER, FOOTER = PAGE_HEIGHT - 42, 44.0
# Below the notice at the top of each page, above the page number.
TOP, BOTTOM = PAGE_HEIGHT - 64, 54.0
RIGHT = MARGIN + WIDTH
# The fonts are shared. While ReportLab cuts out the letters that a report needs, it moves a
# position in the font's file: two threads at once would read each other's letters, or fail.
CUTTING_FONTS = threading.Lock()


def render_pdf(report: Report) -> bytes:
    content = ReportContent(report)
    for scale in SCALES:
        printed, pages = _print_at(scale, content)
        if pages <= MOST_PAGES:
            break
    return printed


def _print_at(scale: float, content: ReportContent) -> tuple[bytes, int]:
    """The PDF, and how many pages it has."""
    out = io.BytesIO()
    document = BaseDocTemplate(
        out,
        pagesize=A4,
        invariant=1,  # no time of creation and no random id, which would change the bytes
        lang=content.report.language,
        # None of it is the patient's name.
        title=content.reference,
        author=strip_control_characters(content.report.clinic or PRODUCER),
        subject=content.reading.notice,
        creator=PRODUCER,
        producer=PRODUCER,
        displayDocTitle=True,
    )
    frame = Frame(MARGIN, BOTTOM, WIDTH, TOP - BOTTOM, 0, 0, 0, 0)
    page = PageTemplate(frames=[frame], onPageEnd=partial(_draw_frame, content))
    document.addPageTemplates(page)
    numbers = CallerMacro(partial(_number_pages, content.labels.page))
    with CUTTING_FONTS:
        document.build([*lay_out(content, Styles(scale)), numbers])
    return out.getvalue(), document.page


def _draw_frame(content: ReportContent, canvas: Canvas, _: BaseDocTemplate) -> None:
    """Draw the header and footer of a page: clinic, reference, general notice; page number."""
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.6)
    for line in (HEADER, FOOTER):
        canvas.line(MARGIN, line, RIGHT, line)
    strong, label = NORMAL.strong, NORMAL.label
    canvas.setFont(strong.fontName, strong.fontSize)
    canvas.setFillColor(strong.textColor)
    clinic = one_line(content.report.clinic or PRODUCER, strong, width=WIDTH * 0.6)
    canvas.drawString(MARGIN, HEADER + 6, clinic)
    notice = paragraph(content.reading.notice, strong)
    _, height = notice.wrapOn(canvas, WIDTH, HEADER)
    notice.drawOn(canvas, MARGIN, HEADER - 4 - height)
    canvas.setFont(label.fontName, label.fontSize)
    canvas.setFillColor(label.textColor)
    canvas.drawRightString(RIGHT, HEADER + 6, content.reference)
    canvas.doForm(_form(canvas.getPageNumber()))


def _number_pages(words: str, last: CallerMacro) -> None:
    """Draw what the pages have in their footers. Only on the last one it is known how many they
    are.
    """
    canvas, label = last.canv, NORMAL.label
    pages = canvas.getPageNumber()
    for page in range(1, pages + 1):
        canvas.beginForm(_form(page))
        canvas.setFont(label.fontName, label.fontSize)
        canvas.setFillColor(label.textColor)
        canvas.drawRightString(RIGHT, FOOTER - 13, words.format(page, pages))
        canvas.endForm()


def _form(page: int) -> str:
    return f"page-{page}"
