"""Makes reports verifiable: a hash of everything that a report says, and the stored list of issued
reports.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from skinapi.errors import BlobDamaged
from skinapi.logs import log
from skinapi.records.reviews.decisions import Decision
from skinapi.records.reviews.letters import Letter
from skinapi.records.reviews.reviews import Review
from skinapi.reports.facts import Facts
from skinapi.reports.narrative import Narrative
from skinapi.storage.faults import Fault
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Blobs, Store
from skinapi.stored_record import StoredRecord

# These fields do not change what a report says: how a review was sent, why the LLM did not write.
NOT_HASHED = {"idempotency_key", "request_hash"}
NOT_HASHED_OF_NARRATIVE = {"source": {"reason"}}
LETTER_SAYS = {"id", "reader", "language", "text", "signed_at", "signature"}


def seal_report(
    *,
    facts: Facts,
    narrative: Narrative,
    review: Review | None,
    decision: Decision | None,
    letters: Sequence[Letter],
    renderer: str,
    submission: str,
) -> str:
    """SHA-256 of the report's content, its submission and its renderer.

    The random id of the submission is part of it, so that no one can find a valid hash by guessing
    the content of a report.
    """
    sealed: dict[str, Any] = {
        "facts": facts.model_dump(mode="json"),
        "narrative": narrative.model_dump(mode="json", exclude=NOT_HASHED_OF_NARRATIVE),
        "review": review.model_dump(mode="json", exclude=NOT_HASHED) if review else None,
        "decision": decision.model_dump(mode="json") if decision else None,
        "language": narrative.language,
        "renderer": renderer,
        "submission": submission,
    }
    if letters:  # a report without any keeps the hash that it had before there were letters
        sealed["letters"] = [
            letter.model_dump(mode="json", include=LETTER_SAYS) for letter in letters
        ]
    # Sorted keys and fixed separators: equal content gives equal bytes.
    canonical = json.dumps(sealed, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class Issued(StoredRecord):
    """A report that was issued. Its PDF is stored when it is requested for the first time."""

    id: str
    created_at: datetime
    submission: str
    language: str
    hash: str
    model_version: str | None = None
    pdf_blob: str | None = None


class IssuedReports:
    def __init__(self, store: Store, *, on_issue: Callable[[], None]) -> None:
        """`on_issue` is to be called after each report that is issued for the first time."""
        self.on_issue = on_issue
        self._blobs: Blobs = store.blobs
        self._documents = store.collection("reports")
        self._documents.ensure_index("submission", "language", "hash", unique=True)
        self._documents.ensure_index("submission", "id")
        self._documents.ensure_index("hash", "id")

    def add(
        self, *, submission: str, language: str, hash: str, model_version: str | None
    ) -> Issued:
        """Store an issued report. Raises Duplicate where it was issued before."""
        issued = Issued(
            id=new_id(),
            created_at=now(),
            submission=submission,
            language=language,
            hash=hash,
            model_version=model_version,
        )
        self._documents.insert({**issued.model_dump(), "schema": 1})
        return issued

    def find_by_hash(self, hash: str) -> Issued | None:
        rows = self._documents.find({"hash": hash}, limit=1)
        return Issued.model_validate(rows[0]) if rows else None

    def read_pdf(self, issued: Issued) -> bytes | None:
        """The stored PDF. None if none is stored or if its file is damaged: it can be rendered
        again.
        """
        try:
            return self._blobs.find(issued.pdf_blob) if issued.pdf_blob else None
        except BlobDamaged:
            log.error("report_damaged", report=issued.id)
            return None

    def keep_pdf(self, issued: Issued, content: bytes) -> None:
        """Store the PDF. Nothing is stored if the report was deleted meanwhile, or if another
        request has stored the same bytes.
        """
        blob = self._blobs.put(content)
        # Compare-and-set: only the request that still sees the old blob may replace it.
        unchanged = {"id": issued.id, "pdf_blob": issued.pdf_blob}
        if self._documents.update(unchanged, {"$set": {"pdf_blob": blob}}) is None:
            self._blobs.delete(blob)
        elif issued.pdf_blob:
            self._blobs.delete(issued.pdf_blob)

    def forget(self, submission: str) -> list[str]:
        """Delete the reports of a submission, in the caller's transaction. Return the keys of their
        PDFs, to be deleted after it.
        """
        rows = self._documents.find({"submission": submission}, fields=("pdf_blob",))
        self._documents.delete({"submission": submission})
        return [issued["pdf_blob"] for issued in rows if "pdf_blob" in issued]

    def faults(self, has_submission: Callable[[str], bool]) -> Iterator[Fault]:
        for submission in sorted(self._documents.count_by("submission")):
            if not has_submission(submission):
                says = f"reports of submission {submission}, which is gone"
                yield Fault(says, partial(self._erase, submission))

    def _erase(self, submission: str) -> None:
        for blob in self.forget(submission):
            self._blobs.delete(blob)
