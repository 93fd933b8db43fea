"""The answer schemas of submissions.

The names of the first fields are those that the Angular app reads; the other fields were added.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from skinapi.accounts.auth.accounts import Account
from skinapi.accounts.auth.subjects import Subject
from skinapi.base.field_types import Reason
from skinapi.base.languages import Language, load_words
from skinapi.base.stored_record import Frozen, optional
from skinapi.findings.records.advice_words import put_first, say_counting
from skinapi.findings.records.decisions import say_day
from skinapi.findings.records.finding_schemas import (
    CodedCondition,
    HeadlineView,
    HeatView,
    InstructionView,
    ModalityView,
    NotRuledOutView,
    Probability,
    QualityView,
    RestatedView,
    TestedView,
    judged_fields,
    list_codes,
    list_probabilities,
)
from skinapi.findings.records.review_queue import WillLook
from skinapi.findings.records.review_schemas import DecisionView, FirstDecision, GraverReview
from skinapi.findings.records.seen_findings import SeenListed, SeenSubmission, SeenSummary
from skinapi.findings.records.submission import Submission
from skinapi.findings.records.versions import EarlierVersion
from skinapi.model.bands import OperatingPoint, RaisedBy, is_sent, urgency
from skinapi.model.calibration import MOST_PICTURES
from skinapi.model.conditions import Band, BandWords, conditions_table
from skinapi.model.context import Context, SkinTone
from skinapi.model.finding import Doubt, Finding, FindingHeading
from skinapi.model.headline import Ranked
from skinapi.model.registry.version_service import VersionState
from skinapi.platform.storage.ids import now
from skinapi.platform.web.schemas import Answer, Body, ContractPageQuery

TIME = "%Y-%m-%d %H:%M:%S"
AS_FOUND = ("operating_point", "untested_skin", "checklist_score", "calibrated_on")
AS_STORED = (
    *("id", "number", "language", "lesion"),
    *("version", "judged_at", "more_urgent", "corrected", "picture_count"),
)


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
    checker: str | None = optional("the LLM that compared its sentences with the passages")
    kept: int | None = optional("sentences that are the LLM's; absent where the template wrote")
    written: int | None = optional("of how many; the others are the passages themselves")


class NarrativeView(Answer):
    source: NarrativeSource


class SummaryFields(Answer):
    """The fields of a submission that the Angular app shows, and those that must be read with them
    (band, notice, doubts).
    """

    id: str = Field(serialization_alias="_id")
    number: int = Field(serialization_alias="id")
    user_name: str
    user_email: str
    stated: str = Field(
        serialization_alias="class",
        description="the one name of `headline`: what it calls most likely; where it begins with "
        "cancers, or one picture alone shows one, the gravest that it names",
    )
    confidence: float = Field(description="the probability of `class`, in percent")
    report: ReportView
    time: str = Field(description="UTC")
    headline: HeadlineView
    band: Band = Field(description="the finding's own")
    band_label: str = Field(
        description="in a patient's words; with `action`, of what counts about the spot, where "
        "that is more urgent"
    )
    action: str
    notice: str
    decision: FirstDecision
    graver_review: GraverReview
    instruction: InstructionView | None = optional(
        "what is to be done about its spot, of all that was said of that, to be shown first: "
        "docs/reviews.md"
    )
    uncertain: bool
    reasons: tuple[Doubt, ...]
    language: Language
    photo_kept: bool
    model_version: str
    narrative: NarrativeView
    lesion: str | None = optional(
        "the spot that the finding belongs to; absent where it belongs to none"
    )
    version: int = optional(
        "the newest of the finding, which counts: its photo was judged again. Absent of the first",
        default=1,
    )
    judged_at: datetime | None = optional("when that was made; absent of the first")
    corrected: tuple[str, ...] = optional(
        "the fields of `context` that were corrected before it; absent where none was", default=()
    )
    more_urgent: bool = optional(
        "it is more urgent than the version before; absent where it is not", default=False
    )
    picture_count: int = optional(
        "of how many pictures the finding is; absent where of one", default=1
    )


class SummaryView(SummaryFields):
    patient_id: str | None = optional("the owner, who is not the caller; absent otherwise")

    @classmethod
    def of(cls, submission: SeenSummary, owner: Account, *, to: Subject) -> Self:
        patient = owner.id if owner.id != to.id else None
        return cls(**_summary(submission, owner), patient_id=patient)


class NewError(Body):
    reason: Reason = Field(description="the patient reads it: name nobody else in it")


class ErrorView(Answer):
    """A finding that was entered in error."""

    number: int = Field(serialization_alias="id")
    filed_at: datetime
    entered_in_error_at: datetime
    reason: str

    @classmethod
    def of(cls, submission: Submission) -> Self:
        if submission.error is None:
            raise LookupError("this finding was not entered in error")
        return cls(
            number=submission.number,
            filed_at=submission.created_at,
            entered_in_error_at=submission.error.entered_at,
            reason=submission.error.reason,
        )


class OwnQuery(ContractPageQuery):
    lesion: Literal["none"] | None = Field(
        default=None, description="`none`: only those that belong to no spot"
    )
    order: Literal["oldest", "newest"] = "oldest"


class InstructionQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    lang: Language | None = Field(
        default=None, description="of the `instruction`; the finding's own unless given"
    )


class PictureQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    picture: Annotated[int, Field(ge=1, le=MOST_PICTURES)] | None = Field(
        default=None,
        description="of a finding on several pictures: which one, as they were sent, from 1. The "
        "one that is `shown` unless given",
    )


class PictureView(Answer):
    """What one of several pictures alone would have been answered with."""

    shown: bool = Field(description="`photo`, `thumbnail`, `heatmap`, `quality` are of this one")
    stated: str = Field(serialization_alias="class")
    confidence: float = Field(description="the probability of `class`, in percent")
    headline: HeadlineView
    band: Band
    band_label: str
    raised_by: tuple[RaisedBy, ...]
    uncertain: bool
    reasons: tuple[Doubt, ...]
    malignant_score: float
    probabilities: list[Probability]
    modality: ModalityView | None
    quality: QualityView
    heat: HeatView
    restated: RestatedView | None = optional()

    @classmethod
    def of(cls, finding: Finding, language: Language, *, shown: bool, for_doctor: bool) -> Self:
        return cls(
            shown=shown,
            **headed_fields(finding, for_doctor=for_doctor),
            **judged_fields(finding, language),
            band_label=finding.band_words(language).label,
        )


class ModelStanding(Answer):
    """What has become of the model version that made a finding."""

    state: Literal["in_service", "older", "withdrawn"]
    withdrawn_at: datetime | None


class PhotoRetentionView(Answer):
    days: int = Field(description="how long it is kept from the last that happened")
    until: datetime | None = Field(
        description="until then at least; null while a doctor is to see it, or something is awaited"
    )


class LooksWords(Frozen):
    """`nobody`: for a finding that sends to no doctor; the two others for one that does, with the
    day of its urgency where it has one. `unseen_…`: its photo is not kept, so `then` the owner may
    send it `again`, where photos are kept here.
    """

    doctor: str
    doctors: str
    unknown: str
    one_day: str
    days: str
    late: str
    clinic: str
    unseen_doctor: str
    unseen_doctors: str
    again: str
    again_by: str
    show: str
    show_by: str
    nobody: str
    nobody_by: str
    nobody_go: str


LOOKS: Mapping[Language, LooksWords] = load_words("reports.looks", LooksWords)


class WillLookView(Answer):
    """Who will look at a finding that no doctor has answered about."""

    by: Literal["doctor", "doctors", "nobody"] = Field(
        description="the `doctor` in charge, one of the clinic's `doctors`, or `nobody` here"
    )
    name: str | None = Field(description="that of the doctor in charge")
    sentence: str
    due: date | None = Field(
        description="of `nobody`: by when the owner should see another doctor; null where no time "
        "was named"
    )

    @classmethod
    def of(
        cls,
        looks: WillLook | None,
        submission: SeenSubmission,
        language: Language,
        *,
        may_keep: bool,
    ) -> Self | None:
        """`may_keep`: whether a photo that is sent again can be kept here."""
        if looks is None:
            return None
        words, counts, due = LOOKS[language], submission.instruction.counts, None
        name = looks.doctor.name if looks.doctor else None
        if looks.by != "nobody" and submission.photo_blob is None:
            unseen = words.unseen_doctor if name else words.unseen_doctors
            sentence = unseen.format(
                name=name, then=_say_unseen(counts.due, words, language, may_keep)
            )
        elif looks.by != "nobody":
            when = _say_when(looks, submission, words)
            sentence = (words.doctor if name else words.doctors).format(name=name, when=when)
        elif due := counts.due:
            sentence = words.nobody_by.format(day=say_day(due, language, weekday=True))
        else:
            sentence = words.nobody_go if is_sent(counts.band) else words.nobody
        return cls(by=looks.by, name=name, sentence=sentence, due=due)


def _say_when(looks: WillLook, submission: SeenSubmission, words: LooksWords) -> str:
    """When the answer usually comes; where that has passed, whom to call."""
    if looks.days is None:
        return words.unknown
    if now() > submission.newest.judged_at + timedelta(days=looks.days):
        name, phone = looks.clinic
        clinic = f"{name or words.clinic} ({phone})" if phone else name or words.clinic
        return words.late.format(clinic=clinic, number=submission.number)
    return words.one_day if looks.days == 1 else words.days.format(days=looks.days)


def _say_unseen(due: date | None, words: LooksWords, language: Language, may_keep: bool) -> str:
    if due is None:
        return words.again if may_keep else words.show
    by = words.again_by if may_keep else words.show_by
    return by.format(day=say_day(due, language, weekday=True))


class FiledWords(Frozen):
    doctor: str
    clinic: str


FILED: Mapping[Language, FiledWords] = load_words("reports.filed", FiledWords)


class FiledView(Answer):
    """By whom a photo was filed for its owner, who has not sent it."""

    by: Literal["doctor", "clinic"]
    sentence: str

    @classmethod
    def of(cls, submission: SeenSubmission, filer: Account | None, language: Language) -> Self:
        by: Literal["doctor", "clinic"] = (
            "doctor" if filer and filer.role == "doctor" and not filer.machine else "clinic"
        )
        said = FILED[language].doctor if by == "doctor" else FILED[language].clinic
        return cls(by=by, sentence=said.format(day=say_day(submission.created_at, language)))


class VersionView(Answer):
    """What the photo was answered with before it was judged again."""

    version: int
    judged_at: datetime
    judged_by: Literal["patient", "clinic"] = Field(description="who had it judged")
    corrected: tuple[str, ...]
    model_version: str
    headline: HeadlineView
    band: Band
    band_label: str
    report: ReportView = Field(description="as it was answered then")
    context: Context

    @classmethod
    def of(cls, earlier: EarlierVersion, seen: SeenSubmission) -> Self:
        finding = earlier.finding
        words = finding.band_words(seen.language)
        for_doctor = seen.reader.knows_all
        clinic = earlier.judged_by not in (None, seen.owner)
        return cls(
            **{name: getattr(earlier, name) for name in ("version", "judged_at", "corrected")},
            judged_by="clinic" if clinic or (seen.filed_by and earlier.version == 1) else "patient",
            model_version=finding.model_version,
            headline=headed_fields(finding, for_doctor=for_doctor)["headline"],
            band=finding.band,
            band_label=words.doctor_label if for_doctor else words.label,
            report=ReportView.model_validate(earlier.sections),
            context=earlier.context,
        )


class SubmissionView(SummaryFields):
    model: ModelStanding | None = optional(
        "whether its version is in service, was replaced, or was rolled back (withdrawn); absent "
        "where the finding has just been made"
    )
    operating_point: OperatingPoint | None = Field(
        description="the one under which it was made: see `GET /models/operating-point`; null "
        "where the model had none"
    )
    raised_by: tuple[RaisedBy, ...]
    notices: list[str]
    malignant_score: float
    probabilities: list[Probability] = Field(description="with what the patient told")
    codes: list[CodedCondition] = Field(
        description="what classifications call the conditions of `probabilities`: SNOMED CT, "
        "ICD-10-CM and ICD-O-3, where they are confirmed. The code of a probability is no diagnosis"
    )
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
    untested_skin: tuple[SkinTone, ...] = Field(
        description="the skin tones that were told, and for which the model was not tested"
    )
    checklist_score: int | None
    quality: QualityView
    heat: HeatView
    calibrated_on: float | None = optional(
        "the share of cancers for which `probabilities` hold: that of the pictures on which the "
        "model was calibrated. Absent where it is not known, and of several pictures"
    )
    restated: RestatedView | None = optional("absent without PREVALENCE")
    context: Context
    versions: list[VersionView] = optional(
        "the versions before this one, the oldest first; absent where there is none", default=[]
    )
    pictures: list[PictureView] = optional(
        "each of several pictures, as they were sent; absent where there was one", default=[]
    )
    photo_retention: PhotoRetentionView | None = optional(
        "of a kept photo, where RETAIN_PHOTOS_DAYS is set"
    )
    photo_removed_at: datetime | None = optional(
        "when a kept photo was deleted while the finding stayed"
    )
    filed: FiledView | None = optional(
        "for the owner: that somebody else has filed it for them, as where it was moved from "
        "another patient; absent where that is not so, and where the owner took it on a clinic's "
        "page"
    )
    will_look: WillLookView | None = optional(
        "for the owner: who will look at it; absent once a doctor has answered, and where the "
        "finding was just moved"
    )

    @classmethod
    def of(
        cls,
        submission: SeenSubmission,
        owner: Account,
        model: VersionState | None = None,
        instructed_in: Language | None = None,
    ) -> Self:
        finding, language = submission.finding, submission.language
        pictured = finding.from_picture
        return cls(
            **{**judged_fields(finding, language), **_summary(submission, owner, instructed_in)},
            **{name: getattr(finding, name) for name in AS_FOUND},
            model=ModelStanding(**model._asdict()) if model else None,
            photo_removed_at=submission.photo_removed_at,
            notices=[notice.in_language(language) for notice in finding.notices],
            codes=list_codes(finding.ranked),
            probabilities_from_picture=list_probabilities(pictured, language) if pictured else None,
            most_probable=Probability.of(finding.ranked[0], language),
            cannot_be_ruled_out=[
                NotRuledOutView.of(entry, pictured or finding.ranked, language)
                for entry in finding.not_ruled_out
            ],
            tested=[TestedView(**tested.model_dump()) for tested in finding.tested],
            context=submission.context,
            versions=[VersionView.of(one, submission) for one in submission.earlier],
            pictures=_pictures(submission, for_doctor=False),
        )


class SubmissionInCare(SubmissionView):
    """What the doctor in charge gets."""

    patient_id: str = Field(description="the owner, as in the path of `/patients/{id}/submissions`")
    former_lesion: str | None = optional(
        "the spot that it belonged to when the patient deleted that; its messages are at "
        "`/lesions/{id}/messages`. Absent where there are none"
    )
    unassigned: bool = optional(
        "the patient has no doctor: the caller may take the patient, and reviews nothing before "
        "that. Absent otherwise",
        default=False,
    )
    no_access: bool = optional(
        "the patient came from another system: nobody logs in here for them, and no mail reaches "
        "them. Absent otherwise",
        default=False,
    )
    record_kept_until: datetime | None = optional(
        "the patient's account is deleted, and this stays until then, as `RECORD_RETENTION` says. "
        "Absent where it is not"
    )

    @classmethod
    def of(
        cls,
        submission: SeenSubmission,
        owner: Account,
        model: VersionState | None = None,
        instructed_in: Language | None = None,
    ) -> Self:
        seen = SubmissionView.of(submission, owner, model, instructed_in)
        worded = {
            **headed_fields(submission.finding, for_doctor=True),
            "pictures": _pictures(submission, for_doctor=True),
        }
        return cls(
            **{**dict(seen), **worded},
            patient_id=owner.id,
            former_lesion=submission.former_lesion,
            no_access=owner.external is not None,
            record_kept_until=owner.record_end,
        )


def _pictures(submission: SeenSubmission, *, for_doctor: bool) -> list[PictureView]:
    finding, language = submission.finding, submission.language
    return [
        PictureView.of(one, language, shown=place == finding.shown_picture, for_doctor=for_doctor)
        for place, one in enumerate(finding.pictures)
    ]


def headed_fields(finding: FindingHeading, *, for_doctor: bool) -> dict[str, Any]:
    """The headline, and the one name for clients that show one."""
    headline = finding.headline
    return {
        **name_of(finding.one_name, not_skin=finding.not_skin),
        "headline": HeadlineView.of(headline, finding.facts_effect, for_doctor=for_doctor),
    }


def _summary(
    submission: SeenSummary, owner: Account, instructed_in: Language | None = None
) -> dict[str, Any]:
    finding, language = submission.finding, submission.language
    band = shown_words(submission)
    sections = put_first(
        submission.sections,
        finding.band,
        language,
        decision=submission.decision,
        elsewhere=submission.replaced_by,
    )
    return {
        **{name: getattr(submission, name) for name in AS_STORED},
        "user_name": owner.name,
        "user_email": owner.email,
        **headed_fields(finding, for_doctor=False),
        "report": ReportView.model_validate(sections),
        "time": submission.created_at.astimezone(UTC).strftime(TIME),
        "band": finding.band,
        "band_label": band.label,
        "action": band.action,
        "notice": conditions_table().notices.information_only.in_language(language),
        "decision": decision_view(submission),
        "graver_review": graver_sentence(submission),
        "instruction": InstructionView.of_spot(
            submission.instruction,
            instructed_in or language,
            for_doctor=not submission.reader.is_patient,
        ),
        "uncertain": finding.uncertain,
        "reasons": finding.reasons,
        "photo_kept": submission.photo_blob is not None,
        "model_version": finding.model_version,
        "narrative": NarrativeView(
            source=NarrativeSource.model_validate(submission.narrative_source)
        ),
    }


def decision_view(submission: SeenListed) -> DecisionView | None:
    decision = submission.decision
    if decision is None:
        return None
    held_until = submission.held_until if submission.reader.knows_all else None
    due = submission.instruction.counts.due
    return DecisionView.of(decision, submission.language, due=due, held_until=held_until)


def shown_words(submission: SeenListed) -> BandWords:
    """Return the words of what counts about its spot, where its own band is milder."""
    finding, counts = submission.finding, submission.instruction.counts
    if urgency(counts.band) >= urgency(finding.band):
        return finding.band_words(submission.language)
    words = counts.words(submission.language)
    return say_counting(words, counts.due, submission.language)


def graver_sentence(submission: SeenListed) -> str | None:
    """What clients without decisions show first, where the decision that counts is more urgent."""
    elsewhere, band = submission.replaced_by, submission.finding.band
    decision = (elsewhere and elsewhere.decision) or submission.decision
    return decision.graver_sentence(band, submission.language) if decision else None


# The class of what does not look like skin, for clients that show one.
NO_SKIN = "no skin recognised"


def name_of(one: Ranked, *, not_skin: bool) -> dict[str, Any]:
    """The class, and its probability in percent."""
    if not_skin:
        return {"stated": NO_SKIN, "confidence": 0.0}
    name = conditions_table().by_key(one.key).api_name
    return {"stated": name, "confidence": percent(one.probability)}


def percent(probability: float) -> float:
    return round(100 * probability, 2)
