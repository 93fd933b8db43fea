"""Migrates the records of 2.0.0.

To add a step, write a function of a `Tools` and a stored document, and add it to `STEPS` with the
name of its collection. The function changes the store and returns None, or a sentence that is
logged for the operator. It sends no mail and must be repeatable, because an interrupted migration
reads its last page again. A collection that is no longer read belongs in `EMPTIED`. Add changed
fields to `CHANGED` of tests/faults/test_migrated_store.py, whose store is one of 2.0.0.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from skinapi.accounts.auth.moved_accounts import MovedAccount
from skinapi.app.migration.levels import level_spot
from skinapi.app.migration.reviews import restate_review
from skinapi.care.message_records import Messages
from skinapi.care.messages import UnansweredMessages
from skinapi.care.reminders import LesionCounts
from skinapi.care.second_opinions import SecondOpinion, SecondOpinions
from skinapi.findings.records.lesions import Lesion, Place
from skinapi.findings.records.review_queue import ReviewQueue
from skinapi.findings.records.stored_finding import PLACE
from skinapi.findings.status.spot import SecondOpinionRequest
from skinapi.model.conditions import conditions_table
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.numbers import FINDING, FINDINGS
from skinapi.platform.storage.ports import Document, Filter, Store, set_or_remove
from skinapi.privacy.erasure.service import RESTORED_WAIT

OF_QUESTION = ("opinion_of", "opinion_by", "opinion_at", "opinion_question")
# Removed after the steps that read them.
RETIRED = {
    FINDINGS: (
        *(
            "hold_key",
            "awaited_key",
            "due_key",
            "queue_key",
            "rest_key",
            "doctor",
            "placed",
            "band",
        ),
        *(*OF_QUESTION, "opinion_came_at", "opinion_key", "opinion_lost"),
        *("former_lesion", "taken_by", "taken_at"),
    ),
    "lesions": ("joined",),
    "models": ("state", "changes", "test_part"),
}
# Kinds of mail of 2.0.0 that now belong to a more general kind.
MERGED_MAILS = {
    **dict.fromkeys(("reviewed", "letter_withdrawn", "entered_in_error"), Kind.NEWS),
    **dict.fromkeys(("filed", "judged_again", "new_picture"), Kind.NEWS),
    **dict.fromkeys(("new_browser", "wrong_codes"), Kind.UNUSUAL_LOG_IN),
    "opinion_came": Kind.OPINION,
    "erased": Kind.CLOSED,
    "came_into_care": Kind.URGENT,
}
# Fields of 2.0.0 for a review that was withheld from the patient.
WITHHELD = dict.fromkeys(("hold_ends_at", "held_with_graver", "own_hold_ends_at"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    store: Store
    queue: ReviewQueue
    opinions: SecondOpinions
    counts: LesionCounts
    messages: Messages
    unanswered: UnansweredMessages

    def change(self, collection: str, document: Document, **fields: object) -> None:
        """Set fields. A value of None removes the field."""
        self.store.collection(collection).update({"id": document["id"]}, set_or_remove(fields))


OPENED = (
    "A second opinion named a sample or a result that is not signed. Its finding is in the queue."
)
Step = Callable[[Tools, Document], str | None]


def start_lesion(tools: Tools, finding: Document) -> None:
    """A finding without a spot gets a new one with the id of the finding."""
    if finding.get("lesion") is None:
        lesions, told = tools.store.collection("lesions"), finding.get("context") or {}
        lesion = Lesion(
            id=finding["id"],
            created_at=finding["created_at"],
            owner=finding["owner"],
            place=Place.from_told(tuple(told.get(name) for name in PLACE)),
            findings=0 if finding.get("error") else 1,
            latest=None if finding.get("error") else finding["id"],
        )
        if not lesions.get(lesion.id):
            lesions.insert(lesion.stored())
        tools.change(FINDINGS, finding, lesion=lesion.id)


def change_lesion(tools: Tools, lesion: Document) -> None:
    """A spot that its owner had deleted is removed; its messages are then about no spot."""
    if lesion.get("deleted_at"):
        tools.messages.leave_lesion(lesion["id"])
        tools.store.collection("lesions").delete({"id": lesion["id"]})
    else:
        tools.counts.recount(lesion["id"])


def give_levels(tools: Tools, lesion: Document) -> None:
    tools.store.transaction(partial(level_spot, tools.store, lesion))


def show_withheld_review(tools: Tools, review: Document) -> str | None:
    if WITHHELD.keys().isdisjoint(review):
        return None
    finding, change = tools.store.collection(FINDINGS).get(review[FINDING]), None
    if finding and finding.get("hold_key"):  # else its time was over
        tools.queue.records.note_changes([finding["lesion"]])
        change = f"The patient can now read the review of finding {finding['number']}"
    tools.change("reviews", review, **WITHHELD)
    return change


def remove_retired_fields(collection: str, tools: Tools, document: Document) -> None:
    tools.change(collection, document, **dict.fromkeys(RETIRED[collection]))


def close_account(tools: Tools, account: Document) -> None:
    """2.0.0 kept the account only as a medical record, or its owner has requested deletion. A
    suspended account gets time to be reopened, because the suspension may have been meant to stop
    the deletion.
    """
    retired = ("deletion_asked_at", "deletion_due_at", "record_kept_until_at", "record_made_at")
    change: Document = dict.fromkeys((*retired, "former_identity"))
    if due := account.get("deletion_due_at"):
        for collection in ("sessions", "keys", "session_keys", "password_links"):
            tools.store.collection(collection).delete({"account": account["id"]})
        change |= {"consents": {}, "token_version": account["token_version"] + 1}
        if account["status"] == "suspended":
            due = max(due, now() + RESTORED_WAIT)
    if kept_until := account.get("record_kept_until_at"):  # a restore then keeps the record, too
        tools.change("erased_ids", account, kept_until_at=kept_until)
    if until := kept_until or due:
        tools.change("accounts", account, **{**change, "status": "closed", "erase_at": until})


def end_initial_password(tools: Tools, account: Document) -> None:
    """A password that must be replaced but has no expiry gets three days."""
    if "must_change" in account:
        ends = account.get("initial_password_expires_at") or now() + timedelta(days=3)
        ends = ends if account["must_change"] else None
        tools.change("accounts", account, must_change=None, initial_password_expires_at=ends)


def convert_refusal(tools: Tools, account: Document) -> None:
    """A refused account was a suspended one with a refusal. Other refusals were withdrawn."""
    if refusal := account.get("refusal"):
        refused = {"refused_at": account.get("refused_at") or now(), **refusal}
        is_refused = account["status"] in ("suspended", "refused")
        change = {"status": "refused", "refusal": refused} if is_refused else {"refusal": None}
        tools.change("accounts", account, **change, refused=None, refused_at=None)


def close_joined_account(tools: Tools, account: Document) -> None:
    """Close an account that was joined to another one, which has its spots and now its number."""
    moved = tools.store.collection("moved_accounts")
    change: Document = dict.fromkeys(("joined_to", "joined_because", "joined"))
    if other := account.get("joined_to"):
        emptied = MovedAccount(id=account["id"], account=other, external=account.get("external"))
        moved.delete({"id": emptied.id})
        moved.insert({**emptied.stored(), "schema": 1})
        change |= {"status": "closed", "erase_at": now() + RESTORED_WAIT}
    tools.change("accounts", account, **change)


def tell_of_moved_findings(tools: Tools, webhook: Document) -> None:
    """Moved findings are now reported as changed."""
    told = ("finding.changed" if name == "account.joined" else name for name in webhook["events"])
    tools.change("webhooks", webhook, events=[*dict.fromkeys(told)])


def go_on_erasing(tools: Tools, receipt: Document) -> None:
    """If 2.0.0 kept the medical record, the account is closed and its receipt starts again."""
    change: Document = {"extent": None, "awaits_until_at": None}
    if tools.store.collection("accounts").get(receipt["account"]):
        change |= dict.fromkeys(("begun_at", "gone_at", "completed_at"))
        change["pending"] = receipt["account"]
    elif receipt.get("pending"):
        change["begun_at"] = receipt["created_at"]
    tools.change("erasure_receipts", receipt, **change)


def convert_mail(tools: Tools, mail: Document) -> None:
    kind = MERGED_MAILS.get(mail["kind"], mail["kind"])
    if kind in {*Kind}:
        tools.change("outbox", mail, kind=kind)
    else:
        tools.store.collection("outbox").delete({"id": mail["id"]})


def keep_held(tools: Tools, account: Document) -> None:
    if account.get("held_at"):
        reason = account.get("held_because") or "put on hold before 3.0.0"
        tools.change(
            "accounts", account, keep=reason, held_at=None, held_by=None, held_because=None
        )


def convert_second_opinion(tools: Tools, review: Document) -> str | None:
    """Reopen the finding if the opinion named a sample and no later review has its result."""
    if not review.get("asked_by"):
        return None
    said = review["opinion"]
    opinion = SecondOpinion(
        id=review["id"],
        created_at=review["created_at"],
        submission=review[FINDING],
        doctor=review["doctor"],
        signature=review["signature"],
        question=review.get("question"),
        label=said.get("label") or said.get("histology_result"),
        comment="\n".join([*filter(None, [review.get("note")]), *_say_rest(said)]),
    )
    reviews = tools.store.collection("reviews")
    reviews.delete({"id": review["id"]})
    tools.store.collection("second_opinions").delete({"id": opinion.id})
    tools.opinions.insert(opinion)
    finding = tools.store.collection(FINDINGS).get(opinion.submission)
    named = said.get("histology") in ("awaited", "confirmed")
    if finding is None or finding.get("error") or not named:
        return None
    later = reviews.find({FINDING: opinion.submission, "id": {"$gt": opinion.id}})
    if any(item["opinion"].get("histology_result") and not item.get("asked_by") for item in later):
        return None
    tools.change(FINDINGS, finding, **dict.fromkeys(OF_QUESTION), opinion_came_at=now())
    return OPENED


def _say_rest(said: Document) -> Iterator[str]:
    if said["certainty"] == "unsure":
        yield "Not certain."
    if urgency := said.get("urgency"):
        yield f"Urgency: {conditions_table().band_words(urgency, 'en').doctor_label}."
    if histology := said.get("histology"):
        yield f"Histology: {str(histology).replace('_', ' ')}."
    if result := said.get("histology_result"):
        yield f"Result of the laboratory: {conditions_table().label(result).names.en}."
    if said.get("new_picture_wanted"):
        yield "Another photo is wanted."


def say_lost_opinion(_: Tools, finding: Document) -> str | None:
    """Report opinions that will not come. An inactive colleague stays asked."""
    lost = finding.get("opinion_key") or finding.get("opinion_lost")
    if not lost or finding.get("opinion_came_at") or finding.get("opinion_of"):
        return None
    return f"The second opinion on finding {finding['number']} that was asked for does not come"


def move_opinion(tools: Tools, lesion: Document) -> str | None:
    """A question without an asker was asked by the doctor in charge."""
    wanted: Filter = {"lesion": {"$in": [lesion["id"]]}, "error": None}
    findings = tools.store.collection(FINDINGS).find(wanted, sort="lesion")
    found = [it for it in findings if it.get("opinion_of") or it.get("opinion_came_at")]
    if not found:
        return None
    *others, last = sorted(found, key=lambda it: (bool(it.get("opinion_of")), _find_asked_at(it)))
    asked, doctor = last.get("opinion_of"), last.get("doctor")
    opinion = SecondOpinionRequest(
        number=last["number"],
        asked_at=_find_asked_at(last),
        asker=last.get("opinion_by") or (doctor if doctor != asked else None),
        colleague=asked,
        question=last.get("opinion_question"),
        came_at=None if asked else last["opinion_came_at"],
    )
    tools.change("lesions", lesion, opinion=opinion.stored())
    ended = [item["number"] for item in others if item.get("opinion_of")]
    return f"The questions to colleagues about findings {ended} have ended" if ended else None


def _find_asked_at(finding: Document) -> datetime:
    known: datetime | None = finding.get("opinion_at") or finding.get("opinion_came_at")
    return known or now()


def renew_lists(tools: Tools, account: Document) -> None:
    tools.change("accounts", account, queue_key=None, findings=None)
    tools.queue.renew_account(account["id"])
    tools.unanswered.note_all(account["id"])


def restate(tools: Tools, review: Document) -> None:
    restate_review(tools.store, review)


STEPS: tuple[tuple[str, Step], ...] = (
    (FINDINGS, start_lesion),
    ("reviews", convert_second_opinion),
    ("reviews", restate),
    ("lesions", give_levels),
    ("lesions", change_lesion),
    (FINDINGS, say_lost_opinion),
    ("reviews", show_withheld_review),
    ("lesions", move_opinion),
    *((name, partial(remove_retired_fields, name)) for name in RETIRED),
    ("erasure_receipts", go_on_erasing),
    ("outbox", convert_mail),
    ("accounts", keep_held),
    ("accounts", close_account),
    ("accounts", convert_refusal),
    ("accounts", end_initial_password),
    ("accounts", close_joined_account),
    ("webhooks", tell_of_moved_findings),
    ("accounts", renew_lists),
)
EMPTIED: tuple[str, ...] = (
    *("account_acts", "break_glass", "clock", "dropped_pairs", "people_to_reach"),
    *("retention", "retention_pause", "retention_runs"),
)
