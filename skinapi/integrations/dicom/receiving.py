"""The use case for DICOM objects that are sent: each picture becomes a finding, as one that was
sent to `POST /predict`.

Nothing of an object is kept but what `Context` holds of its header, and the picture where photos
are kept: no name, date, institution or private element (PS3.15 annex E, the Basic Profile, with the
sex and the band of the age retained). Of what a clinic's own key sends, `Source` is kept too: the
patient's number and the UIDs by which an archive files the result.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from skinapi.accounts.auth.accounts import Account
from skinapi.base.errors import (
    IdempotencyKeyReused,
    PredictionQuotaReached,
    SkinAPIError,
    Unavailable,
)
from skinapi.base.size_limits import size_in_words
from skinapi.base.subject import Subject
from skinapi.findings.prediction.service import PredictionService, SentPhotos
from skinapi.findings.records.corrections import CorrectionsService
from skinapi.findings.records.errors import StorageQuotaReached
from skinapi.findings.records.service import Newcomer
from skinapi.findings.records.submission import Submission
from skinapi.integrations.dicom.errors import LARGEST_OBJECT, Failure, RefusedInstance
from skinapi.integrations.dicom.header_facts import read_context, read_patient, read_source
from skinapi.integrations.dicom.multipart_related import Part
from skinapi.integrations.dicom.pixels import read_photo_file
from skinapi.integrations.dicom.reading import Instance, open_instance
from skinapi.integrations.dicom.stow import Received
from skinapi.integrations.dicom.uids import ObjectId
from skinapi.integrations.patients import PatientsService

# No caller can send it as an Idempotency-Key: those have no slash.
KEY = "dicom/"
OBJECT = "application/dicom"
OWN_OBJECT = "This object was made here, of a finding: it is no new picture"
NO_RESOURCES = (Unavailable, PredictionQuotaReached, StorageQuotaReached)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Of one request."""

    prediction: PredictionService
    corrections: CorrectionsService
    patients: PatientsService
    largest_photo: int
    study: str | None
    by: Subject

    def receive_each(self, file: IO[bytes], parts: Sequence[Part]) -> Iterator[Received]:
        """Raises Unavailable where nothing was judged yet: the sender may send all of it again."""
        judged = False
        for part in parts:
            instance: Instance | None = None
            try:
                _refuse_part(part)
                instance = open_instance(file, part.start, part.end)
                finding = self._judge(instance)
            except SkinAPIError as error:
                if not _is_of_the_object(error) or (isinstance(error, Unavailable) and not judged):
                    raise
                yield _failed(error, instance)
            else:
                judged = True
                yield Received(
                    sop_class=instance.sop_class,
                    sop_instance=instance.sop_instance,
                    finding=finding,
                )

    def _judge(self, instance: Instance) -> Submission:
        if self.study is not None and instance.study != self.study:
            raise RefusedInstance(
                Failure.MISMATCH, "The object belongs to another study than the address names"
            )
        self._refuse_own(instance)
        sent = SentPhotos(
            contents=[read_photo_file(instance, largest=self.largest_photo)],
            context=read_context(instance),
            key=KEY + hashlib.sha256(instance.sop_instance.encode()).hexdigest(),
            source=read_source(instance) if self._is_clinics else None,
        )
        owner, newcomer = self._owner_of(instance)
        if self._is_clinics and sent.key:  # an archive where somebody has corrected the PatientID
            self.corrections.correct_patient(key=sent.key, owner=owner.id, by=self.by)
        return self.prediction.predict(owner=owner, sent=sent, by=self.by, newcomer=newcomer)

    @property
    def _is_clinics(self) -> bool:
        """Anybody else could name a patient of the clinic, and file a result for that one."""
        return self.by.key is not None and self.by.key.clinic_wide

    def _refuse_own(self, instance: Instance) -> None:
        """An archive that sends all that arrives sends what this server has sent to it, too: a heat
        map would be judged as a photo. Raises RefusedInstance.
        """
        own, records = ObjectId.parse(instance.sop_instance), self.prediction.records
        if own and (records.has(own.finding) or records.erased.find(own.finding)):
            raise RefusedInstance(Failure.PROCESSING, OWN_OBJECT)

    def _owner_of(self, instance: Instance) -> tuple[Account, Newcomer | None]:
        """Who sends with a clinic's key sends for the patient whom the object names, anybody else
        for themselves.
        """
        if not self._is_clinics:
            return self.by.account, None
        patient = read_patient(instance.header)
        if patient is None:
            raise RefusedInstance(Failure.MISMATCH, "The object names no patient (PatientID)")
        return self.patients.find_or_newcomer(patient.system, patient.value, by=self.by)


def _is_of_the_object(error: SkinAPIError) -> bool:
    return error.status < SkinAPIError.status or isinstance(error, NO_RESOURCES)


def _refuse_part(part: Part) -> None:
    if part.media_type != OBJECT:
        raise RefusedInstance(Failure.NOT_UNDERSTOOD, f"A part is not of the type {OBJECT}")
    if part.size > LARGEST_OBJECT:
        largest = size_in_words(LARGEST_OBJECT)
        raise RefusedInstance(Failure.RESOURCES, f"The object is larger than {largest}")


def _failed(error: SkinAPIError, instance: Instance | None) -> Received:
    sop = error.sop if isinstance(error, RefusedInstance) else None
    if instance:
        sop = instance.sop_class, instance.sop_instance
    return Received(
        sop_class=sop[0] if sop else None,
        sop_instance=sop[1] if sop else None,
        failure=_failure_of(error),
        sentence=error.detail,
    )


def _failure_of(error: SkinAPIError) -> Failure:
    if isinstance(error, RefusedInstance):
        return error.failure
    if isinstance(error, IdempotencyKeyReused):
        return Failure.DUPLICATE
    return Failure.RESOURCES if isinstance(error, NO_RESOURCES) else Failure.PROCESSING
