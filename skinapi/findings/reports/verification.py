import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Self

from pydantic import Field

from skinapi.base.errors import BlobDamaged
from skinapi.base.logs import log
from skinapi.base.stored_record import StoredRecord, optional
from skinapi.base.values import Value
from skinapi.findings.records.letters import Letter, ShownLetter
from skinapi.findings.reports.report import Report
from skinapi.findings.status.spot import Spot, changed_since
from skinapi.model.passages import PassageReader
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Blobs, Store
from skinapi.platform.storage.records import Repository

# Part of the hash of a report, so that a new layout changes it.
RENDERER = "pages-18"
NOT_HASHED_OF_NARRATIVE = {"source": {"reason"}}
LETTER_SAYS = {
    "id", "reader", "language", "decision", "text", "model", "signed_at", "signature", "withdrawn"
}  # fmt: skip


def seal_report(report: Report, *, finding: str, spot_version: int) -> str:
    """The finding's random id keeps anyone from guessing a valid hash from the content."""
    withdrawn_at = report.model_withdrawn_at
    sealed: dict[str, Any] = {
        "facts": report.facts.for_hash(),
        "narrative": report.narrative.model_dump(mode="json", exclude=NOT_HASHED_OF_NARRATIVE),
        "language": report.language,
        "reader": report.reader,
        "renderer": RENDERER,
        "submission": finding,
        "spot_version": spot_version,
        "letters": [_say_letter(shown) for shown in report.letters],
        "model_withdrawn_at": withdrawn_at.isoformat() if withdrawn_at else None,
        "practice": report.practice.model_dump() if report.practice else None,
    }
    # Sorted keys and fixed separators give equal bytes for equal content.
    canonical = json.dumps(sealed, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _say_letter(shown: ShownLetter) -> dict[str, Any]:
    said = shown.letter.model_dump(mode="json", include=LETTER_SAYS, exclude_none=True)
    if shown.written_before:
        said["written_before"] = shown.written_before
    return said


class IssuedReport(StoredRecord):
    id: str
    created_at: datetime
    submission: str
    language: str
    reader: PassageReader = "patient"
    hash: str
    spot_version: int = 0
    model_version: str | None = None
    pdf_blob: str | None = None
    pages: int | None = None

    @property
    def code(self) -> str:
        """The part of the hash that people compare with the printed report."""
        return self.hash[:8]


def find_change(
    issued: IssuedReport,
    spot: Spot,
    letters: Iterable[Letter],
    *,
    model_withdrawn_at: datetime | None,
) -> datetime | None:
    changed = changed_since(spot, issued.spot_version)
    said = [model_withdrawn_at]
    for letter in letters:
        withdrawn = letter.withdrawn
        said += [letter.signed_at, withdrawn.withdrawn_at if withdrawn else None]
    later = [at for at in said if at and at > issued.created_at]
    return max([*later, *([changed.changed_at] if changed else [])], default=None)


@dataclass(frozen=True)
class Verified:
    issued: IssuedReport
    number: int
    changed_at: datetime | None = None
    entered_in_error: datetime | None = None

    @property
    def newest(self) -> bool:
        return self.changed_at is None and self.entered_in_error is None


class Verdict(Value):
    """All that a stranger who has the hash learns."""

    valid: bool
    issued_at: datetime | None = None
    model_version: str | None = None
    number: int | None = Field(default=None, description="of the finding, as the paper says it")
    language: str | None = None
    pages: int | None = Field(default=None, description="of the PDF; null where none was printed")
    code: str | None = Field(
        default=None, description="the first eight signs of the hash, to compare with the paper"
    )
    newest: bool | None = Field(
        default=None, description="whether nothing has changed since; null where it is not valid"
    )
    changed_at: datetime | None = Field(
        default=None,
        description="when the spot, or what is said of it, last changed since the report was "
        "issued; null where it has not",
    )
    entered_in_error: datetime | None = optional(
        "since when it stands for nothing: its finding was of somebody else, say; absent where "
        "that is not so"
    )

    @classmethod
    def from_verified(cls, verified: Verified | None) -> Self:
        if verified is None:
            return cls(valid=False)
        if verified.entered_in_error:
            return cls(valid=False, entered_in_error=verified.entered_in_error)
        issued = verified.issued
        return cls.from_record(issued, verified, valid=True, issued_at=issued.created_at)


class IssuedReports(Repository[IssuedReport]):
    collection, record = "reports", IssuedReport
    indexes = (("submission", "id"), ("hash", "id"))
    unique = (("submission", "language", "hash"),)

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._blobs: Blobs = store.blobs

    def add(self, **fields: Any) -> IssuedReport:
        return self.insert(IssuedReport(id=new_id(), created_at=now(), **fields))

    def find_by_hash(self, hash: str) -> IssuedReport | None:
        return self._first({"hash": hash})

    def list_of(self, finding: str) -> list[IssuedReport]:
        return self._list({"submission": finding})

    def read_pdf(self, issued: IssuedReport) -> bytes | None:
        """Return None if the PDF is missing or damaged; it can be printed again."""
        try:
            return self._blobs.find(issued.pdf_blob) if issued.pdf_blob else None
        except BlobDamaged:
            log.error("report_damaged", report=issued.id)
            return None

    def keep_pdf(self, issued: IssuedReport, content: bytes, pages: int) -> None:
        blob = self._blobs.put(content)
        # Compare and set: only the request that still sees the old blob may replace it.
        unchanged = {"id": issued.id, "pdf_blob": issued.pdf_blob}
        if self._change(unchanged, pdf_blob=blob, pages=pages) is None:
            self._blobs.delete(blob)
        elif issued.pdf_blob:
            self._blobs.delete(issued.pdf_blob)

    def leave_spot(self, finding: str) -> None:
        self._documents.update_all({"submission": finding}, {"$set": {"spot_version": 0}})

    def drop_pdfs(self, findings: Sequence[str]) -> list[str]:
        """Return the keys of the PDFs to delete after the transaction. The reports stay valid."""
        keys, dropped = list[str](), {"$unset": {"pdf_blob": True, "pages": True}}
        for finding in findings:
            keys += self._list_pdfs(finding)
            self._documents.update_all({"submission": finding}, dropped)
        return keys

    def forget(self, finding: str) -> list[str]:
        """Return the keys of the PDFs to delete after the transaction."""
        keys = self._list_pdfs(finding)
        self._documents.delete({"submission": finding})
        return keys

    def _list_pdfs(self, finding: str) -> list[str]:
        rows = self._documents.find({"submission": finding}, fields=("pdf_blob",))
        return [issued["pdf_blob"] for issued in rows if issued.get("pdf_blob")]

    def check_integrity(self, has_finding: Callable[[str], bool]) -> Iterator[Fault]:
        for finding in self._gone("submission", has_finding):
            text = f"reports of submission {finding}, which is gone"
            yield Fault(text, partial(self._erase, finding), gone=finding)

    def _erase(self, finding: str) -> None:
        for blob in self.forget(finding):
            self._blobs.delete(blob)
