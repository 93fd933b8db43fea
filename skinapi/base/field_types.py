"""Types of texts and ids in requests, and the visibility of text. Text of type `Legible` or
`Contained` cannot change how the text around it is displayed.
"""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

ID = re.compile(r"[0-9a-f]{32}")
LONGEST_NAME = 200
LONGEST_REASON = 500
LONGEST_PHONE = 40
PHONE = re.compile(r"[ ()/.+-]*([0-9][ ()/.+-]*){3,}")
# More than any script stacks on one letter; the marks above and below it stay near their line.
MOST_MARKS = 4
# Letters and symbols without a picture: fillers of Hangul, the empty cell of Braille.
BLANK = "\u115f\u1160\u3164\uffa0\u2800"
# Embeddings, overrides and isolates of direction, whose effect would go on behind the text, and
# separators of lines, which would end it. Marks that act on their neighbours alone (U+200E, U+200F)
# belong to names. https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
REACHING = re.compile("[\u202a-\u202e\u2066-\u2069\u2028\u2029]")

# Characters that no program draws (Default_Ignorable_Code_Point), and blanks that count as letters:
# https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
UNDRAWN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def has_undrawn(text: str) -> bool:
    """Return whether another text with different characters could look the same."""
    return UNDRAWN.search(text) is not None


def find_unseen(text: str) -> str | None:
    """The first invisible or ambiguous character, as `U+200B`."""
    for character in text:
        if not character.isprintable() or has_undrawn(character):
            return f"U+{ord(character):04X}"
    return None


def is_visible(text: str) -> bool:
    """Return whether at least one letter, digit, sign or symbol would be printed."""
    return any(map(_is_drawn, text))


def count_visible(text: str) -> int:
    return sum(map(_is_drawn, text))


def _is_drawn(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNPS" and character not in BLANK


def reaches_beyond(text: str) -> bool:
    """Return whether the text could reorder or split the text after it."""
    return REACHING.search(text) is not None


def cap_marks(text: str) -> str:
    """Limit the combining marks on each letter to MOST_MARKS. Dozens of them on one letter would
    cover the lines above and below.
    """
    kept, marks = [], 0
    for character in text:
        kind = unicodedata.category(character)
        if kind in ("Mn", "Me"):
            marks += 1
        elif kind != "Cf":  # invisible characters between two marks do not separate them
            marks = 0
        if marks <= MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def _printable(text: str) -> str:
    # Cc are control characters, Cs halves of surrogate pairs, which no UTF-8 text can hold.
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("Control characters are not allowed")
    return text


def _printable_lines(text: str) -> str:
    lines = text.replace("\r\n", "\n")
    _printable(lines.replace("\n", ""))
    return lines


def _contained(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    if reaches_beyond(text):
        raise ValueError("Characters that change the direction of the text are not allowed")
    if cap_marks(composed) != composed:
        raise ValueError(f"A letter may carry at most {MOST_MARKS} combining marks")
    return text


def _legible(text: str) -> str:
    if not is_visible(unicodedata.normalize("NFC", text)):
        raise ValueError("At least one visible character is needed")
    return _contained(text)


def read_phone(text: str) -> str:
    number = text.strip(" ")
    if len(number) > LONGEST_PHONE or not PHONE.fullmatch(number):
        raise ValueError(
            f"a phone number has at least 3 digits, at most {LONGEST_PHONE} characters, and beside "
            "digits only spaces and + ( ) - / ."
        )
    return number


Printable = AfterValidator(_printable)
PrintableLines = AfterValidator(_printable_lines)
Contained = AfterValidator(_contained)
Legible = AfterValidator(_legible)
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_NAME, strip_whitespace=True),
    Printable,
    Legible,
]
Phone = Annotated[str, AfterValidator(read_phone)]
SearchText = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME), Printable]
# Of a number by which another system knows a patient.
NumberPart = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_NAME, strip_whitespace=True),
    Printable,
]
Identifier = Annotated[str, StringConstraints(pattern=f"^{ID.pattern}$")]
Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_REASON, strip_whitespace=True),
    PrintableLines,
    Contained,
]
