"""What a data set that is made from reviews needs of a submission."""

from pydantic import BaseModel, ConfigDict

from skinapi.vision.context import Context, Modality
from skinapi.vision.modality import ModalityFinding


class RecognisedKind(BaseModel):
    """Of a finding: which kind of picture the model took the photo for."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    modality: ModalityFinding | None = None


class PhotoOfFinding(BaseModel):
    """Whose photo a submission has, and what is known about the photo without looking at it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

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
