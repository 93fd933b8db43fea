"""What is told about the stated condition never contradicts the band or the doubt."""

import html
import io
from dataclasses import replace

import pytest
from pypdf import PdfReader

from skinapi.reports.facts import UNKNOWN, Facts
from skinapi.reports.pages.html import render_html
from skinapi.reports.pages.pdf import render_pdf
from skinapi.reports.schemas import AboutView, FullReport
from skinapi.vision.conditions import LANGUAGES, Band, Language, conditions_table
from skinapi.vision.finding import Doubt
from skinapi.vision.typography import NO_BREAK_SPACE
from tests.findings import finding_of
from tests.reports.sample_reports import REVIEW, made_report

TABLE = conditions_table()


def told_about(
    key: str, band: Band, language: Language, reasons: tuple[Doubt, ...] = ()
) -> AboutView | None:
    finding = finding_of(key, band=band, reasons=reasons)
    report = made_report(language)
    return AboutView.of(replace(report, facts=Facts.of(finding, UNKNOWN)))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", [c.key for c in TABLE.conditions if not c.malignant])
def test_a_harmless_condition_is_described_only_in_an_all_clear(
    key: str, language: Language
) -> None:
    words = TABLE.by_key(key).sentences[language]
    own = TABLE.by_key(key).urgency
    assert told_about(key, Band.URGENT_REFERRAL, language) is None
    assert told_about(key, Band.REFERRAL, language) is None
    assert told_about(key, Band.DOCTOR_REVIEW, language) is None
    assert told_about(key, own, language, (Doubt.TOO_CLOSE,)) is None
    about = told_about(key, own, language)
    assert about
    assert about.sentences == (words.what_it_is, words.treatment_note, words.epidemiology)
    assert about.sources == TABLE.by_key(key).sources


def test_a_cancer_is_described_whatever_the_doubt() -> None:
    for reasons in ((), (Doubt.UNLIKE_TRAINING,)):
        about = told_about("melanoma", Band.URGENT_REFERRAL, "fr", reasons)
        assert about
        assert len(about.sentences) == 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_review_that_is_more_urgent_is_read_first_and_nothing_is_called_harmless(
    language: Language,
) -> None:
    finding = finding_of("dermatofibroma", band=Band.ROUTINE)
    report = replace(made_report(language, photo=False), facts=Facts.of(finding, UNKNOWN))
    for label, graver in (("melanoma", True), ("dermatofibroma", False)):
        reviewed = replace(report, review=REVIEW.model_copy(update={"label": label}))
        shown = FullReport.of(reviewed)
        assert (shown.about is None) is graver
        if not graver:
            assert shown.graver_review is None
            continue
        assert shown.graver_review
        assert reviewed.name(label) in shown.graver_review
        assert shown.notices[1] == shown.graver_review
        told = shown.narrative
        assert told.sections.overview == shown.graver_review
        assert (told.sections.recommendation, *told.next_steps) == (shown.graver_review,) * 2
        assert told.sections.importance_of_early_detection.startswith(reviewed.name(label))
        page, band = html.unescape(render_html(reviewed)), reviewed.band_words.label
        assert page.index(shown.graver_review) < page.index(band)
        printed = " ".join(
            PdfReader(io.BytesIO(render_pdf(reviewed))).pages[0].extract_text().split()
        )
        review = shown.graver_review.replace(NO_BREAK_SPACE, " ")
        assert printed.index(review) < printed.index(band)
        words = report.narrative.sections
        written = (words.overview, words.importance_of_early_detection, words.recommendation)
        for sentence in (*written, *report.narrative.next_steps):
            assert sentence not in page


def test_a_review_of_a_graver_finding_lowers_nothing() -> None:
    report = made_report(photo=False)  # a melanoma, and the doctor sees a mole
    assert report.graver_review is None
