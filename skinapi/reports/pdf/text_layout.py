"""Makes any text printable: replaces letters that the font does not have, and breaks the text into
lines.
"""

import re
from collections.abc import Iterator

from reportlab.pdfbase.pdfmetrics import stringWidth

from skinapi.reports.pages.characters import UNPRINTABLE, strip_control_characters
from skinapi.reports.pdf.fonts import has_letter

# A line must not break at a space that French puts before or after a punctuation mark.
_BREAK = re.compile(r"(?<!«) (?![%:;?!»])")


def printable(text: str) -> str:
    return "".join(
        character if character == "\n" or has_letter(character) else UNPRINTABLE
        for character in strip_control_characters(text)
    )


def wrap(text: str, *, font: str, size: float, width: float) -> list[str]:
    """Break text into printable lines of at most this width. A word that is wider is split."""
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
    """The text on one line; if it does not fit, its beginning with an ellipsis."""
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
