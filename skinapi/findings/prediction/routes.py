from typing import Self

from pydantic import Field

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import (
    BadRequest,
    ChangedMeanwhile,
    Forbidden,
    IdempotencyKeyReused,
    NoModel,
    NotFound,
    PredictionQuotaReached,
    Refused,
)
from skinapi.base.field_types import Identifier
from skinapi.base.languages import Language
from skinapi.base.stored_record import optional
from skinapi.findings.errors import (
    FindingErased,
    LesionFull,
    OtherPlace,
    ResultAwaited,
    StorageQuotaReached,
    ToldByAnother,
    TooManyCorrections,
    TooManyVersions,
    VersionMissing,
)
from skinapi.findings.prediction.kept_photos import (
    JudgedByThisModel,
    KeptPhotosService,
    MovedToSamePatient,
    NoPhotoKept,
)
from skinapi.findings.prediction.schemas import ContextForm, CorrectedFacts
from skinapi.findings.prediction.service import MaybeDifferentSpots, PredictionService, SentPhotos
from skinapi.findings.records.schemas.expected_reviewer import ExpectedReviewerView
from skinapi.findings.records.schemas.finding_answer import (
    FindingInCareView,
    FindingView,
    StatedReason,
)
from skinapi.findings.records.schemas.finding_parts import HeatView
from skinapi.findings.reports.report import Report
from skinapi.findings.reports.routes import FullReport
from skinapi.model.calibration import MOST_PICTURES
from skinapi.model.context import (
    Context,
    SkinAnswer,
)
from skinapi.model.finding import Finding
from skinapi.platform.web.declaration import Authenticated, Public, Rate, Routes
from skinapi.platform.web.schemas import Answer, Query, Upload

NO_IMAGE = "No image uploaded"


class PhotoForm(ContextForm):
    missing = NO_IMAGE
    image: tuple[Upload, ...] = Field(
        default=(),
        max_length=MOST_PICTURES,
        description="the photo; or up to four of one spot, as fields of this name, which get one "
        "finding",
    )
    file: Upload | None = Field(default=None, description="another name for `image`")
    same_spot: bool = Field(
        default=False, description="several photos show one spot, as a person has confirmed"
    )
    skin: SkinAnswer | None = Field(
        default=None,
        description="`ask`: this sender can be asked whether a photo that does not look like skin "
        "shows the spot; `confirmed`: a person says that it does, so it is judged",
    )
    keep_photo: bool | None = Field(default=None, description="consent to keeping the photo")
    language: Language | None = Field(default=None, description="the account's unless given")
    lesion: str | None = Field(
        default=None, description="the spot that the photo shows; a new one unless given"
    )
    in_place_of: int | None = Field(
        default=None,
        ge=1,
        description="the number of the finding whose photo is taken anew, as where a doctor wants "
        "another one: both are in its spot",
    )
    patient: Identifier | None = Field(
        default=None,
        description="the account whose finding it is: with a clinic-wide key, or of a doctor a "
        "patient in care; the caller's own unless given. The consents and quotas are "
        "the patient's",
    )

    def context(self) -> Context:
        confirmed = self.skin is SkinAnswer.CONFIRMED
        return super().context().model_copy(update={"skin_confirmed": confirmed})

    @property
    def photos(self) -> tuple[bytes, ...]:
        uploads = self.image or tuple(filter(None, [self.file]))
        if not uploads:
            raise BadRequest(NO_IMAGE)
        # A browser sends a file without a name if none was chosen.
        if not all(upload.filename for upload in uploads):
            raise BadRequest("No photo was chosen")
        return tuple(upload.content for upload in uploads)


class SampleQuery(Query):
    lang: Language = "en"


class SampleView(Answer):
    report: FullReport
    heat: HeatView

    @classmethod
    def from_finding(cls, finding: Finding, report: Report) -> Self:
        return cls(report=FullReport.from_report(report), heat=HeatView.from_finding(finding))


QUOTAS = (PredictionQuotaReached, StorageQuotaReached)
routes: Routes[PredictionService] = Routes()
kept_photo_routes: Routes[KeptPhotosService] = Routes()


@routes.route(
    "POST",
    "/predict",
    access=Authenticated(scopes=("findings:write",), test_keys=True),
    raises=(
        *(BadRequest, Refused, IdempotencyKeyReused, NoModel, NotFound, LesionFull, OtherPlace),
        *(MaybeDifferentSpots, FindingErased, ChangedMeanwhile, *QUOTAS),
    ),
)
def predict(
    prediction: PredictionService,
    *,
    form: PhotoForm,
    subject: Subject,
    idempotency_key: str | None,
) -> FindingView:
    """Classify a photo of the caller, or up to four of one spot, and store the finding.

    A photo that cannot be judged is refused with 422, `code` not_judgeable, and a sentence that
    tells how to take a better one; nothing is stored then. With `lesion`, the finding belongs to
    that spot of the caller, or of the `patient`; without it, the photo starts a new spot.

    A photo that does not look like skin gets a finding in doubt (`not_surely_skin`), and is refused
    where it surely shows something else. With `skin=ask` both are 422 with `question` skin: a
    person is asked whether it shows the spot. With `skin=confirmed` it is judged in any case.

    Several photos get one finding, with the part of each in it, which is never less urgent than
    that of any photo alone, and states nothing milder. Where two may show different spots, nothing
    is stored and 422, `code` maybe_different_spots, asks: `same_spot` confirms that they show one.
    A close-up and a dermoscope picture are always asked about.

    A test key gets the finding of the sample picture, whatever is sent; its `id` is 0, and nothing
    is stored.
    """
    sent = SentPhotos(
        contents=form.photos,
        same_spot=form.same_spot,
        ask_about_skin=form.skin is SkinAnswer.ASK,
        context=form.context(),
        language=form.language,
        keep_photo=form.keep_photo,
        lesion=form.lesion,
        in_place_of=str(form.in_place_of) if form.in_place_of else None,
        key=idempotency_key,
    )
    owner = subject.account
    if subject.key and subject.key.test:
        finding = prediction.predict_without_storing(owner=owner, sent=sent, by=subject)
    else:
        if form.patient:
            owner = prediction.findings.access.find_owner(
                patient=form.patient, by=subject, or_in_charge=True
            )
        finding = prediction.predict(owner=owner, sent=sent, by=subject)
    findings = prediction.findings
    looks = findings.access.find_who_looks(finding, owner)
    may_keep = findings.photos.policy != "never"
    will_look = ExpectedReviewerView.from_reviewer(
        looks, finding, finding.language, may_keep=may_keep
    )
    return FindingView.from_finding(finding, owner).model_copy(update={"will_look": will_look})


