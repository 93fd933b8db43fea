"""The public routes that describe the model in service and the table of conditions."""

from typing import Any

from flask import Response

from skinapi.domain.subject import Subject
from skinapi.errors import NoModel, NoOperatingPoints
from skinapi.registry.card_page import answer_card
from skinapi.registry.drift import DriftService
from skinapi.registry.drift_counts import ALPHA
from skinapi.registry.operating_point import OperatingPointService
from skinapi.registry.schemas import (
    ConditionsView,
    DriftQuery,
    DriftView,
    DriftWeek,
    NewOperatingPoint,
    OperatingPointView,
)
from skinapi.registry.service import InferenceService
from skinapi.registry.serving_pointer import ModelChanged
from skinapi.registry.version_routes import RESEARCH
from skinapi.vision.conditions import conditions_table
from skinapi.web.access import Public, Signed, admins
from skinapi.web.declaration import Routes
from skinapi.web.rate_limits import Rate

routes: Routes[InferenceService] = Routes("model")


@routes.route(
    "GET",
    "/model-card",
    access=Public(),
    rate=Rate.READ,
    raises=(NoModel,),
    or_produces=("text/html",),
)
def show_model_card(registry: InferenceService) -> dict[str, Any] | Response:
    """The model card: origin, figures and limits of the model in service.

    It tells how good the model is and what it must not be used for. A browser gets a page.
    """
    return answer_card(registry.served.model.card)


@routes.route("GET", "/conditions", access=Public(), rate=Rate.READ)
def show_conditions(registry: InferenceService) -> ConditionsView:
    """Every medical sentence that answers and reports may hold, in all languages, with sources."""
    return ConditionsView.of(conditions_table(), registry.client_names)


# The route of drift: what the model did each week, and what has changed.


drift_routes: Routes[DriftService] = Routes("drift")


@drift_routes.route("GET", "/drift", access=RESEARCH, rate=Rate.READ)
def show_drift(drift: DriftService, *, query: DriftQuery) -> DriftView:
    """What the model did in each ISO week (UTC), and what has changed since it came into service.

    An alert says that a share is no longer what it was, not why: it can be the patients, a camera,
    or the reviewers.
    """
    weeks = drift.read_weeks(weeks=query.weeks)
    tests = drift.run_tests()
    return DriftView(
        weeks=[DriftWeek.of_week(week, rows) for week, rows in weeks],
        alerts=[alert for _, alert in tests if alert],
        tests=[test for test, _ in tests],
        alpha=ALPHA,
    )


# The routes of the operating point.


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
