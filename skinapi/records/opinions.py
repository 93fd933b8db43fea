"""What a doctor says in a review."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints

from skinapi.domain.field_types import Contained, PrintableLines
from skinapi.records.errors import ContradictoryReview, NoPictureToAgreeOn
from skinapi.stored_record import StoredRecord
from skinapi.vision.bands import urgency
from skinapi.vision.conditions import Band, conditions_table


class Agreement(StrEnum):
    """With the label of the finding."""

    AGREE = "agree"
    DISAGREE = "disagree"
    UNSURE = "unsure"


class Teller(StrEnum):
    """Who tells the patient of a malignant label: the doctor, or the server at once."""

    DOCTOR = "doctor"
    SERVER = "server"


class Certainty(StrEnum):
    SURE = "sure"
    UNSURE = "unsure"


class Histology(StrEnum):
    """`confirmed`: the laboratory's result is known."""

    NOT_TAKEN = "not_taken"
    AWAITED = "awaited"
    CONFIRMED = "confirmed"


AGREES = {Agreement.AGREE: True, Agreement.DISAGREE: False, Agreement.UNSURE: None}


class Opinion(StoredRecord):
    """What a review says.

    `label` is what the doctor sees, `histology_result` what the laboratory found; None where
    neither is named. `urgency` is None where it was not said. `agrees_with_…` compare both with the
    finding; None where the doctor is unsure or said nothing.
    """

    certainty: Certainty
    label: str | None = None
    agrees_with_label: bool | None = None
    urgency: Band | None = None
    agrees_with_urgency: bool | None = None
    histology: Histology | None = None
    histology_result: str | None = None
    new_picture_wanted: bool = False

    @property
    def sure(self) -> bool:
        return self.certainty is Certainty.SURE

    @property
    def condition(self) -> str | None:
        """The condition that it names: the laboratory's, where there is a result."""
        return self.histology_result or self.label

    @property
    def only_wants_a_picture(self) -> bool:
        """Whether it judges nothing. Its certainty says nothing then."""
        return self.new_picture_wanted and self.condition is None

    @property
    def malignant(self) -> bool:
        return self.condition is not None and conditions_table().label(self.condition).malignant

    @property
    def agreement(self) -> Agreement:
        return next(word for word, agrees in AGREES.items() if agrees is self.agrees_with_label)


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


class Statement(BaseModel):
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
    note: Note | None = None
    hold_until: AwareDatetime | None = Field(
        default=None,
        description="the doctor tells the patient: until then, a week at most, the patient's views "
        "show what they showed before. Only of a cancer, or of what asks for a visit this week",
        strict=False,
    )
    told_by: Teller | None = Field(
        default=None,
        description="who tells the patient: the `doctor`, for whom it is held (until `hold_until`, "
        "else for two days), or the `server`, now and by mail. A malignant label without an answer "
        "is held for the doctor",
        strict=False,
    )

    @property
    def hashed(self) -> tuple[object, ...]:
        """What a retry of the request has too; first what version 3 of the store knew of it."""
        newer = (
            self.certainty,
            self.agrees_with_label,
            self.urgency,
            self.agrees_with_urgency,
            self.histology_result,
            self.new_picture_wanted or None,
            *([self.hold_until] if self.hold_until else []),
            *([True] if self.downgrade_confirmed else []),
            *([self.told_by] if self.told_by else []),
        )
        said = any(part is not None for part in newer)
        return self.label, self.agreement, self.histology, self.note, *(newer if said else ())

    @property
    def agrees(self) -> bool | None:
        """With the label, as far as it was said."""
        if self.agreement is None:
            return self.agrees_with_label
        return AGREES[self.agreement]

    @property
    def unsure(self) -> bool:
        if self.certainty is None and self.agreement is None:
            return self.histology_result is None and not self.agrees
        return Certainty.UNSURE in (self.certainty, self.agreement)

    def resolve(self, *, stated: str, band: Band, pictured: bool) -> Opinion:
        """What it says of a finding that states this condition and has this band.

        Nobody agrees with a finding whose photo was not kept (`pictured`). A doctor who has seen
        the patient names a condition and an urgency then; that they are the finding's is no
        agreement. Raises NoPictureToAgreeOn, and ContradictoryReview where its parts contradict
        each other.
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
    """Whether who agrees with this condition of a finding agrees with its band too: where it is the
    more urgent, unless it asks for a doctor's review, which this is.
    """
    own = conditions_table().label(stated).urgency
    return band is not Band.DOCTOR_REVIEW and urgency(band) < urgency(own)
