"""Makes the file of a person: reads what is stored, and writes it into the archive.

What was deleted meanwhile is left out, a damaged photo is named in its place, and a damaged record
counted. Memory does not grow with what there is: one finding is read after the other, and the
archive is stored in pieces.
"""

import json
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Literal, Protocol, cast

from pydantic import BaseModel

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.owners import OwnerStatus
from skinapi.base.errors import NotFound, RecordDamaged
from skinapi.findings.records.photos import DAMAGED
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.reports.report import Report
from skinapi.findings.reports.service import ReportsService
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.unreadable import Unreadable, hide, leaving_out
from skinapi.privacy.person_file import format as form
from skinapi.privacy.person_file.contents import PersonContents
from skinapi.privacy.person_file.page import MOST_ROWS, PageWriter
from skinapi.privacy.person_file.stored_files import PersonFile, PersonFiles, PieceWriter

PRIVATE = 0o600 << 16  # where the rights of a Unix file stand in its entry
COPIED_AT_ONCE = 2**16


class ArchiveWriter:
    """Writes a ZIP file by file. `out` need not be able to go back."""

    def __init__(self, out: IO[bytes], *, made_at: datetime) -> None:
        self._zip = zipfile.ZipFile(out, "w")
        self.made_at = made_at

    def add_photo(self, path: str, content: bytes) -> None:
        with self._zip.open(self._entry(path, zipfile.ZIP_STORED), "w") as out:
            out.write(content)

    def add_text(self, path: str, text: IO[str]) -> None:
        text.seek(0)
        with self._zip.open(self._entry(path, zipfile.ZIP_DEFLATED), "w") as out:
            while part := text.read(COPIED_AT_ONCE):
                out.write(part.encode())

    def end(self) -> None:
        self._zip.close()

    def _entry(self, path: str, compression: int) -> zipfile.ZipInfo:
        entry = zipfile.ZipInfo(path, self.made_at.timetuple()[:6])
        entry.compress_type, entry.external_attr = compression, PRIVATE
        return entry


class DataWriter:
    """Writes the JSON object `data.json` member by member, into a file of its own: photos go into
    the archive meanwhile.
    """

    def __init__(self, out: IO[str]) -> None:
        self._out, self._before = out, "{"

    def add(self, name: str, value: Any) -> None:
        self._begin(name)
        self._out.write(_to_json(value))

    def add_list(self, name: str, records: Iterable[BaseModel]) -> int:
        """Add a list, which is read while it is written; return its length."""
        self._begin(name)
        count = 0
        self._out.write("[")
        for record in records:
            self._out.write(f"{',' if count else ''}\n{_to_json(record)}")
            count += 1
        self._out.write("\n]")
        return count

    def end(self) -> None:
        self._out.write("\n}\n")

    def _begin(self, name: str) -> None:
        self._out.write(f'{self._before}\n"{name}": ')
        self._before = ","


def _to_json(value: Any) -> str:
    return (
        value.model_dump_json(by_alias=True) if isinstance(value, BaseModel) else json.dumps(value)
    )


# The progress when a part ends, in per cent.
BEGUN, FOUND, AUDITED = 2.0, 90.0, 97.0


