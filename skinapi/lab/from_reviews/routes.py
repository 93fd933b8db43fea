"""The route that makes a data set of reviewed findings."""

from pydantic import Field

from skinapi.errors import IdempotencyKeyReused
from skinapi.lab.access import RESEARCHERS
from skinapi.lab.datasets.dataset_versions import LabelSource, NewDataset
from skinapi.lab.errors import NameTaken
from skinapi.lab.from_reviews.service import FromReviewsService
from skinapi.lab.schemas import DatasetName, DatasetView, ShortText
from skinapi.web.access import Subject
from skinapi.web.limits.rate_limits import Rate
from skinapi.web.routing.declaration import Routes
from skinapi.web.schemas.schema_types import Body

routes: Routes[FromReviewsService] = Routes("datasets-from-reviews")


class NewReviewedDataset(Body):
    name: DatasetName
    labels_from: LabelSource = Field(
        default="reviews",
        description="`histology`: only labels that the laboratory has confirmed; `reviews`: where "
        "there is none, also the doctor's newest one, unless unsure or awaiting histology",
    )
    licence: ShortText = ""
    source: ShortText = "reviewed findings of this server"


@routes.route(
    "POST",
    "/datasets/from-reviews",
    access=RESEARCHERS,
    rate=Rate.WRITE,
    status=202,
    raises=(NameTaken, IdempotencyKeyReused),
)
def send_reviewed(
    service: FromReviewsService,
    *,
    body: NewReviewedDataset,
    subject: Subject,
    idempotency_key: str | None,
) -> DatasetView:
    """Make a data set of the reviewed findings whose owners consent to it (`training`).

    It is checked and published as any other; `reviews` of its report counts what was taken, and
    what was left out and why. Patients and findings have names in it that do not lead back to the
    account, and are the same in each version. A picture is erased from all versions where its owner
    withdraws the consent or deletes the finding.
    """
    new = NewDataset(
        owner=subject.id,
        any_name=subject.role == "admin",
        key=idempotency_key,
        **body.model_dump(),
    )
    return DatasetView.of(service.send(new=new, labels_from=body.labels_from))
