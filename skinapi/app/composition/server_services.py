from typing import Any

from skinapi.accounts.admin.operation_gauges import OperationGauges
from skinapi.accounts.admin.overview import OverviewService
from skinapi.app.areas import list_channels
from skinapi.app.composition.services import Services
from skinapi.base.settings.settings import Settings
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
from skinapi.model.registry.composition import open_operating_point
from skinapi.model.registry.inference import InferenceService
from skinapi.model.registry.service import OperatingPointService
from skinapi.privacy.moving_accounts import AccountMovingService
from skinapi.privacy.person_file.service import PersonFilesService
from skinapi.privacy.readers import ReadersService


class ServerServices(Services):
    inference: InferenceService
    operating_point: OperatingPointService
    reports: ReportsService
    prediction: PredictionService
    kept_photos: KeptPhotosService
    overview: OverviewService
    gauges: OperationGauges
    comparisons: ComparisonsService
    person_files: PersonFilesService
    readers: ReadersService
    moving: AccountMovingService


def _values(settings: Settings) -> dict[Any, dict[str, Any]]:
    folder = settings.instance_dir
    return {
        PredictionService: {"llm": settings.predict_narrative == "llm"},
        Quotas: {"most_findings": settings.most_submissions},
        SamplePicture: {"content": ASSETS["sample.jpg"].content},
        OverviewService: {"folder": folder, "leaves": settings.list_outlets()},
        OperationGauges: {"folder": folder, "kinds": list_channels(settings)},
    }


def open_server_services(
    services: Services,
    inference: InferenceService,
    allowances: Allowances,
) -> ServerServices:
    container = services.container
    container.put({InferenceService: inference, Allowances: allowances})
    container.learn(
        (open_operating_point,),
        _values(services.settings),
        {OpenLesions: LesionsService},
    )
    return container.get(ServerServices)
