"""The routes by which a person deletes the own account, and everybody checks a receipt."""

from datetime import datetime
from typing import Self

from flask import request
from pydantic import Field

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.errors import UNPROVEN, DoctorHasPatients, LastAdmin
from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.accounts.auth.schemas import OwnDeletion
from skinapi.base.errors import NotFound
from skinapi.base.languages import LANGUAGES, known_language
from skinapi.base.pages import Page
from skinapi.base.stored_record import optional
from skinapi.base.subject import ErasureReason
from skinapi.findings.records.schemas.finding_parts import NumberView
from skinapi.findings.status.waiting import WaitingKind
from skinapi.model.conditions import Band
from skinapi.platform.web.declaration import Authenticated, Public, Rate, Routes, admins
from skinapi.platform.web.rate_limits import caller_address
from skinapi.platform.web.schemas import Answer, Body, Message, PageQuery
from skinapi.privacy.erasure.people_to_reach import PersonToReach
from skinapi.privacy.erasure.reach_service import ReachOutcome
from skinapi.privacy.erasure.receipts import Asker, Extent, Receipt, say_receipt
from skinapi.privacy.erasure.service import (
    DeletionByAdminPreview,
    DeletionPreview,
    ErasureService,
    NothingToTakeBack,
    TooLate,
)

REASON = "why an admin has deleted it; null where none was given"


class DeletedAccount(Message):
    """`receipt` is there where it is deleted, `deletion_at` where that waits."""

    receipt: str | None = optional(
        "the code of the receipt, which is finished within a minute: `/receipts/verify/{code}`"
    )
    deletion_at: datetime | None = optional(
        "when it will be deleted, as long as it can be taken back"
    )

    @classmethod
    def from_erasure(cls, done: Receipt | datetime) -> Self:
        if isinstance(done, Receipt):
            return cls(message="Account deleted", receipt=done.code)
        return cls(message="Account will be deleted", deletion_at=done)


class SpotToSettleView(Answer):
    number: int | None = Field(
        description="of the finding that is the instruction of the spot; null of a message about "
        "no spot, and of a spot that cannot be read"
    )
    urgency: Band | None = Field(
        description="of the spot; null of a message about no spot, and if it is not known"
    )
    waits_for: tuple[WaitingKind, ...] = Field(
        description="what the spot waits for; empty if a backup was restored that does not know it"
    )


class PersonToReachView(Answer):
    """A person whose account was erased while something waited for them."""

    id: str = Field(serialization_alias="_id")
    left_at: datetime
    name: str
    email: str | None = Field(
        description="null for a patient of another system, or without address"
    )
    phone: str | None = optional("absent without one")
    number: NumberView | None = Field(
        default=None, description="of a patient of another system, there"
    )
    sent_by: str | None = Field(default=None, description="the name of the key that sent them")
    spots: list[SpotToSettleView]
    kept_until: datetime

    @classmethod
    def from_person(cls, person: PersonToReach) -> Self:
        external = person.number or person.sent_by
        return cls.from_record(
            person,
            left_at=person.created_at,
            email=None if external else person.email or None,
            spots=[*map(SpotToSettleView.from_record, person.spots)],
            kept_until=person.expires_at,
        )


class Reached(Body):
    """What has come of it, for the audit trail."""

    outcome: ReachOutcome


class ReceiptView(Answer):
    """A receipt. It names nobody."""

    id: str = Field(serialization_alias="_id")
    code: str
    account: str = Field(description="the id of the account that was erased")
    asked_by: Asker
    reason: ErasureReason | None = Field(default=None, description=REASON)
    extent: Extent = Field(description="`record`: what had been kept by law until then")
    complete: bool = Field(description="whether all is gone; before, it can change")
    begun_at: datetime = Field(validation_alias="created_at")
    gone_at: datetime | None = Field(description="since when none of it is in the store")
    completed_at: datetime | None
    erased: dict[str, int] = Field(description="how many of each kind")
    kept_until: datetime | None = Field(
        validation_alias="kept_until_at", description="until when the law keeps the medical record"
    )


class ReceiptVerdict(Message):
    """`valid`: this server has given out the code. `message` says it to people, in English or as
    `Accept-Language` asks.
    """

    valid: bool
    receipt: ReceiptView | None = None


class WaitingDeletion(Answer):
    email: str
    role: str
    asked_at: datetime | None = Field(validation_alias="deletion_asked_at")
    deletion_at: datetime | None = Field(validation_alias="deletion_due_at")


