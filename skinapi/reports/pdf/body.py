"""Lays out the body of a printed report, in the order in which a doctor reads it.

Header, footer and scale: rendering.py. Change `RENDERER` in printing.py with the layout.
"""

import io
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from skinapi.reports.pages.characters import UNPRINTABLE
from skinapi.reports.pages.content import ReportContent, Row
from skinapi.reports.pdf.charts import INK, RULE, draw_bars, draw_scale
from skinapi.reports.pdf.flow import (
    Block,
    Flow,
    Page,
    Style,
    beside,
    drawing_block,
    rows_block,
    space,
    stack,
    text_block,
)
from skinapi.reports.pdf.styles import (
    BAND_COLOURS,
    BOTTOM,
    CODE_SIDE,
    GUTTER,
    HALF,
    MARGIN,
    TOP,
    WIDTH,
    Styles,
)
from skinapi.reports.pdf.text_layout import printable
from skinapi.vision.conditions import Band

REVIEW_LABELS = 80.0


def lay_out(content: ReportContent, styles: Styles) -> list[Page]:
    """Lay out the report on as many pages as it needs."""
    return _Body(content, styles).pages()


class _Body:
    def __init__(self, content: ReportContent, styles: Styles) -> None:
        self._content = content
        self._labels = content.labels
        self._report = content.report
        self._styles = styles
        self._flow = Flow(left=MARGIN, top=TOP, bottom=BOTTOM)

    def pages(self) -> list[Page]:
        self._title()
        self._spot_advice()
        self._decision()
        self._band()
        self._head()
        self._finding()
        self._pictures()
        self._review()
        self._letters()
        self._words()
        self._checklist()
        self._quality()
        self._verification()
        return self._flow.pages

    def _title(self) -> None:
        title = text_block(self._labels.title, self._styles.title, width=WIDTH)
        self._flow.place(stack(title, space(3)))

    def _head(self) -> None:
        content, seal = self._content, self._report.seal
        room = WIDTH - (CODE_SIDE + GUTTER if seal else 0)
        left = room * 0.62
        identity = self._rows(
            content.identity, width=left, label_width=64, values=self._styles.strong
        )
        context = self._rows(content.context, width=room - left - GUTTER, label_width=64)
        about = beside((0, identity), (left + GUTTER, context))
        if seal:
            caption = text_block(self._labels.scan, self._styles.small, width=CODE_SIDE)
            code = stack(_code_block(seal.url), space(6), caption)
            about = beside((0, about), (WIDTH - CODE_SIDE, code))
        self._flow.skip(self._styles.gap)
        self._flow.place(about)
        if self._misses_letters():
            self._flow.skip(3)
            self._flow.write(self._labels.not_printed, self._styles.text, width=WIDTH)

    def _misses_letters(self) -> bool:
        """Whether a name or a note has letters that the font does not have."""
        rows = [*self._content.identity, *self._content.review]
        signed = self._content.decision.signed if self._content.decision else ""
        letters = [
            line
            for letter in self._content.letters
            for line in (*letter.struck, *letter.lines, letter.signed)
        ]
        texts = [self._report.clinic or "", signed, *letters, *(text for _, text in rows)]
        return any(UNPRINTABLE in printable(text) for text in texts)

    def _spot_advice(self) -> None:
        advice = self._report.spot_advice
        if advice:
            said = text_block(self._content.spot_advice, self._styles.strong, width=WIDTH - 28)
            self._box(advice.band, [said])
            self._flow.skip(5)

    def _decision(self) -> None:
        """Where doctors have decided, this is the first thing to read."""
        decision, styles, inner = self._content.decision, self._styles, WIDTH - 28
        if decision is None:
            return
        ink, _ = BAND_COLOURS[decision.urgency]
        said = [
            text_block(decision.head, replace(styles.band, colour=ink), width=inner),
            text_block(decision.urgency_label, styles.strong, width=inner),
            text_block(" ".join(decision.sentences), styles.action, width=inner),
            text_block(decision.signed, styles.small, width=inner),
        ]
        self._box(decision.urgency, said)
        self._flow.skip(5)

    def _band(self) -> None:
        """Three sentences on what the model says; where doctors have decided, small ones with their
        date.
        """
        said_first, styles, inner = self._content.reading.summary, self._styles, WIDTH - 28
        if self._content.decision:
            heading = text_block(self._content.model_said, styles.small_heading, width=WIDTH)
            answer = text_block(self._content.said_before, styles.small, width=WIDTH)
            self._flow.place(stack(heading, answer))
            return
        ink, _ = BAND_COLOURS[self._report.facts.band]
        said = [
            text_block(said_first.likely, styles.action, width=inner),
            text_block(said_first.to_do, replace(styles.band, colour=ink), width=inner),
            text_block(said_first.certainty, styles.action, width=inner),
        ]
        self._box(self._report.facts.band, said)

    def _box(self, band: Band, blocks: list[Block]) -> None:
        """A box in the band's colours."""
        said, (ink, tint) = stack(*blocks), BAND_COLOURS[band]
        height = said.height + 14

        def paint(canvas: Canvas, left: float, top: float) -> None:
            canvas.setFillColor(tint)
            canvas.rect(left, top - height, WIDTH, height, stroke=0, fill=1)
            canvas.setFillColor(ink)
            canvas.rect(left, top - height, 5, height, stroke=0, fill=1)
            said.paint(canvas, left + 16, top - 7)

        self._flow.place(Block(height, paint))

    def _finding(self) -> None:
        content, styles = self._content, self._styles
        label, name = content.answer
        answer = stack(
            text_block(label, styles.label, width=WIDTH),
            text_block(name, styles.answer, width=WIDTH),
            space(4),
        )
        self._flow.skip(styles.gap)
        if not content.bars:
            figures = self._rows(
                content.figures, width=WIDTH, label_width=110, values=styles.strong
            )
            self._flow.place(stack(answer, figures))
            return
        wide = WIDTH * 0.6
        narrow = WIDTH - wide - 2 * GUTTER
        title = text_block(self._labels.probabilities, styles.small_heading, width=wide)
        chart = draw_bars(content.bars, counted=self._labels.counted, width=wide)
        figures = self._rows(
            content.figures, width=narrow, label_width=narrow * 0.48, values=styles.strong
        )
        columns = beside(
            (0, stack(title, drawing_block(chart))),
            (wide + 2 * GUTTER, stack(space(title.height), figures)),
        )
        self._flow.place(stack(answer, columns))
        self._flow.write(content.mix, styles.small, width=WIDTH)

    def _pictures(self) -> None:
        labels, pictures, small = self._labels, self._report.pictures, self._styles.small
        if pictures is None:
            self._heading(labels.pictures)
            self._flow.write(self._content.no_pictures, self._styles.text, width=WIDTH)
            self._parts()
            return
        scale = draw_scale(title=labels.scale, less=labels.less, more=labels.more, width=HALF)
        left = stack(
            self._picture(pictures.photo), text_block(self._content.photo_text, small, width=HALF)
        )
        right = stack(
            self._picture(pictures.overlay),
            text_block(labels.overlay, small, width=HALF),
            space(2),
            drawing_block(scale),
        )
        both = beside((0, left), (HALF + GUTTER, right))
        self._heading(labels.pictures, keep=both.height)
        self._flow.place(both)
        self._parts()
        for place, other in self._report.other_pictures:
            name = text_block(labels.picture.format(place), small, width=HALF)
            photo = stack(self._picture(other.photo), name)
            self._flow.skip(self._styles.gap)
            self._flow.place(beside((0, photo), (HALF + GUTTER, self._picture(other.overlay))))

    def _parts(self) -> None:
        """What each of several pictures alone would have been answered with."""
        if not self._content.parts:
            return
        self._flow.skip(self._styles.gap)
        self._flow.write(self._labels.parts, self._styles.strong, width=WIDTH)
        for row in self._content.parts:
            self._row(*row)

    def _picture(self, jpeg: bytes) -> Block:
        """A picture as large as half the page width allows. The JPEG is embedded unchanged."""
        picture = ImageReader(io.BytesIO(jpeg))
        width, height = picture.getSize()
        scale = min(HALF / width, self._styles.tallest_picture / height)

        def paint(canvas: Canvas, left: float, top: float) -> None:
            canvas.drawImage(picture, left, top - height * scale, width * scale, height * scale)

        return Block(height * scale + 3, paint)

    def _review(self) -> None:
        if not self._content.reviewable:
            return
        self._heading(self._labels.review)
        if not self._content.review:
            self._flow.write(self._labels.no_review, self._styles.text, width=WIDTH)
        for row in self._content.review:
            self._row(*row)

    def _letters(self) -> None:
        for letter in self._content.letters:
            self._heading(letter.head)
            for sentence in letter.struck:
                self._flow.write(sentence, self._styles.strong, width=WIDTH)
                self._flow.skip(3)
            style = self._styles.struck if letter.struck else self._styles.text
            for line in letter.lines:
                self._flow.write(line, style, width=WIDTH)
                self._flow.skip(3)
            self._flow.write(letter.signed, self._styles.small, width=WIDTH)

    def _words(self) -> None:
        styles = self._styles
        self._heading(self._labels.explanation, keep=4 * styles.text.leading)
        for heading, text in self._content.sections:
            self._small_heading(heading)
            self._flow.write(text, styles.text, width=WIDTH)
        for heading, items in self._content.lists:
            self._small_heading(heading)
            for item in items:
                self._item(item)
        self._flow.skip(3)
        self._flow.write(self._content.writer, styles.small, width=WIDTH)

    def _checklist(self) -> None:
        content, text = self._content, self._styles.text
        if not content.ticks:
            return
        marks = [
            text_block(
                f"{'☑' if tick.ticked else '☐'}  {tick.text} ({tick.points})", text, width=HALF
            )
            for tick in content.ticks
        ]
        middle = (len(marks) + 1) // 2
        columns = beside((0, stack(*marks[:middle])), (HALF + GUTTER, stack(*marks[middle:])))
        self._heading(content.checklist_name, keep=columns.height + 2 * text.leading)
        self._flow.write(content.checklist_score, self._styles.strong, width=WIDTH)
        self._flow.place(columns)

    def _quality(self) -> None:
        if not self._content.quality:
            return
        quarter = WIDTH / 4
        cells = [
            stack(
                text_block(label, self._styles.small, width=quarter - 8),
                text_block(value, self._styles.text, width=quarter - 8),
            )
            for label, value in self._content.quality
        ]
        rows = stack(
            *(
                beside(*((place * quarter, cell) for place, cell in enumerate(cells[first:][:4])))
                for first in range(0, len(cells), 4)
            )
        )
        self._heading(self._labels.quality, keep=rows.height)
        self._flow.place(rows)

    def _verification(self) -> None:
        styles, labels = self._styles, self._labels
        rows = self._rows(self._content.verification, width=WIDTH, label_width=50)
        said = labels.how_to_verify if self._content.verification else labels.not_filed
        self._heading(labels.verification, keep=rows.height + 2 * styles.text.leading)
        self._flow.write(said, styles.text, width=WIDTH)
        self._flow.place(rows)

    def _heading(self, text: str, *, keep: float = 0) -> None:
        heading = text_block(text, self._styles.heading, width=WIDTH)

        def paint(canvas: Canvas, left: float, top: float) -> None:
            heading.paint(canvas, left, top)
            line = top - heading.height
            canvas.setStrokeColor(RULE)
            canvas.setLineWidth(0.6)
            canvas.line(left, line, left + WIDTH, line)

        self._flow.skip(self._styles.gap)
        block = Block(heading.height + 3, paint)
        self._flow.place(block, keep=keep or 2 * self._styles.text.leading)

    def _small_heading(self, text: str) -> None:
        self._flow.skip(3)
        block = text_block(text, self._styles.small_heading, width=WIDTH)
        self._flow.place(block, keep=2 * self._styles.text.leading)

    def _item(self, text: str) -> None:
        style = self._styles.text
        said = text_block(text, style, width=WIDTH - 12)
        self._flow.place(beside((0, text_block("•", style, width=12)), (12, said)))

    def _row(self, label: str, value: str) -> None:
        """A row with a label. Its value may continue on the next page."""
        leading = self._styles.text.leading
        name = text_block(label, self._styles.label, width=REVIEW_LABELS)
        # A height of 0, so that the value starts on the same line as its label.
        self._flow.place(Block(0, name.paint), keep=2 * leading)
        self._flow.write(value, self._styles.text, width=WIDTH, indent=REVIEW_LABELS)

    def _rows(
        self, rows: Iterable[Row], *, width: float, label_width: float, values: Style | None = None
    ) -> Block:
        return rows_block(
            list(rows),
            labels=self._styles.label,
            values=values or self._styles.text,
            label_width=label_width,
            width=width,
        )


def _code_block(text: str) -> Block:
    """A QR code. Level M can still be read if about a seventh of it is damaged."""
    code = QRCode(None, QRErrorCorrectLevel.M)
    code.addData(text)
    code.make()
    return Block(CODE_SIDE, partial(_paint_code, code.modules))


def _paint_code(rows: list[list[bool]], canvas: Canvas, left: float, top: float) -> None:
    side = CODE_SIDE / len(rows)
    squares = canvas.beginPath()
    for down, row in enumerate(rows, 1):
        for across, dark in enumerate(row):
            if dark:
                squares.rect(left + across * side, top - down * side, side, side)
    canvas.setFillColor(INK)
    canvas.drawPath(squares, stroke=0, fill=1)
