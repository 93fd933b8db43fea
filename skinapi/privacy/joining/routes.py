"""The route by which an admin joins two accounts."""

from pydantic import Field

from skinapi.auth.emails import Email
from skinapi.domain.subject import Subject
from skinapi.errors import NotFound
from skinapi.privacy.joining.service import CannotJoin, JoiningService
from skinapi.web.access import admins
from skinapi.web.declaration import Routes
from skinapi.web.rate_limits import Rate
from skinapi.web.schemas import Body, Message

routes: Routes[JoiningService] = Routes("joining")


class AccountThatStays(Body):
    into: Email = Field(description="the e-mail of the account that stays")


@routes.route(
    "POST",
    "/users/<email>/join",
    access=admins("Only admin can join accounts"),
    rate=Rate.WRITE,
    raises=(NotFound, CannotJoin),
)
def join_accounts(
    joining: JoiningService, *, email: str, body: AccountThatStays, subject: Subject
) -> Message:
    """Join the account of a patient to another one of the same person: findings, spots, letters,
    messages and consents go there, and nobody logs in to this one any more. It cannot be undone.
    """
    stays = joining.join(email=email, into=body.into, by=subject.id)
    return Message(message=f"Joined to {stays.email}")
