"""Builds the services that use the model which is in service, and those of FHIR and DICOM."""

from dataclasses import dataclass
from functools import cached_property

from skinapi.accounts.admin.overview import OverviewService
from skinapi.app.composition.services import Services
from skinapi.base.settings import Settings
from skinapi.base.subject import Allowances
from skinapi.care.comparisons import ComparisonsService
from skinapi.console.routes import ASSETS
from skinapi.findings.prediction.kept_photos import KeptPhotosService
from skinapi.findings.prediction.service import (
    PredictionService,
    Quotas,
    SamplePicture,
)
from skinapi.findings.records.changes import ChangedFindings
from skinapi.findings.reports.service import ReportsService
from skinapi.integrations.clients.service import ClientsService
from skinapi.integrations.dicom.archive import ArchiveClient, ArchiveService, authorization_of
from skinapi.integrations.dicom.receiving import IntakeService
from skinapi.integrations.dicom.studies import StudiesService
from skinapi.integrations.fhir.order_intake import FhirIntakeService
from skinapi.integrations.fhir.service import FhirService
from skinapi.model.registry.service import InferenceService


@dataclass(frozen=True)
class ModelServices:
    """Each service is built when it is first asked for."""

    settings: Settings
    services: Services
    registry: InferenceService
    allowances: Allowances

    @cached_property
    def reports(self) -> ReportsService:
        return open_reports(self.settings, self.services, self.allowances)

    @cached_property
    def prediction(self) -> PredictionService:
        most = self.settings.most_submissions
        return PredictionService(
            registry=self.registry,
            records=self.services.records,
            narrator=self.reports.narrator,
            llm=self.settings.predict_narrative == "llm",
            quotas=Quotas(most_submissions=most, allowances=self.allowances),
            counts=self.services.data.usage,
            sample=SamplePicture(content=ASSETS["sample.jpg"].content, registry=self.registry),
            lesions=self.services.lesions,
        )

    @cached_property
    def kept_photos(self) -> KeptPhotosService:
        corrections = self.services.corrections
        return KeptPhotosService(prediction=self.prediction, corrections=corrections)

    @cached_property
    def clients(self) -> ClientsService:
        return ClientsService(
            registry=self.registry,
            reports=self.reports,
            trail=self.services.data.trail,
            counts=self.services.data.usage,
            open_clients=self.settings.open_clients,
            largest_photo=self.settings.max_upload_bytes,
            allowances=self.allowances,
        )

    @cached_property
    def overview(self) -> OverviewService:
        services, data = self.services, self.services.data
        return OverviewService(
            outbox=data.outbox,
            jobs=services.jobs.queue,
            served=self.registry.served,
            folder=self.settings.instance_dir,
            leaves=self.settings.list_outlets(),
            store=services.store,
            accounts=data.accounts,
            count_overdue=data.submissions.count_overdue,
            count_late_results=data.submissions.count_late_results,
            count_left_messages=data.messages.count_left,
            failed=data.failed_items,
            clock=data.clock,
            count_unassigned=services.unassigned.count,
            count_of_staff=services.unassigned.count_of_staff,
            has_readers=services.unassigned.has_readers,
        )

    @cached_property
    def comparisons(self) -> ComparisonsService:
        return ComparisonsService(
            lesions=self.services.lesions,
            records=self.services.records,
            registry=self.registry,
            allowances=self.allowances,
        )

    @cached_property
    def fhir(self) -> FhirService:
        return open_fhir(self.settings, self.services, self.reports)

    @cached_property
    def fhir_intake(self) -> FhirIntakeService:
        return FhirIntakeService(
            fhir=self.fhir,
            prediction=self.prediction,
            corrections=self.services.corrections,
            patients=self.services.patients,
            largest_photo=self.settings.max_upload_bytes,
        )

    @cached_property
    def dicom_intake(self) -> IntakeService:
        return IntakeService(
            prediction=self.prediction,
            corrections=self.services.corrections,
            patients=self.services.patients,
            largest_photo=self.settings.max_upload_bytes,
            address=self.settings.address,
            folder=self.settings.instance_dir,
        )

    @cached_property
    def studies(self) -> StudiesService:
        return StudiesService(
            records=self.services.records,
            findings=ChangedFindings(records=self.services.records),
            reports=self.reports,
            clinic=self.settings.clinic_name,
        )

    @cached_property
    def archive(self) -> ArchiveService:
        settings, data = self.settings, self.services.data
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
            work=data.work,
            deliveries=data.deliveries,
            studies=self.studies,
            client=client,
            address=settings.archive_url,
            sends_after=settings.archive_after,
        )


def open_reports(settings: Settings, services: Services, allowances: Allowances) -> ReportsService:
    """It needs no model."""
    return ReportsService(
        records=services.records,
        letters=services.data.letters,
        issued=services.data.issued,
        work=services.data.work,
        narrator=services.narrator,
        allowances=allowances,
        usage=services.data.usage,
        clinic=settings.clinic_name,
        address=settings.address,
    )


def open_fhir(settings: Settings, services: Services, reports: ReportsService) -> FhirService:
    return FhirService(
        changes=ChangedFindings(records=services.records),
        records=services.records,
        reports=reports,
        lesions=services.lesions,
        accounts=services.data.accounts,
        patients=services.patients,
        base=f"{settings.address}/fhir",
    )
