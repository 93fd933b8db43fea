"""Removes characters that control the output from any text."""

import unicodedata

from skinapi.web.schemas.visible_text import cap_marks

# Shown in place of a letter that the font does not have.
UNPRINTABLE = "□"


def strip_control_characters(text: str) -> str:
    """Remove characters that are invisible, reorder text or control the output, except line breaks,
    and marks that would be drawn over other lines.

    Unassigned and private characters become UNPRINTABLE.
    """
    if text.isascii() and text.isprintable():
        return text  # such as a picture in base64, which takes long to go through
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
