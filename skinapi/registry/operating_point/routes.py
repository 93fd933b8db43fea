"""The routes of the operating point."""

from skinapi.errors import NoModel, NoOperatingPoints
from skinapi.registry.operating_point.schemas import NewOperatingPoint, OperatingPointView
from skinapi.registry.operating_point.service import OperatingPointService
from skinapi.registry.versions.errors import ModelChanged
from skinapi.web.access import Signed, Subject, admins
from skinapi.web.limits.rate_limits import Rate
from skinapi.web.routing.declaration import Routes

STAFF = Signed(roles=("doctor", "researcher", "admin"))
CHOOSERS = admins("Only admin can choose the operating point")

operating_point_routes: Routes[OperatingPointService] = Routes("operating_point")


@operating_point_routes.route(
    "GET", "/models/operating-point", access=STAFF, rate=Rate.READ, raises=(NoModel,)
)
def show_operating_point(service: OperatingPointService) -> OperatingPointView:
    """The operating point in use, and what each one costs, counted on the model's test part."""
    return OperatingPointView.of(service.get_point())


@operating_point_routes.route(
    "PUT",
    "/models/operating-point",
    access=CHOOSERS,
    rate=Rate.WRITE,
    raises=(NoModel, NoOperatingPoints, ModelChanged),
)
def choose_operating_point(
    service: OperatingPointService, *, body: NewOperatingPoint, subject: Subject
) -> OperatingPointView:
    """Choose the operating point; every server follows within seconds. Findings that were made
    before keep theirs.
    """
    service.choose_point(point=body.operating_point, by=subject.id)
    return OperatingPointView.of(service.get_point())
