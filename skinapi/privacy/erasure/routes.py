"""The routes by which a person deletes the own account, and everybody reads a receipt."""

from flask import Response, request

from skinapi.accounts.auth.errors import UNPROVEN, DoctorHasPatients, LastAdmin
from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.accounts.auth.schemas import OwnDeletion
from skinapi.base.errors import NotFound
from skinapi.base.languages import LANGUAGES, known_language
from skinapi.base.pages import Page
from skinapi.base.subject import Subject
from skinapi.findings.reports.rendering import POLICY
from skinapi.platform.web.declaration import Public, Rate, Routes, Signed, admins
from skinapi.platform.web.rate_limits import caller_address
from skinapi.platform.web.schemas import Message, PageQuery
from skinapi.privacy.erasure.receipt_page import print_receipt, render_receipt
from skinapi.privacy.erasure.receipts import fingerprint_of, is_genuine
from skinapi.privacy.erasure.schemas import (
    DeletedAccount,
    DeletionPreview,
    KeptRecord,
    PersonToReachView,
    ReceiptQuery,
    ReceiptVerdict,
    ReceiptView,
    WaitingDeletion,
    WaitingErasures,
)
from skinapi.privacy.erasure.service import ErasureService, NothingToTakeBack, TooLate

JSON, HTML, PDF = "application/json", "text/html", "application/pdf"
NO_ADMIN = "Only admins see erasures"
MOST_LISTED = 200
TELLERS = Signed(roles=("doctor", "admin"), refusal="Only doctors and admins tell patients")

routes: Routes[ErasureService] = Routes("erasure")


@routes.route(
    "DELETE",
    "/me",
    access=Signed(even_unready=True),
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
    return DeletedAccount.of(done)


@routes.route("GET", "/me/deletion", access=Signed(even_unready=True))
def show_deletion(erasure: ErasureService, *, subject: Subject) -> DeletionPreview:
    """What a deletion of the own account would erase and keep, and whether one waits."""
    return DeletionPreview.of(erasure.preview(account=subject.account))


@routes.route(
    "DELETE", "/me/deletion", access=Signed(even_unready=True), raises=(NothingToTakeBack, TooLate)
)
def take_deletion_back(erasure: ErasureService, *, subject: Subject) -> Message:
    """Take the deletion of the own account back, as long as it waits."""
    erasure.take_back(account_id=subject.id)
    return Message(message="The account stays")


@routes.route(
    "GET", "/receipts/verify/<code>", access=Public(), rate=Rate.ANONYMOUS, or_produces=(HTML,)
)
def verify_receipt(erasure: ErasureService, *, code: str) -> ReceiptVerdict | Response:
    """The receipt of an erasure with this code, and whether this server has signed it as it is. A
    browser gets an HTML page.
    """
    receipt = erasure.find_receipt(code=code)
    if request.accept_mimetypes.best_match((JSON, HTML)) == HTML:
        language = known_language(request.accept_languages.best_match(LANGUAGES)) or LANGUAGES[0]
        said = erasure.say_receipt(receipt, language) if receipt else None
        page = Response(render_receipt(said, language), mimetype=HTML)
        page.headers["Content-Security-Policy"] = POLICY
        return page
    if receipt is None:
        return ReceiptVerdict(valid=False)
    return ReceiptVerdict(
        valid=receipt.complete and is_genuine(receipt, erasure.signer),
        fingerprint=fingerprint_of(receipt, erasure.signer),
        receipt=ReceiptView.model_validate(receipt),
    )


@routes.route(
    "GET",
    "/receipts/verify/<code>/pdf",
    access=Public(),
    rate=Rate.ANONYMOUS,
    produces=PDF,
    raises=(NotFound,),
)
def show_receipt_pdf(erasure: ErasureService, *, code: str, query: ReceiptQuery) -> Response:
    """The receipt as one page, once it is complete, with a QR code that leads here."""
    receipt = erasure.get_complete(code=code)
    said = erasure.say_receipt(receipt, known_language(query.lang) or receipt.language)
    answer = Response(print_receipt(said), mimetype=PDF)
    name = f"receipt-{receipt.short_code}.pdf"
    answer.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return answer


@routes.route("GET", "/people-to-reach", access=TELLERS)
def list_people_to_reach(
    erasure: ErasureService, *, query: ReceiptQuery, subject: Subject
) -> list[PersonToReachView]:
    """The people who deleted their account, or a finding, before they were told of it, and how to
    reach them: for the doctor who was in charge; where there is none, for the doctors who see the
    patients without one, and for admins. The newest first, 200 at most.
    """
    language = known_language(query.lang) or subject.account.language
    found = erasure.to_reach.list_people_to_reach(to=subject)
    return [PersonToReachView.of(one, language, clinical=subject.role == "doctor") for one in found]


@routes.route("POST", "/people-to-reach/<person>/done", access=TELLERS, raises=(NotFound,))
def mark_person_reached(erasure: ErasureService, *, person: str, subject: Subject) -> Message:
    """The person was told, or cannot be reached: the notice is deleted."""
    erasure.to_reach.mark_done(identifier=person, by=subject)
    return Message(message="Done")


@routes.route("GET", "/erasures", access=admins(NO_ADMIN))
def list_erasures(erasure: ErasureService, *, query: PageQuery) -> Page[ReceiptView]:
    """The receipts of all erasures, the newest first."""
    page = erasure.receipts.page(after=query.after, limit=query.limit)
    return page.map(ReceiptView.model_validate)


@routes.route("GET", "/erasures/waiting", access=admins(NO_ADMIN))
def list_waiting_erasures(erasure: ErasureService) -> WaitingErasures:
    """The accounts that are to be deleted, and the medical records that are kept by law, those
    that come next first; of each 200 at most.
    """
    waiting = erasure.accounts.list_waiting_deletions(limit=MOST_LISTED)
    kept = erasure.accounts.list_kept_records(limit=MOST_LISTED)
    return WaitingErasures(
        deletions=[WaitingDeletion.model_validate(one) for one in waiting],
        records=[KeptRecord.model_validate(one) for one in kept],
    )
