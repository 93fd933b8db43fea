"""Any text becomes letters that print and lines that fit."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.lib.colors import black
from reportlab.pdfbase.pdfmetrics import stringWidth

from skinapi.reports.pages.characters import UNPRINTABLE, strip_control_characters
from skinapi.reports.pdf.flow import Flow, Style, space
from skinapi.reports.pdf.fonts import REGULAR, has_letter
from skinapi.reports.pdf.text_layout import one_line, printable, wrap
from skinapi.web.schemas.visible_text import MOST_MARKS

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text(st.characters(), max_size=200), st.floats(30, 500))
def test_every_line_of_every_text_prints_and_fits(text: str, width: float) -> None:
    for line in wrap(text, font=REGULAR, size=9, width=width):
        assert stringWidth(line, REGULAR, 9) <= width + 0.01
        assert all(has_letter(letter) for letter in line)


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
    lines = wrap(text, font=REGULAR, size=9, width=100)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "").replace("\n", "")
    assert "" in lines


def test_a_french_sign_stays_with_its_word() -> None:
    width = stringWidth("« probable » ;", REGULAR, 9)
    said = "Mélanome : 92,14 % « probable » ; et après ?"
    lines = wrap(said, font=REGULAR, size=9, width=width)
    assert lines == ["Mélanome :", "92,14 %", "« probable » ;", "et après ?"]
    narrow = stringWidth("soit 92,14", REGULAR, 9)
    assert wrap("soit 92,14 %", font=REGULAR, size=9, width=narrow) == ["soit", "92,14 %"]


def test_one_line_says_that_more_would_follow() -> None:
    assert one_line("short", font=REGULAR, size=9, width=100) == "short"
    long = one_line("long " * 40, font=REGULAR, size=9, width=100)
    assert long.endswith("…")
    assert stringWidth(long, REGULAR, 9) <= 100


@pytest.mark.parametrize(("room", "lines"), [(1, [0, 4]), (2, [2, 2]), (3, [2, 2]), (4, [4])])
def test_neither_the_first_nor_the_last_line_of_a_text_stands_alone_on_a_page(
    room: int, lines: list[int]
) -> None:
    style = Style(font=REGULAR, size=8, leading=10, colour=black)
    flow = Flow(left=0, top=100, bottom=0)
    flow.place(space(100 - room * style.leading))
    flow.write("a\nb\nc\nd", style, width=100)
    first, *others = map(len, flow.pages)
    assert [first - 1, *others] == lines


def test_the_top_of_a_page_takes_a_block_of_any_height_and_no_gap() -> None:
    flow = Flow(left=0, top=100, bottom=0)
    for height in (150, 100, 150):
        flow.skip(1)
        flow.place(space(height))
    assert [len(page) for page in flow.pages] == [1, 1, 1]
