"""The clients of earlier systems as an area."""

from skinapi.base.settings import Settings
from skinapi.integrations.clients import (
    dermascan_diagnosis,
    dermascan_lab,
    explainable,
    photo_forms,
)
from skinapi.integrations.clients.service import CONDITION_NAMES, ClientsService
from skinapi.lab.service import DatasetsService, TrainingService
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.area import Area, Values


def _values(settings: Settings) -> Values:
    return {
        ClientsService: {
            "open_clients": settings.open_clients,
            "largest_photo": settings.max_upload_bytes,
        }
    }


AREA = Area(
    name="clients",
    blueprint="clients",
    summary="the front ends of earlier systems",
    page="docs/clients.md",
    routes=(
        (photo_forms.routes, ClientsService),
        (explainable.routes, ClientsService),
        (dermascan_diagnosis.routes, ClientsService),
        (dermascan_lab.dataset_routes, DatasetsService),
        (dermascan_lab.model_routes, ModelsService),
        (dermascan_lab.training_routes, TrainingService),
    ),
    values=_values,
    condition_names={key: names._asdict() for key, names in CONDITION_NAMES.items()},
)
