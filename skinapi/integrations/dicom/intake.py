"""The service for DICOM objects that are sent. What reads them is imported with the first of them:
a server that gets none starts without pydicom.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from skinapi.base.subject import Subject
from skinapi.findings.prediction.service import PredictionService
from skinapi.findings.records.corrections import CorrectionsService
from skinapi.integrations.dicom.errors import installed
from skinapi.integrations.dicom.multipart_related import Part
from skinapi.integrations.dicom.stow import Received
from skinapi.integrations.patients import PatientsService


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeService:
    """`address` is that of the server; a JPEG may have `largest_photo` bytes. Large bodies lie in
    a file of `folder` meanwhile, which has no name; or in TMPDIR, where it takes no files.
    """

    prediction: PredictionService
    corrections: CorrectionsService
    patients: PatientsService
    largest_photo: int
    address: str
    folder: Path

    def require_installed(self) -> None:
        """Raises DicomNotInstalled."""
        with installed():
            import pydicom  # noqa: F401, PLC0415

    def receive(
        self, *, file: IO[bytes], parts: Sequence[Part], study: str | None, by: Subject
    ) -> list[Received]:
        """Judge the object in each part of the file; with `study` only objects of that one. One
        that was sent before is answered as then. Raises Unavailable where none could be judged.
        """
        from skinapi.integrations.dicom.receiving import Receiver  # noqa: PLC0415

        receiver = Receiver(
            prediction=self.prediction,
            corrections=self.corrections,
            patients=self.patients,
            largest_photo=self.largest_photo,
            study=study,
            by=by,
        )
        return list(receiver.receive_each(file, parts))
