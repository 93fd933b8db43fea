"""A report on A4, for a clinic's file. The same report is the same bytes."""

import io

from reportlab import rl_config
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from skinapi.reports.pages.body import lay_out
from skinapi.reports.pages.charts import RULE
from skinapi.reports.pages.content import ReportContent
from skinapi.reports.pages.flow import Page, text_block
from skinapi.reports.pages.styles import MARGIN, PAGE_HEIGHT, RIGHT, WIDTH, Styles
from skinapi.reports.pages.text_layout import one_line, strip_control_characters
from skinapi.reports.report import Report

# Part of what a report's hash seals: another look is another report.
RENDERER = "pages-2"
PRODUCER = "SkinAPI"
MOST_PAGES = 2
# What takes more than two pages is set smaller, down to what a tired eye still reads.
SCALES = (1.0, 0.92, 0.84, 0.8)
HEADER, FOOTER = PAGE_HEIGHT - 42, 44.0
NORMAL = Styles.at(1.0)

# A PDF need not be text: binary streams are smaller by a fifth, and nothing else here prints.
rl_config.useA85 = 0


def render_pdf(report: Report) -> bytes:
    sheet = ReportContent(report)
    pages = _fit(sheet)
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1, lang=report.language)
    _describe(canvas, sheet)
    for number, page in enumerate(pages, 1):
        for paint in page:
            paint(canvas)
        _frame(canvas, sheet, sheet.labels.page.format(number, len(pages)))
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _fit(sheet: ReportContent) -> list[Page]:
    for scale in SCALES:
        pages = lay_out(sheet, Styles.at(scale))
        if len(pages) <= MOST_PAGES:
            break
    return pages


def _describe(canvas: Canvas, sheet: ReportContent) -> None:
    """What the file says of itself; it names no patient."""
    canvas.setTitle(sheet.reference)
    canvas.setAuthor(strip_control_characters(sheet.report.clinic or PRODUCER))
    canvas.setSubject(sheet.notice)
    canvas.setCreator(PRODUCER)
    canvas.setProducer(PRODUCER)
    canvas.setViewerPreference("DisplayDocTitle", "true")


def _frame(canvas: Canvas, sheet: ReportContent, page: str) -> None:
    """On every page: whose it is, what it is not, and how many there are."""
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.6)
    for line in (HEADER, FOOTER):
        canvas.line(MARGIN, line, RIGHT, line)
    strong, label = NORMAL.strong, NORMAL.label
    canvas.setFont(strong.font, strong.size)
    canvas.setFillColor(strong.colour)
    clinic = sheet.report.clinic or PRODUCER
    room = WIDTH * 0.6
    shown = one_line(clinic, font=strong.font, size=strong.size, width=room)
    canvas.drawString(MARGIN, HEADER + 6, shown)
    text_block(sheet.notice, strong, width=WIDTH * 0.8).paint(canvas, MARGIN, FOOTER - 4)
    canvas.setFont(label.font, label.size)
    canvas.setFillColor(label.colour)
    canvas.drawRightString(RIGHT, HEADER + 6, sheet.reference)
    canvas.drawRightString(RIGHT, FOOTER - 13, page)
