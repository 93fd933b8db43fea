"""Any text becomes letters that print and lines that fit."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from reportlab import rl_config
from reportlab.pdfbase.pdfmetrics import stringWidth

from skinapi.base.field_types import MOST_MARKS
from skinapi.base.languages import NO_BREAK_SPACE
from skinapi.findings.reports.pdf_elements import NORMAL, REGULAR, one_line, paragraph, printable
from skinapi.findings.reports.words import UNPRINTABLE, strip_control_characters

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def lines_of(text: str, width: float) -> list[str]:
    made = paragraph(text, NORMAL.text)
    made.wrap(width, 1000)
    lines = [
        "".join(fragment.text for fragment in line.words)
        if hasattr(line, "words")
        else " ".join(line[1])
        for line in made.blPara.lines
    ]
    return [line.replace(NO_BREAK_SPACE, " ").strip() for line in lines]


@given(st.text(st.characters(), max_size=200), st.floats(30, 500))
@example("AO mɐ", 30)
def test_every_line_of_every_text_prints_and_fits(text: str, width: float) -> None:
    """ReportLab takes a line that fits once each of its spaces is a twentieth narrower."""
    for line in lines_of(text, width):
        narrower = rl_config.spaceShrinkage * line.count(" ") * stringWidth(" ", REGULAR, 9)
        assert stringWidth(line, REGULAR, 9) <= width + narrower + 0.01
        assert printable(line) == line


@given(st.text(st.characters(), max_size=200))
def test_no_control_survives(text: str) -> None:
    kinds = {
        unicodedata.category(letter) for letter in strip_control_characters(text).replace("\n", "")
    }
    assert not kinds & HIDDEN


def test_what_has_a_glyph_stays_and_what_has_none_is_seen() -> None:
    for name in ("Zoë Ångström", "Ελένη", "Анна Ковалёва", "Đặng", "☑ 7 × 8"):
        assert printable(name) == name
    assert printable("e\u0301") == "é"
    assert printable("名前") == 2 * UNPRINTABLE
    assert printable("a\u202eb\tc\u2028d") == "ab c d"


def test_no_letter_carries_more_marks_than_a_script_needs() -> None:
    tower = "x" + "\u0301" * 50 + "y"
    for tamed in (strip_control_characters(tower), printable(tower)):
        assert re.findall("[\u0300-\u036f]+", tamed) in ([], ["\u0301" * MOST_MARKS])
        assert (tamed[0], tamed[-1]) == ("x", "y")


def test_no_word_is_lost_in_the_wrapping() -> None:
    text = "one two\n\nthree " + "four" * 40
    lines = lines_of(text, 100)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "").replace("\n", "")
    assert "" in lines


def test_a_french_sign_stays_with_its_word() -> None:
    width = stringWidth("« probable » ;", REGULAR, 9)
    said = "Mélanome : 92,14 % « probable » ; et après ?"
    assert lines_of(said, width) == ["Mélanome :", "92,14 %", "« probable » ;", "et après ?"]
    narrow = stringWidth("soit 92,14", REGULAR, 9)
    assert lines_of("soit 92,14 %", narrow) == ["soit", "92,14 %"]


def test_one_line_says_that_more_would_follow() -> None:
    assert one_line("short", NORMAL.text, width=100) == "short"
    long = one_line("long " * 40, NORMAL.text, width=100)
    assert long.endswith("…")
    assert stringWidth(long, REGULAR, 9) <= 100


@pytest.mark.parametrize(("room", "lines"), [(1, [0, 4]), (2, [2, 2]), (3, [2, 2]), (4, [4])])
def test_neither_the_first_nor_the_last_line_of_a_text_stands_alone_on_a_page(
    room: int, lines: list[int]
) -> None:
    text, width = paragraph("one one one one", NORMAL.text), stringWidth("one", REGULAR, 9) + 0.1
    parts = text.splitOn(None, width, room * NORMAL.text.leading + 0.1)
    heights = [part.wrap(width, 1000)[1] for part in parts]
    split = [round(height / NORMAL.text.leading) for height in heights]
    assert (split or [0, 4]) == lines
