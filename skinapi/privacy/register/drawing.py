"""Draws what leaves the server: a line to each who gets data, and a broken one to each who would if
it were switched on. The words beside it, in the register, say the same.
"""

import textwrap
from collections.abc import Iterator
from html import escape

from skinapi.privacy.register.schemas import RecipientView, RegisterView
from skinapi.privacy.register.words import WORDS

WIDTH, LEFT, LINE, PAD, GAP = 640, 190, 18, 10, 12
LETTERS = 52  # in a line of a box
# As an image it knows no colour of the page around, but whether the device is dark.
STYLE = (
    "text{font:14px system-ui,sans-serif;fill:#1a2430}.t{font-weight:600}"
    ".b{fill:#eef4f8;stroke:#0b5c8a}.o{fill:none;stroke:#6b7a88;stroke-dasharray:4 4}"
    ".l{stroke:#0b5c8a;stroke-width:2}.n{stroke:#6b7a88;stroke-dasharray:4 4}.s{fill:#4a5965}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.b{fill:#16242f;stroke:#6cb6e0}"
    ".l{stroke:#6cb6e0}.o,.n{stroke:#8b9aa7}.s{fill:#b3c0cb}}"
)


def draw_flow(register: RegisterView) -> str:
    """An SVG; those that are switched on stand first."""
    rows = sorted(register.recipients, key=lambda one: not one.on)
    labels = WORDS[register.language].labels
    boxes, top = list[str](), PAD
    for one in rows:
        lines = [*_lines(one, labels["off"])]
        height = 2 * PAD + LINE * (len(lines) + 1)
        boxes += _box(one, lines, top, height)
        top += height + GAP
    middle = top / 2
    head = f'viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}"'
    named = escape(labels["flow"])
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {head} role="img" aria-label="{named}">',
            f"<title>{named}</title><style>{STYLE}</style>",
            f'<path class="l" fill="none" d="M130 {middle:g}H150M150 {PAD}V{top - PAD}"/>',
            f'<rect class="b" x="4" y="{middle - 30:g}" width="126" height="60" rx="6"/>',
            f'<text class="t" x="16" y="{middle + 5:g}">{escape(labels["server"])}</text>',
            *boxes,
            "</svg>",
        )
    )


def _lines(one: RecipientView, off: str) -> Iterator[str]:
    to = ", ".join(one.to) if one.on else off
    for text in (to, one.text):
        yield from textwrap.wrap(text, LETTERS)


def _box(one: RecipientView, lines: list[str], top: float, height: float) -> Iterator[str]:
    middle, line = top + height / 2, "l" if one.on else "n"
    yield f'<path class="{line}" fill="none" d="M150 {middle:g}H{LEFT}m-8 -5l8 5l-8 5"/>'
    box, width = "b" if one.on else "o", WIDTH - LEFT - 4
    yield f'<rect class="{box}" x="{LEFT}" y="{top:g}" width="{width}" height="{height:g}" rx="6"/>'
    for place, text in enumerate((one.title, *lines)):
        kind, y = "s" if place else "t", top + PAD + 13 + LINE * place
        yield f'<text class="{kind}" x="{LEFT + PAD}" y="{y:g}">{escape(text)}</text>'
