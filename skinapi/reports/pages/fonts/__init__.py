"""The report's typeface, shipped with it: DejaVu Sans Condensed, cut down to the letters of the
Latin, Greek and Cyrillic scripts. The licence lies beside it.
"""

import io
from importlib import resources

from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont

REGULAR, BOLD = "DejaVuSansCondensed", "DejaVuSansCondensed-Bold"


def _load(name: str) -> TTFont:
    """Read once, when this is imported: ReportLab keeps one list of fonts for all threads."""
    content = resources.files(__package__).joinpath(f"{name}.ttf").read_bytes()
    font = TTFont(name, io.BytesIO(content))
    registerFont(font)
    return font


_LETTERS = _load(REGULAR).face.charToGlyph.keys() & _load(BOLD).face.charToGlyph.keys()


def has_letter(character: str) -> bool:
    return ord(character) in _LETTERS
