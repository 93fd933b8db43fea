from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from skinapi.accounts.auth.account import Account, Subject
from skinapi.base.errors import (
    Conflict,
    FindingInError,
    Forbidden,
    NotFound,
    Refused,
    Unprocessable,
)
from skinapi.findings.errors import ToldByAnother
from skinapi.findings.prediction.service import PredictionService, SentPhotos, is_made_by
from skinapi.findings.records.new_findings import NewVersion
from skinapi.findings.records.read_access import in_care
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.reviews.corrections import MOVED, CorrectionsService
from skinapi.findings.status.reviews import Review
from skinapi.model.bands import urgency
from skinapi.model.context import NOTHING_TOLD, TOLD, Context
from skinapi.model.refusals import translate_refusal
from skinapi.model.registry.prediction_pool import PoolCaller

NOT_IN_CHARGE = "Only the doctor in charge lets a photo be judged again"
NOT_YOURS_TO_CORRECT = "Only the patient or the doctor in charge corrects what was told"
# Facts about the photo itself, whoever it shows.
OF_PHOTO = {"text_in_picture", *(name for name in TOLD if TOLD[name].question == "picture")}
NO_PATIENT = (
    "There is no such patient, the account is suspended or not approved, or you are not in charge "
    "of that one"
)
# A kept photo was already accepted as skin, by a model or its sender.
OF_SKIN = {"skin_confirmed": True}


class NoPhotoKept(Conflict):
    code = "no_photo_kept"
    sentence = "No photo of this finding is kept"

    def __init__(self, reason: str = sentence) -> None:
        super().__init__(
            f"{reason}. It cannot be judged, nor moved to another patient: another photo is needed."
        )


class JudgedByThisModel(Conflict):
    code = "judged_by_this_model"
    sentence = (
        "The model in service has made this finding, at the operating point that is in use; it "
        "would say the same again"
    )


class MovedToSamePatient(Unprocessable):
    code = "moved_to_same_patient"
    sentence = "This finding is of that patient already; name another one"


@dataclass(frozen=True, slots=True)
class Correction:
    finding: StoredFinding
    corrected: tuple[str, ...] = ()

    @property
    def taken_back(self) -> tuple[str, ...]:
        told = self.finding.context.list_changes(NOTHING_TOLD)
        return tuple(name for name in self.corrected if name not in told)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPhotosService:
    prediction: PredictionService
    corrections: CorrectionsService

    def reclassify(self, *, number: str, by: Subject) -> tuple[StoredFinding, Account]:
        """Repeating the call has no effect. It does not count against the daily quota."""
        findings, inference = self.prediction.findings, self.prediction.inference
        finding, owner = findings.access.get_in_charge(number=number, by=by, refusal=NOT_IN_CHARGE)
        if not is_made_by(inference.served.model, finding.finding):
            self._judge(finding, owner, context=finding.context, by=by)
        elif finding.judged_by != by.id or finding.corrected:
            raise JudgedByThisModel
        return findings.access.get(number=number, to=by)

    def correct(
        self, *, number: str, told: Mapping[str, Any], version: int | None, by: Subject
    ) -> Correction:
        """Judge the photos again if the model depends on the corrected facts.

        `version` is what the caller has seen. Repeating the call has no effect. Raises
        ToldByAnother if an owner's correction of facts from someone else would lower the urgency.
        """
        findings = self.prediction.findings
        finding, owner = findings.access.get(number=number, to=by)
        if finding.owner != by.id and not in_care(owner, by):
            raise Forbidden(NOT_YOURS_TO_CORRECT)
        context = finding.context.corrected(told)
        corrected = finding.context.list_changes(context)
        if not corrected:
            return Correction(finding)
        finding.require_seen(version)
        if not any(TOLD[name].judged for name in corrected):
            findings.amend(before=finding, context=context, by=by.id)
        else:
            self._judge(finding, owner, context=context, by=by, corrected=corrected)
        return Correction(findings.access.get(number=number, to=by)[0], corrected)

    def _judge(
        self,
        finding: StoredFinding,
        owner: Account,
        *,
        context: Context,
        by: Subject,
        corrected: tuple[str, ...] = (),
    ) -> None:
        contents = self._read_photos(finding)
        if corrected:  # a patient may correct often
            self.prediction.quotas.count_photos(owner, len(contents))
        try:
            classified = self.prediction.inference.classify_pictures(
                contents=contents,
                same_spot=True,
                caller=PoolCaller(by.id, signed_in=True),
                context=context.model_copy(update=OF_SKIN),
                keep=False,
            )
        except Refused as refused:
            asked = context.checklist or ()
            raise translate_refusal(refused, finding.language, asked) from refused
        told = finding.band_told_by_another
        if owner.id == by.id and told and urgency(classified.finding.band) > urgency(told):
            raise ToldByAnother
        new = NewVersion(
            finding=classified.finding,
            context=context,
            corrected=corrected,
            **self.prediction.narrate(classified.finding, context, finding.language, owner),
            by=by.id,
        )
        self.prediction.findings.add_version(before=finding, new=new)

    def move(
        self, *, number: str, reason: str, patient: str, lesion: str | None, by: Subject
    ) -> StoredFinding:
        """Exclude a finding and judge its photo again for another patient, in one transaction. Only
        facts about how the photo was taken are copied. Repeating the call returns the first result.
        """
        findings = self.prediction.findings
        wrong, _ = findings.access.get_to_correct(number=number, by=by)
        right = self._get_right(patient, by)
        key = f"{MOVED}{wrong.id}"
        if moved := findings.records.find_by_key(right.id, key):
            return moved
        if wrong.owner == right.id:
            raise MovedToSamePatient
        if wrong.error:
            raise FindingInError(wrong.error.reason)
        of_photo = Context.model_validate(wrong.context.model_dump(include=OF_PHOTO))
        sent = SentPhotos(
            contents=self._read_photos(wrong),
            same_spot=True,
            context=of_photo.model_copy(update=OF_SKIN),
            lesion=lesion,
            key=key,
            former=wrong.level,
            before_commit=partial(
                self.corrections.leave_wrong_patient,
                number=number,
                reason=reason,
                by=by,
            ),
        )
        return self.prediction.predict(owner=right, sent=sent, by=by)

    def list_reviews(self, *, number: str, by: Subject) -> list[Review]:
        findings = self.prediction.findings
        finding, _ = findings.access.get_to_correct(number=number, by=by)
        status = findings.records.spots.read([finding.lesion]).get(finding.lesion)
        return [*status.reviews.values()] if status else []

    def _get_right(self, patient: str, by: Subject) -> Account:
        account = self.corrections.accounts.find_by_id(patient)
        if account is None or not account.approved or account.machine:
            raise NotFound(NO_PATIENT)
        if not in_care(account, by) and not (by.role == "admin" and account.role == "user"):
            raise NotFound(NO_PATIENT)
        return account

    def _read_photos(self, of: StoredFinding) -> list[bytes]:
        try:
            return [self.prediction.findings.photos.content_of(picture) for picture in of.pictures]
        except NotFound as missing:
            raise NoPhotoKept(missing.detail) from missing
