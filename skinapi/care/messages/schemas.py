"""What crosses the wire about messages."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints

from skinapi.base.field_types import Identifier, Legible, PrintableLines
from skinapi.care.message_records import LONGEST_MESSAGE, Message
from skinapi.care.messages.service import Waiting
from skinapi.care.spots.schemas import PlaceView
from skinapi.platform.web.schemas import Answer, Body

MessageText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_MESSAGE, strip_whitespace=True),
    PrintableLines,
    Legible,
]


class NewMessage(Body):
    text: MessageText
    submission: Identifier | None = Field(
        default=None, description="`_id` of a finding of this spot that the message is about"
    )


class ReadMark(Body):
    message: Identifier = Field(description="`_id` of the last message that was read")


class Abuse(Body):
    reason: Literal["insult", "threat", "sexual", "fraud", "other"]


class MessageView(Answer):
    id: str = Field(serialization_alias="_id")
    created_at: datetime
    by: Literal["patient", "doctor"]
    name: str | None = Field(description="of the doctor who wrote it, at that time")
    own: bool = Field(description="whether the caller wrote it")
    text: str
    finding: int | None = Field(description="number of the finding that it is about")
    read_at: datetime | None = Field(description="null while the other one has not read it")
    waits: bool = Field(description="whether a patient wrote it and waits for an answer")
    reported: bool = Field(description="whether it was reported; its author is not told")

    @classmethod
    def of(cls, message: Message, finding: int | None, *, to: str) -> Self:
        return cls(
            **message.model_dump(include={"id", "created_at", "text"}),
            by="patient" if message.author == message.owner else "doctor",
            read_at=message.seen_at or message.read_at,
            waits=message.author == message.owner and message.read_at is None,
            name=message.signature,
            own=message.author == to,
            reported=message.reported_at is not None and message.author != to,
            finding=finding,
        )


class WaitingView(Answer):
    lesion: str
    name: str | None = Field(description="of the spot")
    place: PlaceView
    patient: str | None = Field(description="`_id`; null where the spot is the caller's")
    patient_name: str | None = Field(description="null where the spot is the caller's")
    finding: int | None = Field(
        description="number of the newest finding of the spot; null without any, or where it "
        "was deleted"
    )
    unread: int

    @classmethod
    def of(cls, waiting: Waiting) -> Self:
        return cls(
            lesion=waiting.lesion.id,
            name=waiting.lesion.name,
            place=PlaceView.of(waiting.lesion.place),
            patient=waiting.patient.id if waiting.patient else None,
            patient_name=waiting.patient.name if waiting.patient else None,
            finding=waiting.finding,
            unread=waiting.unread,
        )