@routes.route("GET", "/sample", access=Public(), rate=Rate.ANONYMOUS, raises=(Refused, NoModel))
def show_sample(prediction: PredictionService, *, query: SampleQuery) -> SampleView:
    """What the model in service finds in a drawn sample picture, so that one can see what an answer
    looks like. The picture is at `/console/sample.jpg`.
    """
    return SampleView.from_finding(*prediction.classify_sample(language=query.lang))


@kept_photo_routes.route(
    "POST",
    "/submissions/<number>/judge-again",
    access=Authenticated(roles=("doctor",), refusal="Only doctors let a photo be judged again"),
    raises=(
        *(NotFound, Forbidden, NoPhotoKept, JudgedByThisModel, ChangedMeanwhile),
        *(TooManyVersions, Refused, NoModel),
    ),
)
def judge_again(photos: KeptPhotosService, *, number: str, subject: Subject) -> FindingInCareView:
    """Let the model in service judge the kept photos of a patient in care again, as where the
    version of then was withdrawn. That adds a version to the finding; the ones before are its
    history (`versions`). What a doctor has decided stays. Sent again, the answer is the same.
    """
    return FindingInCareView.from_finding(*photos.reclassify(number=number, by=subject))


class CorrectedView(Answer):
    number: int = Field(serialization_alias="id")
    version: int = Field(description="the one that counts now, from 1")
    corrected: tuple[str, ...] = Field(
        description="the fields of `context` that this request has changed; empty where none was"
    )
    taken_back: tuple[str, ...] = Field(description="those of them that are told no more")


@kept_photo_routes.route(
    "PUT",
    "/submissions/<number>/facts",
    access=Authenticated(),
    raises=(
        *(NotFound, Forbidden, NoPhotoKept, ChangedMeanwhile, VersionMissing),
        *(ToldByAnother, TooManyVersions, TooManyCorrections, Refused, NoModel, *QUOTAS),
    ),
)
def correct_facts(
    photos: KeptPhotosService, *, number: str, body: CorrectedFacts, subject: Subject
) -> CorrectedView:
    """Correct what was told with a photo, as the patient or the doctor in charge. What is left out
    stays, and null takes back. The kept photo is judged again: that adds a version to the finding,
    which says what was `corrected`. What a doctor has decided stays; a version that is more urgent
    waits for a doctor. Without a kept photo nothing changes (`no_photo_kept`).

    No judgement depends on `body_laterality` and `body_side`: a correction of these alone needs no
    photo, adds no version, and stands in `amended` of the finding. Sent again, nothing changes.
    """
    made = photos.correct(number=number, told=body.told, version=body.version, by=subject)
    return CorrectedView.from_record(
        made, made.finding, corrected=made.corrected, version=made.finding.version
    )


class NewPatient(StatedReason):
    patient: Identifier = Field(description="the account of the right patient")
    lesion: Identifier | None = Field(
        default=None, description="the spot of the right patient that the photo shows"
    )


class MovedView(Answer):
    """What a finding that was filed for the wrong patient was moved to."""

    number: int = Field(serialization_alias="id")
    moved_from: int
    decision_void: bool = optional(
        "true where a doctor had decided about `moved_from`: that review stays with the former "
        "patient's spot, and the new finding waits for one",
        default=False,
    )


@kept_photo_routes.route(
    "POST",
    "/submissions/<number>/move",
    access=Authenticated(roles=("doctor", "admin")),
    raises=(
        *(NotFound, Forbidden, NoPhotoKept, MovedToSamePatient, ChangedMeanwhile, ResultAwaited),
        *(Refused, NoModel, LesionFull, OtherPlace, *QUOTAS),
    ),
)
def move_submission(
    photos: KeptPhotosService, *, number: str, body: NewPatient, subject: Subject
) -> MovedView:
    """Move a finding to the right patient, as the doctor in charge of both or an admin. It is
    entered in error for the one, and its photo is judged anew and filed for the other; where that
    cannot be, nothing changes. Sent again, the answer is the same.
    """
    moved = photos.move(
        number=number, reason=body.reason, patient=body.patient, lesion=body.lesion, by=subject
    )
    reviews = photos.list_reviews(number=number, by=subject)
    return MovedView(
        number=moved.number,
        moved_from=int(number),
        decision_void=bool(reviews),
    )
