"""The route of drift: what the model did each week, and what has changed."""

from skinapi.registry.drift.schemas import DriftQuery, DriftView, DriftWeek
from skinapi.registry.drift.sequential_test import ALPHA
from skinapi.registry.drift.service import DriftService
from skinapi.registry.versions.routes import RESEARCH
from skinapi.web.limits.rate_limits import Rate
from skinapi.web.routing.declaration import Routes

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
