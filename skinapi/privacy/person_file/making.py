"""A damaged record is left out of the file and listed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Protocol
from zipfile import ZIP_STORED, ZipFile

from pydantic_core import to_json

from skinapi.accounts.auth.account import Account, Subject
from skinapi.base.errors import NotFound
from skinapi.base.values import Value
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.letters import Letters, show_letter
from skinapi.findings.records.photos import KeptPhotos
from skinapi.findings.records.schemas.finding_answer import ErrorView, FindingView
from skinapi.findings.records.schemas.review import LetterView, ReviewView
from skinapi.findings.records.stored_finding import Source, StoredFinding
from skinapi.findings.reports.content import ReportContent
from skinapi.findings.reports.service import ReportsService
from skinapi.findings.status.spot_view import MeasuredChange
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.unreadable import Unreadable, leaving_out
from skinapi.privacy.person_file.page import write_page
from skinapi.privacy.person_file.stored_files import PersonFiles

PAGE, DATA = "index.html", "data.json"
# A package's data about a person, by member of `data.json`.
Describe = Callable[[Subject], Mapping[str, object]]


class Progress(Protocol):
    def __call__(self, percent: float, message: str) -> None: ...


class IssuedView(Value):
    """`hash` verifies the report at this server."""

    hash: str
    language: str
    spot_version: int


class FiledFinding(FindingView):
    """`photos` are paths in the file. `source` is how another system names the patient."""

    source: Source | None
    changes: tuple[MeasuredChange, ...]
    photos: list[str]
    reviews: list[ReviewView]
    letters: list[LetterView]
    reports: list[IssuedView]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMaker:
    files: PersonFiles
    described: Sequence[Describe]
    records: FindingRecords
    photos: KeptPhotos
    letters: Letters
    reports: ReportsService
    failed: FailedItems
    address: str
    software: str
    clinic: str | None

    def make(self, *, account: Account, file: str, folder: Path, progress: Progress) -> int:
        """Make the file available, and return its size."""
        of = Subject(id=account.id, role=account.role, session_id="", account=account)
        with TemporaryFile(dir=folder) as content:
            with leaving_out() as unreadable, ZipFile(content, "w", ZIP_STORED) as archive:
                data: dict[str, Any] = {
                    "made_at": now(),
                    "made_by": {
                        "address": self.address,
                        "clinic": self.clinic,
                        "software": self.software,
                    },
                }
                for describe in self.described:
                    data |= describe(of)
                data |= {"findings": [], "in_error": [], "left_out": []}
                findings = self._add_findings(of, data, archive, progress, unreadable)
                archive.writestr(PAGE, write_page(data, findings, account.language))
                archive.writestr(DATA, to_json(data, indent=1, by_alias=True))
            self.failed.note_damaged(unreadable.damaged, unreadable.hidden)
            return self.files.store(account.id, file, content)

    def _add_findings(
        self,
        of: Subject,
        data: dict[str, Any],
        archive: ZipFile,
        progress: Progress,
        unreadable: Unreadable,
    ) -> Iterator[tuple[FiledFinding, ReportContent]]:
        language, count = of.account.language, max(1, self.records.count_of(of.id))
        for stored in self.records.walk_whole(of.id):
            if stored.error:
                data["in_error"].append(ErrorView.from_finding(stored))
                continue
            for finding in self.records.see([stored]):
                photos = [*self._add_photos(finding, archive, data["left_out"])]
                filed = self._describe(finding, of.account, photos)
                report = self.reports.read_report(
                    number=str(finding.number), to=of, language=language, issue=False
                )
                data["findings"].append(filed)
                yield filed, ReportContent(report)
            done = len(data["findings"])
            progress(min(99.0, 99.0 * done / count), f"Findings: {done}")
        data["left_out"] += sorted(map("/".join, unreadable.hidden))

    def _add_photos(
        self, finding: StoredFinding, archive: ZipFile, left_out: list[str]
    ) -> Iterator[str]:
        for place, picture in enumerate(finding.pictures, start=1):
            path = f"photos/{finding.number}-{place}.jpg"
            try:
                archive.writestr(path, self.photos.content_of(picture))
            except NotFound:
                left_out += [path] if picture.photo_blob else []
            else:
                yield path

    def _describe(self, finding: StoredFinding, owner: Account, photos: list[str]) -> FiledFinding:
        view = FindingView.from_finding(finding, owner, instructed_in=owner.language)
        signed = self.letters.list_signed(finding.id)
        return FiledFinding.from_record(
            view,
            finding,
            photos=photos,
            reviews=[ReviewView.from_review(review) for review in finding.reviews],
            letters=[LetterView.from_letter(show_letter(item, finding)) for item in signed],
            reports=[
                IssuedView.from_record(issued) for issued in self.reports.issued.list_of(finding.id)
            ],
        )
