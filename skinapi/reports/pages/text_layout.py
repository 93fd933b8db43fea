"""Makes any text printable: removes control characters, replaces letters that the font does not
have, and breaks the text into lines.
"""

import re
import unicodedata
from collections.abc import Iterator

from reportlab.pdfbase.pdfmetrics import stringWidth

from skinapi.reports.pages.fonts import has_letter
from skinapi.web.visible_text import cap_marks

# Shown in place of a letter that the font does not have.
UNPRINTABLE = "□"

# A line must not break at a space that French puts before or after a punctuation mark.
_BREAK = re.compile(r"(?<!«) (?![%:;?!»])")


def strip_control_characters(text: str) -> str:
    """Remove characters that are invisible, reorder text or control the output, except line breaks,
    and marks that would be drawn over other lines.

    Unassigned and private characters become UNPRINTABLE.
    """
    # NFC makes one character of a letter and its accent; ReportLab would not combine the two.
    composed = unicodedata.normalize("NFC", text)
    return cap_marks("".join(_replace_control(character) for character in composed))


def _replace_control(character: str) -> str:
    if character == "\n":
        return character
    match unicodedata.category(character):
        # Categories: https://www.unicode.org/reports/tr44/#General_Category_Values
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
