"""Builds the services that use the model which is in service."""

from dataclasses import dataclass

from skinapi.admin.overview import OverviewService
from skinapi.care.comparisons import ComparisonsService
from skinapi.clients.service import ClientsService
from skinapi.composition.services import Services
from skinapi.console.routes import ASSETS
from skinapi.domain.allowances import Allowances
from skinapi.prediction.service import JudgingAgainService, PredictionService, SamplePicture
from skinapi.records.changes import ChangedFindings
from skinapi.records.photos import Shapes
from skinapi.records.quotas import Quotas
from skinapi.registry.service import InferenceService
from skinapi.reports.narrator import Narrator
from skinapi.reports.service import ReportsService
from skinapi.settings import Settings
from skinapi.standards.dicom.archive import ArchiveService
from skinapi.standards.dicom.archive_client import ArchiveClient, authorization_of
from skinapi.standards.dicom.studies import StudiesService
from skinapi.standards.fhir.intake import FhirIntakeService
from skinapi.standards.fhir.service import FhirService


@dataclass(frozen=True)
class ModelServices:
    reports: ReportsService
    prediction: PredictionService
    judging_again: JudgingAgainService
    clients: ClientsService
    comparisons: ComparisonsService
    overview: OverviewService
    studies: StudiesService
    fhir: FhirService
    archive: ArchiveService
    fhir_intake: FhirIntakeService


def open_model_services(
    settings: Settings,
    services: Services,
    *,
    registry: InferenceService,
    allowances: Allowances,
) -> ModelServices:
    narrator = Narrator(services.llm, services.data.narratives)
    reports = ReportsService(
        records=services.records,
        reviews=services.reviews,
        letters=services.data.letters,
        issued=services.data.issued,
        work=services.data.work,
        narrator=narrator,
        allowances=allowances,
        usage=services.data.usage,
        clinic=settings.clinic_name,
        address=settings.address,
    )
    quotas = Quotas(
        queue=services.records.queue,
        most_submissions=settings.most_submissions,
        allowances=allowances,
    )
    shapes = Shapes(submissions=services.data.submissions, photos=services.records.photos)
    studies = StudiesService(
        records=services.records,
        submissions=services.data.submissions,
        reviews=services.reviews,
        reports=reports,
        shapes=shapes,
        clinic=settings.clinic_name,
    )
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
    fhir = FhirService(
        changes=ChangedFindings(records=services.records),
        records=services.records,
        shapes=shapes,
        reports=reports,
        lesions=services.lesions,
        models=services.models,
        accounts=services.data.accounts,
        patients=services.integrations.patients,
        trail=services.data.trail,
        base=f"{settings.address}/fhir",
    )
    return ModelServices(
        reports=reports,
        prediction=prediction,
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
            allowances=allowances,
        ),
        overview=OverviewService(
            decisions=services.decisions,
            outbox=services.data.outbox,
            jobs=services.jobs.queue,
            drift=services.drift,
            served=registry.served,
            folder=settings.instance_dir,
            store=services.store,
            accounts=services.data.accounts,
            findings=services.data.submissions,
            messages=services.data.messages,
        ),
        studies=studies,
        archive=_open_archive(settings, services, studies),
        comparisons=ComparisonsService(
            lesions=services.lesions,
            records=services.records,
            registry=registry,
            allowances=allowances,
        ),
        fhir=fhir,
        fhir_intake=FhirIntakeService(
            fhir=fhir,
            prediction=prediction,
            patients=services.integrations.patients,
            largest_photo=settings.max_upload_bytes,
        ),
    )


def _open_archive(
    settings: Settings, services: Services, studies: StudiesService
) -> ArchiveService:
    client = None
    if settings.archive_url:
        authorization = authorization_of(
            settings.secret("archive_token"),
            settings.archive_user,
            settings.secret("archive_password"),
        )
        client = ArchiveClient(
            settings.archive_url,
            authorization=authorization,
            authorities=settings.trusted_authorities,
        )
    return ArchiveService(
        work=services.data.work,
        deliveries=services.data.deliveries,
        studies=studies,
        client=client,
        address=settings.archive_url,
        sends_after=settings.archive_after,
    )
