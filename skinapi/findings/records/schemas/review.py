from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from skinapi.base.field_types import Contained, PrintableLines
from skinapi.base.languages import Language
from skinapi.base.stored_record import optional
from skinapi.findings.errors import ContradictoryReview, IncompleteReview
from skinapi.findings.records.letters import Addressee, ShownLetter
from skinapi.findings.status.decisions import Decision, TitleKey, WaitsFor
from skinapi.findings.status.reviews import Opinion, Review
from skinapi.findings.status.spot import Certainty, Sample
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
    needed = True

    urgency: Band = Field(description="what the doctor asks for", strict=False)
    label: Label | None = Field(default=None, description="what it is")
    certainty: Certainty | None = Field(
        default=None,
        description="of the label: required with one. `laboratory`: a laboratory has found it",
        strict=False,
    )
    sample: Sample | None = Field(
        default=None,
        description="`waiting`: a sample was taken, and its result is awaited. Until it is known, "
        "each review says what became of it: `certainty` `laboratory`, or `sample` `waiting` or "
        "`none` (`sample_awaited`)",
        strict=False,
    )
    photo_wanted: bool = Field(default=False, description="the patient is asked for another photo")
    note: Note | None = Field(default=None, description="for the patient")
    confirm_milder: bool = Field(
        default=False,
        description="the doctor knows what this review replaces. Without it the answer is 409 "
        "`milder_not_confirmed` if the review makes the instruction milder by two steps, is milder "
        "than the current review, takes back its cancer or its laboratory's result, or is milder "
        "than its own label asks for",
    )
    spot_version: int = Field(
        description="the version of the spot that the doctor has seen. If the spot has another one "
        "now, the answer is 409 `spot_changed`"
    )

    @model_validator(mode="before")
    @classmethod
    def _require_stated(cls, sent: Any) -> Any:
        for name in ("urgency", "spot_version"):
            if isinstance(sent, Mapping) and sent.get(name) is None:
                raise IncompleteReview(name)
        return sent

    @model_validator(mode="after")
    def _require_certainty(self) -> Self:
        if self.label and not self.certainty:
            raise IncompleteReview("certainty")
        if self.certainty and not self.label:
            raise IncompleteReview("label")
        if self.certainty is Certainty.LABORATORY and self.sample is Sample.WAITING:
            raise ContradictoryReview
        return self

    @property
    def opinion(self) -> Opinion:
        return Opinion.model_validate(self, from_attributes=True)


class ReviewView(Answer):
    id: str = Field(serialization_alias="_id")
    created_at: datetime
    urgency: Band
    label: str | None
    certainty: Certainty | None = Field(description="of the label; null without one")
    sample: Sample | None
    photo_wanted: bool
    note: str | None
    signed_by: str = Field(description="the doctor's name at that time")
    voided: bool = Field(description="a doctor has taken it back")

    @classmethod
    def from_review(cls, review: Review, **more: Any) -> Self:
        return cls.from_record(review, review.opinion, signed_by=review.signature, **more)


class DecisionView(Answer):
    """What doctors have decided: to be shown before what the model said."""

    heading: str = Field(
        description="title and name, or that another photo is asked for or is there"
    )
    title: str = Field(description="says too where the doctor is not certain, or suspects a cancer")
    title_key: TitleKey = Field(
        description="the name of `title` in `notices.titles` of GET /conditions"
    )
    label: str | None = Field(description="null where no condition was named")
    name: str
    urgency: Band
    urgency_label: str = Field(description="in a patient's words: what is waited for, if anything")
    next_step: str
    waits_for: WaitsFor | None = Field(
        description="the `result` of a sample, or another `photo`: a patient is not told the words "
        "of the urgency; null else"
    )
    due: date | None = Field(
        description="until when a doctor should have seen the spot; null where no time was named, "
        "or where the `instruction` is another one"
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
    certainty: Certainty | None = Field(description="of the label; null without one")
    sample: Sample | None
    photo_wanted: bool
    signed_before: str | None = optional(
        "that the spot has changed since: by what, and when, and whether the doctor has looked at "
        "the photo of this finding; absent if it has not"
    )
    decided_at: datetime
    decided_by: str = Field(description="the doctor's name at that time")

    @classmethod
    def from_decision(cls, decision: Decision, language: Language) -> Self:
        words = decision.band_words(language)
        return cls.from_record(
            decision,
            words,
            heading=decision.heading(language),
            title=decision.title(language),
            name=decision.name(language),
            urgency_label=words.label,
            signed_before=" ".join(f"{sentence}." for sentence in decision.signed_before(language))
            or None,
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
    written_before: str | None = Field(
        description="the line to show above it: that the spot has changed since, and what to do "
        "now; null if it has not"
    )
    withdrawn: WithdrawalView | None = Field(
        description="that a doctor took it back: show the letter struck through"
    )

    @classmethod
    def from_letter(cls, shown: ShownLetter) -> Self:
        return cls.from_record(shown.letter, shown, signed_by=shown.letter.signature)
