"""The route by which an admin joins two accounts."""

from pydantic import Field

from skinapi.accounts.auth.emails import Email
from skinapi.base.errors import NotFound
from skinapi.base.subject import Subject
from skinapi.platform.web.declaration import Rate, Routes, admins
from skinapi.platform.web.schemas import Body, Message
from skinapi.privacy.joining.service import CannotJoin, JoiningService

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
