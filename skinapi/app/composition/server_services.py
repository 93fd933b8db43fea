"""Says which services a server has besides: those that use the model in service, those of FHIR and
DICOM, and those of a person's rights.
"""

from collections.abc import Mapping
from typing import Any

from skinapi.accounts.admin.operation_gauges import OperationGauges
from skinapi.accounts.admin.overview import OverviewService
from skinapi.app.composition.container import Parts
from skinapi.app.composition.services import Services
from skinapi.base.settings import Settings
from skinapi.base.subject import Allowances
from skinapi.care.comparisons import ComparisonsService
from skinapi.care.lesions import LesionsService
from skinapi.console.routes import ASSETS
from skinapi.findings.prediction.kept_photos import KeptPhotosService
from skinapi.findings.prediction.service import (
    OpenLesions,
    PredictionService,
    Quotas,
    SamplePicture,
)
from skinapi.findings.reports.service import ReportsService
from skinapi.integrations.clients.service import ClientsService
from skinapi.integrations.dicom.archive import (
    ARCHIVE,
    ArchiveClient,
    ArchiveService,
    authorization_of,
)
from skinapi.integrations.dicom.receiving import IntakeService
from skinapi.integrations.dicom.studies import StudiesService
from skinapi.integrations.fhir.order_intake import FhirIntakeService
from skinapi.integrations.fhir.service import FhirService
from skinapi.integrations.webhooks.endpoints import KIND as WEBHOOK
from skinapi.model.registry.composition import open_operating_point
from skinapi.model.registry.inference import InferenceService
from skinapi.model.registry.service import OperatingPointService
from skinapi.privacy.break_glass import BreakGlassService
from skinapi.privacy.joining import JoiningService
from skinapi.privacy.person_file.service import PersonFilesService
from skinapi.privacy.readers import ReadersService
from skinapi.privacy.retention.kinds import (
    Kind,
    RetainedAccounts,
    RetainedFindings,
    RetainedMessages,
    RetainedPhotos,
    RetentionKind,
)
from skinapi.privacy.retention.service import RetentionService


class ServerServices(Parts):
    """Each service is built when it is first asked for."""

    inference: InferenceService
    operating_point: OperatingPointService
    reports: ReportsService
    prediction: PredictionService
    kept_photos: KeptPhotosService
    clients: ClientsService
    overview: OverviewService
    gauges: OperationGauges
    comparisons: ComparisonsService
    fhir: FhirService
    fhir_intake: FhirIntakeService
    dicom_intake: IntakeService
    archive: ArchiveService
    person_files: PersonFilesService
    break_glass: BreakGlassService
    readers: ReadersService
    joining: JoiningService
    retention: RetentionService


def _values(settings: Settings, *, workers_here: bool) -> dict[Any, dict[str, Any]]:
    """What no type tells apart of what each class is given."""
    folder = settings.instance_dir
    largest_photo = settings.max_upload_bytes
    return {
        PredictionService: {"llm": settings.predict_narrative == "llm"},
        Quotas: {"most_submissions": settings.most_submissions},
        SamplePicture: {"content": ASSETS["sample.jpg"].content},
        ClientsService: {"open_clients": settings.open_clients, "largest_photo": largest_photo},
        OverviewService: {"folder": folder, "leaves": settings.list_outlets()},
        OperationGauges: {"folder": folder, "kinds": (WEBHOOK, ARCHIVE)},
        FhirIntakeService: {"largest_photo": largest_photo},
        IntakeService: {"largest_photo": largest_photo, "folder": folder},
        StudiesService: {"clinic": settings.clinic_name},
        ArchiveService: {"address": settings.archive_url, "sends_after": settings.archive_after},
        PersonFilesService: {"workers_here": workers_here},
        BreakGlassService: {"most": settings.break_glass},
        RetentionService: {
            "days": {kind: getattr(settings, f"retain_{kind}_days") for kind in Kind},
            "fixed": {
                "waiting_accounts": settings.waiting_account_days,
                "sessions": settings.session_days,
                "keys": 30,
                "known_addresses": 90,
                "jobs": 90,
                "llm_choices": 90,
                "deliveries": 7,
            },
        },
    }


def _open_archive_client(settings: Settings) -> ArchiveClient | None:
    if not settings.archive_url:
        return None
    authorization = authorization_of(
        settings.secret("archive_token"),
        settings.archive_user,
        settings.secret("archive_password"),
    )
    return ArchiveClient(
        settings.archive_url,
        authorization=authorization,
        authorities=settings.trusted_authorities,
    )


def _list_retained(
    photos: RetainedPhotos,
    findings: RetainedFindings,
    messages: RetainedMessages,
    accounts: RetainedAccounts,
) -> Mapping[Kind, RetentionKind]:
    return {
        Kind.PHOTOS: photos,
        Kind.FINDINGS: findings,
        Kind.MESSAGES: messages,
        Kind.ACCOUNTS: accounts,
    }


def open_server_services(
    services: Services,
    inference: InferenceService,
    allowances: Allowances,
    *,
    workers_here: bool = False,
) -> ServerServices:
    """`workers_here`: this server keeps the job workers."""
    container = services.container
    container.put({InferenceService: inference, Allowances: allowances})
    container.learn(
        (open_operating_point, _open_archive_client, _list_retained),
        _values(services.settings, workers_here=workers_here),
        {OpenLesions: LesionsService},
    )
    return container.get(ServerServices)
