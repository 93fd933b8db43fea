import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st
from reportlab import rl_config
from reportlab.pdfbase.pdfmetrics import stringWidth

from skinapi.base.languages import NO_BREAK_SPACE
from skinapi.findings.reports.pdf_elements import NORMAL, REGULAR, paragraph, printable
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


def test_a_french_sign_stays_with_its_word() -> None:
    width = stringWidth("« probable » ;", REGULAR, 9)
    said = "Mélanome : 92,14 % « probable » ; et après ?"
    assert lines_of(said, width) == ["Mélanome :", "92,14 %", "« probable » ;", "et après ?"]
    narrow = stringWidth("soit 92,14", REGULAR, 9)
    assert lines_of("soit 92,14 %", narrow) == ["soit", "92,14 %"]
