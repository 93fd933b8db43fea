from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.records.schemas.practice import Practice
from skinapi.findings.reports.content import ReportContent
from skinapi.findings.reports.facts import Facts, say_reason
from skinapi.findings.reports.html_pages import render_html
from skinapi.findings.reports.pdf_document import render_pdf
from skinapi.findings.reports.report import Report
from skinapi.findings.reports.words import LABELS
from skinapi.findings.status.spot import Certainty, LevelSource
from skinapi.findings.status.spot_view import Instruction
from skinapi.model.bands import RaisedBy
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.headline import rank
from tests.findings.reports.facts import facts_of
from tests.findings.reports.sample_reports import (
    in_order,
    instructed,
    made_report,
    on_facts,
    reviewed,
    text_of,
)

VISIT, MOLE = conditions_table().visit, "melanocytic_nevus"
PRACTICE = Practice(doctor="Dr Anna Weiss", name="Clinique du Lac", phone="+41 22 555 01 23")
CHANGED = facts_of().context.model_copy(update={"checklist": ("change_in_size", "oozing")})
REVIEW: dict[str, Any] = {"band": Band.DOCTOR_REVIEW, "raised_by": (RaisedBy.MALIGNANT,)}


def shares(**given: float) -> dict[str, Any]:
    rest = [key for key in conditions_table().keys if key not in given]
    left = (1 - sum(given.values())) / len(rest)
    return {"ranked": rank({**given, **dict.fromkeys(rest, left)})}


OPEN_MOLE = facts_of(
    MOLE, **REVIEW, **shares(melanocytic_nevus=0.88, melanoma=0.03, actinic_keratosis=0.04)
)


