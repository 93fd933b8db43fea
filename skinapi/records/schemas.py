"""The request and answer schemas of submissions and reviews.

The names of the first fields are those that the Angular app reads; the other fields were added.
"""

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StringConstraints

from skinapi.auth.accounts import Account
from skinapi.records.reviews import Agreement, Histology, Review
from skinapi.records.submissions import Submission, SubmissionSummary
from skinapi.vision.bands import RaisedBy
from skinapi.vision.conditions import Band, Language, Said, conditions_table
from skinapi.vision.context import Context, Modality
from skinapi.vision.finding import Doubt, Finding, FindingSummary, NotRuledOut, Ranked
from skinapi.vision.modality import ModalityFinding
from skinapi.vision.tensor import view_box_of
from skinapi.web.schema_types import Answer, Body

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


class NamedCondition(Answer):
    key: str
    name: str

    @classmethod
    def of(cls, key: str, language: Language) -> Self:
        names = conditions_table().by_key(key).names
        return cls(key=key, name=names.fr if language == "fr" else names.en)


class NotRuledOutView(Answer):
    level: float = Field(
        description="0.9 or 0.95: of the pictures of each lesion class, about this share had "
        "their class in the list"
    )
    conditions: list[Probability] = Field(
        description="the lesion classes that cannot be ruled out at this level, with the "
        "probabilities from the picture alone where those are given; an empty list rules nothing "
        "out: the picture fits no class well"
    )
    too_few_pictures: list[NamedCondition] = Field(
        description="conditions that cannot be ruled out either, because too few test pictures of "
        "them were there"
    )

    @classmethod
    def of(cls, entry: NotRuledOut, pictured: Sequence[Ranked], language: Language) -> Self:
        ranked = [one for key in entry.keys for one in pictured if one.key == key]
        return cls(
            level=float(entry.level),
            conditions=[Probability.of(one, language) for one in ranked],
            too_few_pictures=[NamedCondition.of(key, language) for key in entry.too_few],
        )


class ModalityView(Answer):
    told: Modality
    recognised: Modality = Field(description="from the picture; unknown where it is not sure")
    dermoscopic_probability: float | None = Field(
        description="that the picture was taken through a dermoscope; null where the model cannot "
        "tell"
    )
    used: list[Modality] = Field(
        description="the kinds of picture whose calibration was used; of two, the more cautious "
        "answer was given"
    )
    unsure: bool = Field(description="neither told nor recognised")
    contradicted: bool = Field(description="told as one kind, recognised as the other")

    @classmethod
    def of(cls, found: ModalityFinding) -> Self:
        return cls(**found.model_dump(), unsure=found.unsure, contradicted=found.contradicted)


class TestedView(Answer):
    """The model's figures on the test pictures of one kind, with one picture of each lesion."""

    modality: Modality
    lesions: int
    malignant: int = Field(description="how many of them count as malignant")
    sensitivity: float = Field(
        description="the share of these whose band was doctor_review or more urgent"
    )


class QualityView(Answer):
    width: int
    height: int
    brightness: float
    highlights: float
    sharpness: float


class HeatView(Answer):
    """Where the model looked: the heat map's cells, and the part of the photo that they cover."""

    cells: tuple[tuple[float, ...], ...] = Field(
        description="rows from the top; never negative, on the scale of the stated class's logit"
    )
    box: tuple[float, ...] = Field(
        description="left, top, right and bottom edge of the map, as shares of the photo's width "
        "and height"
    )

    @classmethod
    def of(cls, finding: Finding) -> Self:
        width, height = finding.quality.width, finding.quality.height
        left, top, right, bottom = view_box_of(width, height)
        return cls(
            cells=finding.heat, box=(left / width, top / height, right / width, bottom / height)
        )


class SummaryFields(Answer):
    """The fields of a submission that the Angular app shows, and those that must be read with them
    (band, notice, doubts).
    """

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
    notice: str
    uncertain: bool
    reasons: tuple[Doubt, ...]
    language: Language
    photo_kept: bool
    model_version: str
    narrative: NarrativeView


