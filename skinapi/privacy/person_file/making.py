"""Makes the file of a person: reads what is stored, writes it into the archive, and signs that.

What was deleted meanwhile is left out, a damaged photo is named in its place, and a damaged record
counted. Memory does not grow with what there is: one finding is read after the other, and the
archive is stored in pieces.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal, Protocol, cast

from pydantic import BaseModel

from skinapi.accounts.auth.accounts import Account
from skinapi.accounts.auth.owners import OwnerStatus
from skinapi.accounts.auth.subjects import Subject
from skinapi.base.errors import NotFound, RecordDamaged
from skinapi.base.languages import known_language
from skinapi.findings.records.photos import DAMAGED
from skinapi.findings.records.seen_findings import SeenSubmission
from skinapi.findings.reports.report import Report
from skinapi.findings.reports.service import ReportsService
from skinapi.integrations.fhir.elements import write_collection
from skinapi.integrations.fhir.service import FhirService
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.unreadable import Unreadable, hide, leaving_out
from skinapi.privacy.person_file.contents import PersonContents
from skinapi.privacy.person_file.format import (
    FILES,
    MANIFEST,
    PAGE,
    SIGNATURE,
    FiledAuditRow,
    FiledMessage,
    FiledPhoto,
    FiledReport,
    FiledSpot,
    Maker,
    Manifest,
    ManifestFile,
    MissingFile,
    SpotsFile,
    schema_of,
)
from skinapi.privacy.person_file.page import MOST_ROWS, PageWriter
from skinapi.privacy.person_file.stored_files import PersonFile, PersonFiles, PieceWriter
from skinapi.privacy.signature import Signer

# These are packed already.
PACKED = (".jpg", ".pdf")
PRIVATE = 0o600 << 16  # where the rights of a Unix file stand in its entry


class ArchiveWriter:
    """Writes a ZIP member by member. `out` need not be able to go back."""

    def __init__(self, out: IO[bytes], *, made_at: datetime) -> None:
        self._zip = zipfile.ZipFile(out, "w")
        self.made_at = made_at
        self.files: list[ManifestFile] = []
        self.missing: list[MissingFile] = []

    @contextmanager
    def open(self, path: str) -> Iterator["MemberWriter"]:
        entry = zipfile.ZipInfo(path, self.made_at.timetuple()[:6])
        packed = path.endswith(PACKED)
        entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
        entry.external_attr = PRIVATE
        with self._zip.open(entry, "w") as out:
            member = MemberWriter(out)
            yield member
        self.files.append(
            ManifestFile(path=path, bytes=member.bytes, sha256=member.hash.hexdigest())
        )

    def add(self, path: str, content: bytes) -> None:
        with self.open(path) as member:
            member.write(content)

    def add_json(self, path: str, record: BaseModel) -> None:
        self.add(path, record.model_dump_json(indent=1, by_alias=True).encode())

    def add_list(self, path: str, name: str, records: Iterable[BaseModel]) -> int:
        """Add a JSON object with one list, which is read while it is written; return its length."""
        count = 0
        with self.open(path) as member:
            member.write(f'{{"{name}": ['.encode())
            for record in records:
                text = record.model_dump_json(by_alias=True)
                member.write(f"{',' if count else ''}\n{text}".encode())
                count += 1
            member.write(b"\n]}\n")
        return count

    def add_schemas(self) -> None:
        for name in FILES:
            self.add(f"schemas/{name}.schema.json", json.dumps(schema_of(name), indent=2).encode())

    def end(self, *, account: str, maker: Maker, signer: Signer, counts: Mapping[str, int]) -> None:
        """Sign the list of all that is in it, and close it."""
        manifest = Manifest(
            made_at=self.made_at,
            made_by=maker,
            account=account,
            counts=counts,
            files=tuple(self.files),
            missing=tuple(self.missing),
        )
        content = manifest.model_dump_json(indent=1).encode()
        self.add(MANIFEST, content)
        self.add(SIGNATURE, signer.sign(content))
        self._zip.close()


class MemberWriter:
    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self.bytes, self.hash = 0, hashlib.sha256()

    def write(self, content: Any) -> None:
        self._out.write(content)
        self.bytes += len(content)
        self.hash.update(content)


# The progress when a part ends, in per cent.
BEGUN, FOUND, TRANSLATED, AUDITED = 2.0, 85.0, 93.0, 97.0


class Progress(Protocol):
    def __call__(self, percent: float, message: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMaker:
    files: PersonFiles
    contents: PersonContents
    reports: ReportsService
    fhir: FhirService
    signer: Signer
    owners: OwnerStatus  # refuses what is stored for an account that is being deleted
    failed: FailedItems
    address: str
    clinic: str | None
    software: str
    key_address: str

    def make(
        self, *, account: Account, file: str, attempt: int, folder: Path, progress: Progress
    ) -> PersonFile:
        """Make the file, and let it be fetched. One that an earlier attempt has made stays."""
        begun = self.files.begin(account=account.id, file=file, attempt=attempt)
        if begun.state == "ready":
            return begun
        out = PieceWriter(self.files, begun, piece_bytes=self.files.piece_bytes)
        with ExitStack() as cleanup:
            page = PageWriter(folder=folder, language=account.language)
            cleanup.callback(page.remove)
            run = _Run(self, account, ArchiveWriter(cast("IO[bytes]", out), made_at=now()), page)
            cleanup.callback(out.abandon)
            with leaving_out() as unreadable:
                run.write(progress, unreadable)
            self.failed.note_damaged(unreadable.damaged)
            return self.files.finish(out.end(), hold=self.owners.hold)

    @property
    def maker(self) -> Maker:
        key = self.signer.public_key
        return Maker(
            address=self.address,
            clinic=self.clinic,
            software=self.software,
            public_key=key.encoded,
            fingerprint=key.fingerprint,
        )


class _Run:
    """Writes one archive."""

    def __init__(
        self, maker: FileMaker, account: Account, archive: ArchiveWriter, page: PageWriter
    ) -> None:
        self._maker, self._contents = maker, maker.contents
        self._account, self._archive, self._page = account, archive, page
        self._to = Subject(id=account.id, role=account.role, session_id="", account=account)
        self._numbers: dict[str, int] = {}
        self._held_since: datetime | None = None
        self._newest: list[FiledAuditRow] = []

    def write(self, progress: Progress, unreadable: Unreadable) -> None:
        counts = self._write_person()
        progress(BEGUN, "Findings")
        counts["findings"] = self._write_findings(progress)
        progress(FOUND, "FHIR")
        with self._archive.open("fhir/bundle.json") as out:
            fhir = self._maker.fhir
            for text in write_collection(fhir.walk_all(self._account, to=self._to), fhir.base):
                out.write(text.encode())
        progress(TRANSLATED, "Audit trail")
        rows = self._keep_newest(
            self._contents.walk_audit(self._account, self._numbers, held_since=self._held_since)
        )
        counts["audit"] = self._archive.add_list("audit.json", "rows", rows)
        progress(AUDITED, "Page")
        counts["damaged"] = self._name_damaged(unreadable)
        self._end_page(counts["audit"])
        self._archive.add_schemas()
        self._archive.end(
            account=self._account.id,
            maker=self._maker.maker,
            signer=self._maker.signer,
            counts=counts,
        )

    def _write_person(self) -> dict[str, int]:
        account, contents, archive = self._account, self._contents, self._archive
        filed, consents = contents.read_account(account), contents.read_consents(account)
        archive.add_json("account.json", filed)
        archive.add_json("consents.json", consents)
        sessions, keys = [*contents.walk_sessions(account)], contents.list_keys(account)
        spots = [*contents.walk_spots(account)]
        archive.add_json("spots.json", SpotsFile(spots=spots))
        counts = {
            "sessions": archive.add_list("sessions.json", "sessions", sessions),
            "keys": archive.add_list("keys.json", "keys", keys),
            "notices": archive.add_list("notices.json", "notices", contents.list_notices(account)),
            "jobs": archive.add_list("jobs.json", "jobs", contents.walk_jobs(account)),
            "spots": len(spots),
            "messages": archive.add_list("messages.json", "messages", self._walk_messages(spots)),
        }
        self._page.begin(
            account=filed,
            consents=consents,
            sessions=sessions,
            keys=keys,
            spots=((spot, [*contents.walk_messages(account, spot.id)]) for spot in spots),
            messages=[*contents.walk_messages(account, None)],
            findings=account.findings != 0,
            made_at=self._archive.made_at,
            server=self._maker.clinic or self._maker.address,
        )
        return counts

    def _walk_messages(self, spots: Iterable[FiledSpot]) -> Iterator[FiledMessage]:
        for spot in (None, *(one.id for one in spots)):
            yield from self._contents.walk_messages(self._account, spot)

    def _write_findings(self, progress: Progress) -> int:
        most = max(1, self._account.findings or 1)
        for submission in self._contents.walk_findings(self._to):
            self._numbers[submission.id] = submission.number
            if since := submission.stands.held_since:
                self._held_since = min(since, self._held_since or since)
            photos = [*self._write_photos(submission)]
            report = self._read_report(submission)
            try:
                printed = [*self._write_reports(submission)]
                filed = self._contents.describe_finding(
                    submission, self._to, photos=photos, reports=printed
                )
            except NotFound:
                continue  # it was deleted meanwhile: FileEnded says so with the next piece
            except RecordDamaged:
                hide("submissions", submission.id)
                continue
            self._archive.add_json(f"findings/{submission.id}/finding.json", filed)
            self._page.add(filed, report)
            share = min(1.0, len(self._numbers) / most)
            progress(BEGUN + (FOUND - BEGUN) * share, f"Findings: {len(self._numbers)}")
        return len(self._numbers)

    def _write_photos(self, submission: SeenSubmission) -> Iterator[FiledPhoto]:
        for place, alone in enumerate(submission.pictures, start=1):
            if alone.photo_blob is None:
                continue
            path = f"findings/{submission.id}/photo-{place}.jpg"
            missing: Literal["damaged", "lost"] | None = None
            try:
                self._archive.add(path, self._contents.records.photos.content_of(alone))
            except NotFound as error:
                missing = "damaged" if error.detail == DAMAGED else "lost"
                self._archive.missing.append(MissingFile(path=path, reason=missing))
            shown = alone.photo_blob == submission.photo_blob
            yield FiledPhoto(path=path, place=place, shown=shown, missing=missing)

    def _write_reports(self, submission: SeenSubmission) -> Iterator[FiledReport]:
        """Write today's report, and those that were issued and kept."""
        folder, reports = f"findings/{submission.id}", self._maker.reports
        number = str(submission.number)
        path = f"{folder}/report.pdf"
        report, content = reports.print_for_owner(number=number, to=self._to)
        self._archive.add(path, content)
        yield FiledReport(
            path=path,
            language=report.language,
            hash=report.content_hash,
            issued_at=report.seal.issued_at if report.seal else None,
            version=report.version,
        )
        for issued, kept in reports.walk_issued(number=number, to=self._to):
            if issued.hash == report.content_hash:
                continue
            path = f"{folder}/report-{issued.language}-{issued.hash[:12]}.pdf"
            self._archive.add(path, kept)
            yield FiledReport(
                path=path,
                language=known_language(issued.language) or report.language,
                hash=issued.hash,
                issued_at=issued.created_at,
                version=issued.version,
            )

    def _read_report(self, submission: SeenSubmission) -> Report | None:
        number, language = str(submission.number), self._account.language
        with suppress(NotFound):
            return self._maker.reports.read_report(
                number=number, to=self._to, language=language, issue=False, reading=None
            )
        return None

    def _name_damaged(self, unreadable: Unreadable) -> int:
        """Name the findings that are not in the file, and count all records that are not."""
        self._archive.missing += (
            MissingFile(path=f"findings/{identifier}/finding.json", reason="damaged")
            for collection, identifier in sorted(unreadable.hidden)
            if collection == "submissions"
        )
        return len(unreadable.hidden)

    def _keep_newest(self, rows: Iterator[FiledAuditRow]) -> Iterator[FiledAuditRow]:
        """Pass the rows on, and keep those that the page shows."""
        for row in islice(rows, MOST_ROWS):
            self._newest.append(row)
            yield row
        yield from rows

    def _end_page(self, audit_count: int) -> None:
        self._page.end(
            audit=self._newest,
            audit_count=audit_count,
            missing=len(self._archive.missing),
            fingerprint=self._maker.maker.fingerprint,
            key_address=self._maker.key_address,
        )
        with self._archive.open(PAGE) as out:
            self._page.copy_to(out)
