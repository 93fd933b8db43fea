"""What is told about the stated condition never contradicts the band or the doubt."""

import html
import io
import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from pypdf import PdfReader

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.records.decisions import say_day
from skinapi.findings.records.reviews import Certainty, Histology
from skinapi.findings.reports.content import ReportContent, render_html
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.pdf_document import render_pdf
from skinapi.findings.reports.report import Report
from skinapi.findings.reports.routes import AboutView, FullReport
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import NOTHING_TOLD
from skinapi.model.finding import Doubt
from tests.findings.reports.sample_reports import REVIEW, made_report, reviewed
from tests.support.findings import finding_of

TABLE = conditions_table()


@cache
def plain_report(language: Language) -> Report:
    return made_report(language, review=None, decision=None)


def told_about(
    key: str, band: Band, language: Language, reasons: tuple[Doubt, ...] = ()
) -> AboutView | None:
    finding = finding_of(key, band=band, reasons=reasons)
    return AboutView.of(replace(plain_report(language), facts=Facts.of(finding, NOTHING_TOLD)))


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
def test_of_a_proven_cancer_no_patient_reads_how_many_die(language: Language) -> None:
    deaths = TABLE.by_key("melanoma").sentences[language].epidemiology
    plain = replace(plain_report(language), facts=Facts.of(finding_of(), NOTHING_TOLD))
    signed: dict[str, Any] = {"label": "melanoma", "certainty": Certainty.SURE}
    result: dict[str, Any] = {"histology": Histology.CONFIRMED, "histology_result": "melanoma"}
    suspected = AboutView.of(reviewed(plain, **signed))
    proven = AboutView.of(reviewed(plain, **signed, **result))
    assert suspected
    assert proven
    assert suspected.sentences[:2] == proven.sentences
    assert deaths in suspected.sentences


WORDS = TABLE.notices.decision


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("stated", "band", "decided"),
    [
        ("melanoma", Band.URGENT_REFERRAL, "benign_keratosis"),
        ("melanocytic_nevus", Band.SELF_MONITORING, "squamous_cell_carcinoma"),
    ],
)
def test_a_decision_heads_the_report_and_nothing_said_of_the_finding_contradicts_it(
    language: Language, stated: str, band: Band, decided: str
) -> None:
    finding = finding_of(stated, band=band)
    plain = replace(made_report(language, photo=False), facts=Facts.of(finding, NOTHING_TOLD))
    report = reviewed(plain, finding=finding, label=decided, certainty=Certainty.SURE)
    name, own = TABLE.name(decided, language), TABLE.label(decided).urgency
    step = TABLE.band_words(own, language)
    shown = FullReport.of(report)
    assert shown.band is band
    assert shown.decision
    assert (shown.decision.label, shown.decision.name, shown.decision.urgency) == (
        decided,
        name,
        own,
    )
    own_name = TABLE.name_for_patient(decided, language)
    assert shown.about is None or shown.about.patient_name == own_name
    told = shown.narrative.sections
    assert name in told.overview
    assert say_day(REVIEW.created_at, language) in told.overview
    assert step.next_step in told.recommendation
    assert told.importance_of_early_detection.startswith(name)
    title = WORDS.suspected if TABLE.label(decided).malignant else WORDS.title
    head = (
        title.in_language(language),
        own_name,
        step.label,
        step.next_step,
        f"Ελένη Παπαδοπούλου, {say_day(REVIEW.created_at, language)}",
        *ReportContent(report).replaced[0],
    )
    page = " ".join(html.unescape(re.sub("<[^>]*>", " ", render_html(report))).split())
    pdf = PdfReader(io.BytesIO(render_pdf(report))).pages[0].extract_text()
    for text in (page, " ".join(pdf.split())):
        places = [text.index(" ".join(part.split())) for part in head]
        assert places == sorted(places)
        assert f"{report.band_words.label}." not in text[: places[-1]]  # it counts no more
    written = plain.narrative.sections
    gone = (written.overview, written.importance_of_early_detection, written.recommendation)
    for sentence in (*gone, *plain.narrative.next_steps):
        assert sentence not in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_what_no_model_knows_the_report_says_to_ask_a_doctor(language: Language) -> None:
    report = reviewed(made_report(language), label="inflammatory", certainty=Certainty.SURE)
    about = AboutView.of(report)
    assert about
    assert about.sentences == (WORDS.ask_a_doctor.in_language(language),)


def test_what_a_doctor_is_unsure_about_replaces_no_word_about_a_cancer() -> None:
    plain = made_report(photo=False)
    report = reviewed(plain, label="melanocytic_nevus", certainty=Certainty.UNSURE)
    shown = FullReport.of(report)
    assert shown.decision
    assert shown.decision.urgency is shown.band is Band.URGENT_REFERRAL
    assert shown.decision.title == WORDS.opinion.en
    assert shown.about
    assert shown.about.name == "Melanoma"
    early = shown.narrative.sections.importance_of_early_detection
    assert early == plain.narrative.sections.importance_of_early_detection