def report_on(facts: Facts, language: Language = "en", **fields: Any) -> Report:
    given = {"review": None, "decision": None, "practice": PRACTICE, **fields}
    return on_facts(made_report(language, **given), facts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_page_says_by_when_what_why_with_whom_and_what_until_then(language: Language) -> None:
    facts = facts_of(raised_by=(RaisedBy.CHECKLIST,), context=CHANGED, checklist_score=3)
    since, day = datetime(2026, 11, 20, tzinfo=UTC), date(2026, 11, 27)
    asks = Instruction(LevelSource.MODEL, facts.band, since, 1234, day)
    report = report_on(facts, language, instruction=asks)
    labels = LABELS[language]
    order = [
        {"en": "By 27 November 2026 (Friday).", "fr": "Au plus tard le 27 novembre 2026"}[language],
        {"en": "Most likely a melanoma.", "fr": "Il s'agit le plus probablement d'un mélanome."}[
            language
        ],
        {"en": "you told us that it has changed in size", "fr": "elle a changé de taille"}[
            language
        ],
        "Dr Anna Weiss, Clinique du Lac, ",
        "+41 22 555 01 23",
        {"en": "under local anaesthetic", "fr": "sous anesthésie locale"}[language],
        labels.until,
        labels.explanation,
        labels.how_sure,
    ]
    first, _, _ = text_of(render_pdf(report)).partition(labels.page.format(1, 2))
    assert in_order(first, *order)
    assert "+41 22 555 01 23" in render_html(report)


def test_why_is_said_of_what_was_told_and_of_the_picture_and_not_twice() -> None:
    told = facts_of(
        MOLE,
        told_signs=("oozing",),
        raised_by=(RaisedBy.TOLD_SIGNS,),
        context=CHANGED,
        **shares(melanocytic_nevus=0.95),
        band=Band.DOCTOR_REVIEW,
    )
    assert say_reason(told, "en") == "", "the headline says it"
    assert say_reason(OPEN_MOLE, "en") == f"The reason: {VISIT.reasons['malignant'].en}."
    likely = facts_of(raised_by=(RaisedBy.MELANOMA, RaisedBy.MALIGNANT, RaisedBy.MOST_PROBABLE))
    early = "The reason: a melanoma that is found early can usually be cured."
    assert say_reason(likely, "en") == early
    assert say_reason(facts_of(MOLE, band=Band.SELF_MONITORING), "en") == ""


def test_most_have_no_cancer_is_said_with_its_source_but_not_beside_a_likely_cancer() -> None:
    calm, likely = (ReportContent(report_on(facts)) for facts in (OPEN_MOLE, facts_of()))
    often = dict(calm.visit)[calm.labels.how_often]
    assert often[0][0] == VISIT.most_without.en
    assert "Conversion rates" in dict(calm.notes)[often[0][1]]
    assert VISIT.likely.en in str(likely.visit)
    assert not any(
        words.en in str(likely.visit) for words in (VISIT.most_without, VISIT.many_without)
    )


def test_who_sees_no_doctor_here_is_sent_to_one_of_their_own_and_who_is_spared_to_none() -> None:
    alone = ReportContent(report_on(OPEN_MOLE, practice=None))
    assert alone.visit[0] == (alone.labels.whom, [(VISIT.own_doctor.en, "")])
    assert ReportContent(report_on(facts_of(MOLE, band=Band.SELF_MONITORING))).visit == []
    assert ReportContent(report_on(OPEN_MOLE, reader="colleague")).visit == []


def test_of_a_mole_melanoma_is_explained_and_what_a_mole_is_without_comfort() -> None:
    """Moles got a page on actinic keratosis, the largest of three small probabilities."""
    content = ReportContent(report_on(OPEN_MOLE))
    told = [text for paragraph in content.explanation for text, _ in paragraph]
    assert OPEN_MOLE.concern.key == "melanoma"
    short = conditions_table().by_key(MOLE).in_short
    assert short
    assert told[0] == short.en
    assert any("Melanoma is a cancer" in item for item in told)
    assert not any("harmless" in item or "keratosis" in item for item in told)
    faint = facts_of(
        MOLE, **REVIEW, **shares(melanocytic_nevus=0.9, melanoma=0.02, actinic_keratosis=0.05)
    )
    assert faint.concern.key == "melanoma"


def test_a_doctor_reads_facts_figures_checklist_and_reasons_before_the_picture() -> None:
    facts = facts_of(context=CHANGED, checklist_score=3, raised_by=(RaisedBy.CHECKLIST,))
    text = text_of(render_pdf(report_on(facts, reader="colleague")))
    labels = LABELS["en"]
    checklist = conditions_table().checklist.name.en
    order = [
        labels.facts["checklist"],
        "change in size, oozing",
        labels.probabilities,
        checklist,
        "Urgency: ",
        labels.limits,
        labels.pictures,
    ]
    assert in_order(text, *order)


@pytest.mark.parametrize("note", ["New on an adult back: I want to see it.", None])
def test_a_doctor_who_names_a_mole_and_asks_for_a_visit_says_why(note: str | None) -> None:
    """ "See a doctor this week" was on the same card as "Doctor's decision: a mole"."""
    report = reviewed(made_report(), label=MOLE, urgency=Band.URGENT_REFERRAL)
    assert report.review
    report = replace(report, review=report.review.model_copy(update={"note": note}))
    content = ReportContent(report)
    reason = f"The doctor's reason: {note}" if note else content.labels.ask_reason
    assert content.first.sentences[-1] == reason
    assert not any(label == content.labels.note for label, _ in content.review)
    mild = reviewed(made_report(), label="melanoma")
    assert len(ReportContent(mild).first.sentences) == 1


def test_a_visit_is_told_of_the_finding_that_asks_for_it_alone() -> None:
    """The page of another finding with "most likely a melanoma" said that most have no cancer, and
    an older decision chose how the spot is removed.
    """
    since = datetime(2026, 11, 22, 9, tzinfo=UTC)
    asks = Instruction(LevelSource.MODEL, Band.URGENT_REFERRAL, since, 45)
    elsewhere = ReportContent(report_on(OPEN_MOLE, instruction=asks))
    assert elsewhere.labels.how_often not in dict(elsewhere.visit)
    decided = reviewed(report_on(facts_of()), label=MOLE, certainty=Certainty.SURE)
    own = replace(asks, finding=1234)
    there = []
    for report in (report_on(facts_of()), instructed(decided, own)):
        content = ReportContent(report)
        there.append(dict(content.visit)[content.labels.there][0][0])
    assert there == [VISIT.there_melanoma.en] * 2, "of the model's own answer"
    assert dict(elsewhere.visit)[elsewhere.labels.there][0][0] == VISIT.there.en
