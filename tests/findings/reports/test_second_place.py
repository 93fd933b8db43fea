import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pypdf import PdfReader

from skinapi.base.languages import LANGUAGES, NO_BREAK_SPACE, Language
from skinapi.findings.records.letters import ShownLetter, Withdrawal
from skinapi.findings.reports.content import ReportContent
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.html_pages import render_html
from skinapi.findings.reports.pdf_document import render_pdf
from skinapi.findings.reports.report import Report, read_in_order
from skinapi.findings.reports.words import LABELS
from skinapi.findings.status.spot import Act, Certainty, Changed, LevelSource
from skinapi.findings.status.spot_view import Instruction
from skinapi.model.conditions import Band
from skinapi.model.context import NOTHING_TOLD
from tests.findings.reports.sample_reports import (
    REVIEW,
    instructed,
    made_report,
    on_facts,
    one_line,
    plain_text,
    reviewed,
    text_of,
)
from tests.findings.reports.test_verification import BEFORE, SIGNED
from tests.support.findings import finding_of

MOLE, MELANOMA = "melanocytic_nevus", "melanoma"
SINCE = datetime(2026, 11, 22, 9, tzinfo=UTC)


def report_on_a_mole(language: Language, **said: Any) -> Report:
    finding = finding_of(MOLE, band=Band.SELF_MONITORING, checklist_score=0)
    facts = Facts.from_finding(finding, NOTHING_TOLD)
    plain = made_report(language, photo=False, review=None, decision=None)
    plain = on_facts(plain, facts)
    return reviewed(plain, finding=finding, **said) if said else plain


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_a_photo_that_could_not_be_judged_no_patient_reads_what_it_is(
    language: Language,
) -> None:
    unjudged = report_on_a_mole(language, urgency=Band.SELF_MONITORING, photo_wanted=True)
    text = text_of(render_pdf(unjudged))
    said = read_in_order(report_on_a_mole(language)).summary
    assert said.likely in text_of(render_pdf(report_on_a_mole(language)))
    assert said.likely not in text
    assert said.certainty not in text
    band = unjudged.facts.band_words(language)
    large = {"en": "Most likely melanocytic nevus (90%).", "fr": "Le plus probable : naevus"}
    assert band.doctor_label not in text
    assert size_of(large[language], render_pdf(unjudged)) < 12
    could_not, for_doctor, share = {
        "en": ("This photo could not be judged.", "Of a photo that could not be judged", "90%"),
        "fr": ("Cette photo n'a pas pu être jugée.", "D'une photo qui n'a pas pu", "90 %"),
    }[language]
    assert text.index(could_not) < text.index(for_doctor) < text.index(share)


@pytest.mark.parametrize("language", LANGUAGES)
def test_before_a_review_it_is_said_what_to_do_first_and_until_when(language: Language) -> None:
    report = made_report(language, photo=False, review=None, decision=None)
    call, day = {
        "en": ("call the doctor's practice today.", "By 3 December 2026 (Thursday)."),
        "fr": (
            "appelez le cabinet du médecin aujourd'hui",
            "Au plus tard le 3 décembre 2026 (jeudi).",
        ),
    }[language]
    for printed in (plain_text(render_html(report)), text_of(render_pdf(report))):
        assert call not in printed
    last = SINCE.date() + timedelta(days=11)
    asks = Instruction(LevelSource.MODEL, report.facts.band, SINCE, 1234, last)
    due = replace(report, instruction=asks)
    for printed in (plain_text(render_html(due)), text_of(render_pdf(due))):
        assert call in one_line(printed)
        assert day in one_line(printed)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_review_says_what_has_changed_the_spot_since(language: Language) -> None:
    report = report_on_a_mole(language, label=MOLE, certainty=Certainty.SURE)
    assert report.decision
    came = Changed(act=Act.ADDED, changed_at=SINCE)
    later = replace(report, decision=replace(report.decision, changed=came))
    marked = {
        "en": "Signed on 21 November 2026. Since then: a new photo, on 22 November 2026",
        "fr": "Signé le 21 novembre 2026. Depuis : une nouvelle photo, le 22 novembre 2026",
    }[language]
    advised = instructed(later, Instruction(LevelSource.REVIEW, Band.URGENT_REFERRAL, SINCE, 10))
    for shown, said in ((report, 0), (later, 1), (advised, 1)):
        for text in (plain_text(render_html(shown)), text_of(render_pdf(shown))):
            assert one_line(text).count(marked) == said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_proven_melanoma_of_another_photo_is_named_below_what_to_do(language: Language) -> None:
    report = report_on_a_mole(language, label=MOLE, certainty=Certainty.SURE)
    proven = report_on_a_mole("en", label=MELANOMA, certainty="laboratory").decision
    assert proven
    proven = replace(proven, number=10, decided_at=SINCE)
    advice = Instruction(LevelSource.REVIEW, Band.URGENT_REFERRAL, SINCE, 10)
    named, visit = {
        "en": (
            "Laboratory's result of 22 November 2026 (finding 10): a melanoma",
            "See a doctor this week",
        ),
        "fr": (
            "Résultat du laboratoire du 22 novembre 2026 (résultat 10) : un mélanome",
            "Voir un médecin cette semaine",
        ),
    }[language]
    shown = instructed(report, replace(advice, decision=proven))
    printed = render_pdf(shown)
    for text in (one_line(plain_text(render_html(shown))), text_of(printed)):
        text = text.replace(NO_BREAK_SPACE, " ")
        assert text.index(visit) < text.index(named)
    assert named not in text_of(render_pdf(instructed(report, advice)))
    urgency = shown.facts.band_words(language).doctor_label
    alone = report_on_a_mole(language)
    assert urgency in " ".join(read_in_order(alone).findings)
    for second in (report, shown):
        assert urgency not in " ".join(read_in_order(second).findings)
    assert 'class="answer"' in render_html(alone)
    advised = instructed(alone, advice)
    assert ReportContent(advised).replaced
    for second in (shown, advised):
        assert 'class="answer"' not in render_html(second)
    answer = ReportContent(alone).answer[1]
    assert size_of(answer, render_pdf(alone)) > 12 > size_of(answer, printed)


