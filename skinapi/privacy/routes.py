"""The routes of who looked at one's data, and of joining two accounts."""

from typing import Annotated

from pydantic import Field, StringConstraints

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.email_addresses import Email
from skinapi.accounts.auth.errors import UNPROVEN
from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.accounts.auth.schemas import ProvenBody
from skinapi.base.errors import NotFound
from skinapi.base.field_types import Contained, Legible, PrintableLines
from skinapi.base.pages import Page
from skinapi.platform.web.declaration import Authenticated, Rate, Routes, admins
from skinapi.platform.web.rate_limits import caller_address
from skinapi.platform.web.schemas import Body, Message, PageQuery
from skinapi.privacy.joining import CannotJoin, JoiningPreview, JoiningService
from skinapi.privacy.readers import ReadersService, ReadingView

Reason = Annotated[
    str,
    StringConstraints(min_length=10, max_length=500, strip_whitespace=True),
    PrintableLines,
    Legible,
    Contained,
]

readers_routes: Routes[ReadersService] = Routes()
joining_routes: Routes[JoiningService] = Routes()


@readers_routes.route("GET", "/me/readers", access=Authenticated())
def list_readers(
    readers: ReadersService, *, query: PageQuery, subject: Subject
) -> Page[ReadingView]:
    """Who else has looked at the caller's photos and findings, as the audit trail says; the newest
    first.

    Each reading of a photo stands here; of the small pictures of lists one a day.
    """
    return readers.page_readings(account=subject.id, paging=query.paging)


class AccountThatStays(Body):
    into: Email = Field(description="the e-mail of the account that stays")


class Joining(ProvenBody, AccountThatStays):
    reason: Reason = Field(
        description="how it is known that both are of one person; admins read it"
    )


@joining_routes.route(
    "GET",
    "/users/<email>/join",
    access=admins("Only admin can join accounts"),
    raises=(NotFound, CannotJoin),
)
def preview_joining(
    joining: JoiningService, *, email: str, query: AccountThatStays
) -> JoiningPreview:
    """Whose both accounts are, by what an admin may know, and who will be in charge."""
    return joining.preview(email=email, into=query.into)


@joining_routes.route(
    "POST",
    "/users/<email>/join",
    access=admins("Only admin can join accounts"),
    rate=Rate.SIGN_IN,
    raises=(*UNPROVEN, NotFound, CannotJoin),
)
def join_accounts(
    joining: JoiningService, *, email: str, body: Joining, subject: Subject
) -> Message:
    """Join the account of a patient to another one of the same person: findings, spots, letters,
    messages and consents go there, and nobody logs in to this one any more. It cannot be undone. It
    takes a reason, and the password again.
    """
    proof = body.proof(ClientInfo(address=caller_address()))
    stays = joining.join(email=email, into=body.into, reason=body.reason, by=subject, proof=proof)
    return Message(message=f"Joined to {stays.email}")
