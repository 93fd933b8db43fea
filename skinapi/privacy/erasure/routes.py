from datetime import datetime

from flask import request
from pydantic import Field

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.errors import UNPROVEN, DoctorHasPatients, LastAdmin
from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.accounts.auth.schemas import OwnDeletion
from skinapi.base.languages import LANGUAGES, known_language
from skinapi.base.pages import Page
from skinapi.base.stored_record import optional
from skinapi.base.subject import ErasureReason
from skinapi.platform.web.declaration import Authenticated, Public, Rate, Routes, admins
from skinapi.platform.web.rate_limits import caller_address
from skinapi.platform.web.schemas import Answer, Message, PageQuery
from skinapi.privacy.erasure.receipts import Asker, say_receipt
from skinapi.privacy.erasure.service import ClosingPreview, ErasureService

REASON = "why an admin has deleted it; null where none was given"


class DeletedAccount(Message):
    """`deletion_at` is there while the account is closed and not erased yet."""

    receipt: str | None = optional("the code of the receipt: `/receipts/verify/{code}`")
    deletion_at: datetime | None = optional("when it is erased at the latest")


class ReceiptView(Answer):
    """A receipt. It names nobody."""

    id: str = Field(serialization_alias="_id")
    code: str
    account: str = Field(description="the id of the account")
    asked_by: Asker
    reason: ErasureReason | None = Field(default=None, description=REASON)
    complete: bool = Field(description="whether all is gone; before, it can change")
    closed_at: datetime = Field(validation_alias="created_at")
    gone_at: datetime | None = Field(description="since when none of it is in the store")
    completed_at: datetime | None
    erased: dict[str, int] = Field(description="how many of each kind")


class ReceiptVerdict(Message):
    """`valid`: this server has given out the code. `message` says it to people, in English or as
    `Accept-Language` asks.
    """

    valid: bool
    receipt: ReceiptView | None = None


NO_ADMIN = "Only admins see erasures"

routes: Routes[ErasureService] = Routes()


@routes.route(
    "DELETE",
    "/me",
    access=Authenticated(even_unready=True),
    rate=Rate.SIGN_IN,
    raises=(*UNPROVEN, LastAdmin, DoctorHasPatients),
)
def delete_me(erasure: ErasureService, *, body: OwnDeletion, subject: Subject) -> DeletedAccount:
    """Close one's own account, with the password and the code of a second factor. It is erased
    after `DELETION_WAIT_DAYS`, or when the law no longer keeps its medical record.

    Until then an admin can open it again. The last admin cannot close the account, nor a doctor who
    has patients.
    """
    proof = body.proof(ClientInfo(address=caller_address()))
    receipt = erasure.close_own(account_id=subject.id, session_id=subject.session_id, proof=proof)
    if deletion_at := erasure.find_end(receipt):
        message = "Account will be deleted"
        return DeletedAccount(message=message, receipt=receipt.code, deletion_at=deletion_at)
    return DeletedAccount(message="Account deleted", receipt=receipt.code)


@routes.route("GET", "/me/deletion", access=Authenticated(even_unready=True))
def preview_closing(erasure: ErasureService, *, subject: Subject) -> ClosingPreview:
    """What closing the own account does, and what refuses it now."""
    return erasure.preview(account=subject.account)


@routes.route("GET", "/receipts/verify/<code>", access=Public(), rate=Rate.ANONYMOUS)
def verify_receipt(erasure: ErasureService, *, code: str) -> ReceiptVerdict:
    """Whether this server has given out this code, and what was erased then."""
    receipt = erasure.find_receipt(code=code)
    language = known_language(request.accept_languages.best_match(LANGUAGES)) or LANGUAGES[0]
    return ReceiptVerdict(
        valid=receipt is not None,
        message=say_receipt(receipt, language),
        receipt=ReceiptView.model_validate(receipt) if receipt else None,
    )


@routes.route("GET", "/erasures", access=admins(NO_ADMIN))
def list_erasures(erasure: ErasureService, *, query: PageQuery) -> Page[ReceiptView]:
    """The receipts of all accounts that were closed, the newest first."""
    page = erasure.receipts.page(query.paging)
    return page.map(ReceiptView.model_validate)