class Progress(Protocol):
    def __call__(self, percent: float, message: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMaker:
    files: PersonFiles
    contents: PersonContents
    reports: ReportsService
    owners: OwnerStatus  # refuses what is stored for an account that is being deleted
    failed: FailedItems
    maker: form.Maker

    def make(
        self, *, account: Account, file: str, attempt: int, folder: Path, progress: Progress
    ) -> PersonFile:
        """Make the file, and let it be fetched. One that an earlier attempt has made stays."""
        begun = self.files.begin(account=account.id, file=file, attempt=attempt)
        if begun.state == "ready":
            return begun
        out = PieceWriter(self.files, begun, piece_bytes=self.files.piece_bytes)
        with ExitStack() as cleanup:
            page, data = (
                cleanup.enter_context(TemporaryFile("w+", encoding="utf-8", dir=folder))
                for _ in (form.PAGE, form.DATA)
            )
            archive = ArchiveWriter(cast("IO[bytes]", out), made_at=now())
            cleanup.callback(out.abandon)
            with leaving_out() as unreadable:
                _Run(self, account, archive, page, data).write(progress, unreadable)
            archive.add_text(form.DATA, data)
            archive.add_text(form.PAGE, page)
            archive.end()
            self.failed.note_damaged(unreadable.damaged)
            return self.files.finish(out.end(), lock=self.owners.lock)


class _Run:
    """Writes one archive."""

    def __init__(
        self,
        maker: FileMaker,
        account: Account,
        archive: ArchiveWriter,
        page: IO[str],
        data: IO[str],
    ) -> None:
        self._maker, self._contents = maker, maker.contents
        self._account, self._archive, self._data = account, archive, DataWriter(data)
        self._page = PageWriter(page, language=account.language)
        self._to = Subject(id=account.id, role=account.role, session_id="", account=account)
        self._missing: list[form.Missing] = []
        self._numbers: dict[str, int] = {}
        self._newest: list[form.FiledAuditRow] = []

    def write(self, progress: Progress, unreadable: Unreadable) -> None:
        self._write_person()
        progress(BEGUN, "Findings")
        self._data.add_list("findings", self._walk_findings(progress))
        self._data.add_list("in_error", self._contents.walk_in_error(self._account))
        progress(FOUND, "Audit trail")
        rows = self._keep_newest(self._contents.walk_audit(self._account, self._numbers))
        audit_count = self._data.add_list("audit", rows)
        progress(AUDITED, "Page")
        self._name_damaged(unreadable)
        self._data.add_list("missing", self._missing)
        self._data.add("damaged", len(unreadable.damaged))
        self._data.end()
        self._page.end(audit=self._newest, audit_count=audit_count, missing=len(self._missing))

    def _write_person(self) -> None:
        account, contents, data = self._account, self._contents, self._data
        filed, consents = contents.read_account(account), contents.read_consents(account)
        sessions, keys = [*contents.walk_sessions(account)], contents.list_keys(account)
        spots = [*contents.walk_spots(account)]
        data.add("format", form.FORMAT)
        data.add("version", form.VERSION)
        data.add("made_at", self._archive.made_at.isoformat())
        data.add("made_by", self._maker.maker)
        data.add("account", filed)
        data.add("consents", consents)
        data.add_list("sessions", sessions)
        data.add_list("keys", keys)
        data.add_list("notices", contents.list_notices(account))
        data.add_list("jobs", contents.walk_jobs(account))
        data.add_list("spots", spots)
        data.add_list("messages", self._walk_messages(spots))
        self._page.begin(
            account=filed,
            consents=consents,
            sessions=sessions,
            keys=keys,
            spots=((spot, [*contents.walk_messages(account, spot.id)]) for spot in spots),
            messages=[*contents.walk_messages(account, None)],
            findings=account.findings != 0,
            made_at=self._archive.made_at,
            server=self._maker.maker.clinic or self._maker.maker.address,
        )

    def _walk_messages(self, spots: Iterable[form.FiledSpot]) -> Iterator[form.FiledMessage]:
        for spot in (None, *(item.id for item in spots)):
            yield from self._contents.walk_messages(self._account, spot)

    def _walk_findings(self, progress: Progress) -> Iterator[form.FiledFinding]:
        """Yield each finding, once its photos are in the archive and the page has it."""
        most = max(1, self._account.findings or 1)
        for finding in self._contents.walk_findings(self._to):
            self._numbers[finding.id] = finding.number
            photos = [*self._write_photos(finding)]
            report = self._read_report(finding)
            try:
                filed = self._contents.describe_finding(finding, self._to, photos=photos)
            except NotFound:
                continue  # it was deleted meanwhile: FileEnded says so with the next piece
            except RecordDamaged:
                hide(FINDINGS, finding.id)
                continue
            self._page.add(filed, report)
            yield filed
            share = min(1.0, len(self._numbers) / most)
            progress(BEGUN + (FOUND - BEGUN) * share, f"Findings: {len(self._numbers)}")

    def _write_photos(self, finding: StoredFinding) -> Iterator[form.FiledPhoto]:
        for index, alone in enumerate(finding.pictures, start=1):
            if alone.photo_blob is None:
                continue
            path = f"photos/{finding.number}-{index}.jpg"
            missing: Literal["damaged", "lost"] | None = None
            try:
                self._archive.add_photo(path, self._contents.findings.photos.content_of(alone))
            except NotFound as error:
                missing = "damaged" if error.detail == DAMAGED else "lost"
                self._missing.append(form.Missing(finding=finding.id, photo=path, reason=missing))
            shown = alone.photo_blob == finding.photo_blob
            yield form.FiledPhoto(path=path, place=index, shown=shown, missing=missing)

    def _read_report(self, finding: StoredFinding) -> Report | None:
        number, language = str(finding.number), self._account.language
        with suppress(NotFound):
            return self._maker.reports.read_report(
                number=number, to=self._to, language=language, issue=False
            )
        return None

    def _name_damaged(self, unreadable: Unreadable) -> None:
        """Name the findings that are not in the file."""
        self._missing += (
            form.Missing(finding=identifier, reason="damaged")
            for collection, identifier in sorted(unreadable.hidden)
            if collection == FINDINGS
        )

    def _keep_newest(self, rows: Iterator[form.FiledAuditRow]) -> Iterator[form.FiledAuditRow]:
        """Pass the rows on, and keep those that the page shows."""
        for row in islice(rows, MOST_ROWS):
            self._newest.append(row)
            yield row
        yield from rows
