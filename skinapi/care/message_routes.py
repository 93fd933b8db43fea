from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import IdempotencyKeyReused, NotFound
from skinapi.base.field_types import Identifier, Legible, PrintableLines
from skinapi.base.pages import Page
from skinapi.care.lesion_routes import CourseQuery, PlaceView
from skinapi.care.message_records import LONGEST_MESSAGE, NobodyInCharge, TooManyUnread
from skinapi.care.message_records import Message as StoredMessage
from skinapi.care.messages import MessagesService, Waiting
from skinapi.findings.records.record_retention import PatientCannotRead
from skinapi.platform.web.declaration import Authenticated, Routes
from skinapi.platform.web.schemas import Answer, Body, Message

MessageText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_MESSAGE, strip_whitespace=True),
    PrintableLines,
    Legible,
]


class NewMessage(Body):
    text: MessageText
    submission: Identifier | None = Field(
        default=None,
        description="`_id` of a finding that the message is about: of this spot, or where the "
        "conversation is about none, any of the patient",
    )


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

    @classmethod
    def from_message(cls, message: StoredMessage, finding: int | None, *, to: str) -> Self:
        # A doctor who signed it may have become a patient and been joined to this account.
        by_patient = message.author == message.owner and message.signature is None
        return cls.from_record(
            message,
            by="patient" if by_patient else "doctor",
            read_at=message.seen_at or message.read_at,
            waits=by_patient and message.read_at is None,
            name=message.signature,
            own=message.author == to,
            finding=finding,
        )


class WaitingView(Answer):
    lesion: str | None = Field(description="the spot; null of what is about none")
    name: str | None = Field(description="of the spot")
    place: PlaceView | None = Field(description="of the spot")
    patient: str | None = Field(description="`_id`; null where the caller is the patient")
    patient_name: str | None = Field(description="null where the caller is the patient")
    finding: int | None = Field(
        description="number of the newest finding of the spot; null without any, or where it "
        "was deleted"
    )
    unread: int

    @classmethod
    def from_waiting(cls, waiting: Waiting) -> Self:
        spot = waiting.lesion
        return cls.from_record(
            waiting,
            lesion=spot.id if spot else None,
            name=spot.name if spot else None,
            place=spot.place if spot else None,
            patient=waiting.patient.id if waiting.patient else None,
            patient_name=waiting.patient.name if waiting.patient else None,
        )


routes: Routes[MessagesService] = Routes(access=Authenticated())


@routes.route("GET", "/conversations/<about>/messages", raises=(NotFound,))
def list_messages(
    messages: MessagesService, *, about: str, query: CourseQuery, subject: Subject
) -> Page[MessageView]:
    """A conversation of the caller, or with a patient in the caller's care, `order` oldest or
    newest first. `about` is the id of its spot; of what is about none, that of the patient.
    """
    newest = query.order == "newest"
    page = messages.page_messages(about, to=subject, newest_first=newest, paging=query.paging)
    return page.map(lambda told: MessageView.from_message(*told, to=subject.id))


@routes.route(
    "POST",
    "/conversations/<about>/messages",
    status=201,
    raises=(NotFound, IdempotencyKeyReused, NobodyInCharge, PatientCannotRead, TooManyUnread),
)
def send_message(
    messages: MessagesService,
    *,
    about: str,
    body: NewMessage,
    subject: Subject,
    idempotency_key: str | None,
) -> MessageView:
    """Write to the doctor in charge, or to a patient in care. `about` is the id of a spot, or that
    of the patient. A message has no attachment: photos travel as findings.
    """
    sent = messages.send_message(
        about, text=body.text, finding=body.submission, by=subject, key=idempotency_key
    )
    return MessageView.from_message(*sent, to=subject.id)


@routes.route("PUT", "/messages/<message>/read", raises=(NotFound,))
def mark_messages_read(messages: MessagesService, *, message: str, subject: Subject) -> Message:
    """Mark what waits for the caller in the conversation of this message as read, up to this one.
    What a patient wrote goes on waiting for an answer.
    """
    messages.mark_read(message=message, by=subject)
    return Message(message="Marked as read")


@routes.route("POST", "/messages/<message>/done", raises=(NotFound,))
def mark_messages_done(messages: MessagesService, *, message: str, subject: Subject) -> Message:
    """For the doctor in charge: what the patient wrote in the conversation of this message, up to
    this one, needs no answer.
    """
    messages.mark_done(message=message, by=subject)
    return Message(message="Done")


@routes.route("GET", "/messages")
def list_waiting_messages(messages: MessagesService, *, subject: Subject) -> list[WaitingView]:
    """The conversations with messages that wait for the caller, and how many: those that nobody has
    read; those of patients, until they are answered or marked as done. Cheap enough to ask for
    every few seconds.
    """
    return [WaitingView.from_waiting(item) for item in messages.list_waiting(to=subject)]
