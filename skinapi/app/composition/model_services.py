"""Builds the services that use the model which is in service."""

from dataclasses import dataclass

from skinapi.accounts.admin.overview import OverviewService
from skinapi.app.composition.services import Services
from skinapi.app.composition.standard_services import StandardServices, open_standard_services
from skinapi.base.allowances import Allowances
from skinapi.base.settings import Settings
from skinapi.care.comparisons import ComparisonsService
from skinapi.console.routes import ASSETS
from skinapi.findings.prediction.kept_photos import KeptPhotosService
from skinapi.findings.prediction.service import (
    PredictionService,
    Quotas,
    SamplePicture,
)
from skinapi.findings.reports.narrator import Narrator
from skinapi.findings.reports.service import ReportsService
from skinapi.integrations.clients.service import ClientsService
from skinapi.model.registry.service import InferenceService


@dataclass(frozen=True)
class ModelServices:
    reports: ReportsService
    prediction: PredictionService
    kept_photos: KeptPhotosService
    clients: ClientsService
    comparisons: ComparisonsService
    overview: OverviewService
    standards: StandardServices


def open_reports(settings: Settings, services: Services, allowances: Allowances) -> ReportsService:
    """It needs no model."""
    return ReportsService(
        records=services.records,
        letters=services.data.letters,
        issued=services.data.issued,
        work=services.data.work,
        narrator=Narrator(services.llm, services.data.narratives),
        allowances=allowances,
        usage=services.data.usage,
        clinic=settings.clinic_name,
        address=settings.address,
    )


def open_model_services(
    settings: Settings,
    services: Services,
    *,
    registry: InferenceService,
    allowances: Allowances,
) -> ModelServices:
    reports = open_reports(settings, services, allowances)
    narrator = reports.narrator
    quotas = Quotas(most_submissions=settings.most_submissions, allowances=allowances)
    prediction = PredictionService(
        registry=registry,
        records=services.records,
        narrator=narrator,
        llm=settings.predict_narrative == "llm",
        quotas=quotas,
        counts=services.data.photo_counts,
        sample=SamplePicture(content=ASSETS["sample.jpg"].content, registry=registry),
        lesions=services.lesions,
    )
    return ModelServices(
        reports=reports,
        prediction=prediction,
        kept_photos=KeptPhotosService(prediction=prediction, corrections=services.corrections),
        clients=ClientsService(
            registry=registry,
            reports=reports,
            trail=services.data.trail,
            counts=services.data.photo_counts,
            open_clients=settings.open_clients,
            largest_photo=settings.max_upload_bytes,
            allowances=allowances,
        ),
        overview=OverviewService(
            outbox=services.data.outbox,
            jobs=services.jobs.queue,
            drift=services.drift,
            served=registry.served,
            folder=settings.instance_dir,
            store=services.store,
            accounts=services.data.accounts,
            count_overdue=services.data.submissions.count_overdue,
            count_left_messages=services.data.messages.count_left,
            failed=services.data.failed_items,
            clock=services.data.clock,
            count_unassigned=services.records.unassigned.count,
            has_readers=services.records.unassigned.has_readers,
        ),
        comparisons=ComparisonsService(
            lesions=services.lesions,
            records=services.records,
            registry=registry,
            allowances=allowances,
        ),
        standards=open_standard_services(
            settings, services, prediction=prediction, reports=reports
        ),
    )
