"""A fact stands once on a report's pages, whatever says it."""

from dataclasses import replace

import pytest

from skinapi.languages import LANGUAGES, Language
from skinapi.reports.content import ReportContent
from skinapi.reports.facts import Facts
from skinapi.reports.words import LABELS
from skinapi.vision.calibration.detectors import ModalityFinding
from skinapi.vision.context import NOTHING_TOLD, Modality
from tests.reports.sample_reports import made_report
from tests.support.findings import finding_of

DERMOSCOPIC, CLINICAL, UNKNOWN = Modality.DERMOSCOPIC, Modality.CLINICAL, Modality.UNKNOWN
BOTH = DERMOSCOPIC, CLINICAL


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("told", "recognised", "used", "doubted"),
    [
        (DERMOSCOPIC, DERMOSCOPIC, (DERMOSCOPIC,), False),
        (DERMOSCOPIC, UNKNOWN, BOTH, True),
        (DERMOSCOPIC, CLINICAL, BOTH, True),
        (UNKNOWN, CLINICAL, (CLINICAL,), False),
        (UNKNOWN, UNKNOWN, BOTH, False),
    ],
)
def test_the_kind_of_picture_is_one_row_and_says_a_doubt(
    told: Modality,
    recognised: Modality,
    used: tuple[Modality, ...],
    doubted: bool,
    language: Language,
) -> None:
    """ "Recognised as ordinary photograph" stood below "dermoscopic"."""
    modality = ModalityFinding(told=told, recognised=recognised, used=used)
    finding = finding_of().model_copy(update={"modality": modality})
    facts = Facts.of(finding, NOTHING_TOLD.model_copy(update={"modality": told}))
    labels = LABELS[language]
    rows = ReportContent(replace(made_report(language), facts=facts)).figures
    said = [text for label, text in rows if label in (labels.modality, labels.recognised)]
    kind = labels.modalities[recognised if told is UNKNOWN else told]
    assert said == [labels.kind_doubted.format(kind) if doubted else kind]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_review_repeats_nothing_of_the_decision_above_it(language: Language) -> None:
    """ "The doctor agrees with the model" stood in a patient's report."""
    content, labels = ReportContent(made_report(language)), LABELS[language]
    assert content.decision
    named = {label for label, _ in content.review}
    assert named, "a note stays"
    assert not named & {labels.agreement, labels.urgency_asked}
