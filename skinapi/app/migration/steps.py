"""What becomes of each stored record of release 2.0.0.

To add a step, write a function of a `Tools` and a stored document, and add it to `STEPS` with the
name of its collection. The function changes the store by itself and returns None, or a sentence
that the log shows the operator with the id of the record. It may be called twice for one record,
because an interrupted migration reads its last page again. It sends no mail. A
collection that nothing reads any more belongs in `EMPTIED`. Name the changed fields in
`CHANGED` of tests/faults/test_migrated_store.py, whose store is one of 2.0.0.
"""

from collections.abc import Callable
from dataclasses import dataclass

from skinapi.care.reminders import LesionCounts
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.review_queue import ReviewQueue
from skinapi.findings.status.decisions import urgency_of
from skinapi.findings.status.reviews import Histology, Review
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.numbers import FINDING, FINDINGS
from skinapi.platform.storage.ports import Document, Ops, Store, set_or_remove
from skinapi.privacy.erasure.findings_to_tell import ReachReason
from skinapi.privacy.retention.service import ANNOUNCED

UNOPENED = ReachReason.UNOPENED.value
# What 2.0.0 stored of a review that it withheld from the patient.
WITHHELD = dict.fromkeys(("hold_ends_at", "held_with_graver", "own_hold_ends_at"), True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    store: Store
    queue: ReviewQueue
    counts: LesionCounts


OPENED = (
    "A second opinion named a sample or a result that is not signed. Its finding is in the queue."
)
Step = Callable[[Tools, Document], str | None]


def show_withheld_review(tools: Tools, review: Document) -> str | None:
    """The patient can read every signed review."""
    if WITHHELD.keys().isdisjoint(review):
        return None
    finding, change = tools.store.collection(FINDINGS).get(review[FINDING]), None
    if finding and finding.get("hold_key"):  # else its time was over
        lesion = finding.get("lesion")
        tools.queue.records.note_changes([lesion], ids=[] if lesion else [finding["id"]])
        if lesion:
            tools.counts.recount(lesion)
        change = f"The patient can now read the review of finding {finding['number']}"
    tools.store.collection("reviews").update({"id": review["id"]}, {"$unset": WITHHELD})
    return change


def remove_hold_key(tools: Tools, finding: Document) -> None:
    if "hold_key" in finding:
        change = {"$unset": {"hold_key": True}}
        tools.store.collection(FINDINGS).update({"id": finding["id"]}, change)


def convert_person_to_reach(tools: Tools, person: Document) -> None:
    """Replace the retired reason `held` by `unopened`, and remove what an archive has said of a
    deleted finding.
    """

    def convert(finding: Document) -> Document:
        reasons = [UNOPENED if why == "held" else why for why in finding.get("also", ())]
        also = [why for why in reasons if why != "corrected"]
        why = UNOPENED if finding["why"] == "held" else finding["why"]
        rest = {name: value for name, value in finding.items() if name != "sent"}
        return {**rest, "why": why, "also": also}

    change = set_or_remove({"findings": [*map(convert, person["findings"])], "numbers": None})
    tools.store.collection("people_to_reach").update({"id": person["id"]}, change)


def delete_retired_mail(tools: Tools, mail: Document) -> None:
    if mail["kind"] not in {*Kind}:
        tools.store.collection("outbox").delete({"id": mail["id"]})


def end_pause(tools: Tools, pause: Document) -> str:
    """Delete a pause of retention. As with a new setting, nothing is deleted for some days."""
    later = {"$set": {"acts_from_at": now() + ANNOUNCED}}
    tools.store.collection("retention").update_all({}, later)
    tools.store.collection("retention_pause").delete({"id": pause["id"]})
    return f"The pause of retention has ended. Deletion continues in {ANNOUNCED.days} days."


def keep_held(tools: Tools, account: Document) -> None:
    """Set `keep` for an account whose data an admin had put on hold."""
    if account.get("held_at"):
        held: Ops = {
            "$set": {"keep": account.get("held_because") or "put on hold before 3.0.0"},
            "$unset": {"held_at": True, "held_by": True, "held_because": True},
        }
        tools.store.collection("accounts").update({"id": account["id"]}, held)


def forget_taken_case(tools: Tools, finding: Document) -> None:
    """Remove which doctor works on a finding."""
    taken = {"$unset": {"taken_by": True, "taken_at": True}}
    tools.store.collection(FINDINGS).update({"id": finding["id"], "taken_by": {"$gt": ""}}, taken)


def take_sample_out_of_opinion(tools: Tools, document: Document) -> str | None:
    """Let a second opinion name no sample, result or other photo; its note says it in words. Open
    the finding for its doctor if nobody has signed a result since.
    """
    review, opinion = Review.model_validate(document), document["opinion"]
    words = {
        "Histology": [opinion.get("histology"), opinion.get("histology_result")],
        "Another photo": ["wanted" if opinion.get("new_picture_wanted") else None],
    }
    named = {name: ", ".join(filter(None, said)) for name, said in words.items() if any(said)}
    if not review.second_opinion or not named:
        return None
    opened = _open_unsigned(tools.queue.records, review)
    note = "\n".join(filter(None, [review.note, *map(": ".join, named.items())]))
    without = {"histology": None, "histology_result": None, "new_picture_wanted": False}
    change = {"$set": {"opinion": {**opinion, **without, "urgency_waits": False}, "note": note}}
    tools.store.collection("reviews").update({"id": review.id}, change)
    return OPENED if opened else None


def _open_unsigned(records: FindingRecords, review: Review) -> bool:
    result, awaited = review.opinion.histology_result, review.opinion.awaited
    finding = records.find(review.submission)
    if finding is None or finding.error or not (result or awaited):
        return False
    later = [item for item in records.reviews.list_of(finding.id) if item.id > review.id]
    if any(item.opinion.histology_result and not item.second_opinion for item in later):
        return False
    none_taken = [item.doctor for item in later if item.opinion.histology is Histology.NOT_TAKEN]
    if not result and review.doctor in none_taken:
        return False
    records.note_opinion(finding, urgency=urgency_of(review, None, finding.band))
    return True


def renew_lists(tools: Tools, account: Document) -> None:
    """Sort and count the findings of an account again, after all other steps."""
    tools.queue.renew_account(account["id"])


STEPS: tuple[tuple[str, Step], ...] = (
    ("reviews", show_withheld_review),
    (FINDINGS, remove_hold_key),
    ("people_to_reach", convert_person_to_reach),
    ("outbox", delete_retired_mail),
    ("retention_pause", end_pause),
    ("accounts", keep_held),
    (FINDINGS, forget_taken_case),
    ("reviews", take_sample_out_of_opinion),
    ("accounts", renew_lists),
)
EMPTIED: tuple[str, ...] = ("account_acts", "break_glass", "clock", "retention_runs")
