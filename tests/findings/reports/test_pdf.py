import io
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from reportlab.pdfbase.ttfonts import TTFontFace

from skinapi.base.languages import LANGUAGES, NO_BREAK_SPACE, Language
from skinapi.findings.records.letters import ShownLetter, Withdrawal
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.pdf_document import render_pdf
from skinapi.findings.reports.pdf_elements import MARGIN, WIDTH
from skinapi.findings.reports.report import Report, ReportedPatient, Source, Writer
from skinapi.findings.reports.words import LABELS
from skinapi.model.bands import RaisedBy
from skinapi.model.conditions import conditions_table
from skinapi.model.context import Modality
from skinapi.model.finding import Doubt, say_untested
from tests.findings.reports.sample_reports import (
    HASH,
    REVIEW,
    SEAL,
    longest_report,
    made_report,
    narrative_in,
    on_facts,
    text_of,
)
from tests.findings.reports.test_verification import SIGNED
from tests.support.findings import told_finding
from tests.support.size import in_drill

LARGEST = 250_000
HOSTILE = (
    "<img src=file:///etc/passwd>",
    '<img src="http://127.0.0.1:9/x.png"/><b>Ada',
    "<para><a href='http://127.0.0.1:9'>Ada</a></para> &amp; &#65;",
    "{{ 7 * 7 }} %s {0} \\u0041",
    ") Tj ET Q (",
    "\u202eadA\u2066 \u200bEx\x07ample\u2028",
    "اسم שם 名前 नाम 👩🏽‍⚕️",
    "W" * 200,
)
_seen: list[tuple[str, str]] | None = None
_watched_thread = 0


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    # Threads that earlier tests have begun open files of their own.
    if _seen is None or threading.get_ident() != _watched_thread:
        return
    if event in ("open", "socket.connect", "socket.getaddrinfo"):
        _seen.append((event, str(arguments[0])))


sys.addaudithook(_listen)


@contextmanager
def watched() -> Iterator[list[tuple[str, str]]]:
    """Record every file that this thread opens in the block, and every outgoing connection."""
    global _seen, _watched_thread
    _seen, _watched_thread = [], threading.get_ident()
    try:
        yield _seen
    finally:
        _seen = None


def letters_of(content: bytes) -> str:
    """Without spaces, so that a broken word is still that word."""
    return text_of(content).replace(" ", "")


@pytest.mark.parametrize(("language", "photo"), [("en", True), ("fr", False)])
def test_everything_a_clinic_files_stands_on_it(language: Language, photo: bool) -> None:
    report = made_report(language, photo=photo)
    content = render_pdf(report)
    text = text_of(content)
    table = conditions_table()
    for said in (
        "Clinique du Lac, Genève",
        "Ada Example",
        "ada@example.org",
        "1234",
        {"en": "20 November 2026, 14:05 UTC", "fr": "20 novembre 2026, 14:05 UTC"}[language],
        report.name("melanoma"),
        "90%" if language == "en" else "90 %",
        report.say(table.notices.modality_unsure),
        report.say(say_untested(Modality.CLINICAL)),
        report.say(table.checklist.name),
        "Dr Ελένη Παπαδοπούλου",
        "Patient told by telephone.",
        report.name("melanocytic_nevus"),
        "made-1",
        "The second thing found.",
        "Words that explain.",
    ):
        assert said.replace(NO_BREAK_SPACE, " ") in text, said
    assert ("No photo is kept" in text or "Aucune photo" in text) is not photo
    assert HASH in letters_of(content)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_carries_the_notice_and_its_number(language: Language) -> None:
    pages = PdfReader(io.BytesIO(render_pdf(longest_report(language)))).pages
    of = {"en": "Page {} of {}", "fr": "Page {} sur {}"}[language]
    assert len(pages) == 2
    for number, page in enumerate(pages, 1):
        text = page.extract_text()
        assert conditions_table().notices.information_only.model_dump()[language] in text
        assert of.format(number, len(pages)) in text


@pytest.mark.parametrize("language", ["fr", *in_drill("en")])  # French is the longer
@pytest.mark.parametrize("key", ["melanoma", *in_drill(*conditions_table().keys[1:])])
def test_the_longest_of_every_class_stays_on_two_pages(key: str, language: Language) -> None:
    report = longest_report(language)
    fields: dict[str, Any] = {
        "reasons": tuple(Doubt),
        "raised_by": (RaisedBy.MELANOMA, RaisedBy.MOST_PROBABLE, RaisedBy.CHECKLIST),
        "checklist_score": 10,
    }
    facts = Facts.from_finding(told_finding(key, **fields), report.facts.context)
    content = render_pdf(on_facts(report, facts))
    assert len(PdfReader(io.BytesIO(content)).pages) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_begins_beyond_the_margin(language: Language) -> None:
    begins: list[float] = []

    def visit(text: str, _: Any, matrix: Sequence[float], *__: Any) -> None:
        if text.strip():
            begins.append(round(matrix[4]))

    pages = PdfReader(io.BytesIO(render_pdf(longest_report(language)))).pages
    for page in pages:
        page.extract_text(visitor_text=visit)
    assert max(begins) < round(MARGIN + WIDTH)


