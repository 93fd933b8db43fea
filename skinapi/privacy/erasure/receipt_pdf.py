"""Prints a receipt on one page of A4. Equal receipts give equal bytes."""

import io
from collections.abc import Iterator

from reportlab.graphics.barcode.qr import QrCode
from reportlab.lib.pagesizes import A4
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate

from skinapi.findings.reports.pdf_document import CUTTING_FONTS, PRODUCER
from skinapi.findings.reports.pdf_elements import (
    MARGIN,
    PAGE_HEIGHT,
    RULE,
    WIDTH,
    Styles,
    paragraph,
    table,
)
from skinapi.privacy.erasure.receipt_page import ReceiptText

CODE_SIDE = 78.0
LABELS = 150.0
# A receipt that needs more than a page is set smaller.
SCALES = (1.0, 0.92, 0.84, 0.76)


def render_pdf(said: ReceiptText) -> bytes:
    for scale in SCALES:
        printed, pages = _print_at(scale, said)
        if pages == 1:
            break
    return printed


def _print_at(scale: float, said: ReceiptText) -> tuple[bytes, int]:
    out = io.BytesIO()
    document = BaseDocTemplate(
        out,
        pagesize=A4,
        invariant=1,  # no time of creation and no random id, which would change the bytes
        lang=said.language,
        title=f"{said.words.title} {said.receipt.short_code}",
        author=PRODUCER,
        creator=PRODUCER,
        producer=PRODUCER,
        displayDocTitle=True,
    )
    frame = Frame(MARGIN, MARGIN, WIDTH, PAGE_HEIGHT - 2 * MARGIN, 0, 0, 0, 0)
    document.addPageTemplates(PageTemplate(frames=[frame]))
    with CUTTING_FONTS:
        document.build([*_lay_out(said, Styles(scale))])
    return out.getvalue(), document.page


def _lay_out(said: ReceiptText, styles: Styles) -> Iterator[Flowable]:
    yield paragraph(said.words.title, styles.title)
    yield paragraph(said.headline, styles.answer)
    if said.genuine:
        yield paragraph(said.words.genuine, styles.text)
    code = QrCode(said.url, width=CODE_SIDE, height=CODE_SIDE, qrLevel="M", qrBorder=0)
    width = WIDTH - CODE_SIDE - styles.gap
    facts = table([[_rows(said.rows, styles, width), code]], width + styles.gap, CODE_SIDE)
    facts.spaceBefore = styles.gap
    yield facts
    yield _heading(said.words.labels["erased"], styles)
    yield _rows(said.erased, styles, WIDTH)
    for heading, sentences in said.sections:
        yield _heading(heading, styles)
        for sentence in sentences:
            yield paragraph(sentence, styles.item, bullet="•")
    closing = paragraph(said.words.how_to_verify, styles.small)
    closing.spaceBefore = styles.gap
    yield closing


def _rows(rows: list[tuple[str, str]], styles: Styles, width: float) -> Flowable:
    cells = [[paragraph(label, styles.label), paragraph(text, styles.text)] for label, text in rows]
    return table(cells, LABELS, width - LABELS)


def _heading(text: str, styles: Styles) -> Flowable:
    rule = ("LINEBELOW", (0, 0), (-1, -1), 0.6, RULE)
    heading = table([[paragraph(text, styles.heading)]], WIDTH, look=[rule])
    heading.spaceBefore, heading.spaceAfter = styles.gap, 3
    return heading