def size_of(text: str, pdf: bytes) -> float:
    sizes: list[float] = []

    def note(said: str, _: Any, matrix: list[float], __: Any, size: float) -> None:
        if text.replace(NO_BREAK_SPACE, " ") in said.replace(NO_BREAK_SPACE, " "):
            sizes.append(size)

    for page in PdfReader(io.BytesIO(pdf)).pages:
        page.extract_text(visitor_text=note)
    return max(sizes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_patients_page_begins_with_what_to_do_and_a_doctors_with_what_it_is(
    language: Language,
) -> None:
    shown = report_on_a_mole(language, label=MELANOMA, certainty=Certainty.SURE)
    assert shown.decision
    to_do = shown.decision.band_words(language).label
    for reader in ("patient", "colleague"):
        first = ReportContent(replace(shown, reader=reader)).first
        named = shown.decision.heading(language, for_doctor=reader == "colleague")
        doctors = shown.decision.band_words(language).doctor_label
        said = (to_do, named) if reader == "patient" else (named, doctors)
        assert (first.head, first.label) == said


def test_what_stands_first_is_not_said_again_in_the_language_of_a_letter() -> None:
    begins = "Laboratory's result: a melanoma"
    shown = report_on_a_mole("fr", label=MELANOMA, certainty="laboratory")
    for reader, above, addressee, said in (
        ("patient", None, "patient", False),
        ("patient", BEFORE, "patient", True),
        ("patient", None, "colleague", True),
        ("colleague", None, "patient", True),
    ):
        letter = SIGNED.model_copy(update={"decision": begins, "reader": addressee})
        letters = (ShownLetter(letter, above),)
        read = replace(shown, reader=reader, letters=letters)  # type: ignore[arg-type]
        for text in (plain_text(render_html(read)), text_of(render_pdf(read))):
            assert "Please see a doctor this week." in one_line(text)
            assert (begins in one_line(text)) == said
            assert (BEFORE in one_line(text)) == bool(above)


@pytest.mark.parametrize("lines", [24, 36, 48])
def test_a_struck_letter_stands_on_one_page_with_its_mark(lines: int) -> None:
    text = "\n".join(f"Line {line} of the letter." for line in range(20))
    taken_back = Withdrawal(withdrawn_at=SINCE, withdrawn_by="Dr Hyde", reason="It was wrong.")
    letter = SIGNED.model_copy(update={"text": text, "withdrawn": taken_back})
    note = "\n".join(f"{line}" for line in range(lines))
    review = REVIEW.model_copy(update={"note": note})
    report = made_report(letters=(ShownLetter(letter),), review=review)
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(render_pdf(report))).pages]
    (marked,) = (page for page in pages if "Withdrawn by Dr Hyde" in page.replace("\n", " "))
    assert len(re.findall("of the letter", marked)) == 20
    assert "Written and signed by" in marked.replace("\n", " ")


def test_what_a_letter_explains_to_a_patient_is_not_explained_again() -> None:
    for above, reader, explained in (
        (None, "patient", False),
        (None, "colleague", True),
        (BEFORE, "patient", True),
    ):
        content = ReportContent(made_report(letters=(ShownLetter(SIGNED, above),), reader=reader))
        assert bool(content.explanation) is bool(content.notes) is explained


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_review_repeats_nothing_of_the_decision_above_it(language: Language) -> None:
    content, labels = ReportContent(made_report(language)), LABELS[language]
    assert [label for label, _ in content.review] == [labels.note]
