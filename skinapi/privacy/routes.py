from pydantic import Field

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.email_addresses import Email
from skinapi.accounts.auth.errors import UNPROVEN
from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.accounts.auth.schemas import ProvenBody
from skinapi.base.errors import NotFound
from skinapi.base.pages import Page
from skinapi.platform.web.declaration import Authenticated, Rate, Routes, admins
from skinapi.platform.web.rate_limits import caller_address
from skinapi.platform.web.schemas import Body, Message, PageQuery
from skinapi.privacy.moving_accounts import AccountMovingService, CannotMove, MovePreview
from skinapi.privacy.readers import ReadersService, ReadingView

readers_routes: Routes[ReadersService] = Routes()
moving_routes: Routes[AccountMovingService] = Routes()


@readers_routes.route("GET", "/me/readers", access=Authenticated())
def list_readers(
    readers: ReadersService, *, query: PageQuery, subject: Subject
) -> Page[ReadingView]:
    """Who else has looked at the caller's photos and findings, as the audit trail says; the newest
    first.

    Each reading of a photo stands here; of the small pictures of lists one a day.
    """
    return readers.page_readings(account=subject.id, paging=query.paging)


class ReceivingAccount(Body):
    into: Email = Field(description="the e-mail of the account that receives the spots")


class Move(ProvenBody, ReceivingAccount): ...


@moving_routes.route(
    "GET",
    "/users/<email>/move",
    access=admins("Only admin can move spots"),
    raises=(NotFound, CannotMove),
)
def preview_move(
    moving: AccountMovingService, *, email: str, query: ReceivingAccount
) -> MovePreview:
    """Whose both accounts are, and which doctor will be in charge."""
    return moving.preview(email=email, into=query.into)


@moving_routes.route(
    "POST",
    "/users/<email>/move",
    access=admins("Only admin can move spots"),
    rate=Rate.SIGN_IN,
    raises=(*UNPROVEN, NotFound, CannotMove),
)
def move_spots(
    moving: AccountMovingService, *, email: str, body: Move, subject: Subject
) -> Message:
    """Move all spots of a patient to another account of the same person, with reviews, letters,
    messages, and the numbers of other systems, and close the emptied account. It takes the password
    again.
    """
    proof = body.proof(ClientInfo(address=caller_address()))
    other = moving.move(email=email, into=body.into, by=subject, proof=proof)
    return Message(message=f"Moved to {other.email}")
