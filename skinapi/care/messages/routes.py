"""The routes of messages."""

from skinapi.base.errors import IdempotencyKeyReused, NotFound
from skinapi.base.pages import Page
from skinapi.base.subject import Subject
from skinapi.care.message_records import NobodyInCharge, TooManyUnread
from skinapi.care.messages.schemas import Abuse, MessageView, NewMessage, ReadMark, WaitingView
from skinapi.care.messages.service import MessagesService
from skinapi.care.spots.schemas import CourseQuery
from skinapi.findings.records.record_retention import PatientDeleted
from skinapi.platform.web.declaration import Routes, Signed
from skinapi.platform.web.schemas import Message

routes: Routes[MessagesService] = Routes("messages", access=Signed())


@routes.route("GET", "/lesions/<lesion>/messages", raises=(NotFound,))
def list_messages(
    messages: MessagesService, *, lesion: str, query: CourseQuery, subject: Subject
) -> Page[MessageView]:
    """The conversation of a spot of the caller, or of a patient in the caller's care: `order`
    oldest or newest first.
    """
    page = messages.page_messages(
        lesion=lesion,
        to=subject,
        newest_first=query.order == "newest",
        after=query.after,
        limit=query.limit,
    )
    return page.map(lambda told: MessageView.of(*told, to=subject.id))


@routes.route(
    "POST",
    "/lesions/<lesion>/messages",
    status=201,
    raises=(NotFound, IdempotencyKeyReused, NobodyInCharge, PatientDeleted, TooManyUnread),
)
def send_message(
    messages: MessagesService,
    *,
    lesion: str,
    body: NewMessage,
    subject: Subject,
    idempotency_key: str | None,
) -> MessageView:
    """Write to the doctor in charge, or to a patient in care, about a spot. A message has no
    attachment: photos travel as findings.
    """
    sent = messages.send_message(
        lesion=lesion, text=body.text, submission=body.submission, by=subject, key=idempotency_key
    )
    return MessageView.of(*sent, to=subject.id)


@routes.route("PUT", "/lesions/<lesion>/messages/read", raises=(NotFound,))
def mark_messages_read(
    messages: MessagesService, *, lesion: str, body: ReadMark, subject: Subject
) -> Message:
    """Mark what waits for the caller in this conversation as read, up to a message. What a patient
    wrote goes on waiting for an answer.
    """
    messages.mark_read(lesion=lesion, last=body.message, by=subject)
    return Message(message="Marked as read")


@routes.route("POST", "/lesions/<lesion>/messages/done", raises=(NotFound,))
def mark_messages_done(
    messages: MessagesService, *, lesion: str, body: ReadMark, subject: Subject
) -> Message:
    """For the doctor in charge: what the patient wrote in this conversation, up to a message, needs
    no answer.
    """
    messages.mark_done(lesion=lesion, last=body.message, by=subject)
    return Message(message="Done")


@routes.route("GET", "/messages")
def list_waiting_messages(messages: MessagesService, *, subject: Subject) -> list[WaitingView]:
    """The conversations with messages that wait for the caller, and how many: those that nobody
    has read; those of patients, until they are answered or marked as done. Cheap enough to ask
    for every few seconds.
    """
    return [WaitingView.of(one) for one in messages.list_waiting(to=subject)]


@routes.route("POST", "/lesions/<lesion>/messages/<message>/abuse", raises=(NotFound,))
def report_message(
    messages: MessagesService, *, lesion: str, message: str, body: Abuse, subject: Subject
) -> Message:
    """Report a message of the other one to the admins, who read the report in the audit trail and
    not the message. Its author is not told.
    """
    messages.report_message(lesion=lesion, message=message, reason=body.reason, by=subject)
    return Message(message="Reported")
