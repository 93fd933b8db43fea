"""What makes a report checkable: a hash of all it says, and the reports that were issued."""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict

from skinapi.errors import BlobDamaged, Duplicate
from skinapi.records.reviews import Review
from skinapi.reports.facts import Facts
from skinapi.reports.narrative import Narrative
from skinapi.storage.faults import Fault
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Blobs, Store
from skinapi.web.logs import log

# How a review came in is no part of what it says; nor is why the LLM did not write.
UNSAID = {"idempotency_key", "request_hash"}
UNSAID_OF_NARRATIVE = {"source": {"reason"}}


def seal_report(
    *,
    facts: Facts,
    narrative: Narrative,
    review: Review | None,
    renderer: str,
    submission: str,
) -> str:
    """SHA-256 of what is said, of whom and in which look; the submission's id is chance enough
    that nobody finds a hash by guessing at findings.
    """
    sealed = {
        "facts": facts.model_dump(mode="json"),
        "narrative": narrative.model_dump(mode="json", exclude=UNSAID_OF_NARRATIVE),
        "review": review.model_dump(mode="json", exclude=UNSAID) if review else None,
        "language": narrative.language,
        "renderer": renderer,
        "submission": submission,
    }
    canonical = json.dumps(sealed, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class Issued(BaseModel):
    """A report that was issued; its PDF once somebody wanted one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    created_at: datetime
    submission: str
    language: str
    hash: str
    model_version: str | None = None
    pdf_blob: str | None = None


class IssuedReports:
    def __init__(self, store: Store) -> None:
        self._blobs: Blobs = store.blobs
        self._documents = store.collection("reports")
        self._documents.ensure_index("submission", "language", "hash", unique=True)
        self._documents.ensure_index("submission", "id")
        self._documents.ensure_index("hash", "id")

    def add(
        self, *, submission: str, language: str, hash: str, model_version: str | None
    ) -> Issued:
        """Or what another request has just added."""
        named = {"submission": submission, "language": language, "hash": hash}
        issued = Issued(id=new_id(), created_at=now(), model_version=model_version, **named)
        try:
            self._documents.insert({**issued.model_dump(), "schema": 1})
        except Duplicate:
            return self._first(named) or issued
        return issued

    def by_hash(self, hash: str) -> Issued | None:
        return self._first({"hash": hash})

    def read_pdf(self, issued: Issued) -> bytes | None:
        """None where none was kept, or where its file is damaged: it can be printed again."""
        try:
            return self._blobs.get(issued.pdf_blob) if issued.pdf_blob else None
        except BlobDamaged:
            log.error("report_damaged", report=issued.id)
            return None

    def keep_pdf(self, issued: Issued, content: bytes) -> None:
        """Unless the report is gone meanwhile, or another request kept the same bytes."""
        blob = self._blobs.put(content)
        unchanged = {"id": issued.id, "pdf_blob": issued.pdf_blob}
        if self._documents.update(unchanged, {"$set": {"pdf_blob": blob}}) is None:
            self._blobs.delete(blob)
        elif issued.pdf_blob:
            self._blobs.delete(issued.pdf_blob)

    def forget(self, submission: str) -> None:
        """Again and again without harm; a PDF that comes in between is seen the next time round."""
        while found := self._documents.find({"submission": submission}, limit=100):
            for issued in map(Issued.model_validate, found):
                if issued.pdf_blob:
                    self._blobs.delete(issued.pdf_blob)
                self._documents.delete({"id": issued.id, "pdf_blob": issued.pdf_blob})

    def faults(self, has_submission: Callable[[str], bool]) -> Iterator[Fault]:
        for submission in sorted(self._documents.count_by("submission")):
            if not has_submission(submission):
                says = f"reports of submission {submission}, which is gone"
                yield Fault(says, partial(self.forget, submission))

    def _first(self, wanted: dict[str, Any]) -> Issued | None:
        found = self._documents.find(wanted, limit=1)
        return Issued.model_validate(found[0]) if found else None