class SummaryView(SummaryFields):
    @classmethod
    def of(cls, submission: SubmissionSummary, owner: Account) -> Self:
        return cls(**_summary(submission, owner))


class SubmissionView(SummaryFields):
    raised_by: tuple[RaisedBy, ...]
    notices: list[str]
    malignant_score: float
    probabilities: list[Probability] = Field(description="with what the patient told")
    probabilities_from_picture: list[Probability] | None = Field(
        description="before what the patient told; null where that changed nothing"
    )
    most_probable: Probability = Field(
        description="differs from `class` where a rule for rarer conditions, or a doubt, named "
        "another"
    )
    cannot_be_ruled_out: list[NotRuledOutView] = Field(
        description="a list for each level; empty for a model that brings none"
    )
    modality: ModalityView | None = Field(
        description="the kind of picture; null in records from before it was recognised"
    )
    tested: list[TestedView] = Field(
        description="the model's test figures; empty where it brings none"
    )
    checklist_score: int | None
    quality: QualityView
    heat: HeatView
    context: Context

    @classmethod
    def of(cls, submission: Submission, owner: Account) -> Self:
        finding, language = submission.finding, submission.language
        return cls(
            **_summary(submission, owner),
            raised_by=finding.raised_by,
            notices=[_in_language(notice, language) for notice in finding.notices],
            malignant_score=finding.malignant_score,
            probabilities=_probabilities(finding.ranked, language),
            probabilities_from_picture=_probabilities(finding.from_picture, language)
            if finding.from_picture
            else None,
            most_probable=Probability.of(finding.ranked[0], language),
            cannot_be_ruled_out=[
                NotRuledOutView.of(entry, finding.from_picture or finding.ranked, language)
                for entry in finding.not_ruled_out
            ],
            modality=ModalityView.of(finding.modality) if finding.modality else None,
            tested=[TestedView(**tested.model_dump()) for tested in finding.tested],
            checklist_score=finding.checklist_score,
            quality=QualityView.model_validate(finding.quality, from_attributes=True),
            heat=HeatView.of(finding),
            context=submission.context,
        )


def _summary(submission: SubmissionSummary, owner: Account) -> dict[str, Any]:
    finding, language = submission.finding, submission.language
    band = finding.band_words(language)
    return {
        "id": submission.id,
        "number": submission.number,
        "user_name": owner.name,
        "user_email": owner.email,
        "stated": stated_name(finding),
        "confidence": percent(finding.confidence),
        "report": ReportView.model_validate(submission.sections),
        "time": submission.created_at.astimezone(UTC).strftime(TIME),
        "band": finding.band,
        "band_label": band.label,
        "action": band.action,
        "notice": _in_language(conditions_table().notices.information_only, language),
        "uncertain": finding.uncertain,
        "reasons": finding.reasons,
        "language": language,
        "photo_kept": submission.photo_blob is not None,
        "model_version": finding.model_version,
        "narrative": NarrativeView(
            source=NarrativeSource.model_validate(submission.narrative_source)
        ),
    }


def _in_language(notice: Said, language: Language) -> str:
    return notice.fr if language == "fr" else notice.en


def _probabilities(ranked: Sequence[Ranked], language: Language) -> list[Probability]:
    return [Probability.of(entry, language) for entry in ranked]


def _known_label(label: str) -> str:
    known = conditions_table().keys
    if label not in known:
        raise ValueError(f"the labels are {', '.join(known)}")
    return label


def _printable_lines(note: str) -> str:
    """The note with Unix line ends. Raises ValueError for other control characters."""
    lines = note.replace("\r\n", "\n")
    if any(unicodedata.category(sign) in ("Cc", "Cs") and sign != "\n" for sign in lines):
        raise ValueError("Control characters are not allowed")
    return lines


Note = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_NOTE, strip_whitespace=True),
    AfterValidator(_printable_lines),
]


class NewReview(Body):
    label: Annotated[str, AfterValidator(_known_label)] = Field(description="a condition's key")
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


def stated_name(finding: FindingSummary) -> str:
    """The stated class under the name that the Angular app knows."""
    return conditions_table().by_key(finding.stated).names.angular


def percent(probability: float) -> float:
    return round(100 * probability, 2)
