"""What becomes of each stored record of release 2.0.0.

To add a step, write a function of a `Tools` and a stored document, and add it to `STEPS` with the
name of its collection. The function changes the store by itself and returns None, or a sentence
that the log shows the operator with the id of the record. It may be called twice for one record,
because an interrupted migration goes on with the last page that it has read. It sends no mail. A
collection that nothing reads any more belongs into `EMPTIED`. Name the changed fields in
`CHANGED` of tests/faults/test_migrated_store.py, whose store is one of 2.0.0.
"""

from collections.abc import Callable
from dataclasses import dataclass

from skinapi.findings.records.review_queue import ReviewQueue
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.ports import Document, Ops, Store
from skinapi.privacy.retention.service import ANNOUNCED


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    store: Store
    queue: ReviewQueue


Step = Callable[[Tools, Document], str | None]


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


def renew_lists(tools: Tools, account: Document) -> None:
    """Sort and count the findings of an account again, after all other steps."""
    tools.queue.renew_account(account["id"])


STEPS: tuple[tuple[str, Step], ...] = (
    ("outbox", delete_retired_mail),
    ("retention_pause", end_pause),
    ("accounts", keep_held),
    (FINDINGS, forget_taken_case),
    ("accounts", renew_lists),
)
EMPTIED: tuple[str, ...] = ("account_acts", "break_glass")
