"""The routes of outcomes."""

from skinapi.errors import NotFound
from skinapi.records.outcomes.schemas import DoctorsOutcomesQuery, OutcomesQuery, OutcomesView
from skinapi.records.outcomes.service import OutcomesService
from skinapi.web.access import Signed, Subject, admins
from skinapi.web.limits.rate_limits import Rate
from skinapi.web.routing.declaration import Routes

routes: Routes[OutcomesService] = Routes("outcomes")


@routes.route(
    "GET",
    "/outcomes",
    access=Signed(roles=("doctor",), refusal="Only doctors have outcomes"),
    rate=Rate.READ,
)
def show_outcomes(
    outcomes: OutcomesService, *, query: OutcomesQuery, subject: Subject
) -> OutcomesView:
    """What the caller and the model had said, against the laboratory's results.

    Only findings with a result count, and mostly suspicious lesions get one: so these figures are
    not those of all lesions. Of a doctor, the last opinion before the first result counts.
    """
    return OutcomesView.over(
        outcomes.of_models(months=query.months),
        outcomes.of_doctor(subject.id, months=query.months),
    )


@routes.route(
    "GET",
    "/admin/outcomes",
    access=admins("Only admin can view the outcomes of a doctor"),
    rate=Rate.READ,
    raises=(NotFound,),
)
def show_outcomes_of(outcomes: OutcomesService, *, query: DoctorsOutcomesQuery) -> OutcomesView:
    """The same of a doctor, for an admin. Without one, that of the models alone."""
    return OutcomesView.over(
        outcomes.of_models(months=query.months),
        outcomes.of_doctor_named(query.doctor, months=query.months),
    )