class KeptRecord(Answer):
    """What is left of a deleted account: the name is its doctor's to know."""

    id: str = Field(serialization_alias="_id")
    kept_until: datetime | None = Field(validation_alias="record_kept_until_at")


class WaitingErasures(Answer):
    """What is to be erased: as people have asked, and what the law keeps until then."""

    deletions: list[WaitingDeletion]
    records: list[KeptRecord]


NO_ADMIN = "Only admins see erasures"
NO_ADMIN_DELETES = "Only admin can delete users"
MOST_LISTED = 200
TELLERS = Authenticated(roles=("doctor", "admin"), refusal="Only doctors and admins tell patients")

routes: Routes[ErasureService] = Routes()


@routes.route(
    "DELETE",
    "/me",
    access=Authenticated(even_unready=True),
    rate=Rate.SIGN_IN,
    raises=(*UNPROVEN, LastAdmin, DoctorHasPatients),
)
def delete_me(erasure: ErasureService, *, body: OwnDeletion, subject: Subject) -> DeletedAccount:
    """Delete one's own account and all its data, with the password and the code of a second factor.

    Where the operator gives time to take it back, it is deleted at `deletion_at`. The last admin
    cannot, nor a doctor who has patients.
    """
    proof = body.proof(ClientInfo(address=caller_address()))
    done = erasure.delete_own(account_id=subject.id, session_id=subject.session_id, proof=proof)
    return DeletedAccount.from_erasure(done)


@routes.route("GET", "/me/deletion", access=Authenticated(even_unready=True))
def show_deletion(erasure: ErasureService, *, subject: Subject) -> DeletionPreview:
    """What a deletion of the own account would erase and keep, and whether one waits."""
    return erasure.preview(account=subject.account)


@routes.route("GET", "/users/<email>/deletion", access=admins(NO_ADMIN_DELETES), raises=(NotFound,))
def preview_deletion(erasure: ErasureService, *, email: str) -> DeletionByAdminPreview:
    """What the deletion of this account would erase and keep, who is in charge of the person, and
    how many spots wait for something.
    """
    return erasure.preview_by_admin(email=email)


@routes.route(
    "DELETE",
    "/me/deletion",
    access=Authenticated(even_unready=True),
    raises=(NothingToTakeBack, TooLate),
)
def take_deletion_back(erasure: ErasureService, *, subject: Subject) -> Message:
    """Take the deletion of the own account back, as long as it waits."""
    erasure.take_back(account_id=subject.id)
    return Message(message="The account stays")


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


@routes.route("GET", "/people-to-reach", access=TELLERS)
def list_people_to_reach(erasure: ErasureService, *, subject: Subject) -> list[PersonToReachView]:
    """The people whose account was erased while something waited for them, and how to reach them:
    for the doctor who was in charge; if nobody is, for the doctors who see the patients without a
    doctor, and for admins. The newest first, 200 at most.
    """
    return [*map(PersonToReachView.from_person, erasure.to_reach.list_all(to=subject))]


@routes.route("POST", "/people-to-reach/<person>/done", access=TELLERS, raises=(NotFound,))
def mark_person_reached(
    erasure: ErasureService, *, person: str, body: Reached, subject: Subject
) -> Message:
    """Somebody has spoken to the person, or cannot reach them. The entry is deleted for all."""
    erasure.to_reach.mark_done(identifier=person, outcome=body.outcome, by=subject)
    return Message(message="Done")


@routes.route("GET", "/erasures", access=admins(NO_ADMIN))
def list_erasures(erasure: ErasureService, *, query: PageQuery) -> Page[ReceiptView]:
    """The receipts of all erasures, the newest first."""
    page = erasure.receipts.page(query.paging)
    return page.map(ReceiptView.model_validate)


@routes.route("GET", "/erasures/waiting", access=admins(NO_ADMIN))
def list_waiting_erasures(erasure: ErasureService) -> WaitingErasures:
    """The accounts that are to be deleted, and the medical records that are kept by law, those
    that come next first; of each 200 at most.
    """
    waiting = erasure.accounts.list_waiting_deletions(limit=MOST_LISTED)
    kept = erasure.accounts.list_kept_records(limit=MOST_LISTED)
    return WaitingErasures(
        deletions=[WaitingDeletion.model_validate(account) for account in waiting],
        records=[KeptRecord.model_validate(account) for account in kept],
    )
