"""Makes reports verifiable: a hash of everything that a report says, and the stored list of issued
reports.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import partial
from typing import Any, NamedTuple, Self

from pydantic import TypeAdapter, field_serializer

from skinapi.base.errors import BlobDamaged
from skinapi.base.logs import log
from skinapi.base.stored_record import StoredRecord
from skinapi.findings.records.decisions import Decision, WaitsFor
from skinapi.findings.records.letters import Letter, ShownLetter
from skinapi.findings.records.standing import SaidBy
from skinapi.findings.records.submission import Submission
from skinapi.findings.reports.report import Report
from skinapi.findings.reports.words import SpotChangedBy
from skinapi.model.conditions import Band
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Blobs, Store
from skinapi.platform.storage.records import Records

# These fields do not change what a report says: how a review was sent, who asked for it and what,
# which urgency it lowered and whether the doctor was asked about that, when its patient was shown
# it, why the LLM did not write. A field that later code adds belongs here, or each report gets a
# new hash.
NOT_HASHED = {
    "idempotency_key",
    "request_hash",
    "asked_by",
    "question",
    "downgrade_confirmed",
    "lowered_from",
    "lowered_to",
    "hold_ends_at",
}
NOT_HASHED_OF_DECISION = {"doctor", "levels", "earlier"}  # the review and `due` say it
DECISIONS = TypeAdapter(Decision)
NOT_HASHED_OF_NARRATIVE = {"source": {"reason"}}
LETTER_SAYS = {
    "id", "reader", "language", "decision", "text", "signed_at", "signature", "withdrawn"
}  # fmt: skip


def seal_report(report: Report, *, submission: str, renderer: str) -> str:
    """SHA-256 of the report's content, its submission and its renderer. The random id of the
    submission is part of it, so that no one can find a valid hash by guessing the content.
    """
    review, advice, due = report.review, report.spot_advice, report.due
    withdrawn_at = report.model_withdrawn_at
    sealed: dict[str, Any] = {
        "facts": report.facts.model_dump(mode="json"),
        "narrative": report.narrative.model_dump(mode="json", exclude=NOT_HASHED_OF_NARRATIVE),
        "review": review.model_dump(mode="json", exclude=NOT_HASHED) if review else None,
        "decision": DECISIONS.dump_python(
            report.decision, mode="json", exclude=NOT_HASHED_OF_DECISION
        )
        if report.decision
        else None,
        "language": report.language,
        "renderer": renderer,
        "submission": submission,
        "letters": [_say_letter(shown) for shown in report.letters],
        "model_withdrawn_at": withdrawn_at.isoformat() if withdrawn_at else None,
        "spot_advice": [advice.finding, advice.band, advice.since.isoformat(), advice.waits_for]
        if advice
        else None,
        "due": due.isoformat() if due else None,
    }
    # Sorted keys and fixed separators: equal content gives equal bytes.
    canonical = json.dumps(sealed, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class SpotSaid(StoredRecord):
    """What a report says is to be done about the spot. Where that was said of another finding, and
    is something else: of which, and when.
    """

    band: Band
    waits_for: WaitsFor | None = None
    due: date | None = None
    finding: int | None = None
    said_at: datetime | None = None

    @field_serializer("due")
    def _store_due(self, due: date | None) -> str | None:
        return due.isoformat() if due else None

    @classmethod
    def of(cls, submission: Submission) -> Self:
        counts, elsewhere = submission.instruction.counts, submission.replaced_by
        return cls(
            band=counts.band,
            waits_for=counts.waits_for,
            due=counts.due,
            finding=elsewhere.finding if elsewhere else None,
            said_at=elsewhere.since if elsewhere else None,
        )


class ReportContents(StoredRecord):
    """What a report says beside its finding: the id of the review that counts, and of letters, and
    what counts about its spot. One of before store version 9 does not say its `spot`.
    """

    review: str | None = None
    letters: tuple[str, ...] = ()
    spot: SpotSaid | None = None

    @classmethod
    def of(cls, submission: Submission, letters: Sequence[Letter]) -> Self:
        ids = tuple(one.id for one in letters)
        decision = submission.decision
        review = decision.review if decision else None
        return cls(review=review, letters=ids, spot=SpotSaid.of(submission))

    def says(self, now: Self) -> bool:
        """Whether it says all that is said now."""
        same = (self.review, self.letters) == (now.review, now.letters)
        return same and self.spot in (None, now.spot)


def _say_letter(shown: ShownLetter) -> dict[str, Any]:
    """What a report says of a letter."""
    said = shown.letter.model_dump(mode="json", include=LETTER_SAYS, exclude_none=True)
    if shown.superseded:
        said["superseded"] = shown.superseded.decided_at.isoformat()
    return said


class Issued(StoredRecord):
    """A report that was issued. Its PDF is stored when it is requested for the first time, with the
    number of its `pages`. One of before store version 7 does not say its `contents`.
    """

    id: str
    created_at: datetime
    submission: str
    language: str
    hash: str
    model_version: str | None = None
    pdf_blob: str | None = None
    pages: int | None = None
    contents: ReportContents | None = None

    @property
    def code(self) -> str:
        """So much of its hash as a person compares with a paper."""
        return self.hash[:8]


class SpotChange(NamedTuple):
    since: datetime
    by: SpotChangedBy


@dataclass(frozen=True)
class Newer:
    """What there is that a report does not say, by the time of the newest: nothing else of it."""

    report: datetime | None = None
    decision: datetime | None = None
    letter: datetime | None = None
    letter_withdrawal: datetime | None = None
    model_withdrawal: datetime | None = None
    spot: SpotChange | None = None

    @classmethod
    def than(
        cls,
        issued: Issued,
        seen: Submission,
        *,
        report: datetime | None,
        letters: Sequence[Letter],
        model_withdrawn_at: datetime | None = None,
    ) -> Self:
        """`seen` is its finding as the reader may know it now."""
        contents, since, decision = issued.contents, issued.created_at, seen.decision
        decided = decision is not None and (
            decision.decided_at > since if contents is None else decision.review != contents.review
        )
        written = [
            one.signed_at
            for one in letters
            if one.signed_at
            and (one.signed_at > since if contents is None else one.id not in contents.letters)
        ]
        withdrawn = [one.withdrawn.withdrawn_at for one in letters if one.withdrawn]
        own = decided and seen.instruction.counts.finding == seen.number
        return cls(
            report=report,
            decision=decision.decided_at if decision and decided else None,
            letter=max(written, default=None),
            letter_withdrawal=max((one for one in withdrawn if one > since), default=None),
            model_withdrawal=model_withdrawn_at
            if model_withdrawn_at and model_withdrawn_at > since
            else None,
            spot=None if own else _find_spot_change(issued, seen),
        )

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))


def _find_spot_change(issued: Issued, seen: Submission) -> SpotChange | None:
    """What was said about another photo of the spot, where that is something else than the report
    says. Of a report that does not tell what counted, by the time.
    """
    counts, issued_at = seen.instruction.counts, issued.created_at
    said = issued.contents.spot if issued.contents else None
    if said == SpotSaid.of(seen):
        return None
    if not said and not (seen.replaced_by and counts.since > issued_at):
        return None
    if counts.said_by is not SaidBy.DECISION and counts.since > issued_at:
        return SpotChange(counts.since, "photo")
    # Anybody may ask: of what is held back, not even when that ends is told.
    shown = (shown_at for _, shown_at in seen.standing.list_decided_elsewhere(seen.id))
    decided = [moment for moment in shown if moment <= now()]
    if decided:
        return SpotChange(max(decided), "decision")
    return SpotChange(issued_at, "other")


@dataclass(frozen=True)
class Verified:
    """A report that stands, unless its finding was `entered_in_error` then. `number` is that of its
    finding.
    """

    issued: Issued
    number: int
    newer: Newer
    entered_in_error: datetime | None = None


class IssuedReports(Records[Issued]):
    collection, record = "reports", Issued
    indexes = (("submission", "id"), ("hash", "id"))
    unique = (("submission", "language", "hash"),)

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._blobs: Blobs = store.blobs

    def add(self, **fields: Any) -> Issued:
        """Store an issued report. Raises Duplicate where it was issued before."""
        return self.insert(Issued(id=new_id(), created_at=now(), **fields))

    def find_by_hash(self, hash: str) -> Issued | None:
        return self._first({"hash": hash})

    def list_of(self, submission: str) -> list[Issued]:
        """The reports of a submission, the oldest first."""
        return self._list({"submission": submission})

    def list_newer(self, issued: Issued, *, saying: ReportContents) -> list[datetime]:
        """When later reports were issued that say what counts now: during a hold a patient's says
        less.
        """
        found = map(
            Issued.model_validate,
            self._documents.find({"submission": issued.submission}, after=issued.id),
        )
        return [
            one.created_at
            for one in found
            if one.language == issued.language and (not one.contents or one.contents.says(saying))
        ]

    def read_pdf(self, issued: Issued) -> bytes | None:
        """None if none is stored or its file is damaged: it can be rendered again."""
        try:
            return self._blobs.find(issued.pdf_blob) if issued.pdf_blob else None
        except BlobDamaged:
            log.error("report_damaged", report=issued.id)
            return None

    def keep_pdf(self, issued: Issued, content: bytes, pages: int) -> None:
        """Nothing is stored if the report was deleted, or another request has stored it."""
        blob = self._blobs.put(content)
        # Compare-and-set: only the request that still sees the old blob may replace it.
        unchanged = {"id": issued.id, "pdf_blob": issued.pdf_blob}
        if self._change(unchanged, pdf_blob=blob, pages=pages) is None:
            self._blobs.delete(blob)
        elif issued.pdf_blob:
            self._blobs.delete(issued.pdf_blob)

    def drop_pdfs(self, submissions: Sequence[str]) -> list[str]:
        """The reports stand. Return the keys of their PDFs, to be deleted after the transaction."""
        keys = list[str]()
        for submission in submissions:
            rows = self._documents.find({"submission": submission}, fields=("pdf_blob",))
            keys += [issued["pdf_blob"] for issued in rows if issued.get("pdf_blob")]
            self._documents.update_all(
                {"submission": submission}, {"$unset": {"pdf_blob": True, "pages": True}}
            )
        return keys

    def forget(self, submission: str) -> list[str]:
        """Return the keys of their PDFs, to be deleted after the transaction."""
        rows = self._documents.find({"submission": submission}, fields=("pdf_blob",))
        self._documents.delete({"submission": submission})
        return [issued["pdf_blob"] for issued in rows if "pdf_blob" in issued]

    def faults(self, has_submission: Callable[[str], bool]) -> Iterator[Fault]:
        for submission in self._gone("submission", has_submission):
            says = f"reports of submission {submission}, which is gone"
            yield Fault(says, partial(self._erase, submission))

    def _erase(self, submission: str) -> None:
        for blob in self.forget(submission):
            self._blobs.delete(blob)
