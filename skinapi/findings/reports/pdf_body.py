"""Lays out the body of a printed report, in the order in which a doctor reads it.

Header, footer and scale: document.py. Change `RENDERER` in rendering.py with the layout.
"""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reportlab.graphics.barcode.qr import QrCode
from reportlab.lib.colors import Color
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.utils import ImageReader
from reportlab.platypus import CondPageBreak, Flowable, Image, KeepTogether, Spacer, Table

from skinapi.base.languages import NO_BREAK_SPACE
from skinapi.findings.reports.content import ReportContent
from skinapi.findings.reports.page_texts import UNPRINTABLE, LetterContent, Row
from skinapi.findings.reports.pdf_elements import (
    BAND_COLOURS,
    GUTTER,
    HALF,
    PALE,
    RULE,
    UNJUDGED,
    WIDTH,
    Styles,
    draw_bars,
    draw_scale,
    paragraph,
    printable,
    table,
)
from skinapi.findings.reports.report import Pictures

CODE_SIDE = 70.0
_BOXES = (f"☐{NO_BREAK_SPACE}", f"☑{NO_BREAK_SPACE}")


def lay_out(content: ReportContent, styles: Styles) -> Iterator[Flowable]:
    """All that stands between header and footer, from top to bottom."""
    body = _Body(content, styles)
    yield paragraph(content.labels.title, styles.title)
    yield Spacer(0, 3)
    yield from body.first()
    yield from body.replaced()
    yield from body.head()
    yield from body.finding()
    yield from body.pictures()
    yield from body.review()
    yield from body.letters()
    yield from body.words()
    yield from body.checklist()
    yield from body.quality()
    yield from body.verification()


