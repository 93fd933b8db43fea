from dataclasses import asdict
from typing import Any

from skinapi.base.errors import (
    ChangedMeanwhile,
    Conflict,
    InvalidBody,
    NoModel,
    NoOperatingPoints,
    NotFound,
)
from skinapi.base.pages import Page
from skinapi.base.subject import Caller
from skinapi.model.conditions import conditions_table
from skinapi.model.registry.inference import InferenceService
from skinapi.model.registry.schemas import (
    ConditionsView,
    NewOperatingPoint,
    OperatingPointView,
)
from skinapi.model.registry.service import OperatingPointService
from skinapi.model.registry.serving_pointer import GatesNotPassed
from skinapi.model.registry.version_schemas import (
    ModelsQuery,
    ModelSummaryView,
    ModelView,
    NewReason,
    Promotion,
    ServingModelView,
    shown_state,
)
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.web.declaration import Authenticated, Public, Routes, admins
from skinapi.platform.web.schemas import Message

RESEARCH = Authenticated(roles=("researcher", "admin"), scopes=("lab",))
PROMOTERS = admins("Only admin can put models into service")
KEEPERS = admins("Only admin can delete models")

models_routes: Routes[ModelsService] = Routes(access=RESEARCH)


@models_routes.route("GET", "/models")
def list_models(models: ModelsService, *, query: ModelsQuery) -> Page[ModelSummaryView]:
    """The model versions, oldest first; the built-in model is among them."""
    pointer, problem = models.pointer.read(), models.problem
    serving = models.name_of(pointer.version)
    card = models.built_in_card
    page = models.versions.page_versions(query.paging)
    return page.map(
        lambda version: ModelSummaryView.from_version(
            version,
            state=shown_state(version, serving=version.version == serving),
            built_in=card is not None and card.version == version.version,
            fault=problem if version.version == serving else None,
        )
    )


@models_routes.route("GET", "/models/<version>", raises=(NotFound,))
def show_model(models: ModelsService, *, version: str) -> ModelView:
    """A version with its card, its figures, the gates and its history."""
    return ModelView.in_full(models.inspect(version=version), fault=models.problem)


@models_routes.route(
    "POST",
    "/models/<version>/promote",
    access=PROMOTERS,
    raises=(NotFound, GatesNotPassed, ChangedMeanwhile, Conflict, InvalidBody),
)
def promote_model(
    models: ModelsService, *, version: str, body: Promotion, subject: Caller
) -> ServingModelView:
    """Put a version into service, if it passes the gates or an admin overrides them."""
    models.promote(version=version, by=subject.id, reason=body.reason, override=body.override)
    return _in_service(models)


@models_routes.route(
    "POST", "/models/rollback", access=PROMOTERS, raises=(Conflict, ChangedMeanwhile)
)
def roll_back_model(models: ModelsService, *, body: NewReason, subject: Caller) -> ServingModelView:
    """Put the version before into service again."""
    models.roll_back(by=subject.id, reason=body.reason)
    return _in_service(models)


@models_routes.route(
    "DELETE", "/models/<version>", access=KEEPERS, raises=(NotFound, Conflict, ChangedMeanwhile)
)
def delete_model(models: ModelsService, *, version: str, subject: Caller) -> Message:
    """Delete a version that is not in service; the card of one that was stays."""
    models.delete(version=version, by=subject.id)
    return Message(message=f"Model {version} deleted")


def _in_service(models: ModelsService) -> ServingModelView:
    """Read the serving pointer again: another request may have changed it."""
    serving = models.pointer.read()
    version, previous = (
        models.name_of(each)
        for each in (serving.version, serving.moves[-1].previous if serving.moves else None)
    )
    return ServingModelView(
        message=f"{version} is in service; every server follows within seconds",
        version=version,
        previous=previous,
    )


routes: Routes[InferenceService] = Routes()


@routes.route("GET", "/model-card", access=Public(), raises=(NoModel,))
def show_model_card(registry: InferenceService) -> dict[str, Any]:
    """The model card: origin, figures and limits of the model in service."""
    card = registry.served.model.card
    taken_back = [asdict(item) for item in registry.list_taken_back(card.version)]
    told = {"taken_back": taken_back} if taken_back else {}
    return {**card.model_dump(mode="json"), **told}


@routes.route("GET", "/conditions", access=Public())
def show_conditions(registry: InferenceService) -> ConditionsView:
    """Every medical sentence that answers and reports may hold, in all languages, with sources."""
    return ConditionsView.from_table(conditions_table(), registry.client_names)


STAFF = Authenticated(roles=("doctor", "researcher", "admin"))
CHOOSERS = admins("Only admin can choose the operating point")

operating_point_routes: Routes[OperatingPointService] = Routes()


@operating_point_routes.route("GET", "/models/operating-point", access=STAFF, raises=(NoModel,))
def show_operating_point(service: OperatingPointService) -> OperatingPointView:
    """The operating point in use, and what each one costs, counted on the model's test part."""
    return OperatingPointView.from_choice(service.get_point(), service.served.model)


@operating_point_routes.route(
    "PUT",
    "/models/operating-point",
    access=CHOOSERS,
    raises=(NoModel, NoOperatingPoints, ChangedMeanwhile),
)
def choose_operating_point(
    service: OperatingPointService, *, body: NewOperatingPoint, subject: Caller
) -> OperatingPointView:
    """Choose the operating point for findings from now on; every server follows within seconds."""
    service.choose_point(point=body.operating_point, by=subject.id)
    return OperatingPointView.from_choice(service.get_point(), service.served.model)
