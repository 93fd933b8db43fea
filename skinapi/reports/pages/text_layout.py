"""From any text that somebody sent to letters that can be printed, and to lines that fit."""

import re
import unicodedata
from collections.abc import Iterator

from reportlab.pdfbase.pdfmetrics import stringWidth

from skinapi.reports.pages.fonts import has_letter

# Stands, visibly, for a letter that the font has not.
UNPRINTABLE = "□"

# A line ends at no space that French sets before or behind a sign.
_BREAK = re.compile(r"(?<!«) (?![%:;?!»])")


def strip_control_characters(text: str) -> str:
    """Without what hides, reorders or controls; line breaks stay."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(_tame(character) for character in composed)


def _tame(character: str) -> str:
    if character == "\n":
        return character
    match unicodedata.category(character):
        case "Cf":
            return ""
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cs" | "Cn" | "Co":
            return UNPRINTABLE
    return character


def printable(text: str) -> str:
    return "".join(
        character if character == "\n" or has_letter(character) else UNPRINTABLE
        for character in strip_control_characters(text)
    )


def wrap(text: str, *, font: str, size: float, width: float) -> list[str]:
    """Printable lines of at most this width; a word that is wider is broken."""
    lines: list[str] = []
    for paragraph in printable(text).split("\n"):
        line = ""
        for word in _words(paragraph, font, size, width):
            longer = f"{line} {word}" if line else word
            if line and stringWidth(longer, font, size) > width:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return lines


def one_line(text: str, *, font: str, size: float, width: float) -> str:
    """Its beginning, where the whole would not fit."""
    first, *more = wrap(text, font=font, size=size, width=width - stringWidth("…", font, size))
    return f"{first}…" if more else first


def _words(paragraph: str, font: str, size: float, width: float) -> Iterator[str]:
    for word in _BREAK.split(paragraph):
        if stringWidth(word, font, size) <= width:
            yield word
        else:
            yield from _pieces(word, font, size, width)


def _pieces(word: str, font: str, size: float, width: float) -> Iterator[str]:
    piece = ""
    for character in word:
        if piece and stringWidth(piece + character, font, size) > width:
            yield piece
            piece = ""
        piece += character
    yield piece
