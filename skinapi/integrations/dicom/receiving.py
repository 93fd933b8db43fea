"""The use case for received DICOM objects: each picture becomes a finding, like a photo sent to
`POST /predict`. Its imports are lazy, so that a server without DICOM starts without pydicom.

Only the header fields in `Context` are kept, and the picture if photos are kept: no name, date,
institution or private element (PS3.15 annex E, the Basic Profile, with sex and age band retained).
For a clinic's own key, `Source` is kept too: the patient's number and the UIDs by which an archive
files the result.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import (
    IdempotencyKeyReused,
    PredictionQuotaReached,
    SkinAPIError,
    Unavailable,
)
from skinapi.base.size_limits import size_in_words
from skinapi.findings.errors import StorageQuotaReached
from skinapi.findings.prediction.service import PredictionService, SentPhotos
from skinapi.findings.reviews.corrections import CorrectionsService
from skinapi.integrations.dicom.multipart import OBJECT, Part
from skinapi.integrations.dicom.stow import (
    LARGEST_OBJECT,
    Failure,
    Received,
    RefusedInstance,
    installed,
)
from skinapi.integrations.dicom.study import ObjectId
from skinapi.integrations.patients import PatientsService

if TYPE_CHECKING:
    from skinapi.integrations.dicom.header import Instance
    from skinapi.integrations.dicom.patient_facts import PatientIdentifier

# No caller can send it as an Idempotency-Key: those have no slash.
KEY = "dicom/"
OWN_OBJECT = "This object was made here, of a finding: it is no new picture"
OTHER_PICTURE = (
    "Another picture, or the same one with another patient or other facts, was sent under this "
    "SOPInstanceUID: give a new picture a new one. A doctor moves a picture to another patient"
)
OTHER_STUDY = "The object belongs to another study than the address names"
NO_RESOURCES = (Unavailable, PredictionQuotaReached, StorageQuotaReached)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeService:
    """`largest_photo` limits a JPEG, in bytes. Large bodies are kept in an unnamed file in
    `folder`, or in TMPDIR if that is not writable.
    """

    prediction: PredictionService
    corrections: CorrectionsService
    patients: PatientsService
    largest_photo: int
    folder: Path

    def require_installed(self) -> None:
        with installed():
            import pydicom  # noqa: F401, PLC0415

    def receive_each(
        self, *, file: IO[bytes], parts: Sequence[Part], study: str | None, by: Subject
    ) -> Iterator[Received]:
        """Judge the object in each part of the file; with `study` only objects of that study. A
        repeated object gets its earlier answer. Raises Unavailable if nothing was judged yet, so
        that the sender can repeat the whole request.
        """
        from skinapi.integrations.dicom.header import open_instance  # noqa: PLC0415

        judged = False
        for part in parts:
            sop: tuple[str, str] | None = None
            try:
                _refuse_part(part)
                instance = open_instance(file, part.start, part.end)
                sop = instance.sop_class, instance.sop_instance
                if study not in (None, instance.study):
                    raise RefusedInstance(Failure.MISMATCH, OTHER_STUDY)
                self._judge(instance, by)
            except SkinAPIError as error:
                ours = error.status >= SkinAPIError.status and not isinstance(error, NO_RESOURCES)
                if ours or (isinstance(error, Unavailable) and not judged):
                    raise
                if isinstance(error, RefusedInstance):
                    sop = sop or error.sop
                reused = isinstance(error, IdempotencyKeyReused)
                sentence = OTHER_PICTURE if reused else error.detail
                yield Received(sop=sop, failure=_failure_of(error), sentence=sentence)
            else:
                judged = True
                yield Received(sop=sop)

    def _judge(self, instance: "Instance", by: Subject) -> None:
        from skinapi.integrations.dicom.patient_facts import (  # noqa: PLC0415
            read_context,
            read_patient,
            read_source,
        )
        from skinapi.integrations.dicom.pixels import read_photo_file  # noqa: PLC0415

        self._refuse_own(instance)
        # Anybody else could name a patient of the clinic, and file a result for that one.
        is_clinics = by.key is not None and by.key.clinic_wide
        sent = SentPhotos(
            contents=[read_photo_file(instance, largest=self.largest_photo)],
            context=read_context(instance),
            key=KEY + hashlib.sha256(instance.sop_instance.encode()).hexdigest(),
            source=read_source(instance) if is_clinics else None,
        )
        if not is_clinics:
            self.prediction.predict(owner=by.account, sent=sent, by=by)
            return
        patient = read_patient(instance.header)
        if patient is None:
            raise RefusedInstance(Failure.MISMATCH, "The object names no patient (PatientID)")
        try:
            self._file(patient, sent, by)
        except IdempotencyKeyReused:
            # Another request may have stored the same new patient and finding in the meantime.
            self._file(patient, sent, by, last=True)

    def _file(
        self, patient: "PatientIdentifier", sent: SentPhotos, by: Subject, *, last: bool = False
    ) -> None:
        owner, newcomer = self.patients.find_or_newcomer(patient.system, patient.value, by=by)
        try:
            self.prediction.predict(owner=owner, sent=sent, by=by, newcomer=newcomer)
        except IdempotencyKeyReused:
            if last:
                self.corrections.note_other_patient(owner.id, key=sent.key, by=by)
            raise

    def _refuse_own(self, instance: "Instance") -> None:
        """An archive that forwards all new objects also returns those from this server, and a heat
        map would be judged as a photo.
        """
        own, findings = ObjectId.parse(instance.sop_instance), self.prediction.findings
        if own and (findings.records.has(own.finding) or findings.erased.find(own.finding)):
            raise RefusedInstance(Failure.PROCESSING, OWN_OBJECT)


def _refuse_part(part: Part) -> None:
    if part.media_type != OBJECT:
        raise RefusedInstance(Failure.NOT_UNDERSTOOD, f"A part is not of the type {OBJECT}")
    if part.end - part.start > LARGEST_OBJECT:
        largest = size_in_words(LARGEST_OBJECT)
        raise RefusedInstance(Failure.RESOURCES, f"The object is larger than {largest}")


def _failure_of(error: SkinAPIError) -> Failure:
    if isinstance(error, RefusedInstance):
        return error.failure
    if isinstance(error, IdempotencyKeyReused):
        return Failure.DUPLICATE
    return Failure.RESOURCES if isinstance(error, NO_RESOURCES) else Failure.PROCESSING
