"""/console/parts shows every part of the console in both themes, and is photographed here.

The reference, `parts.png`, is an eighth as wide as the page. Was a change of look meant? Look at
the picture that the failure names, and take it with `RENEW=1 pytest tests/console/test_parts.py`.
Fonts are the same on every machine, because the page is given those of the printed report.
"""

import base64
import os
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from skinapi.reports import pdf
from tests.console.visitor import PHONE, Visitor
from tests.repository.documents import ROOT

REFERENCE = Path(__file__).parent / "parts.png"
TAKEN = ROOT / "build" / "screenshots" / "parts.png"
WIDE = (1280, 800)
SHRINK = 8
# A patch is so many pixels of the reference wide and high. Edges of letters and of what the browser
# draws by itself move its mean colour by less than this; a pixel more of space above it, by more.
PATCH = 6
MOST_DIFFERENCE = 14
FONTS = ("DejaVuSansCondensed", "DejaVuSansCondensed-Bold")
SET_FONT = """
const [[regular, bold], done] = arguments;
const face = (weight, text) =>
  new FontFace("Same", Uint8Array.from(atob(text), (one) => one.charCodeAt(0)), { weight }).load();
const sheet = document.styleSheets[0];
const rule = '* { font-family: "Same" !important; animation: none !important }';
sheet.insertRule(rule, sheet.cssRules.length);
Promise.all([face("400", regular), face("600", bold)]).then((faces) => {
  faces.forEach((one) => document.fonts.add(one));
  requestAnimationFrame(() => done(document.fonts.size));
});
"""
Pixels = np.ndarray[Any, np.dtype[np.float64]]


def open_parts(visitor: Visitor, size: tuple[int, int], **look: Any) -> None:
    visitor.look(size, **look)
    visitor.open("/console/parts")
    visitor.find(".parts + .parts .actions")


def photograph(visitor: Visitor) -> Image.Image:
    """The page in colours and shapes, too small to read."""
    picture = Image.open(BytesIO(base64.b64decode(visitor.photograph()))).convert("RGB")
    size = (picture.width // SHRINK, picture.height // SHRINK)
    return picture.resize(size, Image.Resampling.BOX)


def patches(picture: Image.Image) -> Pixels:
    """The mean colour of each."""
    size = (picture.width // PATCH, picture.height // PATCH)
    return np.asarray(picture.resize(size, Image.Resampling.BOX), dtype=float)


def differences(taken: Image.Image, reference: Image.Image) -> list[str]:
    """Where the two do not look the same."""
    if taken.size != reference.size:
        return [f"{taken.size} instead of {reference.size}"]
    worst = np.abs(patches(taken) - patches(reference)).max(axis=2)
    side = PATCH * SHRINK
    return [
        f"{worst[row, column]:.0f} at {column * side}, {row * side}"
        for row, column in np.argwhere(worst > MOST_DIFFERENCE)
    ]


@pytest.fixture
def parts(visitor: Visitor) -> Visitor:
    open_parts(visitor, WIDE)
    folder = Path(pdf.__file__).parent / "fonts"
    fonts = [base64.b64encode((folder / f"{name}.ttf").read_bytes()).decode() for name in FONTS]
    assert visitor.run_async(SET_FONT, fonts) == len(FONTS)
    return visitor


def test_the_parts_look_as_in_the_picture_that_was_reviewed(parts: Visitor) -> None:
    taken = photograph(parts)
    if os.environ.get("RENEW"):
        taken.quantize(192).save(REFERENCE, optimize=True)
    found = differences(taken, Image.open(REFERENCE).convert("RGB"))
    if found:
        TAKEN.parent.mkdir(parents=True, exist_ok=True)
        taken.save(TAKEN)
    assert found == [], f"look at {TAKEN} beside {REFERENCE}"


@pytest.mark.parametrize(
    "change",
    [
        ".primary { background: #0f5f9b !important }",
        ".card { padding: 2rem !important }",
        "main { --text-m: 1.0625rem; font-size: var(--text-m) }",
    ],
)
def test_a_change_of_look_is_seen_in_it(parts: Visitor, change: str) -> None:
    """Else the silence of the test above would say nothing."""
    before = photograph(parts)
    assert differences(photograph(parts), before) == []
    parts.run("document.styleSheets[0].insertRule(arguments[0], 0)", change)
    assert differences(photograph(parts), before) != []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_parts_are_accessible_in_both_themes(
    visitor: Visitor, dark: bool, language: str
) -> None:
    open_parts(visitor, PHONE, dark=dark, language=language)
    visitor.assert_accessible()
    visitor.assert_nothing_overflows()
    visitor.assert_quiet()
