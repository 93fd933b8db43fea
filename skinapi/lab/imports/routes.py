"""The route that imports a network of one's own as a model version."""

from pydantic import ConfigDict

from skinapi.errors import BadRequest, IdempotencyKeyReused, NotFound, WrongNetworkLabels
from skinapi.jobs.errors import TooManyJobs
from skinapi.jobs.schemas import JobView
from skinapi.lab.access import RESEARCHERS
from skinapi.lab.imports.service import ImportRequest, ImportsService
from skinapi.web.access import Subject
from skinapi.web.limits.rate_limits import Rate
from skinapi.web.routing.declaration import Routes
from skinapi.web.schemas.schema_types import Body

routes: Routes[ImportsService] = Routes("imported models")


class NewModel(Body, ImportRequest):
    """A `.keras` or `.h5` file that was uploaded, and what it does not say about itself."""

    model_config = ConfigDict(extra="forbid", strict=False, frozen=True)


@routes.route(
    "POST",
    "/models",
    access=RESEARCHERS,
    rate=Rate.WRITE,
    status=202,
    raises=(NotFound, BadRequest, WrongNetworkLabels, TooManyJobs, IdempotencyKeyReused),
)
def import_model(
    imports: ImportsService, *, body: NewModel, subject: Subject, idempotency_key: str | None
) -> JobView:
    """Make a model version of a Keras network, as a job; its result names the version.

    It is a candidate without calibration. Where an admin has chosen a reference data set, it is
    compared on it with the model in service.
    """
    return JobView.of(imports.start(request=body, owner=subject.id, key=idempotency_key))
