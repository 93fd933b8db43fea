"""Whether a clinic's colour can be read on the pages of the console, by WCAG 2.2, level AA."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Theme = Literal["light", "dark"]
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
# https://www.w3.org/TR/WCAG22/#contrast-minimum
LEAST_CONTRAST = 4.5
SHARE_OF_COLOUR = 0.12  # in the shade behind what is chosen


@dataclass(frozen=True)
class Surfaces:
    """What a colour lies on, and what is written beside it, as style.css of the console has it."""

    paper: str
    sheet: str
    ink: str
    soft: str


SURFACES: dict[Theme, Surfaces] = {
    "light": Surfaces(paper="#f5f7f8", sheet="#ffffff", ink="#15222b", soft="#51616d"),
    "dark": Surfaces(paper="#0f161a", sheet="#182127", ink="#e8eef1", soft="#a9b7c0"),
}


@dataclass(frozen=True)
class Accent:
    """A colour, the text on it, and its shade: `--accent`, `--accent-ink`, `--accent-soft`."""

    colour: str
    ink: str
    shade: str

    @classmethod
    def of(cls, colour: str, theme: Theme) -> "Accent":
        ink = max(("#ffffff", "#000000"), key=lambda text: contrast(text, colour))
        return cls(colour, ink, _mix(colour, SURFACES[theme].sheet, SHARE_OF_COLOUR))


def contrast(one: str, other: str) -> float:
    """Between 1 and 21: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def faults_of_colour(name: str, colour: str, theme: Theme) -> Iterator[str]:
    """A sentence where the setting with this name holds no colour, or one that is hard to read."""
    if not COLOUR.fullmatch(colour):
        yield f"{name} must be a colour as #0f5f6b: six digits from 0 to 9 or a to f"
        return
    surfaces, accent = SURFACES[theme], Accent.of(colour, theme)
    pairs = [
        *((colour, surface) for surface in (surfaces.paper, surfaces.sheet, accent.shade)),
        *((text, accent.shade) for text in (surfaces.ink, surfaces.soft)),
        (accent.ink, colour),
    ]
    least = min(contrast(*pair) for pair in pairs)
    if least < LEAST_CONTRAST:
        way_out = "darker" if theme == "light" else "lighter"
        yield (
            f"{name} is hard to read on the {theme} page: its contrast is {least:.1f}:1, and WCAG "
            f"AA asks for {LEAST_CONTRAST}:1. Take a {way_out} colour"
        )


def _channels(colour: str) -> list[int]:
    return list(bytes.fromhex(colour[1:]))


def _luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    shares = [channel / 255 for channel in _channels(colour)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _mix(colour: str, ground: str, share: float) -> str:
    pairs = zip(_channels(colour), _channels(ground), strict=True)
    return "#" + bytes(round(share * one + (1 - share) * other) for one, other in pairs).hex()
