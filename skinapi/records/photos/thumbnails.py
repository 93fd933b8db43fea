"""Thumbnails of kept photos: each is made once, when it is first asked for."""

import threading

from skinapi.audit import AuditTrail
from skinapi.errors import BlobDamaged, NotFound
from skinapi.logs import log
from skinapi.records.findings.submissions import Submission, Submissions
from skinapi.records.photos.kept_photos import NOT_KEPT, KeptPhotos
from skinapi.storage.ids import now
from skinapi.storage.ports import Blobs
from skinapi.vision.drawing.thumbnail import draw_thumbnail
from skinapi.web.access import Subject

ACTION = "thumbnail.read"


class Thumbnails:
    """Who may see a submission is decided before (service.py)."""

    def __init__(
        self, *, submissions: Submissions, photos: KeptPhotos, blobs: Blobs, trail: AuditTrail
    ) -> None:
        self._submissions = submissions
        self._photos = photos
        self._blobs = blobs
        self._trail = trail
        self._noting = threading.Lock()

    def read(self, *, submission: Submission, to: Subject) -> bytes:
        """The thumbnail. If none is stored, or its file is lost or damaged, it is made from the
        photo. Raises NotFound, with the reason where the photo was not kept or is damaged.
        """
        if not submission.photo_blob:
            raise NotFound(NOT_KEPT)
        content = self._stored(submission)
        if content is None:
            content = draw_thumbnail(self._photos.content_of(submission))
            self._keep(submission, content)
        self._note_read(submission=submission, by=to)
        return content

    def _note_read(self, *, submission: Submission, by: Subject) -> None:
        """Add a row to the audit trail, unless the owner reads, or the newest row about this
        patient's thumbnails is the reader's and of today (UTC).

        A list shows many of them each time it is opened. Requests that come to two server processes
        at the same moment may add two rows.
        """
        if by.id == submission.owner or self._is_noted(submission.owner, by):
            return
        with self._noting:
            if not self._is_noted(submission.owner, by):
                self._trail.record(ACTION, by=by.id, target=submission.owner)

    def _is_noted(self, owner: str, by: Subject) -> bool:
        row = self._trail.find_newest(ACTION, target=owner)
        return bool(row and row["by"] == by.id and row["created_at"].date() == now().date())

    def _stored(self, submission: Submission) -> bytes | None:
        key = submission.thumbnail_blob
        try:
            return self._blobs.find(key) if key else None
        except BlobDamaged:
            log.error("thumbnail_damaged", submission=submission.id)
            return None

    def _keep(self, submission: Submission, drawn: bytes) -> None:
        """Store it. Nothing is stored if the submission was deleted meanwhile, or if another
        request has stored one.
        """
        blob = self._blobs.put(drawn)
        if not self._submissions.set_thumbnail(submission, blob):
            self._blobs.delete(blob)
        elif submission.thumbnail_blob:
            self._blobs.delete(submission.thumbnail_blob)
