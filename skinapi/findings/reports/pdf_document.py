"""Equal reports give equal bytes. Change `RENDERER` in verification.py with the layout."""

import io
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from reportlab.graphics.barcode.qr import QrCode
from reportlab.lib.colors import Color
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CallerMacro,
    CondPageBreak,
    Flowable,
    Frame,
    Image,
    KeepTogether,
    PageTemplate,
    Spacer,
    Table,
)

from skinapi.base.languages import NO_BREAK_SPACE
from skinapi.findings.reports.content import ReportContent
from skinapi.findings.reports.pdf_elements import (
    BAND_COLOURS,
    GUTTER,
    HALF,
    MARGIN,
    NORMAL,
    PAGE_HEIGHT,
    RULE,
    UNJUDGED,
    WIDTH,
    Styles,
    cited,
    draw_bars,
    one_line,
    paragraph,
    printable,
    table,
)
from skinapi.findings.reports.report import Pictures, Report
from skinapi.findings.reports.words import UNPRINTABLE, LetterContent, Row, strip_control_characters

CODE_SIDE, VISIT_LABELS = 70.0, 100.0
_BOXES = (f"☐{NO_BREAK_SPACE}", f"☑{NO_BREAK_SPACE}")


@dataclass(frozen=True, slots=True)
class _Body:
    content: ReportContent
    styles: Styles

    def all(self) -> Iterator[Flowable]:
        yield paragraph(self.content.labels.title, self.styles.title)
        yield Spacer(0, 3)
        yield from self.first()
        yield from self.replaced()
        yield from self.head()
        parts = [self.finding, self.checklist, self.lists, self.pictures, self.review, self.letters]
        if self.content.for_doctor:
            parts.append(self.words)
        else:
            parts = [self.visit, self.words, *parts[3:], *parts[:3]]
        for part in [*parts, self.verification]:
            yield from part()
        yield from self.sources()

    def first(self) -> Iterator[Flowable]:
        first, styles = self.content.first, self.styles
        colours = BAND_COLOURS[first.urgency] if first.urgency else UNJUDGED
        yield _box(
            colours,
            paragraph(first.head, styles.band, textColor=colours[0]),
            *([paragraph(first.label, styles.strong)] if first.label else []),
            *(paragraph(sentence, styles.action) for sentence in first.sentences),
            *([paragraph(first.signed, styles.small)] if first.signed else []),
        )

    def replaced(self) -> Iterator[Flowable]:
        for said in self.content.replaced:
            yield Spacer(0, 5)
            for text in filter(None, said):
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
        content = self.content
        texts = [text for _, text in (*content.identity, *content.review)]
        for letter in content.printed_letters:
            texts += [letter.struck, *letter.decision, letter.signed, *letter.lines]
        texts += [text for row in content.replaced for text in row]
        texts += [content.report.clinic or "", content.first.signed]
        return any(UNPRINTABLE in printable(text) for text in texts)

    def finding(self) -> Iterator[Flowable]:
        content, styles = self.content, self.styles
        label, name = content.answer
        written = styles.answer if content.report.own else styles.text
        answer: list[Flowable] = [paragraph(label, styles.label), paragraph(name, written)]
        answer.append(Spacer(0, 4))
        if content.effect:
            answer += [paragraph(content.effect, styles.text), Spacer(0, 4)]
        if content.for_doctor:
            yield Spacer(0, styles.gap)
        else:
            answer.insert(0, self._heading(content.labels.for_doctor))
        if not content.bars:
            figures = self._rows(content.figures, WIDTH, 110, values=styles.strong)
            yield KeepTogether([*answer, figures])
            return
        wide = WIDTH * 0.6
        narrow = WIDTH - wide - 2 * GUTTER
        title = paragraph(self.content.labels.probabilities, styles.small_heading)
        chart = draw_bars(content.bars, counted=self.content.labels.counted, width=wide)
        figures = self._rows(content.figures, narrow, narrow * 0.5, values=styles.strong)
        beside = [Spacer(0, styles.small_heading.leading), figures]
        columns = table([[[title, chart], beside]], wide + 2 * GUTTER, narrow)
        yield KeepTogether([*answer, columns])
        for said in filter(None, (content.mix, *content.reading.tested)):
            yield paragraph(said, styles.small)
        yield from self._parts()

    def pictures(self) -> Iterator[Flowable]:
        content, labels, pictures = self.content, self.content.labels, self.content.report.pictures
        if pictures is None:
            yield from self._section(labels.pictures)
            yield paragraph(content.no_pictures, self.styles.text)
            return
        both = self._both(pictures, content.photo_text, labels.overlay_scale)
        yield KeepTogether([self._heading(labels.pictures), both])
        for place, other in self.content.report.other_pictures:
            yield Spacer(0, self.styles.gap)
            yield self._both(other, labels.picture.format(place))

    def _both(self, pictures: Pictures, photo: str, overlay: str = "") -> Table:
        small = self.styles.small
        left = [self._picture(pictures.photo), paragraph(photo, small)]
        right = [self._picture(pictures.overlay), paragraph(overlay, small)]
        return table([[left, right]], HALF + GUTTER, HALF)

    def _picture(self, jpeg: bytes) -> Image:
        width, height = ImageReader(io.BytesIO(jpeg)).getSize()
        scale = min(HALF / width, self.styles.tallest_picture / height)
        image = Image(io.BytesIO(jpeg), width * scale, height * scale, hAlign="LEFT")
        image.spaceAfter = 3
        return image

    def _parts(self) -> Iterator[Flowable]:
        if self.content.parts:
            yield Spacer(0, self.styles.gap)
            yield paragraph(self.content.labels.parts, self.styles.strong)
            for label, text in self.content.parts:
                yield from self._row(label, text)

    def review(self) -> Iterator[Flowable]:
        content = self.content
        if content.report.seal and (content.review or content.no_review):
            yield from self._section(content.labels.review)
            if content.no_review:
                yield paragraph(content.no_review, self.styles.text)
            for row in content.review:
                yield from self._row(*row)

    def letters(self) -> Iterator[Flowable]:
        for letter in self.content.printed_letters:
            if letter.struck:  # a reader of its second page would miss the mark
                yield KeepTogether([*self._letter(letter)])
            else:
                yield from self._letter(letter)

    def _letter(self, letter: LetterContent) -> Iterator[Flowable]:
        styles, struck = self.styles, bool(letter.struck)
        yield from self._section(letter.head, lines=6)
        marks = filter(None, (letter.struck, letter.above))
        yield from self._lines(marks, styles.strong)
        yield from self._lines(letter.decision[:1], styles.strong, struck=struck)
        yield from self._lines(letter.decision[1:], styles.text, struck=struck)
        yield paragraph(letter.signed, styles.small)
        yield Spacer(0, 3)
        yield from self._lines(letter.lines, styles.text, struck=struck)

    def _lines(
        self, lines: Iterable[str], style: ParagraphStyle, *, struck: bool = False
    ) -> Iterator[Flowable]:
        for line in lines:
            yield paragraph(line, self.styles.small if struck else style, struck=struck)
            yield Spacer(0, 3)

    def visit(self) -> Iterator[Flowable]:
        content, styles = self.content, self.styles
        if content.visit:
            yield from self._section(content.labels.visit)
            cells = [
                [paragraph(label, styles.label), cited(sentences, styles.text)]
                for label, sentences in content.visit
            ]
            yield table(cells, VISIT_LABELS, WIDTH - VISIT_LABELS)

    def words(self) -> Iterator[Flowable]:
        content, styles = self.content, self.styles
        if content.explanation:
            yield from self._section(content.labels.explanation, lines=4)
            for sentences in content.explanation:
                yield cited(sentences, styles.text)
                yield Spacer(0, 3)
            if content.writer:
                yield paragraph(content.writer, styles.small)
        yield from self._list(content.labels.next_steps, content.next_steps)
        if content.how_sure:
            yield from self._section(content.labels.how_sure)
            yield paragraph(" ".join(content.how_sure), styles.text)

    def lists(self) -> Iterator[Flowable]:
        for heading, items in self.content.lists:
            yield from self._list(heading, items)

    def _list(self, heading: str, items: Iterable[str]) -> Iterator[Flowable]:
        if items:
            yield from self._small_heading(heading)
            for item in items:
                yield paragraph(item, self.styles.item, bullet="•")

    def checklist(self) -> Iterator[Flowable]:
        content, styles = self.content, self.styles
        said = (f"{_BOXES[tick.ticked]} {tick.text} ({tick.points})" for tick in content.ticks)
        if marks := [paragraph(text, styles.text) for text in said]:
            middle = (len(marks) + 1) // 2
            columns = table([[marks[:middle], marks[middle:]]], HALF + GUTTER, HALF)
            score = paragraph(content.checklist_score, styles.strong)
            yield KeepTogether(
                [self._heading(content.report.say(content.checklist.name)), score, columns]
            )

    def verification(self) -> Iterator[Flowable]:
        seal, labels = self.content.report.seal, self.content.labels
        said = paragraph(labels.how_to_verify if seal else labels.not_filed, self.styles.text)
        rows = [(labels.address, seal.url)] if seal else []
        heading = self._heading(labels.verification)
        yield KeepTogether([heading, said, self._rows(rows, WIDTH, 50)])

    def sources(self) -> Iterator[Flowable]:
        if self.content.notes:
            yield from self._section(self.content.labels.sources)
            for number, text in self.content.notes:
                yield paragraph(f"{number}  {text}", self.styles.small)

    def _section(self, heading: str, *, lines: int = 2) -> Iterator[Flowable]:
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

    def _row(self, label: str, value: str) -> Iterator[Flowable]:
        # One paragraph for each line, because ReportLab leaves an empty line if a page ends at a
        # line break.
        for index, line in enumerate(value.split("\n")):
            bullet = label if index == 0 else None
            yield paragraph(line or NO_BREAK_SPACE, self.styles.row, bullet=bullet)

    def _rows(
        self,
        rows: Iterable[Row],
        width: float,
        label_width: float,
        *,
        values: ParagraphStyle | None = None,
    ) -> Flowable:
        labels, texts = self.styles.label, values or self.styles.text
        cells = [[paragraph(label, labels), paragraph(value, texts)] for label, value in rows]
        between = ("RIGHTPADDING", (0, 0), (0, -1), 6)
        if not cells:
            return Spacer(0, 0)
        return table(cells, label_width, width - label_width, look=[between])


