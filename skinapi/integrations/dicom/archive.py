"""Sends findings to the clinic's picture archive: each object once, and then it asks whether it is
there, because an archive may answer 200 and store nothing.
"""

from dataclasses import dataclass

from skinapi.base.errors import NotFound
from skinapi.base.pages import Page
from skinapi.base.settings import ArchiveTime
from skinapi.base.subject import KeyUse, Subject
from skinapi.integrations.dicom.archive_client import ArchiveClient
from skinapi.integrations.dicom.studies import StudiesService
from skinapi.integrations.dicom.study import Study
from skinapi.integrations.dicom.uids import study_uid
from skinapi.platform.notices.deliveries import Deliveries, Delivery, NotDelivered, Refused
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

# The kind of delivery, and its endpoint.
ARCHIVE = "archive"
# It reads as a clinic-wide key does; the audit trail says that it was the archive.
READER = Subject(
    ARCHIVE, "doctor", ARCHIVE, key=KeyUse(ARCHIVE, scopes=("dicom",), clinic_wide=True)
)
NO_DELIVERY = "There is no such delivery to the archive"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveService:
    """`client` is None where no archive is set; `address` is that of the archive."""

    work: UnitOfWork
    deliveries: Deliveries
    studies: StudiesService
    client: ArchiveClient | None
    address: str | None
    sends_after: ArchiveTime

    def send(self, delivery: Delivery) -> int | None:
        """Send what the archive does not have of a finding; the status of its last answer. Raises
        NotDelivered, and Refused where it will take an object never.
        """
        if self.client is None:
            raise Refused("not_set")
        try:
            study = self.studies.open(study_uid(str(delivery.about["finding"])), to=READER)
        except NotFound:  # it was deleted meanwhile
            return None
        return _Sending(self.client, self.studies, study).run()

    def page_deliveries(self, *, after: str | None, limit: int) -> Page[Delivery]:
        """The newest first."""
        return self.deliveries.page(ARCHIVE, after=after, limit=limit)

    @atomic
    def send_again(self, unit: Unit, *, delivery: str, by: Subject) -> None:
        """Whether it was taken or not: what the archive has is not sent. Raises NotFound."""
        unit.audit("archive.send_again", by=by.id, target=delivery)
        if not self.deliveries.send_again(delivery, to=ARCHIVE):
            raise NotFound(NO_DELIVERY)


@dataclass(slots=True)
class _Sending:
    """One study on its way."""

    client: ArchiveClient
    studies: StudiesService
    study: Study
    answer: int | None = None
    refused: Refused | None = None

    def run(self) -> int | None:
        study = study_uid(self.study.finding.id)
        there = self.client.list_instances(study)
        missing = [one for one in self.study.objects if one.uid not in there]
        if self.study.photos_withdrawn:
            missing = [one for one in missing if not one.kind.is_picture]
        if any(one.kind.is_picture for one in missing):
            self.studies.records.photos.note_read(submission=self.study.finding, by=READER)
        sent = {one.uid for one in missing if self._send(one.uid)}
        if self.refused:
            raise self.refused
        if sent - self.client.list_instances(study):
            raise NotDelivered("not_stored", answer=self.answer)
        return self.answer

    def _send(self, uid: str) -> bool:
        """False where there is nothing to send: the file of its photo is lost, or it is refused.
        The others are sent all the same.
        """
        for file in self.studies.maker().make_files(self.study.of_instance(uid)):
            try:
                self.answer = self.client.store(file)
            except Refused as refused:
                self.refused = refused
                return False
            return True
        return False
