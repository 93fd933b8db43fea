"""The request and answer schemas of reviews and decisions, and how a letter is answered."""

from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from skinapi.base.field_types import Contained, PrintableLines
from skinapi.base.languages import Language
from skinapi.base.stored_record import optional
from skinapi.findings.errors import ContradictoryReview, NoPictureToAgreeOn
from skinapi.findings.records.letters import Addressee, LaterDecision, ShownLetter
from skinapi.findings.records.schemas.patient_notice import TellingView
from skinapi.findings.status.decisions import Decision, TitleKey, WaitsFor
from skinapi.findings.status.reviews import (
    AGREES,
    Agreement,
    Certainty,
    Histology,
    Opinion,
    Review,
)
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band, conditions_table
from skinapi.platform.web.schemas import Answer, Body


def _known_label(label: str) -> str:
    known = conditions_table().labels
    if label not in known:
        raise ValueError(f"the labels are {', '.join(known)}")
    return label


Label = Annotated[str, AfterValidator(_known_label)]
LONGEST_NOTE = 1000
Note = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_NOTE, strip_whitespace=True),
    PrintableLines,
    Contained,
]


class NewReview(Body):
    """What a doctor sends. Only `agreement` and `label` are what older clients send."""

    label: Label | None = Field(
        default=None, description="what the doctor sees; of a doctor who is unsure, none is needed"
    )
    certainty: Certainty | None = Field(
        default=None, description="of the label or the urgency", strict=False
    )
    agreement: Agreement | None = Field(
        default=None,
        description="with the label of the finding: what older clients send in place of "
        "`certainty` and `agrees_with_label`, with a label",
        strict=False,
    )
    agrees_with_label: bool | None = Field(
        default=None, description="with that of the finding, which is then the review's"
    )
    urgency: Band | None = Field(
        default=None,
        description="what the doctor asks for; otherwise what the label asks for, or the finding "
        "where the doctor agrees with it and it is the more urgent",
        strict=False,
    )
    agrees_with_urgency: bool | None = Field(
        default=None, description="with the band of the finding, which is then the review's"
    )
    histology: Histology | None = Field(
        default=None,
        description="`confirmed`: the result is known; without `histology_result` it is the label",
        strict=False,
    )
    histology_result: Label | None = Field(
        default=None, description="what the laboratory found: it is the label then"
    )
    new_picture_wanted: bool = Field(
        default=False,
        description="the picture is not good enough; the patient is asked for another. Beside it "
        "stand no label and no urgency that is milder than the finding's",
    )
    downgrade_confirmed: bool = Field(
        default=False,
        description="the doctor was asked whether the urgency shall fall so far, and said yes",
    )
    version: int | None = Field(
        default=None,
        description="the `version` of the finding that the doctor has seen: where another one "
        "counts by now, the review is refused (`judged_meanwhile`). Only of a finding that has one "
        "version it may be left out (`version_missing`)",
    )
    spot_state: str | None = Field(
        default=None,
        description="the `spot_state` of the finding that the doctor has seen: where another "
        "photo, review, second opinion or comparison of the spot has come since, the review is "
        "refused (`spot_changed`). Without it the doctor is taken to have seen all that is there",
    )
    note: Note | None = None

    @model_validator(mode="after")
    def _refuse_incomplete(self) -> Self:
        if self.agreement is not None:
            if self.certainty is not None or self.agrees_with_label is not None:
                raise ValueError("send `agreement`, or `certainty` and `agrees_with_label`")
            if self.agreement is not Agreement.UNSURE and self.label is None:
                raise ValueError("label: missing")
        elif self.certainty is None and not (self.histology_result or self.new_picture_wanted):
            raise ValueError("certainty: missing")
        return self

    @property
    def agrees(self) -> bool | None:
        if self.agreement is None:
            return self.agrees_with_label
        return AGREES[self.agreement]

    @property
    def unsure(self) -> bool:
        if self.certainty is None and self.agreement is None:
            return self.histology_result is None and not self.agrees
        return Certainty.UNSURE in (self.certainty, self.agreement)

    def resolve(
        self, *, stated: str, band: Band, pictured: bool, shows_no_skin: bool = False
    ) -> Opinion:
        """Nobody agrees with a finding whose photo was not kept (`pictured`): that a doctor who has
        seen the patient names the finding's condition is no agreement. `shows_no_skin`: the band
        is that of a photo which may show no skin, and follows from nothing that was told.
        """
        if not pictured and (self.agrees or self.agrees_with_urgency):
            raise NoPictureToAgreeOn
        label = self.label or (stated if self.agrees else None)
        result = self.histology_result
        if self.histology is Histology.CONFIRMED and result is None:
            result = label
        condition = result or label
        self._refuse_contradictions(condition, result, stated=stated, band=band)
        agrees = self.agrees
        comparable = pictured or result is not None
        if agrees is None and condition is not None and comparable and not self.unsure:
            agrees = condition == stated
        asked = self.urgency or (band if self.agrees_with_urgency else None)
        if asked is None and self.agrees and result is None and _outlasts(band, stated):
            asked = band
        agrees_with_urgency = self.agrees_with_urgency
        if agrees_with_urgency is None and asked is not None and pictured:
            agrees_with_urgency = asked is band
        return Opinion(
            certainty=Certainty.UNSURE if self.unsure else Certainty.SURE,
            label=label or result,
            agrees_with_label=None if self.unsure else agrees,
            urgency=asked,
            agrees_with_urgency=agrees_with_urgency,
            histology=Histology.CONFIRMED if result else self.histology,
            histology_result=result,
            new_picture_wanted=self.new_picture_wanted,
            urgency_waits=self.new_picture_wanted and shows_no_skin and asked is None,
        )

    def _refuse_contradictions(
        self, condition: str | None, result: str | None, *, stated: str, band: Band
    ) -> None:
        agreed, asked = self.agrees_with_urgency, self.urgency
        refused = {
            "A review that agrees has the label of the finding, "
            f"{stated}; to name another, send the agreement `disagree` or `unsure`": self.agrees
            is True
            and condition != stated,
            "A review that does not agree with the label of the finding names another, or none": (
                self.agrees_with_label is False and condition == stated
            ),
            "Who is unsure agrees with no label": self.unsure and self.agrees is not None,
            "A review with the laboratory's result is sure: unsure and confirmed exclude each "
            "other": self.unsure and (result is not None or self.histology is Histology.CONFIRMED),
            "A confirmed histology needs its result, in `histology_result` or as `label`": (
                self.histology is Histology.CONFIRMED and result is None
            ),
            "A result of the histology is known, awaited or not taken: only one of them": (
                self.histology_result is not None
                and self.histology not in (None, Histology.CONFIRMED)
            ),
            f"The laboratory's result is the label of a review: it names {result}, or none": (
                result is not None and self.label not in (None, result)
            ),
            "Another photo is wanted where nobody can judge this one: such a review names no "
            "label": self.new_picture_wanted and condition is not None,
            "Another photo is wanted where nobody can judge this one: such a review asks for "
            f"nothing milder than the finding, {band}": (
                self.new_picture_wanted and asked is not None and urgency(asked) > urgency(band)
            ),
            "A review says something: a label, an urgency, a result, or that it is unsure": (
                not (condition or asked or agreed or self.unsure or self.new_picture_wanted)
                and self.agrees is None
            ),
            f"A review that agrees with the urgency has that of the finding, {band}": (
                agreed is True and asked not in (None, band)
            ),
            "A review that does not agree with the urgency says which one, and another": (
                agreed is False and asked in (None, band)
            ),
        }
        for sentence, is_refused in refused.items():
            if is_refused:
                raise ContradictoryReview(sentence)


