"""Builds the services that use the model which is in service."""

from collections.abc import Callable
from dataclasses import dataclass

from skinapi.care.comparisons import ComparisonsService
from skinapi.clients.service import ClientsService
from skinapi.composition.services import Services
from skinapi.console.routes import ASSETS
from skinapi.prediction.service import JudgingAgainService, PredictionService
from skinapi.records.quotas import Quotas
from skinapi.registry.service import RegistryService
from skinapi.reports.narrator import open_narrator
from skinapi.reports.service import ReportsService
from skinapi.settings import Settings


@dataclass(frozen=True)
class ModelServices:
    reports: ReportsService
    prediction: PredictionService
    judging_again: JudgingAgainService
    clients: ClientsService
    comparisons: ComparisonsService


def open_model_services(
    settings: Settings,
    services: Services,
    *,
    registry: RegistryService,
    count_photo: Callable[[str, str | None], None],
    count_rendering: Callable[[str, str | None], None],
) -> ModelServices:
    """`count_photo(caller, role)` counts one photo against the daily limit; it raises
    PredictionQuotaReached if that is reached. `count_rendering` does the same for one report
    that is drawn as a page, or one comparison of photos.
    """
    narrator = open_narrator(services.llm, services.data.narratives)
    reports = ReportsService(
        records=services.records,
        reviews=services.reviews,
        letters=services.data.letters,
        issued=services.data.issued,
        trail=services.data.trail,
        narrator=narrator,
        llm=services.llm is not None,
        clinic=settings.clinic_name,
        address=settings.address,
        count_rendering=count_rendering,
    )
    quotas = Quotas(
        count_kept=services.records.count_kept,
        most_submissions=settings.most_submissions,
        spend=count_photo,
    )
    return ModelServices(
        reports=reports,
        prediction=PredictionService(
            registry=registry,
            records=services.records,
            narrator=narrator,
            llm=settings.predict_narrative == "llm",
            quotas=quotas,
            counts=services.data.photo_counts,
            sample=ASSETS["sample.jpg"].content,
            require_lesion=services.lesions.require_open,
        ),
        judging_again=JudgingAgainService(
            registry=registry,
            records=services.records,
            narrator=narrator,
            llm=settings.predict_narrative == "llm",
        ),
        clients=ClientsService(
            registry=registry,
            reports=reports,
            trail=services.data.trail,
            counts=services.data.photo_counts,
            open_clients=settings.open_clients,
            largest_photo=settings.max_upload_bytes,
            count_photo=count_photo,
        ),
        comparisons=ComparisonsService(
            lesions=services.lesions,
            records=services.records,
            registry=registry,
            count_rendering=count_rendering,
        ),
    )
