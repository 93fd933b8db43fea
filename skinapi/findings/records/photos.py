from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.consents import Consents
from skinapi.base.errors import BlobDamaged, NotFound
from skinapi.base.logs import log
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.new_findings import PhotoChoice
from skinapi.findings.records.read_notes import ReadNotes
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.model.decoding.photo import Photo, draw_thumbnail, read_stored_photo
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.storage.ports import Blobs
from skinapi.platform.storage.unit_of_work import AuditRow

NOT_KEPT = "The photo of this submission was not kept"
REMOVED = "The photo of this submission is not kept any more; finding and report are not affected"
LOST = "The file of the kept photo is lost; finding and report are not affected"
DAMAGED = "The kept photo is damaged and cannot be shown; finding and report are not affected"

PhotoPolicy = Literal["never", "consent", "always"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPhotos:
    blobs: Blobs
    trail: AuditTrail
    records: FindingRecords
    consents: Consents
    notes: ReadNotes
    policy: PhotoPolicy
    days: int | None = None

    def find_end(self, finding: StoredFinding) -> datetime | None:
        """Return when the photo will be deleted, or None if the spot waits for something."""
        if self.days is None or self.records.waiting.list_of("lesion", [finding.lesion]):
            return None
        return finding.said_at + timedelta(days=self.days)

    def may_keep(self, owner: Account, keep_photo: bool | None, *, by: str) -> bool:
        """The policy decides, then the request. Nobody can override a person's refusal."""
        if self.policy != "consent":
            return self.policy == "always"
        allowed = owner.consents.get("photos")
        if keep_photo is None or (allowed is False and by != owner.id):
            return allowed is True
        return keep_photo

    def may_still_keep(self, owner: Account, choice: PhotoChoice | None) -> bool:
        if choice is None:
            return not self.withdrawn(owner)
        return self.may_keep(owner, choice.told, by=choice.by)

    def withdrawn(self, owner: Account) -> bool:
        return self.policy == "consent" and owner.consents.get("photos") is False

    def note_choice(self, choice: PhotoChoice, owner: Account, *, kept: bool, finding: str) -> None:
        if choice.told is not kept or self.policy != "consent":
            return
        if kept is not (owner.consents.get("photos") is True):
            self.consents.note(
                account=owner.id,
                purpose="photos",
                given=kept,
                by=choice.by,
                way=choice.way,
                finding=finding,
            )

    def read(self, *, finding: StoredFinding, to: Subject) -> bytes:
        content = self.content_of(finding)
        self.note_read(finding=finding, by=to)
        return content

    def content_of(self, finding: StoredFinding) -> bytes:
        """Write no audit row. Use it only to create something whose access is audited."""
        try:
            content = self._find(finding)
        except BlobDamaged as error:
            raise NotFound(DAMAGED) from error
        if content is None:
            raise NotFound(LOST if finding.photo_blob else _why_not_kept(finding))
        return content

    def open(self, *, finding: StoredFinding, to: Subject) -> Photo | None:
        """Return None if the photo was not kept, or if its file is lost or damaged."""
        photo = self.find_opened(finding)
        if photo is not None:
            self.note_read(finding=finding, by=to)
        return photo

    def find_opened(self, finding: StoredFinding) -> Photo | None:
        """Write no audit row, because the access to the finding was already audited."""
        try:
            content = self._find(finding)
        except BlobDamaged:
            return None
        return read_stored_photo(content) if content is not None else None

    def note_read(self, *, finding: StoredFinding, by: Subject) -> None:
        """Add an audit row before a kept photo is shown to anyone but its owner."""
        if finding.photo_blob and by.id != finding.owner:
            self.trail.record(
                AuditRow(
                    "photo.read",
                    by=by.id,
                    target=finding.id,
                    owner=finding.owner,
                )
            )

    def delete(self, *blobs: str | None) -> None:
        for blob in filter(None, blobs):
            self.blobs.delete(blob)

    def _find(self, finding: StoredFinding) -> bytes | None:
        try:
            return self.blobs.find(finding.photo_blob) if finding.photo_blob else None
        except BlobDamaged:
            log.error("photo_damaged", finding=finding.id)
            raise

    def read_thumbnail(self, *, finding: StoredFinding, to: Subject) -> bytes:
        if not finding.photo_blob:
            raise NotFound(_why_not_kept(finding))
        content = self._find_thumbnail(finding)
        if content is None:
            content = draw_thumbnail(self.content_of(finding))
            self._keep_thumbnail(finding, content)
        self.notes.note_once(finding.owner, by=to, action="thumbnail.read")
        return content

    def _find_thumbnail(self, finding: StoredFinding) -> bytes | None:
        key = finding.thumbnail_blob
        try:
            return self.blobs.find(key) if key else None
        except BlobDamaged:
            log.error("thumbnail_damaged", finding=finding.id)
            return None

    def _keep_thumbnail(self, finding: StoredFinding, drawn: bytes) -> None:
        blob = self.blobs.put(drawn)
        if not self.records.set_thumbnail(finding, blob):
            self.blobs.delete(blob)
        elif finding.thumbnail_blob:
            self.blobs.delete(finding.thumbnail_blob)


def _why_not_kept(finding: StoredFinding) -> str:
    if finding.photo_blob_lost_at:
        return LOST
    return REMOVED if finding.photo_removed_at else NOT_KEPT
