"""Renders a report as PDF on A4, for a clinic's records. Equal reports give equal bytes.

What stands where: body.py. Change `RENDERER` in printing.py with the layout.
"""

import io
import threading

from reportlab import rl_config
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from skinapi.reports.pages.characters import strip_control_characters
from skinapi.reports.pages.content import ReportContent
from skinapi.reports.pdf.body import lay_out
from skinapi.reports.pdf.charts import RULE
from skinapi.reports.pdf.flow import Page, text_block
from skinapi.reports.pdf.styles import MARGIN, PAGE_HEIGHT, RIGHT, WIDTH, Styles
from skinapi.reports.pdf.text_layout import one_line
from skinapi.reports.report import Report

PRODUCER = "SkinAPI"
MOST_PAGES = 2
# A report of more than two pages is set smaller, down to a size that tired eyes can still read.
SCALES = (1.0, 0.92, 0.84, 0.8)
HEADER, FOOTER = PAGE_HEIGHT - 42, 44.0
NORMAL = Styles.at(1.0)

# By default ReportLab encodes streams as ASCII text; binary ones are a fifth smaller. The setting
# is global, but nothing else in this program writes PDF files.
rl_config.useA85 = 0
# The fonts are shared. While ReportLab cuts out the letters that a report needs, it moves a
# position in the font's file: two threads at once would read each other's letters, or fail.
_CUTTING_FONTS = threading.Lock()


def render_pdf(report: Report) -> bytes:
    content = ReportContent(report)
    pages = _fit(content)
    out = io.BytesIO()
    # `invariant` leaves out the time of creation and the random id that would change the bytes.
    canvas = Canvas(out, pagesize=A4, invariant=1, lang=report.language)
    _describe(canvas, content)
    for number, page in enumerate(pages, 1):
        for paint in page:
            paint(canvas)
        _frame(canvas, content, content.labels.page.format(number, len(pages)))
        canvas.showPage()
    with _CUTTING_FONTS:
        canvas.save()
    return out.getvalue()


def _fit(content: ReportContent) -> list[Page]:
    for scale in SCALES:
        pages = lay_out(content, Styles.at(scale))
        if len(pages) <= MOST_PAGES:
            break
    return pages


def _describe(canvas: Canvas, content: ReportContent) -> None:
    """Set the file's metadata. It does not contain the patient's name."""
    canvas.setTitle(content.reference)
    canvas.setAuthor(strip_control_characters(content.report.clinic or PRODUCER))
    canvas.setSubject(content.reading.notice)
    canvas.setCreator(PRODUCER)
    canvas.setProducer(PRODUCER)
    canvas.setViewerPreference("DisplayDocTitle", "true")


def _frame(canvas: Canvas, content: ReportContent, page: str) -> None:
    """Draw the header and footer of a page: clinic, reference, general notice; page number."""
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.6)
    for line in (HEADER, FOOTER):
        canvas.line(MARGIN, line, RIGHT, line)
    strong, label = NORMAL.strong, NORMAL.label
    canvas.setFont(strong.font, strong.size)
    canvas.setFillColor(strong.colour)
    clinic = content.report.clinic or PRODUCER
    room = WIDTH * 0.6
    shown = one_line(clinic, font=strong.font, size=strong.size, width=room)
    canvas.drawString(MARGIN, HEADER + 6, shown)
    text_block(content.reading.notice, strong, width=WIDTH).paint(canvas, MARGIN, HEADER - 4)
    canvas.setFont(label.font, label.size)
    canvas.setFillColor(label.colour)
    canvas.drawRightString(RIGHT, HEADER + 6, content.reference)
    canvas.drawRightString(RIGHT, FOOTER - 13, page)
