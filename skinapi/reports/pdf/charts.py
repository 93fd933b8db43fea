"""Draws the charts of a printed report: the probabilities as bars, and the colour scale of the heat
map.
"""

from collections.abc import Sequence

from reportlab.graphics.shapes import Drawing, Rect, String
from reportlab.lib.colors import Color, HexColor
from reportlab.pdfbase.pdfmetrics import stringWidth

from skinapi.reports.pages.content import Bar
from skinapi.reports.pdf.fonts import BOLD, REGULAR
from skinapi.reports.pdf.text_layout import printable
from skinapi.vision.drawing.overlay import COLOUR_STOPS

INK, PALE, RULE = HexColor(0x1A2430), HexColor(0x5A6875), HexColor(0xC9D3DB)
# Dark for malignant conditions, light for the others, so that they differ in black and white too.
COUNTED, OTHER = HexColor(0x8A2A3B), HexColor(0x9DB4C6)
ROW, BAR_HEIGHT, SIZE = 13.5, 7.5, 8.5
GAP, NUMBERS = 8.0, 44.0
STEPS = 40


def draw_bars(bars: Sequence[Bar], *, counted: str, width: float) -> Drawing:
    """One row per condition: its name, a bar on a scale from 0 to 1, and its probability."""
    names = GAP + max(stringWidth(bar.name, BOLD, SIZE) for bar in bars)
    room = width - names - NUMBERS
    chart = Drawing(width, ROW * len(bars) + ROW)
    for place, bar in enumerate(bars):
        base = ROW * (len(bars) - place)
        font = BOLD if bar.named else REGULAR
        chart.add(_text(0, base + 2, bar.name, font=font))
        chart.add(Rect(names, base, room, BAR_HEIGHT, strokeColor=RULE, fillColor=None))
        colour = COUNTED if bar.counted else OTHER
        filled = Rect(names, base, room * bar.share, BAR_HEIGHT, strokeColor=None, fillColor=colour)
        chart.add(filled)
        chart.add(_text(width, base + 2, bar.text, font=font, anchor="end"))
    chart.add(Rect(names, 2, BAR_HEIGHT, BAR_HEIGHT, strokeColor=None, fillColor=COUNTED))
    chart.add(_text(names + BAR_HEIGHT + 4, 3, counted, colour=PALE, size=7.5))
    return chart


def draw_scale(*, title: str, less: str, more: str, width: float) -> Drawing:
    """The colour scale of the heat map, from the lowest to the highest value of this picture."""
    scale = Drawing(width, 24)
    scale.add(_text(0, 16, title, colour=PALE, size=7.5))
    for step in range(STEPS):
        left = width * step / STEPS
        # The rectangles overlap a little; otherwise some viewers show gaps between them.
        scale.add(
            Rect(
                left,
                8,
                width / STEPS + 0.3,
                6,
                strokeColor=None,
                fillColor=_heat_colour(step / (STEPS - 1)),
            )
        )
    scale.add(_text(0, 0, less, colour=PALE, size=7.5))
    scale.add(_text(width, 0, more, colour=PALE, size=7.5, anchor="end"))
    return scale


def _heat_colour(heat: float) -> Color:
    place = heat * (len(COLOUR_STOPS) - 1)
    below = min(int(place), len(COLOUR_STOPS) - 2)
    shares = zip(COLOUR_STOPS[below], COLOUR_STOPS[below + 1], strict=True)
    return Color(*((low + (high - low) * (place - below)) / 255 for low, high in shares))


def _text(
    x: float,
    y: float,
    text: str,
    *,
    font: str = REGULAR,
    size: float = SIZE,
    colour: Color = INK,
    anchor: str = "start",
) -> String:
    return String(
        x, y, printable(text), fontName=font, fontSize=size, fillColor=colour, textAnchor=anchor
    )
