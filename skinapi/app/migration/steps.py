"""Which steps a store of each earlier version takes, and how each record is converted.

Nothing else uses the store meanwhile, and whatever reads it afterwards knows one form of each
record. Where it is interrupted, the next call goes on; it may look at a record twice.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from skinapi.app.migration.judgements import JudgementJoiner
from skinapi.base.errors import StoreUnavailable
from skinapi.care.reminders import LesionCounts
from skinapi.findings.records.review_queue import ReviewQueue
from skinapi.findings.status.reviews import (
    AGREES,
    Agreement,
    Certainty,
    Histology,
    Opinion,
    names_cancer,
)
from skinapi.model.bands import RaisedBy
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.storage.background import Lease
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.ports import Document, Store
from skinapi.platform.storage.store_version import (
    BEFORE,
    JUDGED_AGAIN,
    MIGRATING,
    RELEASED,
    end_migration,
)
from skinapi.platform.storage.unit_of_work import AuditRow

READ_AT_ONCE = 100
# A worker of gunicorn that says nothing for a minute is ended.
LONGEST_S = 20.0
# Collections that nothing reads any more.
EMPTIED = (
    *("account_ngrams", "finding_counts", "migrations"),
    *("narratives", "shadow_counts", "shadow_results", "weekly_counts"),
)
# What the release stored with a finding, and nothing reads.
UNREAD = dict.fromkeys(("decision", "reviewed_as", "learning_key"), True)


def migrate_store(
    store: Store,
    failed: FailedItems,
    trail: AuditTrail,
    queue: ReviewQueue,
    joiner: JudgementJoiner,
    former: int,
    *,
    longest_s: float = LONGEST_S,
) -> None:
    """Go on with the migration of a store of version `former` for so many seconds. Raises
    StoreUnavailable where it has not come to its end, or where another process works at it: then
    call it again.
    """
    lease, end = Lease(store.collection("leases"), "migration"), time.monotonic() + longest_s
    begun = lease.claim()
    if begun is None:
        raise StoreUnavailable(MIGRATING)
    steps: list[tuple[str, Callable[[Document], None]]] = []
    if former == JUDGED_AGAIN:
        steps = [
            (FINDINGS, joiner.join),
            ("lesions", partial(_hold_late, queue)),
            ("accounts", partial(_count_findings, queue)),
            ("lesions", partial(_place_findings, joiner.counts)),
        ]
    elif former == BEFORE:
        steps = [("lesions", partial(_hold_late, queue))]
    elif former == RELEASED:
        steps = [
            ("reviews", partial(_fill_opinion, store)),
            (FINDINGS, partial(_convert_finding, store, queue)),
            ("accounts", partial(_count_findings, queue)),
        ]
    for index, (name, convert) in enumerate(steps[begun.get("step", 0) :], begun.get("step", 0)):
        after = begun.get("reached") if index == begun.get("step", 0) else None
        while found := store.collection(name).find(after=after, limit=READ_AT_ONCE):
            failed.do_each("migration", found, convert)
            after = found[-1]["id"]
            if not lease.renew(step=index, reached=after):
                raise StoreUnavailable(MIGRATING)
            if time.monotonic() > end:
                lease.release()
                raise StoreUnavailable(f"{MIGRATING} ({name})")
    for name in EMPTIED:
        store.collection(name).delete({})
    trail.record(AuditRow("store.migrate", by="system", target="store"))
    end_migration(store)
    lease.release()


def _fill_opinion(store: Store, review: Document) -> None:
    """Fill what a review of 0.1.0 says, which the release has read so and never stored.

    That could be unsure and confirmed at once. Of a cancer it counts as the laboratory's result;
    else as an opinion that is not sure.
    """
    if review.get("opinion") is not None:
        return
    label, agreement = review["label"], Agreement(review["agreement"])
    unsure = agreement is Agreement.UNSURE
    histology = Histology(review["histology"]) if review.get("histology") else None
    if histology is Histology.CONFIRMED:
        if not unsure or names_cancer(label):
            unsure = False
        else:
            histology = None
    opinion = Opinion(
        certainty=Certainty.UNSURE if unsure else Certainty.SURE,
        label=label,
        agrees_with_label=AGREES[agreement],
        histology=histology,
        histology_result=label if histology is Histology.CONFIRMED else None,
    )
    filled = {"opinion": opinion.model_dump(mode="json", exclude_none=True)}
    store.collection("reviews").update({"id": review["id"]}, {"$set": filled})


def _convert_finding(store: Store, queue: ReviewQueue, finding: Document) -> None:
    """Name the one rule that the release told by no rule; keep the model's version beside the
    finding, nothing that is not read, and the keys of the lists.
    """
    judged: dict[str, Any] = finding["finding"]
    rules = judged["raised_by"] or [RaisedBy.NEAR_THRESHOLD.value]
    kept = {
        "finding": {**judged, "raised_by": rules},
        "model_version": judged["model_version"],
        "changed": finding.get("changed") or finding["id"],
    }
    identifier, change = finding["id"], {"$set": kept, "$unset": UNREAD}
    store.collection(FINDINGS).update({"id": identifier}, change)
    queue.records.renew_keys(ids=[identifier])


def _count_findings(queue: ReviewQueue, account: Document) -> None:
    queue.recount(account["id"])


def _hold_late(queue: ReviewQueue, spot: Document) -> None:
    if queue.records.hold_late(spot["id"]):
        queue.recount(spot["owner"])


def _place_findings(counts: LesionCounts, spot: Document) -> None:
    counts.place(spot["id"])
