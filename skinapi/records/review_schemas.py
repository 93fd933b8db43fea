"""The request and answer schemas of reviews and decisions, and how a letter is answered."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from skinapi.languages import Language
from skinapi.records.decisions import Decision, TitleKey, WaitsFor
from skinapi.records.letters import Addressee
from skinapi.records.opinions import Agreement, Certainty, Histology, Statement
from skinapi.records.reviews import Review
from skinapi.records.shown_letters import ShownLetter
from skinapi.storage.ids import now
from skinapi.vision.conditions import Band
from skinapi.web.schemas import Answer, Body


class NewReview(Statement, Body):
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
    second_opinion: bool = Field(
        description="it is for the doctor in charge, who decides: no patient sees it"
    )
    question: str | None = Field(
        default=None,
        exclude_if=lambda question: question is None,
        description="of a second opinion: what was asked; absent where nothing was",
    )
    downgrade_confirmed: bool = Field(
        default=False,
        exclude_if=lambda confirmed: not confirmed,
        description="the doctor was asked whether the urgency shall fall so far; absent if not",
    )
    lowered_from: Band | None = Field(
        default=None,
        exclude_if=lambda band: band is None,
        description="the urgency that counted before it, where it lowered that; absent if not",
    )
    lowered_to: Band | None = Field(
        default=None,
        exclude_if=lambda band: band is None,
        description="the urgency that it asks for, where that is milder; absent if not",
    )
    held_until: datetime | None = Field(
        default=None,
        exclude_if=lambda until: until is None,
        description="until when the patient is not shown it; absent where that is not so",
    )

    @classmethod
    def of(cls, review: Review) -> Self:
        return cls(
            question=review.question,
            downgrade_confirmed=review.downgrade_confirmed,
            lowered_from=review.lowered_from,
            lowered_to=review.lowered_to,
            held_until=review.hold_ends_at if review.held_at(now()) else None,
            id=review.id,
            created_at=review.created_at,
            **review.opinion.model_dump(),
            agreement=review.opinion.agreement,
            note=review.note,
            signed_by=review.signature,
            second_opinion=review.second_opinion,
        )


SHOWN_AS_THEY_ARE = (
    *("label", "urgency", "certainty", "histology"),
    *("new_picture_wanted", "decided_at", "decided_by"),
)


class DecisionView(Answer):
    """What doctors have decided: to be shown before what the model said."""

    heading: str = Field(description="title and name, or that another photo is asked for")
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
    unjudged: bool = Field(
        default=False,
        exclude_if=lambda unjudged: not unjudged,
        description="nobody could judge the photo: it does not tell what the spot is; absent else",
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
    decided_at: datetime
    decided_by: str = Field(description="the doctor's name at that time")
    held_until: datetime | None = Field(
        default=None,
        exclude_if=lambda until: until is None,
        description="for doctors: until when the patient is shown what stood before; absent where "
        "that is not so",
    )

    @classmethod
    def of(
        cls,
        decision: Decision,
        language: Language,
        *,
        due: date | None,
        held_until: datetime | None = None,
    ) -> Self:
        """`due`: by all that was said of its spot, where that is known."""
        words = decision.band_words(language)
        return cls(
            held_until=held_until,
            **{name: getattr(decision, name) for name in SHOWN_AS_THEY_ARE},
            heading=decision.heading(language),
            title=decision.title().in_language(language),
            title_key=decision.title_key,
            name=decision.name(language),
            urgency_label=words.label,
            by_when=words.by_when,
            next_step=words.next_step,
            waits_for=decision.waits_for,
            unjudged=decision.unjudged,
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


class LaterDecision(Answer):
    decided_at: datetime
    decided_by: str = Field(
        description="the doctor's name at that time; empty of a finding that no doctor has answered"
    )
    by_result: bool = Field(description="whether it is by the laboratory's result")
    by_finding: int | None = Field(
        default=None,
        exclude_if=lambda number: number is None,
        description="the number of a newer finding of the spot, which asks for more and which no "
        "doctor has answered; absent where a doctor has decided",
    )


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
    signed_at: datetime | None = Field(description="null while it is a draft")
    signed_by: str | None = Field(description="the doctor's name at that time")
    superseded: LaterDecision | None = Field(
        description="the later decision that counts instead: show the letter struck through"
    )
    withdrawn: WithdrawalView | None = Field(
        description="that a doctor took it back: show the letter struck through"
    )

    @classmethod
    def of(cls, shown: ShownLetter) -> Self:
        letter, by = shown.letter, shown.superseded
        own = letter.model_dump(include=set(cls.model_fields))
        superseded = LaterDecision(**asdict(by)) if by else None
        return cls(**own, signed_by=letter.signature, superseded=superseded)
