"""What crosses the wire of a submission: the Angular app's answer, and what it has gained."""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints

from skinapi.auth.accounts import Account
from skinapi.records.reviews import Agreement, Histology, Review
from skinapi.records.submissions import Submission
from skinapi.vision.bands import RaisedBy
from skinapi.vision.conditions import Band, Language, conditions_table
from skinapi.vision.context import Context
from skinapi.vision.finding import Doubt, Finding, Ranked
from skinapi.web.fields import Answer, Body

TIME = "%Y-%m-%d %H:%M:%S"
LONGEST_NOTE = 1000


class ReportView(Answer):
    overview: str
    importance_of_early_detection: str
    recommendation: str
    confidence_explanation: str


class NarrativeSource(Answer):
    writer: str = Field(description="template or llm")
    model: str | None = Field(default=None, description="the LLM that answered")
    reason: str | None = Field(
        default=None, description="why the LLM was wanted and the template wrote"
    )


class NarrativeView(Answer):
    source: NarrativeSource


class Probability(Answer):
    key: str
    name: str
    probability: float

    @classmethod
    def of(cls, ranked: Ranked, language: Language) -> Self:
        names = conditions_table().by_key(ranked.key).names
        name = names.fr if language == "fr" else names.en
        return cls(key=ranked.key, name=name, probability=ranked.probability)


class QualityView(Answer):
    width: int
    height: int
    brightness: float
    highlights: float
    sharpness: float


class SubmissionView(Answer):
    id: str = Field(serialization_alias="_id")
    number: int = Field(serialization_alias="id")
    user_name: str
    user_email: str
    stated: str = Field(serialization_alias="class")
    confidence: float = Field(description="the stated class's own probability, in percent")
    report: ReportView
    time: str = Field(description="UTC")

    band: Band
    band_label: str
    action: str
    raised_by: tuple[RaisedBy, ...]
    notice: str
    notices: list[str]
    uncertain: bool
    reasons: tuple[Doubt, ...]
    malignant_score: float
    probabilities: list[Probability]
    checklist_score: int | None
    quality: QualityView
    context: Context
    language: Language
    photo_kept: bool
    model_version: str
    narrative: NarrativeView

    @classmethod
    def of(cls, submission: Submission, owner: Account) -> Self:
        finding, language = submission.finding, submission.language
        words = finding.band_words(language)
        notices = [notice.fr if language == "fr" else notice.en for notice in finding.notices]
        return cls(
            id=submission.id,
            number=submission.number,
            user_name=owner.name,
            user_email=owner.email,
            stated=stated_name(finding),
            confidence=percent(finding.confidence),
            report=ReportView.model_validate(submission.sections),
            time=submission.created_at.astimezone(UTC).strftime(TIME),
            band=finding.band,
            band_label=words.label,
            action=words.action,
            raised_by=finding.raised_by,
            notice=notices[0],
            notices=notices,
            uncertain=finding.uncertain,
            reasons=finding.reasons,
            malignant_score=finding.malignant_score,
            probabilities=[Probability.of(ranked, language) for ranked in finding.ranked],
            checklist_score=finding.checklist_score,
            quality=QualityView.model_validate(finding.quality, from_attributes=True),
            context=submission.context,
            language=language,
            photo_kept=submission.photo_blob is not None,
            model_version=finding.model_version,
            narrative=NarrativeView(
                source=NarrativeSource.model_validate(submission.narrative_source)
            ),
        )


def _known(label: str) -> str:
    known = conditions_table().keys
    if label not in known:
        raise ValueError(f"the labels are {', '.join(known)}")
    return label


def _written(note: str) -> str:
    """Lines of text, nothing that hides or draws."""
    lines = note.replace("\r\n", "\n")
    if any(unicodedata.category(sign) in ("Cc", "Cs") and sign != "\n" for sign in lines):
        raise ValueError("Control characters are not allowed")
    return lines


Note = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_NOTE, strip_whitespace=True),
    AfterValidator(_written),
]


class NewReview(Body):
    label: Annotated[str, AfterValidator(_known)] = Field(description="a condition's key")
    agreement: Agreement = Field(description="with the finding", strict=False)
    histology: Histology | None = Field(
        default=None, description="what the laboratory says to the label", strict=False
    )
    note: Note | None = None


class ReviewView(Answer):
    id: str = Field(serialization_alias="_id")
    created_at: datetime
    label: str
    agreement: Agreement
    histology: Histology | None
    note: str | None
    signed_by: str = Field(description="the doctor's name at that time")

    @classmethod
    def of(cls, review: Review) -> Self:
        return cls(
            id=review.id,
            created_at=review.created_at,
            label=review.label,
            agreement=review.agreement,
            histology=review.histology,
            note=review.note,
            signed_by=review.signature,
        )


def stated_name(finding: Finding) -> str:
    return conditions_table().by_key(finding.stated).names.angular


def percent(probability: float) -> float:
    return round(100 * probability, 2)
