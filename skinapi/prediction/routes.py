"""The route that classifies a photo for an account."""

from skinapi.errors import (
    BadRequest,
    Forbidden,
    IdempotencyKeyReused,
    NoModel,
    NotFound,
    PredictionQuotaReached,
    Refused,
)
from skinapi.prediction.errors import JudgedByThisModel, MaybeDifferentSpots, NoPhotoToJudge
from skinapi.prediction.judging_again import JudgingAgainService
from skinapi.prediction.schemas import PhotoForm, SampleQuery, SampleView
from skinapi.prediction.service import PredictionService
from skinapi.records.errors import LesionFull, StorageQuotaReached
from skinapi.records.schemas import SubmissionInCare, SubmissionView
from skinapi.vision.context import SkinAnswer
from skinapi.web.access import Public, Signed, Subject
from skinapi.web.limits.rate_limits import Rate
from skinapi.web.routing.declaration import Routes

QUOTAS = (PredictionQuotaReached, StorageQuotaReached)
routes: Routes[PredictionService] = Routes("prediction")
again_routes: Routes[JudgingAgainService] = Routes("judging_again")


@routes.route(
    "POST",
    "/predict",
    access=Signed(),
    rate=Rate.WRITE,
    raises=(
        *(BadRequest, Refused, IdempotencyKeyReused, NoModel, NotFound, LesionFull),
        *(MaybeDifferentSpots, *QUOTAS),
    ),
)
def predict(
    prediction: PredictionService,
    *,
    form: PhotoForm,
    subject: Subject,
    idempotency_key: str | None,
) -> SubmissionView:
    """Classify a photo of the caller, or up to four of one spot, and store the finding.

    A photo that cannot be judged is refused with 422, `code` not_judgeable, and a sentence that
    tells how to take a better one; nothing is stored then. With `lesion`, the finding belongs to
    that spot of the caller.

    A photo that does not look like skin gets a finding in doubt (`not_surely_skin`), and is refused
    where it surely shows something else. With `skin=ask` both are 422 with `question` skin: a
    person is asked whether it shows the spot. With `skin=confirmed` it is judged in any case.

    Several photos get one finding, with the part of each in it, which is never less urgent than
    that of any photo alone, and states nothing milder. Where two may show different spots, nothing
    is stored and 422, `code` maybe_different_spots, asks: `same_spot` confirms that they show one.
    A close-up and a dermoscope picture are always asked about.
    """
    submission = prediction.predict(
        owner=subject.account,
        contents=form.photos,
        same_spot=form.same_spot,
        ask_about_skin=form.skin is SkinAnswer.ASK,
        context=form.context(),
        language=form.language,
        keep_photo=form.keep_photo,
        lesion=form.lesion,
        key=idempotency_key,
    )
    return SubmissionView.of(submission, subject.account)


@routes.route("GET", "/sample", access=Public(), rate=Rate.ANONYMOUS, raises=(Refused, NoModel))
def show_sample(prediction: PredictionService, *, query: SampleQuery) -> SampleView:
    """What the model in service finds in a drawn sample picture, so that one can see what an answer
    looks like. The picture is at `/console/sample.jpg`.
    """
    return SampleView.of(*prediction.classify_sample(language=query.lang))


@again_routes.route(
    "POST",
    "/submissions/<number>/judge-again",
    access=Signed(roles=("doctor",), refusal="Only doctors let a photo be judged again"),
    rate=Rate.WRITE,
    raises=(
        *(NotFound, Forbidden, NoPhotoToJudge, JudgedByThisModel),
        *(Refused, NoModel, LesionFull),
    ),
)
def judge_again(judging: JudgingAgainService, *, number: str, subject: Subject) -> SubmissionInCare:
    """Let the model in service judge the kept photos of a patient in care again, as where the
    version of then was withdrawn. That makes a new finding, which names this one (`again_of`); this
    one stays as it was, and names the new one (`judged_again`). Sent again, the answer is the same.
    """
    return SubmissionInCare.of(*judging.judge_again(number=number, by=subject))
