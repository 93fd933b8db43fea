"""Builds the services of FHIR and DICOM."""

from dataclasses import dataclass

from skinapi.app.composition.services import Services
from skinapi.base.settings import Settings
from skinapi.findings.prediction.service import PredictionService
from skinapi.findings.records.changes import ChangedFindings
from skinapi.findings.reports.service import ReportsService
from skinapi.integrations.dicom.archive import ArchiveClient, ArchiveService, authorization_of
from skinapi.integrations.dicom.receiving import IntakeService
from skinapi.integrations.dicom.studies import StudiesService
from skinapi.integrations.fhir.intake import FhirIntakeService
from skinapi.integrations.fhir.service import FhirService


@dataclass(frozen=True, slots=True)
class StandardServices:
    fhir: FhirService
    fhir_intake: FhirIntakeService
    dicom_intake: IntakeService
    studies: StudiesService
    archive: ArchiveService


def open_standard_services(
    settings: Settings,
    services: Services,
    *,
    prediction: PredictionService,
    reports: ReportsService,
) -> StandardServices:
    studies = StudiesService(
        records=services.records,
        findings=ChangedFindings(records=services.records),
        reports=reports,
        clinic=settings.clinic_name,
    )
    fhir = open_fhir(settings, services, reports)
    return StandardServices(
        fhir=fhir,
        fhir_intake=FhirIntakeService(
            fhir=fhir,
            prediction=prediction,
            corrections=services.corrections,
            patients=services.integrations.patients,
            largest_photo=settings.max_upload_bytes,
        ),
        dicom_intake=IntakeService(
            prediction=prediction,
            corrections=services.corrections,
            patients=services.integrations.patients,
            largest_photo=settings.max_upload_bytes,
            address=settings.address,
            folder=settings.instance_dir,
        ),
        studies=studies,
        archive=_open_archive(settings, services, studies),
    )


def open_fhir(settings: Settings, services: Services, reports: ReportsService) -> FhirService:
    return FhirService(
        changes=ChangedFindings(records=services.records),
        records=services.records,
        reports=reports,
        lesions=services.lesions,
        accounts=services.data.accounts,
        patients=services.integrations.patients,
        base=f"{settings.address}/fhir",
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
