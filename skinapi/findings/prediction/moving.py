"""The use case: move a finding that was filed for the wrong patient to the right one."""

from dataclasses import dataclass
from functools import partial

from skinapi.accounts.auth.accounts import Account
from skinapi.base.errors import Conflict, NotFound, Unprocessable
from skinapi.base.subject import Subject
from skinapi.findings.prediction.service import PredictionService, SentPhotos
from skinapi.findings.records.corrections import CorrectionsService
from skinapi.findings.records.errors import FindingInError
from skinapi.findings.records.readers import in_care
from skinapi.findings.records.submission import Submission
from skinapi.model.context import Context

# No caller can send it as an Idempotency-Key: those have no slash.
MOVED = "moved/"
# What is known about the photo itself, whoever it is of.
OF_PHOTO = {"modality", "text_in_picture"}
NO_PATIENT = "There is no such patient, or you are not in charge of that one"


class NoPhotoToMove(Conflict):
    code = "no_photo_to_move"
    sentence = "The photo of this finding was not kept"

    def __init__(self, reason: str = sentence) -> None:
        super().__init__(
            f"{reason}. So nothing can be judged for the right patient: enter the finding in error "
            "here, and ask the right patient for another photo."
        )


class MovedToSamePatient(Unprocessable):
    code = "moved_to_same_patient"
    sentence = "This finding is of that patient already; name another one"


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingService:
    prediction: PredictionService
    corrections: CorrectionsService

    def move(
        self, *, number: str, reason: str, patient: str, lesion: str | None, by: Subject
    ) -> Submission:
        """Enter a finding in error and file its photo for another patient, both or nothing: the
        photo is judged anew, and of what was told only how it was taken is carried over. The right
        patient's consents decide whether it is kept, as their quotas whether it is taken. Called
        again, the result is the finding of the first time.

        Raises NotFound, Forbidden, FindingInError, NoPhotoToMove, MovedToSamePatient, and as
        `PredictionService.predict`: then nothing has changed.
        """
        records = self.prediction.records
        wrong, _ = records.get_to_correct(number=number, by=by)
        right = self._get_right(patient, by)
        key = f"{MOVED}{wrong.id}"
        if moved := records.submissions.find_by_key(right.id, key):
            return moved
        if wrong.owner == right.id:
            raise MovedToSamePatient
        if wrong.error:
            raise FindingInError(wrong.error.reason)
        told = Context.model_validate(wrong.context.model_dump(include=OF_PHOTO))
        sent = SentPhotos(
            contents=self._read_photos(wrong),
            same_spot=True,
            # Somebody has judged them to be of skin: the model of then, or the sender.
            context=told.model_copy(update={"skin_confirmed": True}),
            lesion=lesion,
            key=key,
            moves=partial(
                self.corrections.leave_wrong_patient,
                number=number,
                reason=reason,
                right=right.id,
                by=by,
            ),
        )
        return self.prediction.predict(owner=right, sent=sent, by=by)

    def _get_right(self, patient: str, by: Subject) -> Account:
        """A patient in the doctor's care, or any for an admin. Raises NotFound."""
        found = self.corrections.accounts.by_ids({patient}).get(patient)
        if found is None or not found.approved or found.machine:
            raise NotFound(NO_PATIENT)
        if not in_care(found, by) and not (by.role == "admin" and found.role == "user"):
            raise NotFound(NO_PATIENT)
        return found

    def _read_photos(self, wrong: Submission) -> list[bytes]:
        """All of them. Raises NoPhotoToMove, with the reason."""
        try:
            return [self.prediction.records.photos.content_of(one) for one in wrong.pictures]
        except NotFound as missing:
            raise NoPhotoToMove(missing.detail) from missing
