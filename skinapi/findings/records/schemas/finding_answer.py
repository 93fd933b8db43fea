from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from skinapi.accounts.auth.account import Account
from skinapi.base.field_types import Reason
from skinapi.base.languages import Language
from skinapi.base.stored_record import optional
from skinapi.findings.records.schemas.expected_reviewer import ExpectedReviewerView, FiledView
from skinapi.findings.records.schemas.finding_parts import (
    CHANGES,
    CodedCondition,
    FoundChangeView,
    HeadlineView,
    HeatView,
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
from skinapi.findings.records.schemas.summary import (
    ReportView,
    SummaryFields,
    headed_fields,
)
from skinapi.findings.records.stored_finding import EarlierVersion, StoredFinding
from skinapi.model.bands import OperatingPoint, RaisedBy
from skinapi.model.calibration import MOST_PICTURES
from skinapi.model.conditions import Band
from skinapi.model.context import Context, SkinTone
from skinapi.model.finding import Doubt, Finding
from skinapi.model.registry.version_service import VersionState
from skinapi.platform.web.schemas import Answer, Body, ContractPageQuery, Query


class StatedReason(Body):
    reason: Reason = Field(description="name nobody else in it: the patient may read it")


class ErrorView(Answer):
    """A finding that was entered in error."""

    number: int = Field(serialization_alias="id")
    filed_at: datetime
    entered_in_error_at: datetime
    reason: str

    @classmethod
    def from_finding(cls, finding: StoredFinding) -> Self:
        if finding.error is None:
            raise LookupError("this finding was not entered in error")
        error, filed_at = finding.error, finding.created_at
        entered_at = error.entered_at
        return cls.from_record(finding, error, filed_at=filed_at, entered_in_error_at=entered_at)


class OwnQuery(ContractPageQuery):
    order: Literal["oldest", "newest"] = "oldest"


class InstructionQuery(Query):
    lang: Language | None = Field(
        default=None, description="of `instruction` and `decision`; the finding's own unless given"
    )


class PictureQuery(Query):
    picture: Annotated[int, Field(ge=1, le=MOST_PICTURES)] | None = Field(
        default=None,
        description="of a finding on several pictures: which one, as they were sent, from 1. The "
        "one that is `shown` unless given",
    )


class PictureView(Answer):
    """What one of several pictures alone would have been answered with."""

    shown: bool = Field(description="`photo`, `thumbnail`, `heat`, `quality` are of this one")
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
    def from_finding(
        cls, judged: Finding, language: Language, *, shown: bool, for_doctor: bool
    ) -> Self:
        return cls.from_record(
            judged,
            shown=shown,
            **headed_fields(judged, for_doctor=for_doctor),
            **judged_fields(judged, language),
            band_label=judged.band_words(language).label,
        )


class ModelState(Answer):
    """What has become of the model version that made a finding."""

    state: Literal["in_service", "older", "withdrawn"]
    withdrawn_at: datetime | None


class PhotoRetentionView(Answer):
    days: int = Field(description="how long it is kept from the last that happened")
    until: datetime | None = Field(
        description="until then at least; null while the spot waits for something"
    )


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
    def from_earlier(
        cls, earlier: EarlierVersion, seen: StoredFinding, *, for_doctor: bool
    ) -> Self:
        finding = earlier.finding
        words = finding.band_words(seen.language)
        clinic = earlier.judged_by not in (None, seen.owner)
        return cls.from_record(
            earlier,
            judged_by="clinic" if clinic or (seen.filed_by and earlier.version == 1) else "patient",
            model_version=finding.model_version,
            headline=headed_fields(finding, for_doctor=for_doctor)["headline"],
            band_label=words.doctor_label if for_doctor else words.label,
            report=earlier.sections,
        )


class AmendmentView(Answer):
    amended_at: datetime
    amended_by: Literal["patient", "clinic"]
    version: int = Field(description="the one that stayed")
    before: dict[str, str | None] = Field(description="what was told until then")


class FindingView(SummaryFields):
    model: ModelState | None = optional(
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
    amended: list[AmendmentView] = optional(
        "the corrections of fields of `context` on which no judgement depends, the oldest first; "
        "absent where there is none",
        default=[],
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
    photo_lost_at: datetime | None = optional(
        "when it was found that the file of the kept photo is lost"
    )
    filed: FiledView | None = optional(
        "for the owner: that somebody else has filed it for them, as where it was moved from "
        "another patient; absent where that is not so, and where the owner took it on a clinic's "
        "page"
    )
    will_look: ExpectedReviewerView | None = optional(
        "for the owner: who will look at it; absent once a doctor has answered, and where the "
        "finding was just moved"
    )

    @classmethod
    def from_finding(
        cls,
        finding: StoredFinding,
        owner: Account,
        model: VersionState | None = None,
        instructed_in: Language | None = None,
        *,
        for_doctor: bool = False,
    ) -> Self:
        judged, language = finding.finding, finding.language
        pictured = judged.from_picture
        return cls.summarise(
            finding,
            owner,
            instructed_in,
            for_doctor=for_doctor,
            **judged_fields(judged, language),
            model=model,
            notices=[notice.in_language(language) for notice in judged.notices],
            codes=list_codes(judged.ranked),
            probabilities_from_picture=list_probabilities(pictured, language) if pictured else None,
            most_probable=Probability.from_ranked(judged.ranked[0], language),
            cannot_be_ruled_out=[
                NotRuledOutView.from_entry(entry, pictured or judged.ranked, language)
                for entry in judged.not_ruled_out
            ],
            versions=[
                VersionView.from_earlier(item, finding, for_doctor=for_doctor)
                for item in finding.earlier
            ],
            amended=[
                AmendmentView.from_record(
                    item, amended_by="patient" if item.by == finding.owner else "clinic"
                )
                for item in finding.amendments
            ],
            pictures=_pictures(finding, for_doctor=False),
        )


class FindingInCareView(FindingView):
    """What the doctor in charge gets."""

    patient_id: str = Field(description="the owner, as in the path of `/patients/{id}/submissions`")
    unassigned: bool = optional(
        "the patient has no doctor: the caller may take the patient, and reviews nothing before "
        "that. Absent otherwise",
        default=False,
    )
    no_access: bool = optional(
        "the patient cannot read this: the account is suspended or not approved, or the patient "
        "came from another system, and no key in force says that its program shows findings to "
        "such patients. The doctor tells them in another way. Absent otherwise",
        default=False,
    )
    spot_version: int | None = optional(
        "the version of the spot: to be sent with a review; absent if the caller signs none"
    )
    changes: list[FoundChangeView] = optional(CHANGES, default=[])
    erase_at: datetime | None = optional(
        "the patient's account is closed, and is erased then; absent otherwise"
    )

    @classmethod
    def from_finding(
        cls,
        finding: StoredFinding,
        owner: Account,
        model: VersionState | None = None,
        instructed_in: Language | None = None,
        *,
        for_doctor: bool = True,
    ) -> Self:
        seen = FindingView.from_finding(finding, owner, model, instructed_in, for_doctor=for_doctor)
        return cls.from_record(
            seen,
            **headed_fields(finding.finding, for_doctor=True),
            pictures=_pictures(finding, for_doctor=True),
            patient_id=owner.id,
            changes=FoundChangeView.list_of(finding.spot_view.list_changes()),
            erase_at=owner.erase_at,
        )


def _pictures(finding: StoredFinding, *, for_doctor: bool) -> list[PictureView]:
    judged, language = finding.finding, finding.language
    return [
        PictureView.from_finding(
            item, language, shown=index == judged.shown_picture, for_doctor=for_doctor
        )
        for index, item in enumerate(judged.pictures)
    ]
