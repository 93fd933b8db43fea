from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, Literal, Self

from pydantic import Field

from skinapi.base.languages import Language, LocalizedText
from skinapi.base.stored_record import optional
from skinapi.findings.status.decisions import WaitsFor
from skinapi.findings.status.instruction_words import say_compared, say_found
from skinapi.findings.status.spot import LevelSource
from skinapi.findings.status.spot_view import FoundChange, Instruction
from skinapi.model.calibration import TonesTested
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import Modality
from skinapi.model.facts_effect import FactsEffect
from skinapi.model.finding import Finding
from skinapi.model.headline import Headline, NotRuledOut, RankedCondition, probability_of
from skinapi.model.network.picture import view_box
from skinapi.platform.web.schemas import Answer


class Probability(Answer):
    key: str
    name: str
    probability: float

    @classmethod
    def from_ranked(cls, ranked: RankedCondition, language: Language) -> Self:
        name = conditions_table().by_key(ranked.key).names.in_language(language)
        return cls(key=ranked.key, name=name, probability=ranked.probability)


class NumberView(Answer):
    """What another system calls its patient."""

    system: str = Field(description="who gave it; empty where the archive names nobody")
    value: str


class CodedCondition(Answer):
    """How classifications of diseases name a condition. Of a bundle of diseases, the codes name
    only some of them: `relation` is "broader than" then.
    """

    key: str
    relation: Literal["equivalent", "broader than"]
    icd10cm: tuple[str, ...]
    icdo3: tuple[str, ...]
    snomed: tuple[str, ...]


class RestatedView(Answer):
    """The probabilities that people read, where the server has a PREVALENCE. Bands, doubts and what
    is named come from the model's own, which stand in the fields of these names beside it.
    """

    prevalence: float = Field(
        description="the share of spots that are a cancer, for which these probabilities hold"
    )
    confidence: float = Field(description="the probability of `class`, in percent")
    malignant_score: float
    probabilities: list[Probability]
    probabilities_from_picture: list[Probability] | None = Field(
        description="before what the patient told; null where that changed nothing"
    )

    @classmethod
    def from_finding(cls, finding: Finding, language: Language) -> Self | None:
        restated = finding.restated
        if restated is None:
            return None
        pictured, headline, key = restated.from_picture, finding.headline, finding.one_name.key
        named = headline.named.key == key
        share = headline.named.probability if named else probability_of(restated.ranked, key)
        return cls.from_record(
            restated,
            confidence=0.0 if finding.not_skin else round(100 * share, 2),
            probabilities=list_probabilities(restated.ranked, language),
            probabilities_from_picture=list_probabilities(pictured, language) if pictured else None,
        )


