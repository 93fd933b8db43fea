"""One finding has one headline: in the console, the doctor's list, on paper, in letters, and with
the five clients, as far as their classes go.
"""

import random
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest

from skinapi.accounts.auth.accounts import Account
from skinapi.base.errors import Refused
from skinapi.base.languages import Language
from skinapi.care.queue_schemas import listed_fields
from skinapi.findings.records.finding_schemas import HeadlineView
from skinapi.findings.records.schemas import SubmissionInCare, SubmissionView
from skinapi.findings.records.submission import Listed, Submission
from skinapi.findings.reports.content import render_html
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.pdf_document import render_pdf
from skinapi.findings.reports.report import Report
from skinapi.findings.reports.schemas import FullReport
from skinapi.findings.reports.template import write_template
from skinapi.integrations.clients import photo_forms
from skinapi.integrations.clients.dermascan_diagnosis import INCONCLUSIVE, Diagnosis
from skinapi.integrations.clients.photo_forms import GuideAnswer, Predictions
from skinapi.integrations.clients.service import (
    CONDITION_NAMES,
    Undecided,
    decided,
    name_for,
    over_known_classes,
)
from skinapi.model.calibration import Calibration, ModelCalibration, NamingRule
from skinapi.model.classification import PreparedPhoto, join_photos, judge_prepared, prepare_photo
from skinapi.model.conditions import NORMAL_SKIN, conditions_table
from skinapi.model.context import Context, Modality, SkinTone
from skinapi.model.finding import Finding, FindingSummary
from skinapi.model.registry.service import ClassifiedPhoto
from tests.findings.reports.sample_reports import text_of
from tests.integrations.clients.all_clear import REGULAR, any_photo
from tests.model.fakes import LABELS, TESTED, fake_model
from tests.model.photos import encoded, skin_with_spot
from tests.support.size import size

TABLE = conditions_table()
FINDINGS, SEED = size(80, 300), random.randrange(10**6)
PRINTED = size(10, FINDINGS)  # of these a PDF is drawn
ITEMS = [item.key for item in TABLE.checklist.items]
ADA = Account(
    id="1" * 32,
    created_at=datetime(2026, 11, 20, tzinfo=UTC),
    email="ada@example.org",
    name="Ada Example",
    role="user",
    status="approved",
    password_hash="x",
    queue_key="9",
    findings=0,
)


@cache
def prepared() -> PreparedPhoto:
    return prepare_photo(encoded(skin_with_spot(), quality=95))


def some_context(chance: random.Random) -> Context:
    ticked = chance.sample(ITEMS, chance.randrange(5)) if chance.random() < 0.2 else None
    tone = chance.choice(list(SkinTone)) if chance.random() < 0.2 else None
    return Context(
        modality=chance.choice(list(Modality)),
        skin_tone=tone,
        checklist=None if ticked is None else tuple(ticked),
    )


def some_calibration(chance: random.Random) -> Calibration:
    rare = NamingRule(tau=1.0, prior={key: chance.uniform(0.02, 1) for key in LABELS})
    return Calibration(
        tested=TESTED if chance.random() < 0.7 else None,
        unlike_training=1e9 if chance.random() < 0.15 else None,
        too_close=chance.choice([0.0, 0.15]),
        naming=rare if chance.random() < 0.3 else None,
        thresholds={"malignant": chance.choice([0.1, 0.3]), "melanoma": chance.choice([0.05, 0.4])},
    )


def some_finding(chance: random.Random, draw: np.random.Generator) -> Finding:
    """As a model of such probabilities judges one picture, or two of one lesion."""
    calibration = ModelCalibration(dermoscopic=some_calibration(chance))
    prevalence = 0.02 if chance.random() < 0.2 else None
    context, judged = some_context(chance), []
    for _ in range(2 if chance.random() < 0.25 else 1):
        drawn = draw.dirichlet(np.full(len(LABELS), chance.choice([0.1, 0.5, 1.0])))
        shares = dict(zip(LABELS, np.maximum(drawn, 1e-4).tolist(), strict=True))
        whole = sum(shares.values())
        model = fake_model(
            {key: share / whole for key, share in shares.items()},
            calibration=calibration.where(prevalence),
        )
        judged.append(judge_prepared(model, prepared(), context))
    return judged[0].finding if len(judged) == 1 else join_photos(model, judged)


def is_refused(finding: Finding) -> bool:
    try:
        decided(finding, "skinartify")
    except Undecided:
        return False
    except Refused:
        return True
    return False


@cache
def findings() -> tuple[Finding, ...]:
    print(f"{FINDINGS} findings, seed {SEED}")  # noqa: T201 (shown where a test fails)
    chance, draw = random.Random(SEED), np.random.default_rng(SEED)
    drawn = [some_finding(chance, draw) for _ in range(FINDINGS)]
    # Normal skin alone is rare among so few, and clients refuse it.
    while not any(map(is_refused, drawn)):
        drawn.append(some_finding(chance, draw))
    return tuple(drawn)


