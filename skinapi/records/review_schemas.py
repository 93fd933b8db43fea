"""The request and answer schemas of reviews."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints

from skinapi.records.reviews import Agreement, Histology, Review
from skinapi.vision.conditions import conditions_table
from skinapi.web.schema_types import Answer, Body, Contained, PrintableLines

LONGEST_NOTE = 1000


def _known_label(label: str) -> str:
    known = conditions_table().keys
    if label not in known:
        raise ValueError(f"the labels are {', '.join(known)}")
    return label


Note = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_NOTE, strip_whitespace=True),
    PrintableLines,
    Contained,
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