class HeadlineView(Answer):
    """What is most likely, and then what cannot be ruled out, as in every view of a finding."""

    likely: RankedCondition
    not_ruled_out: list[RankedCondition] = Field(
        description="malignant conditions that are more severe than `likely` and plausible, the "
        "most severe first; empty where the finding sends nobody to a doctor"
    )
    mostly_malignant: bool = optional(
        "all malignant conditions together have more than half, and `likely` is none of them: to "
        "be said first; absent else",
        default=False,
    )
    not_skin: bool = optional(
        "it does not look like skin: say that first, and no condition; absent else", default=False
    )
    patient: LocalizedText = Field(
        description="one sentence or two, without numbers, in each language"
    )
    doctor: LocalizedText | None = optional("for doctors: with names and percentages")
    facts_effect: LocalizedText | None = optional(
        "the sentence that follows: how likely it is with what the patient told, and how likely by "
        "the picture alone; absent where that is the same, or would comfort where nothing may"
    )
    doctor_facts_effect: LocalizedText | None = optional(
        "for doctors: the percentages by the picture alone, and which facts moved them"
    )

    @classmethod
    def from_headline(
        cls, headline: Headline, effect: FactsEffect | None, *, for_doctor: bool
    ) -> Self:
        return cls.from_record(
            headline,
            patient=headline.for_patient,
            doctor=headline.for_doctor if for_doctor else None,
            facts_effect=effect.for_patient if effect else None,
            doctor_facts_effect=effect.for_doctor if effect and for_doctor else None,
        )


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
    too_few_pictures: tuple[str, ...] = Field(
        description="keys of conditions that cannot be ruled out either, because too few test "
        "pictures of them were there"
    )

    @classmethod
    def from_entry(
        cls, entry: NotRuledOut, pictured: Sequence[RankedCondition], language: Language
    ) -> Self:
        ranked = [item for key in entry.keys for item in pictured if item.key == key]
        return cls(
            level=float(entry.level),
            conditions=[Probability.from_ranked(item, language) for item in ranked],
            too_few_pictures=entry.too_few,
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
    unsure: bool = Field(
        description="the picture alone does not show its kind: both calibrations were used"
    )
    contradicted: bool = Field(description="told as one kind, recognised as the other")


class TestedView(Answer):
    """The model's figures on the test pictures of one kind, with one picture of each lesion."""

    modality: Modality
    lesions: int
    malignant: int = Field(description="how many of them count as malignant")
    sensitivity: float = Field(
        description="the share of these whose band was doctor_review or more urgent"
    )
    tones: TonesTested = Field(
        description="how many of the lesions are of each skin tone, where the test part names it"
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
    def from_finding(cls, finding: Finding) -> Self:
        width, height = finding.quality.width, finding.quality.height
        left, top, right, bottom = view_box((width, height), finding.quality.seen)
        return cls(
            cells=finding.heat, box=(left / width, top / height, right / width, bottom / height)
        )


def list_probabilities(ranked: Sequence[RankedCondition], language: Language) -> list[Probability]:
    return [Probability.from_ranked(entry, language) for entry in ranked]


def judged_fields(finding: Finding, language: Language) -> dict[str, Any]:
    return {
        "probabilities": list_probabilities(finding.ranked, language),
        "heat": HeatView.from_finding(finding),
        "restated": RestatedView.from_finding(finding, language),
    }


def list_codes(ranked: Sequence[RankedCondition]) -> list[CodedCondition]:
    return [codes for entry in ranked if (codes := _codes_of(entry.key))]


@cache
def _codes_of(key: str) -> CodedCondition | None:
    condition = conditions_table().by_key(key)
    codes = dict(condition.codes)
    if not any(codes.values()):
        return None
    return CodedCondition(key=key, relation=condition.code_relation, **codes)


CHANGES = (
    "what comparisons of the photos of its spot have found, and no doctor has settled, or no "
    "review of it has answered; the newest photo first. Absent where that is nothing"
)


class FoundChangeView(Answer):
    """The photo of one finding of the spot differs from that of an earlier one."""

    finding: int = Field(description="number of the finding whose photo has changed")
    before: int | None = Field(
        description="number of the earlier finding; null where it is in another spot by now"
    )
    measured_at: datetime
    sentence: LocalizedText = Field(description="what has changed, and by how much")
    compared: LocalizedText = Field(description="which photos were compared, and when")

    @classmethod
    def list_of(cls, found: Sequence[FoundChange]) -> list[Self]:
        return [
            cls(
                finding=change.after.number,
                before=change.before.number if change.before else None,
                measured_at=change.measured.measured_at,
                sentence=say_found(change),
                compared=say_compared(change),
            )
            for change in found
        ]


class InstructionView(Answer):
    """The one thing to do about a spot, to be shown first: the most urgent that is still valid."""

    said_by: LevelSource = Field(serialization_alias="from")
    since: datetime
    finding: int = Field(description="number of the finding that it was said about")
    photo_deleted: bool = optional(
        "that finding was deleted, and cannot be opened; absent else", default=False
    )
    band: Band
    action: str = Field(description="in the words of who asks: a doctor's, or a patient's")
    waits_for: WaitsFor | None = Field(
        description="a patient is told to wait for the `result` of a sample, or to send another "
        "`photo`, in place of the words of the band; null else"
    )
    due: date | None = Field(
        description="until when a doctor should have seen the spot; null where no time was named"
    )
    voided: bool = optional(
        "a doctor has taken back the review that has set it; absent else", default=False
    )
    why: str | None = optional(
        "a sentence that says why this counts, to be shown with it; absent where a decision says it"
    )
    by_result: bool = optional("the laboratory has said so; absent where it has not", default=False)
    label: str | None = optional(
        "the condition that a doctor or the laboratory named; absent without one"
    )
    certain: bool = optional(
        "false where the doctor is unsure of it, or awaits a result; else absent", default=True
    )
    suspected: bool = optional(
        "it is a cancer that no laboratory has proven; else absent", default=False
    )

    sentence: str = Field(description="how, and by when")
    photo_wanted: bool = Field(description="a doctor waits for another photo of the spot")

    @classmethod
    def from_instruction(cls, said: Instruction, language: Language, *, for_doctor: bool) -> Self:
        words, decision = said.words(language), said.decision
        how = words.doctor_action if for_doctor else words.next_step
        return cls.from_record(
            said,
            action=words.doctor_label if for_doctor else words.label,
            sentence=" ".join([how, *said.say_wanted(language, for_doctor=for_doctor)]),
            why=said.say_why(language) or None,
            certain=decision is None
            or not (decision.awaited or (decision.label and not decision.sure)),
            suspected=decision is not None and decision.suspected,
        )
