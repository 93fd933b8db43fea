"""A picture in, a finding out: parse, call, answer."""

from skinapi.errors import BadRequest, NoModel, PredictionQuotaReached, Refused
from skinapi.prediction.schemas import PhotoForm
from skinapi.prediction.service import PredictionService
from skinapi.records.errors import IdempotencyKeyReused, StorageQuotaReached
from skinapi.records.schemas import SubmissionView
from skinapi.web.access import Signed, Subject
from skinapi.web.limits import Rate
from skinapi.web.routes import Routes

QUOTAS = (PredictionQuotaReached, StorageQuotaReached)
routes: Routes[PredictionService] = Routes("prediction")


@routes.route(
    "POST",
    "/predict",
    access=Signed(),
    rate=Rate.WRITE,
    raises=(BadRequest, Refused, IdempotencyKeyReused, NoModel, *QUOTAS),
)
def predict(
    prediction: PredictionService,
    *,
    form: PhotoForm,
    subject: Subject,
    idempotency_key: str | None,
) -> SubmissionView:
    """Judge a photo, for oneself.

    A photo that cannot be judged is refused with 422, `code` not_judgeable, and a sentence that
    tells how to take a better one; nothing is kept then.
    """
    submission, owner = prediction.predict(
        account_id=subject.id,
        content=form.photo,
        context=form.context(),
        language=form.language,
        keep_photo=form.keep_photo,
        key=idempotency_key,
    )
    return SubmissionView.of(submission, owner)