def submission_of(finding: Finding) -> Submission:
    words = write_template(Facts.of(finding, Context()), "en").sections.model_dump()
    return Submission(
        id="0" * 32,
        created_at=datetime(2026, 11, 21, tzinfo=UTC),
        changed="0" * 32,
        number=1,
        owner=ADA.id,
        band=finding.band,
        finding=finding,
        context=Context(),
        language="en",
        sections=words,
    ).alone()


def report_of(finding: Finding, language: Language) -> Report:
    facts = Facts.of(finding, Context())
    return Report(facts=facts, narrative=write_template(facts, language))


def test_the_console_the_lists_and_what_is_stored_have_one_headline() -> None:
    for finding in findings():
        headline = finding.headline
        for_doctor = HeadlineView.of(headline, for_doctor=True)
        for_patient = HeadlineView.of(headline, for_doctor=False)
        submission, report = submission_of(finding), FullReport.of(report_of(finding, "en"))
        assert report.headline == for_doctor
        assert report.reading.summary.likely == headline.for_patient.en
        assert SubmissionView.of(submission, ADA).headline == for_patient
        assert SubmissionInCare.of(submission, ADA).headline == for_doctor
        row = Listed.model_validate(
            submission.model_dump(exclude={"finding"}) | read_back(finding)
        ).alone()
        assert listed_fields(row, for_doctor=True)["headline"] == for_doctor


def read_back(finding: Finding) -> dict[str, FindingSummary]:
    """What a list reads of a stored finding."""
    stored = finding.model_dump(mode="json")
    own = {name: stored[name] for name in FindingSummary.model_fields if name in stored}
    return {"finding": FindingSummary.model_validate(own)}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_paper_and_page_have_the_same_headline(language: Language) -> None:
    for place, finding in enumerate(findings()):
        said = finding.headline.for_patient, finding.headline.for_doctor
        sentences = [spaced(one.in_language(language)) for one in said]
        report = report_of(finding, language)
        texts = [
            render_html(report).replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">")
        ]
        if place < PRINTED:
            texts.append(text_of(render_pdf(report)))
        for text in map(spaced, texts):
            assert [one for one in sentences if one not in text] == []


def spaced(text: str) -> str:
    return " ".join(text.split())


def test_each_client_names_what_the_headline_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that shows one name gets the gravest of the headline, or its sentence."""
    monkeypatch.setattr(photo_forms, "draw_overlay", lambda *_, **__: b"")
    named, refused = 0, 0
    sentences: list[tuple[Finding, str]] = []
    for finding in findings():
        # Earlier systems' clients get the model's own probabilities, whatever the prevalence.
        photo = ClassifiedPhoto(finding.by_own_mix(), any_photo(), REGULAR)
        angular = SubmissionView.of(submission_of(finding), ADA)
        assert angular.stated == TABLE.by_key(finding.headline.named.key).api_name
        for client in (named_by_skinartify, named_by_explainable, named_by_guide, named_by_lab):
            try:
                shown, wanted = client(photo)
            except Undecided as told:
                sentences.append((photo.finding, told.detail))
            except Refused:
                assert finding.most_probable == NORMAL_SKIN
                refused += 1
            else:
                assert shown == wanted
                named += 1
    assert all((named, refused, sentences))
    for finding, said in sentences:
        assert finding.headline.for_patient.en in said


def named_by_skinartify(photo: ClassifiedPhoto) -> tuple[str | None, str | None]:
    shares = Predictions.of(photo.finding).predictions
    return max(shares, key=shares.__getitem__), name_for(photo.finding, "skinartify")


def named_by_explainable(photo: ClassifiedPhoto) -> tuple[str | None, str | None]:
    decided(photo.finding, "explainable")
    named = CONDITION_NAMES[photo.finding.headline.named.key]
    return name_for(photo.finding, "explainable"), named.explainable or "a name"


def named_by_guide(photo: ClassifiedPhoto) -> tuple[str | None, str | None]:
    answer, headline = GuideAnswer.of(photo), photo.finding.headline
    assert headline.for_patient.en in answer.explanation
    return answer.predictions[0].label, CONDITION_NAMES[headline.likely.key].guide


def named_by_lab(photo: ClassifiedPhoto) -> tuple[str | None, str | None]:
    diagnosis, known = Diagnosis.of(photo), over_known_classes(photo.finding)
    headline = photo.finding.headline
    if headline.sent_for:
        assert headline.for_patient.en in diagnosis.description
    malignant = TABLE.by_key(headline.named.key).malignant
    all_clear = Facts.of(known, Context()).all_clear
    if known.most_probable == NORMAL_SKIN or not (malignant or all_clear):
        return diagnosis.class_id, INCONCLUSIVE
    return diagnosis.class_id, CONDITION_NAMES[headline.named.key].lab_class_id
