"""The public routes that describe the model in service and the table of conditions."""

from typing import Any

from flask import Response

from skinapi.errors import NoModel
from skinapi.registry.schemas import ConditionsView
from skinapi.registry.service import RegistryService
from skinapi.registry.versions.card_page import answer_card
from skinapi.vision.conditions import conditions_table
from skinapi.web.access import Public
from skinapi.web.limits.rate_limits import Rate
from skinapi.web.routing.declaration import Routes

routes: Routes[RegistryService] = Routes("model")


@routes.route(
    "GET",
    "/model-card",
    access=Public(),
    rate=Rate.READ,
    raises=(NoModel,),
    or_produces=("text/html",),
)
def show_model_card(registry: RegistryService) -> dict[str, Any] | Response:
    """The model card: origin, figures and limits of the model in service.

    It tells how good the model is and what it must not be used for. A browser gets a page.
    """
    return answer_card(registry.served.model.card)


@routes.route("GET", "/conditions", access=Public(), rate=Rate.READ)
def show_conditions(_: RegistryService) -> ConditionsView:
    """Every medical sentence that answers and reports may hold, in all languages, with sources."""
    return ConditionsView.of(conditions_table())
