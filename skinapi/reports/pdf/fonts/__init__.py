"""The font of the reports, shipped with the software: DejaVu Sans Condensed, reduced to the letters
of Latin, Greek and Cyrillic. Its licence is in this folder.
"""

import io
from importlib import resources

from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont

REGULAR, BOLD = "DejaVuSansCondensed", "DejaVuSansCondensed-Bold"


def _load(name: str) -> TTFont:
    """Load a font. This happens once, on import, because ReportLab has one list of fonts for all
    threads.
    """
    content = resources.files(__package__).joinpath(f"{name}.ttf").read_bytes()
    font = TTFont(name, io.BytesIO(content))
    registerFont(font)
    return font


_LETTERS = _load(REGULAR).face.charToGlyph.keys() & _load(BOLD).face.charToGlyph.keys()


def has_letter(character: str) -> bool:
    return ord(character) in _LETTERS
