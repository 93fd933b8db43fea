"""Summaries of findings. The first fields have the names that the Angular app reads."""

from datetime import UTC, datetime
from typing import Any, Self

from pydantic import Field

from skinapi.accounts.auth.account import Account, Subject
from skinapi.base.languages import Language
from skinapi.base.stored_record import optional
from skinapi.findings.records.schemas.finding_parts import HeadlineView, InstructionView
from skinapi.findings.records.schemas.review import DecisionView, FirstDecision, GraverReview
from skinapi.findings.records.stored_finding import StoredFindingRow, StoredFindingSummary
from skinapi.findings.status.instruction_words import put_first, say_graver, say_more_urgent
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.finding import Doubt, FindingHeading
from skinapi.model.headline import RankedCondition
from skinapi.platform.web.schemas import Answer

TIME = "%Y-%m-%d %H:%M:%S"


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
    """The fields of a finding that the Angular app shows, and those that must be read with them
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
    lesion: str = Field(description="the spot that the finding belongs to")
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

    @classmethod
    def summarise(
        cls,
        finding: StoredFindingSummary,
        owner: Account,
        instructed_in: Language | None = None,
        *,
        for_doctor: bool,
        **more: Any,
    ) -> Self:
        judged, language = finding.finding, finding.language
        own = judged.band_words(language)
        band = say_more_urgent(own, judged.band, finding.instruction, language)
        return cls.from_record(
            finding,
            judged,
            model_version=judged.model_version,
            user_name=owner.name,
            user_email=owner.email,
            **headed_fields(judged, for_doctor=False),
            report=put_first(
                finding.sections,
                judged.band,
                language,
                instruction=finding.instruction,
                decision=finding.decision,
                number=finding.number,
            ),
            time=finding.created_at.astimezone(UTC).strftime(TIME),
            band_label=band.label,
            action=band.action,
            notice=conditions_table().notices.information_only.in_language(language),
            decision=decision_view(finding, instructed_in or language),
            graver_review=say_graver(finding.instruction, finding.decision, judged.band, language),
            instruction=InstructionView.from_instruction(
                finding.instruction,
                instructed_in or language,
                for_doctor=for_doctor,
            ),
            photo_kept=finding.photo_blob is not None,
            narrative={"source": finding.narrative_source},
            **more,
        )


class SummaryView(SummaryFields):
    patient_id: str | None = optional("the owner, who is not the caller; absent otherwise")

    @classmethod
    def from_finding(cls, finding: StoredFindingSummary, owner: Account, *, to: Subject) -> Self:
        patient = owner.id if owner.id != to.id else None
        return cls.summarise(finding, owner, for_doctor=patient is not None, patient_id=patient)


def headed_fields(finding: FindingHeading, *, for_doctor: bool) -> dict[str, Any]:
    headline = finding.headline
    return {
        **name_of(finding.one_name, not_skin=finding.not_skin),
        "headline": HeadlineView.from_headline(
            headline, finding.facts_effect, for_doctor=for_doctor
        ),
    }


def decision_view(finding: StoredFindingRow, language: Language) -> DecisionView | None:
    decision = finding.decision
    if decision is None:
        return None
    return DecisionView.from_decision(decision, language)


# The class of a photo that does not look like skin, for clients that show one.
NO_SKIN = "no skin recognised"


def name_of(one: RankedCondition, *, not_skin: bool) -> dict[str, Any]:
    if not_skin:
        return {"stated": NO_SKIN, "confidence": 0.0}
    name = conditions_table().by_key(one.key).api_name
    return {"stated": name, "confidence": percent(one.probability)}


def percent(probability: float) -> float:
    return round(100 * probability, 2)
