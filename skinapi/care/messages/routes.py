"""The routes of messages."""

from skinapi.care.lesions.schemas import CourseQuery
from skinapi.care.messages.errors import NobodyInCharge, TooManyUnread
from skinapi.care.messages.schemas import MessageView, NewMessage
from skinapi.care.messages.service import MessagesService
from skinapi.errors import IdempotencyKeyReused, NotFound
from skinapi.web.access import Signed, Subject
from skinapi.web.limits.rate_limits import Rate
from skinapi.web.routing.declaration import Routes
from skinapi.web.schemas.pagination import Page

routes: Routes[MessagesService] = Routes("messages")


@routes.route(
    "GET", "/lesions/<lesion>/messages", access=Signed(), rate=Rate.READ, raises=(NotFound,)
)
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
    access=Signed(),
    rate=Rate.WRITE,
    status=201,
    raises=(NotFound, IdempotencyKeyReused, NobodyInCharge, TooManyUnread),
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
