import io
import re
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from typing import Any

from reportlab import rl_config
from reportlab.graphics.shapes import Drawing, Rect, String
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph, Table

from skinapi.base.languages import NO_BREAK_SPACE
from skinapi.findings.reports.words import UNPRINTABLE, Bar, strip_control_characters
from skinapi.model.conditions import Band

# Texts are escaped and cannot reference a file or address. If one did, nothing would be loaded from
# the network. The settings are global, but nothing else here writes PDF files.
rl_config.trustedSchemes = ["data"]
# By default, ReportLab encodes streams as ASCII. Binary streams are a fifth smaller.
rl_config.useA85 = 0

REGULAR, BOLD = "DejaVuSansCondensed", "DejaVuSansCondensed-Bold"
PAGE_WIDTH, PAGE_HEIGHT = A4
MARGIN = 18 * mm
WIDTH = PAGE_WIDTH - 2 * MARGIN
GUTTER = 14.0
HALF = (WIDTH - GUTTER) / 2
ROW_LABELS = 84.0

INK, PALE, RULE = HexColor(0x1A2430), HexColor(0x5A6875), HexColor(0xC9D3DB)
# Text colour and background colour.
BAND_COLOURS: dict[Band, tuple[Color, Color]] = {
    Band.URGENT_REFERRAL: (HexColor(0x9B1C1C), HexColor(0xFBEDED)),
    Band.REFERRAL: (HexColor(0x9A4A06), HexColor(0xFDF2E7)),
    Band.DOCTOR_REVIEW: (HexColor(0x7A5A00), HexColor(0xFBF5E0)),
    Band.ROUTINE: (HexColor(0x1D5C8A), HexColor(0xEAF3F9)),
    Band.SELF_MONITORING: (HexColor(0x2F6B3C), HexColor(0xEBF5ED)),
}
UNJUDGED = INK, HexColor(0xEEF2F5)
# Dark for malignant conditions and light for others, to differ in black and white too.
COUNTED, OTHER = HexColor(0x8A2A3B), HexColor(0x9DB4C6)
BAR_ROW, BAR_HEIGHT, BAR_SIZE, SMALL = 13.5, 7.5, 8.5, 7.5
NUMBERS = 44.0
# French puts spaces before or after punctuation where a line must not break.
_UNBREAKABLE = re.compile(r"(?<=«) | (?=[%:;?!»])")


def _load(name: str) -> TTFont:
    """Call it at import time, because ReportLab's font list is shared by all threads."""
    content = resources.files(__package__).joinpath("fonts", f"{name}.ttf").read_bytes()
    font = TTFont(name, io.BytesIO(content))
    registerFont(font)
    return font


_LETTERS = _load(REGULAR).face.charToGlyph.keys() & _load(BOLD).face.charToGlyph.keys()


def printable(text: str) -> str:
    return "".join(
        character if character == "\n" or ord(character) in _LETTERS else UNPRINTABLE
        for character in strip_control_characters(text)
    )


class Styles:
    def __init__(self, scale: float) -> None:
        def style(font: str, size: float, leading: float, colour: Color = INK) -> ParagraphStyle:
            return ParagraphStyle(
                "",
                fontName=font,
                fontSize=size * scale,
                leading=leading * scale,
                textColor=colour,
                # Avoid a single first or last line of a paragraph on a page.
                allowWidows=0,
                allowOrphans=0,
            )

        self.gap = 9 * scale
        self.tallest_picture = 62 * mm * scale**2
        self.title = style(BOLD, 17, 22)
        self.heading = style(BOLD, 11, 16)
        self.small_heading = style(BOLD, 9, 13)
        self.band = style(BOLD, 15, 20)
        self.action = style(REGULAR, 10, 13.5)
        self.answer = style(BOLD, 14, 19)
        self.text = style(REGULAR, 9, 12.2)
        self.strong = style(BOLD, 9, 12.2)
        self.label = style(REGULAR, 8.5, 12.2, PALE)
        self.small = style(REGULAR, 7.5, 10, PALE)
        self.item = self._bulleted(12, self.text)
        self.row = self._bulleted(ROW_LABELS, self.label)

    def _bulleted(self, indent: float, bullet: ParagraphStyle) -> ParagraphStyle:
        return ParagraphStyle(
            "",
            self.text,
            leftIndent=indent,
            bulletFontName=bullet.fontName,
            bulletFontSize=bullet.fontSize,
            bulletColor=bullet.textColor,
        )


NORMAL = Styles(1.0)


def paragraph(
    text: str,
    style: ParagraphStyle,
    *,
    bullet: str | None = None,
    struck: bool = False,
    **look: Any,
) -> Paragraph:
    """Set a text literally, without markup."""
    unbroken = _UNBREAKABLE.sub(NO_BREAK_SPACE, printable(text))
    shown = escape(unbroken).replace("\n", "<br/>")
    if look:
        style = ParagraphStyle("", style, **look)
    return Paragraph(f"<strike>{shown}</strike>" if struck else shown, style, bulletText=bullet)


def cited(sentences: Iterable[tuple[str, str]], style: ParagraphStyle) -> Paragraph:
    said = (
        f'{escape(printable(text))}<super size="6">{note}</super>'
        if note
        else escape(printable(text))
        for text, note in sentences
    )
    return Paragraph(" ".join(said), style)


def table(
    rows: Sequence[Sequence[Any]], *widths: float, look: Sequence[tuple[Any, ...]] = ()
) -> Table:
    whole = (0, 0), (-1, -1)
    bare = [(f"{side}PADDING", *whole, 0) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")]
    aligned = [*bare, ("VALIGN", *whole, "TOP"), *look]
    return Table([*map(list, rows)], colWidths=widths, style=aligned, hAlign="LEFT")


def one_line(text: str, style: ParagraphStyle, *, width: float) -> str:
    whole = shown = " ".join(printable(text).split())
    while stringWidth(shown, style.fontName, style.fontSize) > width:
        whole = whole[:-1]
        shown = f"{whole}…"
    return shown


def draw_bars(bars: Sequence[Bar], *, counted: str, width: float) -> Drawing:
    names = 8 + max(stringWidth(bar.name, BOLD, BAR_SIZE) for bar in bars)
    room = width - names - NUMBERS
    chart = Drawing(width, BAR_ROW * (len(bars) + 1))
    for index, bar in enumerate(bars):
        base = BAR_ROW * (len(bars) - index)
        font = BOLD if bar.named else REGULAR
        chart.add(_label(0, base + 2, bar.name, font=font))
        chart.add(Rect(names, base, room, BAR_HEIGHT, strokeColor=RULE, fillColor=None))
        chart.add(_filled(names, base, room * bar.share, COUNTED if bar.counted else OTHER))
        chart.add(_label(width, base + 2, bar.text, font=font, textAnchor="end"))
    chart.add(_filled(names, 2, BAR_HEIGHT, COUNTED))
    chart.add(_label(names + BAR_HEIGHT + 4, 3, counted, fontSize=SMALL, fillColor=PALE))
    return chart


def _filled(x: float, y: float, width: float, colour: Color) -> Rect:
    return Rect(x, y, width, BAR_HEIGHT, strokeColor=None, fillColor=colour)


def _label(x: float, y: float, text: str, *, font: str = REGULAR, **style: Any) -> String:
    style = {"fontSize": BAR_SIZE, "fillColor": INK, **style}
    return String(x, y, printable(text), fontName=font, **style)