def test_the_same_report_is_the_same_bytes_on_any_thread() -> None:
    reports = [
        made_report(language, photo=photo) for language in LANGUAGES for photo in (False, True)
    ]
    first = [render_pdf(report) for report in reports]
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(render_pdf, reports))
    assert again == first
    assert len(set(first)) == len(reports)


def test_no_two_threads_cut_letters_out_of_a_font_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, cut = threading.Lock(), TTFontFace.makeSubset
    alone: list[bool] = []

    def watched(face: TTFontFace, subset: Any) -> Any:
        entered = inside.acquire(blocking=False)
        alone.append(entered)
        time.sleep(0.01)  # others come in here, if they may
        try:
            return cut(face, subset)
        finally:
            if entered:
                inside.release()

    monkeypatch.setattr(TTFontFace, "makeSubset", watched)
    report = made_report()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(render_pdf, [report] * 4))
    assert alone
    assert all(alone)


def test_it_names_its_language_its_title_and_its_clinic() -> None:
    reader: Any = PdfReader(io.BytesIO(render_pdf(made_report("fr"))))
    assert reader.trailer["/Root"]["/Lang"] == "fr"
    assert reader.metadata.title == "Rapport sur une lésion de la peau · N° 1234"
    assert reader.metadata.author == "Clinique du Lac, Genève"
    assert "Ada" not in str(reader.metadata)


@pytest.mark.parametrize("name", ["Zoë Ångström-Çelik Nguyễn", "Анна Ковалёва"])
def test_names_in_three_scripts_print_in_an_embedded_font(name: str) -> None:
    content = render_pdf(made_report(patient=ReportedPatient(name=name, email="a@example.org")))
    assert name in text_of(content)
    pages: Any = PdfReader(io.BytesIO(content)).pages
    fonts = [font for page in pages for font in page["/Resources"]["/Font"].values()]
    used = [font for font in fonts if font["/BaseFont"] != "/Helvetica"]
    assert used
    assert all("/FontFile2" in font["/FontDescriptor"] for font in used)


@pytest.fixture(scope="module")
def _fonts_are_open() -> None:
    render_pdf(made_report())


@pytest.mark.usefixtures("_fonts_are_open")
@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_text_is_read_as_markup_or_opens_anything(hostile: str) -> None:
    report = report_saying(hostile)
    with watched() as seen:
        content = render_pdf(report)
    assert seen == []
    text = letters_of(content)
    if "<" in hostile:
        assert text.count(hostile.replace(" ", "")) >= 15
    assert "root:" not in text
    assert not set("\u202e\u2066\u200b\x07") & set(text)
    assert b"/Annots" not in content, "a link, which no text may make"


def report_saying(text: str) -> Report:
    # Each text is different: a repeated text is not printed again.
    lines = (f"{text} 1", f"{text} 2")
    narrative = narrative_in("en", f"{text} explained")
    narrative = narrative.model_copy(
        update={
            "findings": (f"{text} found", f"{text} seen"),
            "limits": (f"{text} limit",),
            "next_steps": (f"{text} next",),
            "source": Source(writer=Writer.LLM, model=text, kept=1, written=1),
        }
    )
    review = REVIEW.model_copy(update={"note": text, "signature": text})
    letter = SIGNED.model_copy(update={"text": text, "signature": text})
    taken_back = Withdrawal(withdrawn_at=SEAL.issued_at, withdrawn_by=text, reason=text)
    withdrawn = letter.model_copy(update={"withdrawn": taken_back})
    report = made_report(
        patient=ReportedPatient(name=text, email=text),
        clinic=text,
        narrative=narrative,
        translations=(lines,),
        finding={"model_version": text},
        review=review,
        letters=(ShownLetter(letter), ShownLetter(withdrawn)),
    )
    assert report.decision
    return replace(report, decision=replace(report.decision, decided_by=text))


@pytest.mark.parametrize("note", ["\n" * 999, "W" * 1000])
def test_a_note_of_any_shape_goes_on_on_the_next_pages(note: str) -> None:
    report = made_report(review=REVIEW.model_copy(update={"note": note}))
    assert "skin.clinic.example" in letters_of(render_pdf(report))


def test_what_is_watched_would_be_seen(tmp_path: Path) -> None:
    with watched() as seen:
        (tmp_path / "planted").write_text("seen")
    assert [event for event, _ in seen] == ["open"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_letters_are_missing_the_page_says_so_and_where_they_stand(
    language: Language,
) -> None:
    said = LABELS[language].not_printed
    assert said not in text_of(render_pdf(made_report(language)))
    missing: list[dict[str, Any]] = [
        {"patient": ReportedPatient(name="名前", email="a@example.org")},
        {"review": REVIEW.model_copy(update={"note": "ראובן"})},
        {"clinic": "诊所"},
    ]
    for fields in missing:
        assert said in text_of(render_pdf(made_report(language, **fields))), [*fields]


def test_a_typical_report_is_small() -> None:
    assert len(render_pdf(made_report())) <= LARGEST
    assert len(render_pdf(longest_report("fr"))) <= LARGEST
