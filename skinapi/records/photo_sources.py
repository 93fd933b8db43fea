"""What a data set that is made from reviews needs of a submission."""

from skinapi.stored_record import StoredRecord
from skinapi.vision.calibration.detectors import ModalityFinding
from skinapi.vision.context import Context, Modality


class RecognisedKind(StoredRecord):
    """Of a finding: which kind of picture the model took the photo for."""

    modality: ModalityFinding | None = None


class SubmittedPhoto(StoredRecord):
    """Whose photo a submission has, and what is known about the photo without looking at it."""

    id: str
    owner: str
    photo_blob: str | None = None
    context: Context
    finding: RecognisedKind

    @property
    def modality(self) -> Modality:
        """How it was taken: as the sender told, else as the model recognised."""
        recognised = self.finding.modality
        if self.context.modality is not Modality.UNKNOWN or recognised is None:
            return self.context.modality
        return recognised.recognised


PHOTO_FIELDS = ("owner", "photo_blob", "context", "finding.modality")
