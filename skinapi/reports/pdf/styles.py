"""The sizes and colours of a printed page, at any scale: a dense page is set smaller."""

from dataclasses import dataclass, replace
from typing import Self

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm

from skinapi.reports.pdf.charts import INK, PALE
from skinapi.reports.pdf.flow import Style
from skinapi.reports.pdf.fonts import BOLD, REGULAR
from skinapi.vision.conditions import Band

PAGE_WIDTH, PAGE_HEIGHT = A4
MARGIN = 18 * mm
WIDTH = PAGE_WIDTH - 2 * MARGIN
RIGHT = PAGE_WIDTH - MARGIN
# Below the notice at the top of each page, above the page number.
TOP, BOTTOM = PAGE_HEIGHT - 64, 54.0
GUTTER = 14.0
HALF = (WIDTH - GUTTER) / 2
CODE_SIDE = 70.0

# The colour of the text, and of the background behind it.
BAND_COLOURS: dict[Band, tuple[Color, Color]] = {
    Band.URGENT_REFERRAL: (HexColor(0x9B1C1C), HexColor(0xFBEDED)),
    Band.REFERRAL: (HexColor(0x9A4A06), HexColor(0xFDF2E7)),
    Band.DOCTOR_REVIEW: (HexColor(0x7A5A00), HexColor(0xFBF5E0)),
    Band.ROUTINE: (HexColor(0x1D5C8A), HexColor(0xEAF3F9)),
    Band.SELF_MONITORING: (HexColor(0x2F6B3C), HexColor(0xEBF5ED)),
}


@dataclass(frozen=True, slots=True)
class Styles:
    gap: float
    tallest_picture: float
    title: Style
    heading: Style
    small_heading: Style
    band: Style
    action: Style
    answer: Style
    text: Style
    struck: Style
    strong: Style
    label: Style
    small: Style

    @classmethod
    def at(cls, scale: float) -> Self:
        def style(font: str, size: float, leading: float, colour: Color = INK) -> Style:
            return Style(font, size * scale, leading * scale, colour)

        return cls(
            gap=9 * scale,
            tallest_picture=62 * mm * scale**2,
            title=style(BOLD, 17, 22),
            heading=style(BOLD, 11, 16),
            small_heading=style(BOLD, 9, 13),
            band=style(BOLD, 15, 20),
            action=style(REGULAR, 10, 13.5),
            answer=style(BOLD, 14, 19),
            text=style(REGULAR, 9, 12.2),
            struck=replace(style(REGULAR, 7.5, 10, PALE), struck=True),
            strong=style(BOLD, 9, 12.2),
            label=style(REGULAR, 8.5, 12.2, PALE),
            small=style(REGULAR, 7.5, 10, PALE),
        )