@dataclass(frozen=True, slots=True)
class _Body:
    content: ReportContent
    styles: Styles

    def first(self) -> Iterator[Flowable]:
        """What counts, once: what was said about another finding of the spot, where that does;
        what doctors have decided; else three sentences on what the model says.
        """
        content, styles = self.content, self.styles
        if advice := content.spot_advice:
            colours = BAND_COLOURS[advice.urgency]
            label = [paragraph(advice.label, styles.strong)] if advice.head else []
            yield _box(
                colours,
                paragraph(advice.head or advice.label, styles.band, textColor=colours[0]),
                *label,
                paragraph(advice.sentence, styles.action),
                paragraph(advice.said, styles.small),
            )
            return
        if decision := content.decision:
            colours = BAND_COLOURS[decision.urgency] if decision.urgency else UNJUDGED
            label = [paragraph(decision.urgency_label, styles.strong)]
            yield _box(
                colours,
                paragraph(decision.head, styles.band, textColor=colours[0]),
                *(label if decision.urgency_label else []),
                paragraph(" ".join(decision.sentences), styles.action),
                paragraph(decision.signed, styles.small),
            )
            return
        said, band = content.reading.summary, self.content.report.facts.band
        yield _box(
            BAND_COLOURS[band],
            paragraph(said.likely, styles.action),
            paragraph(said.to_do, styles.band, textColor=BAND_COLOURS[band][0]),
            *([paragraph(content.step, styles.action)] if content.step else []),
            paragraph(said.certainty, styles.action),
        )

    def replaced(self) -> Iterator[Flowable]:
        """Small and grey, what stands behind that."""
        for heading, text in self.content.replaced:
            yield Spacer(0, 5)
            yield paragraph(heading, self.styles.small)
            yield paragraph(text, self.styles.small)

    def head(self) -> Iterator[Flowable]:
        content, seal, strong = self.content, self.content.report.seal, self.styles.strong
        room = WIDTH - (CODE_SIDE + GUTTER if seal else 0)
        left = room * 0.62
        right = room - left - GUTTER
        cells = [
            self._rows(content.identity, left, 64, values=strong),
            self._rows(content.context, right, 64),
        ]
        widths = [left + GUTTER, right]
        if seal:
            code = QrCode(seal.url, width=CODE_SIDE, height=CODE_SIDE, qrLevel="M", qrBorder=0)
            caption = paragraph(self.content.labels.scan, self.styles.small)
            cells.append([code, Spacer(0, 6), caption])
            widths = [left + GUTTER, right + GUTTER, CODE_SIDE]
        yield Spacer(0, self.styles.gap)
        yield table([cells], *widths)
        if self._misses_letters():
            yield Spacer(0, 3)
            yield paragraph(self.content.labels.not_printed, self.styles.text)

    def _misses_letters(self) -> bool:
        """Whether a name or a note has letters that the font does not have."""
        rows = [*self.content.identity, *self.content.review]
        signed = self.content.decision.signed if self.content.decision else ""
        letters = [
            line
            for letter in self.content.letters
            for line in (*letter.struck, *letter.decision, letter.signed, *letter.lines)
        ]
        texts = [self.content.report.clinic or "", signed, *letters, *(text for _, text in rows)]
        return any(UNPRINTABLE in printable(text) for text in texts)

    def finding(self) -> Iterator[Flowable]:
        content, styles = self.content, self.styles
        label, name = content.answer
        written = styles.text if content.comes_second else styles.answer
        answer = [paragraph(label, styles.label), paragraph(name, written), Spacer(0, 4)]
        yield Spacer(0, styles.gap)
        if not content.bars:
            figures = self._rows(content.figures, WIDTH, 110, values=styles.strong)
            yield KeepTogether([*answer, figures])
            return
        wide = WIDTH * 0.6
        narrow = WIDTH - wide - 2 * GUTTER
        title = paragraph(self.content.labels.probabilities, styles.small_heading)
        chart = draw_bars(content.bars, counted=self.content.labels.counted, width=wide)
        figures = self._rows(content.figures, narrow, narrow * 0.48, values=styles.strong)
        beside = [Spacer(0, styles.small_heading.leading), figures]
        columns = table([[[title, chart], beside]], wide + 2 * GUTTER, narrow)
        yield KeepTogether([*answer, columns])
        if content.mix:
            yield paragraph(content.mix, styles.small)

    def pictures(self) -> Iterator[Flowable]:
        content, labels, pictures = self.content, self.content.labels, self.content.report.pictures
        if pictures is None:
            yield from self._section(labels.pictures)
            yield paragraph(content.no_pictures, self.styles.text)
            yield from self._parts()
            return
        scale = draw_scale(title=labels.scale, less=labels.less, more=labels.more, width=HALF)
        both = self._both(pictures, content.photo_text, labels.overlay, [Spacer(0, 2), scale])
        yield KeepTogether([self._heading(labels.pictures), both])
        yield from self._parts()
        for place, other in self.content.report.other_pictures:
            yield Spacer(0, self.styles.gap)
            yield self._both(other, labels.picture.format(place))

    def _both(
        self, pictures: Pictures, photo: str, overlay: str = "", below: Iterable[Flowable] = ()
    ) -> Table:
        """The photo and its heat map beside each other, each with its caption."""
        small = self.styles.small
        left = [self._picture(pictures.photo), paragraph(photo, small)]
        right = [self._picture(pictures.overlay), paragraph(overlay, small), *below]
        return table([[left, right]], HALF + GUTTER, HALF)

    def _picture(self, jpeg: bytes) -> Image:
        """A picture as large as half the page width allows. The JPEG is embedded unchanged."""
        width, height = ImageReader(io.BytesIO(jpeg)).getSize()
        scale = min(HALF / width, self.styles.tallest_picture / height)
        image = Image(io.BytesIO(jpeg), width * scale, height * scale, hAlign="LEFT")
        image.spaceAfter = 3
        return image

    def _parts(self) -> Iterator[Flowable]:
        """What each of several pictures alone would have been answered with."""
        if self.content.parts:
            yield Spacer(0, self.styles.gap)
            yield paragraph(self.content.labels.parts, self.styles.strong)
            for row in self.content.parts:
                yield from self._row(*row)

    def review(self) -> Iterator[Flowable]:
        if self.content.reviewable and (self.content.review or not self.content.report.review):
            yield from self._section(self.content.labels.review)
            if not self.content.review:
                yield paragraph(self.content.labels.no_review, self.styles.text)
            replaced = self.content.review_replaced
            if replaced:
                yield paragraph(replaced, self.styles.strong)
            for row in self.content.review:
                yield from self._row(*row, grey=bool(replaced))

    def letters(self) -> Iterator[Flowable]:
        for letter in self.content.letters:
            if letter.struck:  # a reader of its second page would miss the mark
                yield KeepTogether([*self._letter(letter)])
            else:
                yield from self._letter(letter)

    def _letter(self, letter: LetterContent) -> Iterator[Flowable]:
        styles, struck = self.styles, bool(letter.struck)
        yield from self._section(letter.head, lines=6)
        for sentence in letter.struck:
            yield paragraph(sentence, styles.strong)
            yield Spacer(0, 3)
        yield from self._lines(letter.decision[:1], styles.strong, struck=struck)
        yield from self._lines(letter.decision[1:], styles.text, struck=struck)
        yield paragraph(letter.signed, styles.small)
        yield Spacer(0, 3)
        yield from self._lines(letter.lines, styles.text, struck=struck)

    def _lines(
        self, lines: Iterable[str], style: ParagraphStyle, *, struck: bool
    ) -> Iterator[Flowable]:
        for line in lines:
            yield paragraph(line, self.styles.small if struck else style, struck=struck)
            yield Spacer(0, 3)

    def words(self) -> Iterator[Flowable]:
        styles = self.styles
        yield from self._section(self.content.labels.explanation, lines=4)
        for heading, text in self.content.sections:
            yield from self._small_heading(heading)
            yield paragraph(text, styles.text)
        for heading, items in self.content.lists:
            yield from self._small_heading(heading)
            for item in items:
                yield paragraph(item, styles.item, bullet="•")
        yield Spacer(0, 3)
        yield paragraph(self.content.writer, styles.small)

    def checklist(self) -> Iterator[Flowable]:
        content, styles = self.content, self.styles
        marks = [
            paragraph(f"{_BOXES[tick.ticked]} {tick.text} ({tick.points})", styles.text)
            for tick in content.ticks
        ]
        if marks:
            middle = (len(marks) + 1) // 2
            columns = table([[marks[:middle], marks[middle:]]], HALF + GUTTER, HALF)
            score = paragraph(content.checklist_score, styles.strong)
            yield KeepTogether([self._heading(content.checklist_name), score, columns])

    def quality(self) -> Iterator[Flowable]:
        small, text = self.styles.small, self.styles.text
        cells = [
            [paragraph(label, small), paragraph(value, text)]
            for label, value in self.content.quality
        ]
        if cells:
            cells += [[]] * (-len(cells) % 4)
            rows = [cells[first : first + 4] for first in range(0, len(cells), 4)]
            quarters = table(rows, *[WIDTH / 4] * 4, look=[("RIGHTPADDING", (0, 0), (-1, -1), 8)])
            yield KeepTogether([self._heading(self.content.labels.quality), quarters])
            for said in self.content.reading.tested:
                yield paragraph(said, small)

    def verification(self) -> Iterator[Flowable]:
        rows, labels = self.content.verification, self.content.labels
        said = paragraph(labels.how_to_verify if rows else labels.not_filed, self.styles.text)
        heading = self._heading(labels.verification)
        yield KeepTogether([heading, said, self._rows(rows, WIDTH, 50)])

    def _section(self, heading: str, *, lines: int = 2) -> Iterator[Flowable]:
        """A heading on the page of the first lines that follow it."""
        styles = self.styles
        yield CondPageBreak(styles.gap + styles.heading.leading + lines * styles.text.leading)
        yield self._heading(heading)

    def _heading(self, text: str) -> Table:
        rule = ("LINEBELOW", (0, 0), (-1, -1), 0.6, RULE)
        heading = table([[paragraph(text, self.styles.heading)]], WIDTH, look=[rule])
        heading.spaceBefore, heading.spaceAfter = self.styles.gap, 3
        return heading

    def _small_heading(self, text: str) -> Iterator[Flowable]:
        styles = self.styles
        yield CondPageBreak(styles.small_heading.leading + 2 * styles.text.leading)
        yield Spacer(0, 3)
        yield paragraph(text, styles.small_heading)

    def _row(self, label: str, value: str, *, grey: bool = False) -> Iterator[Flowable]:
        """A row with a label. Its value may continue on the next page."""
        # One paragraph a line: ReportLab leaves a line empty where a page ends at a line break.
        look = {"textColor": PALE} if grey else {}
        for place, line in enumerate(value.split("\n")):
            bullet = label if place == 0 else None
            yield paragraph(line or NO_BREAK_SPACE, self.styles.row, bullet=bullet, **look)

    def _rows(
        self,
        rows: Iterable[Row],
        width: float,
        label_width: float,
        *,
        values: ParagraphStyle | None = None,
    ) -> Flowable:
        """Rows with a label on the left and its value on the right."""
        cells = [
            [paragraph(label, self.styles.label), paragraph(value, values or self.styles.text)]
            for label, value in rows
        ]
        between = ("RIGHTPADDING", (0, 0), (0, -1), 6)
        if not cells:
            return Spacer(0, 0)
        return table(cells, label_width, width - label_width, look=[between])


def _box(colours: tuple[Color, Color], *said: Flowable) -> Table:
    """A box in a band's colours, or in none's."""
    ink, tint = colours
    cell = (1, 0), (1, 0)
    look = [
        ("BACKGROUND", *cell, tint),
        ("BACKGROUND", (0, 0), (0, 0), ink),
        ("LEFTPADDING", *cell, 11),
        ("RIGHTPADDING", *cell, 12),
        ("TOPPADDING", *cell, 7),
        ("BOTTOMPADDING", *cell, 7),
    ]
    return table([["", [*said]]], 5, WIDTH - 5, look=look)
