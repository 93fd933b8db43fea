"""A fact stands once on a report's pages, whatever says it."""

from dataclasses import replace

import pytest

from skinapi.base.languages import LANGUAGES, NO_BREAK_SPACE, Language
from skinapi.findings.reports.content import ReportContent
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.words import LABELS
from skinapi.model.context import NOTHING_TOLD, Modality
from skinapi.model.detectors import ModalityFinding
from tests.findings.reports.sample_reports import made_report
from tests.support.findings import finding_of

DERMOSCOPIC, CLINICAL, UNKNOWN = Modality.DERMOSCOPIC, Modality.CLINICAL, Modality.UNKNOWN
BOTH = DERMOSCOPIC, CLINICAL


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("told", "recognised", "used", "said"),
    [
        (
            DERMOSCOPIC,
            DERMOSCOPIC,
            (DERMOSCOPIC,),
            {"en": "dermoscopic", "fr": "dermatoscopique"},
        ),
        (
            DERMOSCOPIC,
            UNKNOWN,
            BOTH,
            {
                "en": "not clear from the picture; sent as: dermoscopic",
                "fr": "non reconnaissable sur l'image ; envoyée comme : dermatoscopique",
            },
        ),
        (
            DERMOSCOPIC,
            CLINICAL,
            BOTH,
            {
                "en": "ordinary photograph; sent as: dermoscopic",
                "fr": "photographie ordinaire ; envoyée comme : dermatoscopique",
            },
        ),
        (
            UNKNOWN,
            CLINICAL,
            (CLINICAL,),
            {"en": "ordinary photograph", "fr": "photographie ordinaire"},
        ),
        (
            UNKNOWN,
            UNKNOWN,
            BOTH,
            {"en": "not clear from the picture", "fr": "non reconnaissable sur l'image"},
        ),
        (
            CLINICAL,
            UNKNOWN,
            (CLINICAL,),
            {"en": "ordinary photograph", "fr": "photographie ordinaire"},
        ),
    ],
)
def test_the_kind_of_picture_is_one_row_and_says_a_doubt(
    told: Modality,
    recognised: Modality,
    used: tuple[Modality, ...],
    said: dict[Language, str],
    language: Language,
) -> None:
    """ "Dermoscopic; the picture does not show it" stood above "it looks like an ordinary
    photograph", and "misses few cancers in dermoscope pictures" beside both.
    """
    modality = ModalityFinding(told=told, recognised=recognised, used=used)
    finding = finding_of().model_copy(update={"modality": modality})
    facts = Facts.of(finding, NOTHING_TOLD.model_copy(update={"modality": told}))
    labels = LABELS[language]
    rows = ReportContent(replace(made_report(language), facts=facts)).figures
    printed = [
        text.replace(NO_BREAK_SPACE, " ") for label, text in rows if label == labels.modality
    ]
    assert printed == [said[language]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_review_repeats_nothing_of_the_decision_above_it(language: Language) -> None:
    """ "The doctor agrees with the model" stood in a patient's report."""
    content, labels = ReportContent(made_report(language)), LABELS[language]
    assert content.decision
    named = {label for label, _ in content.review}
    assert named, "a note stays"
    assert not named & {labels.agreement, labels.urgency_asked}