def _outlasts(band: Band, stated: str) -> bool:
    """Whether who agrees with this condition agrees with the band too: where it is the more urgent,
    unless it asks for a doctor's review, which this is.
    """
    own = conditions_table().label(stated).urgency
    return band is not Band.DOCTOR_REVIEW and urgency(band) < urgency(own)


class ReviewView(Answer):
    id: str = Field(serialization_alias="_id")
    created_at: datetime
    label: str | None
    certainty: Certainty
    agreement: Agreement = Field(description="with the label of the finding")
    agrees_with_label: bool | None = Field(description="null where the doctor does not say")
    urgency: Band | None
    agrees_with_urgency: bool | None = Field(description="null where the doctor does not say")
    histology: Histology | None
    histology_result: str | None
    new_picture_wanted: bool
    note: str | None
    signed_by: str = Field(description="the doctor's name at that time")
    downgrade_confirmed: bool = optional(
        "the doctor was asked whether the urgency shall fall so far; absent if not", default=False
    )
    lowered_from: Band | None = optional(
        "the urgency that counted before it, where it lowered that; absent if not"
    )
    lowered_to: Band | None = optional(
        "the urgency that it asks for, where that is milder; absent if not"
    )

    @classmethod
    def from_review(cls, review: Review, **more: Any) -> Self:
        return cls.from_record(review, review.opinion, signed_by=review.signature, **more)


