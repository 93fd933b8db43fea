from skinapi.accounts.auth.authorizer import OpenClients
from skinapi.base.settings.settings import Settings
from skinapi.integrations.clients import dermascan_diagnosis, explainable, photo_forms
from skinapi.integrations.clients.service import ClientsService
from skinapi.integrations.clients.settings import OpenClientSettings
from skinapi.model.conditions import conditions_table
from skinapi.platform.area import Area, Values

# The clients' names of conditions, for `GET /conditions`.
NAMES = {
    "skinartify": photo_forms.SKINARTIFYS,
    "explainable": explainable.NAMES,
    "guide": photo_forms.GUIDES,
    "lab_class_id": dermascan_diagnosis.CLASS_IDS,
    "lab_class_name": dermascan_diagnosis.CLASS_NAMES,
}


def _values(settings: Settings) -> Values:
    return {ClientsService: {"largest_photo": settings.max_upload_bytes}}


def _open_clients(settings: OpenClientSettings) -> OpenClients:
    return OpenClients(settings.open_clients)


AREA = Area(
    name="clients",
    blueprint="clients",
    summary="the front ends of earlier systems",
    page="docs/clients.md",
    routes=(
        *photo_forms.ROUTES,
        *explainable.ROUTES,
        *dermascan_diagnosis.ROUTES,
    ),
    values=_values,
    factories=(_open_clients,),
    condition_names={
        key: {client: names.get(key) for client, names in NAMES.items()}
        for key in conditions_table().keys
    },
)