def _box(colours: tuple[Color, Color], *said: Flowable) -> Table:
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


PRODUCER = "SkinAPI"
MOST_PAGES = 2
# A report of more than two pages is set smaller, down to a size that people with poor eyesight can
# read.
SCALES = (1.0, 0.92, 0.84, 0.8)
HEADER, FOOTER = PAGE_HEIGHT - 42, 44.0
# Leaves room for the notice at the top and the page number at the bottom.
TOP, BOTTOM = PAGE_HEIGHT - 64, 54.0
RIGHT = MARGIN + WIDTH
# ReportLab moves a position in the shared font file while it embeds a subset, so two threads would
# corrupt each other's fonts.
CUTTING_FONTS = threading.Lock()


def render_pdf(report: Report) -> bytes:
    content = ReportContent(report)
    for scale in SCALES:
        printed, pages = _print_at(scale, content)
        if pages <= MOST_PAGES:
            break
    return printed


def _print_at(scale: float, content: ReportContent) -> tuple[bytes, int]:
    out = io.BytesIO()
    document = BaseDocTemplate(
        out,
        pagesize=A4,
        invariant=1,  # no time of creation and no random id, which would change the bytes
        lang=content.report.language,
        # The metadata does not contain the patient's name.
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
        document.build([*_Body(content, Styles(scale)).all(), numbers])
    return out.getvalue(), document.page


def _draw_frame(content: ReportContent, canvas: Canvas, _: BaseDocTemplate) -> None:
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
    """Call it at the end, when the number of pages is known."""
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