class SignedReview(ReviewView):
    telling: TellingView = Field(description="how the patient hears of it")


class DecisionView(Answer):
    """What doctors have decided: to be shown before what the model said."""

    heading: str = Field(
        description="title and name, or that another photo is asked for or is there"
    )
    title: str = Field(description="says too where the doctor is not certain, or suspects a cancer")
    title_key: TitleKey = Field(
        description="the name of `title` in `notices.decision` of GET /conditions"
    )
    label: str | None = Field(description="null where no condition was named")
    name: str
    urgency: Band
    urgency_label: str = Field(description="in a patient's words: what is waited for, if anything")
    by_when: str
    next_step: str
    waits_for: WaitsFor | None = Field(
        description="the `result` of a sample, or another `photo`: a patient is not told the words "
        "of the urgency; null else"
    )
    due: date | None = Field(
        description="until when a doctor should have seen the spot; null where no time was named"
    )
    unjudged: bool = optional(
        "nobody could judge the photo: it does not tell what the spot is; absent else",
        default=False,
    )
    remarks: list[str] = Field(
        description="that another photo is wanted, and that a sample was taken"
    )
    for_doctor: list[str] = Field(
        description="in a doctor's words: what was decided, then what is to be done"
    )
    certainty: Certainty
    histology: Histology | None
    new_picture_wanted: bool
    photo_came: bool = optional(
        "the photo that was asked for has come, or needs no more to come; absent else",
        default=False,
    )
    decided_at: datetime
    decided_by: str = Field(description="the doctor's name at that time")

    @classmethod
    def from_decision(cls, decision: Decision, language: Language, *, due: date | None) -> Self:
        words = decision.band_words(language)
        return cls.from_record(
            decision,
            words,
            heading=decision.heading(language),
            title=decision.title().in_language(language),
            name=decision.name(language),
            urgency_label=words.label,
            due=due,
            remarks=decision.remarks(language),
            for_doctor=decision.for_doctor(language),
        )


FirstDecision = Annotated[
    DecisionView | None,
    Field(description="to be shown first: what doctors have decided; null before a review"),
]
GraverReview = Annotated[
    str | None,
    Field(description="for clients without `decision`: that it is more urgent than the finding"),
]


class WithdrawalView(Answer):
    withdrawn_at: datetime
    withdrawn_by: str = Field(description="the doctor's name at that time")
    reason: str


class LetterView(Answer):
    id: str = Field(serialization_alias="_id")
    created_at: datetime
    reader: Addressee
    language: Language
    decision: str = Field(
        description="with what it begins, in the letter's language, a line each: what was decided, "
        "what to do by when, and who decided. Show it before `text`. Of a draft as it would be "
        "signed now; empty before a review"
    )
    text: str = Field(description="what the doctor wrote")
    model: str | None = optional(
        "the language model that drafted the text: say so below it; absent where none did"
    )
    signed_at: datetime | None = Field(description="null while it is a draft")
    signed_by: str | None = Field(description="the doctor's name at that time")
    superseded: LaterDecision | None = Field(
        description="the later decision that counts instead: show the letter struck through"
    )
    withdrawn: WithdrawalView | None = Field(
        description="that a doctor took it back: show the letter struck through"
    )

    @classmethod
    def from_letter(cls, shown: ShownLetter) -> Self:
        return cls.from_record(shown.letter, shown, signed_by=shown.letter.signature)
