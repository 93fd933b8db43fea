"""Builds the services that use the model which is in service."""

from dataclasses import dataclass
from functools import partial

from skinapi.care.comparisons import ComparisonsService
from skinapi.clients.service import ClientsService
from skinapi.composition.services import Services
from skinapi.console.routes import ASSETS
from skinapi.prediction.service import JudgingAgainService, PredictionService
from skinapi.records.quotas import Quotas
from skinapi.registry.service import RegistryService
from skinapi.reports.narrator import Narrator
from skinapi.reports.service import ReportsService
from skinapi.settings import Settings
from skinapi.web.rate_limits import Limits, Rate


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
    limits: Limits,
) -> ModelServices:
    # It counts one photo against the daily limit, and raises PredictionQuotaReached.
    count_photo = partial(limits.spend, Rate.PREDICTIONS)
    narrator = Narrator(services.llm, services.data.narratives)
    reports = ReportsService(
        records=services.records,
        reviews=services.reviews,
        letters=services.data.letters,
        issued=services.data.issued,
        work=services.data.work,
        narrator=narrator,
        limits=limits,
        usage=services.data.usage,
        clinic=settings.clinic_name,
        address=settings.address,
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
            count_rendering=partial(limits.spend, Rate.RENDERINGS),
        ),
    )
