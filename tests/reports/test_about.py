"""What is told about the stated condition never contradicts the band or the doubt."""

from dataclasses import replace

import pytest

from skinapi.reports.facts import UNKNOWN, Facts
from skinapi.reports.schemas import AboutView
from skinapi.vision.conditions import LANGUAGES, Band, Language, conditions_table
from skinapi.vision.finding import Doubt
from tests.findings import finding_of
from tests.reports.sample_reports import made_report

TABLE = conditions_table()


def told_about(
    key: str, band: Band, language: Language, reasons: tuple[Doubt, ...] = ()
) -> AboutView | None:
    finding = finding_of(key, band=band, reasons=reasons)
    report = made_report(language)
    return AboutView.of(replace(report, facts=Facts.of(finding, UNKNOWN)))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", [c.key for c in TABLE.conditions if not c.malignant])
def test_a_harmless_condition_is_described_only_where_the_finding_may_reassure(
    key: str, language: Language
) -> None:
    words = TABLE.by_key(key).sentences[language]
    own = TABLE.by_key(key).urgency
    assert told_about(key, Band.URGENT_REFERRAL, language) is None
    assert told_about(key, Band.REFERRAL, language) is None
    assert told_about(key, own, language, (Doubt.TOO_CLOSE,)) is None
    about = told_about(key, own, language)
    assert about
    assert about.sentences == (words.what_it_is, words.treatment_note, words.epidemiology)
    assert about.sources == TABLE.by_key(key).sources


def test_no_treatment_needed_is_not_told_beside_a_doctors_review() -> None:
    words = TABLE.by_key("melanocytic_nevus").sentences["en"]
    about = told_about("melanocytic_nevus", Band.DOCTOR_REVIEW, "en")
    assert about
    assert about.sentences == (words.what_it_is, words.epidemiology)


def test_a_cancer_is_described_whatever_the_doubt() -> None:
    for reasons in ((), (Doubt.UNLIKE_TRAINING,)):
        about = told_about("melanoma", Band.URGENT_REFERRAL, "fr", reasons)
        assert about
        assert len(about.sentences) == 3
